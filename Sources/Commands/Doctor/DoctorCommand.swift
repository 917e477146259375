import JSONText
import SchedulerCore

/// `weir doctor`: looks at everything that Weir needs, and says how to mend what is wrong. It changes nothing.
enum DoctorCommand {
    static let spec = CommandSpec(
        name: "doctor", summary: "check this machine, the settings and the state, and say how to mend them",
        options: [CommandSpec.json],
        examples: [("weir doctor", "exit 0 when nothing is FAIL, 1 otherwise; with a daemon and without one")]
    ) { arguments, surroundings in
        // With broken settings, too: that is one of the findings.
        let session = try Session(arguments, surroundings, settings: .none)
        var findings: [Finding] = []
        let settings: Settings
        do throws(CommandFailure) {
            settings = try Settings(session.home, surroundings.environment, arguments)
        } catch {
            settings = Settings(defaultsOf: session.home)
            findings.append(
                .fail(
                    "config", error.message,
                    "mend it; until then a daemon that runs keeps its settings, and none starts"))
        }
        let patient = Patient(session: session, settings: settings)
        findings += SettingChecks.all(patient, settingsAreGood: findings.isEmpty)
        findings += MachineChecks.all(patient)
        findings += StateChecks.all(patient)
        findings += WorkChecks.all(patient)
        report(findings, arguments, session.terminal)
        return findings.contains { $0.status == .fail } ? .failed : .done
    }

    private static func report(_ findings: [Finding], _ arguments: Arguments, _ terminal: Terminal) {
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for finding in findings {
                    writer.object {
                        $0.member("check", finding.check)
                        $0.member("status", finding.status.rawValue)
                        $0.member("message", finding.message)
                        $0.member("remedy", finding.remedy)
                    }
                }
            }
            return terminal.print(writer.text)
        }
        let width = findings.map(\.check.count).max() ?? 0
        for finding in findings {
            let word = finding.status.rawValue.padded(to: 4)
            let remedy = finding.remedy.map { "; \($0)" } ?? ""
            terminal.print(
                "\(terminal.coloured(word, finding.status.colour))  \(finding.check.padded(to: width))  "
                    + finding.message + remedy)
        }
    }
}

/// What is looked at.
struct Patient {
    let session: Session
    let settings: Settings
}

/// What one check has found.
struct Finding: Hashable {
    enum Status: String {
        case ok, warn
        case fail = "FAIL"

        var colour: Terminal.Colour {
            switch self {
            case .ok: .green
            case .warn: .yellow
            case .fail: .red
            }
        }
    }

    var check: String
    var status: Status
    /// One line: what was found.
    var message: String
    /// What to do; nil when there is nothing to do.
    var remedy: String?

    static func ok(_ check: String, _ message: String) -> Finding {
        Finding(check: check, status: .ok, message: message)
    }
    static func warn(_ check: String, _ message: String, _ remedy: String) -> Finding {
        Finding(check: check, status: .warn, message: message, remedy: remedy)
    }
    static func fail(_ check: String, _ message: String, _ remedy: String) -> Finding {
        Finding(check: check, status: .fail, message: message, remedy: remedy)
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}

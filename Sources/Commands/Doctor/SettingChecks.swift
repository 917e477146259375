import Engine
import SchedulerCore
import Spawn

/// The settings, the secrets and the DAG files.
enum SettingChecks {
    static func all(_ patient: Patient, settingsAreGood: Bool) -> [Finding] {
        (settingsAreGood ? [config(patient)] : []) + variables(patient) + secrets(patient) + [dags(patient)]
    }

    private static func config(_ patient: Patient) -> Finding {
        let path = patient.session.home.settings
        return .ok("config", File.exists(path) ? "\(path) is good" : "no weir.json; the defaults hold")
    }

    private static func variables(_ patient: Patient) -> [Finding] {
        UnknownVariable.find(patient.session.surroundings).map {
            .warn("config", $0.message, "unset it, or give it its right name")
        }
    }

    private static func secrets(_ patient: Patient) -> [Finding] {
        let sources = patient.settings.secretSources
        guard !sources.isEmpty else { return [] }
        let secrets = Secrets(sources, environment: patient.session.surroundings.environment)
        var findings: [Finding] = []
        for name in sources.keys.sorted() {
            do throws(Secrets.Problem) {
                let value = try secrets.value(name)
                if value.utf8.count < SecretMask.shortest {
                    findings.append(
                        .warn(
                            "secrets", "'\(name)' is too short to be masked in logs",
                            "use one of \(SecretMask.shortest) characters or more"))
                }
            } catch {
                // A variable may well be set for the daemon and not here.
                if case .variable(let variable) = sources[name] {
                    findings.append(
                        .warn("secrets", error.description, "set \(variable) where the daemon is started"))
                } else {
                    findings.append(.fail("secrets", error.description, "tasks that use it fail until then"))
                }
            }
        }
        return findings.isEmpty ? [.ok("secrets", "\(sources.count) can be read, by their owner alone")] : findings
    }

    private static func dags(_ patient: Patient) -> Finding {
        let home = patient.session.home
        let contents = DAGFolder.load(home, kinds: Session.kinds, names: patient.settings.names)
        if let problem = contents.problem { return .fail("dags", "no DAG folder: \(problem)", "`weir init` makes one") }
        let broken = contents.files.filter { !$0.errors.isEmpty }
        guard let first = broken.first, let error = first.errors.first else {
            return .ok("dags", "\(contents.files.count) in dags/, all valid")
        }
        return .fail(
            "dags",
            "\(broken.count) of \(contents.files.count) files are in error: "
                + "dags/\(first.file):\(error.line):\(error.column): \(error.message)", "`weir validate` shows all")
    }
}

import CPosix
import Engine
import Glibc
import Lake
import Mail
import SchedulerCore
import Spawn

/// What the machine has to bring.
enum MachineChecks {
    static func all(_ patient: Patient) -> [Finding] {
        [zones(), programs(patient), sendmail(patient), duckdb(patient), clock(), files(patient)]
    }

    private static func zones() -> Finding {
        let remedy = "install tzdata (`apt-get install tzdata`)"
        guard SystemZones.zone("Europe/Berlin") != nil, SystemZones.zone("America/New_York") != nil else {
            return .fail("zones", "/usr/share/zoneinfo has no time zones", remedy)
        }
        guard let version = tzdataVersion() else { return .ok("zones", "tzdata in /usr/share/zoneinfo") }
        return .ok("zones", "tzdata \(version) in /usr/share/zoneinfo")
    }

    /// `# version 2025b` is the first line of its text form.
    private static func tzdataVersion() -> String? {
        guard let file = try? FileDescriptor.open("/usr/share/zoneinfo/tzdata.zi", O_RDONLY) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(file.raw, &bytes, bytes.count)
        let line = String(decoding: bytes.prefix(max(0, count)).prefix { $0 != 0x0A }, as: UTF8.self)
        return line.hasPrefix("# version ") ? String(line.dropFirst(10)) : nil
    }

    private static func programs(_ patient: Patient) -> Finding {
        do throws(EngineError) {
            let programs = try patient.session.surroundings.programs()
            for program in [programs.weir, programs.supervisor] where access(program, X_OK) != 0 {
                return .fail("programs", "\(program) cannot be executed", "`chmod +x \(program)`, or `make build`")
            }
            return .ok("programs", "weir \(Program.version) and its supervisor")
        } catch { return .fail("programs", error.message, "without it no task can be started") }
    }

    private static func sendmail(_ patient: Patient) -> Finding {
        let setting = patient.settings.sendmail
        do throws(MailError) {
            if let program = try Sendmail(outbox: patient.session.home.outbox, setting: setting ?? "").program() {
                return .ok("sendmail", program)
            }
        } catch {
            // It is said of the variable that tasks get; what set it is told here.
            let source = patient.settings.source("sendmail").map { $0.text } ?? "sendmail"
            let words = error.description.replacing(
                "WEIR_SENDMAIL is", with: source == "WEIR_SENDMAIL" ? "WEIR_SENDMAIL is" : "\(source): sendmail is")
            return .fail("sendmail", words, "see `weir config sendmail`")
        }
        if setting == "outbox" { return .ok("sendmail", "mails go to \(patient.session.home.outbox), as set") }
        return .warn(
            "sendmail", "this machine has no sendmail; mails are stored in \(patient.session.home.outbox)",
            "install a mail system, or set sendmail")
    }

    private static func duckdb(_ patient: Patient) -> Finding {
        let program: String
        do { program = try DuckDB.find(home: patient.session.home.path, given: patient.settings.duckdb) } catch {
            let isNeeded = patient.settings.duckdb != nil
            let message = (error as? LakeError)?.description ?? "\(error)"
            return isNeeded
                ? .fail("duckdb", message, "see `weir config duckdb`")
                : .warn("duckdb", message, "the kinds of the lake and `weir query` need it")
        }
        let environment = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent"]
        guard
            let done = try? ChildProcess.run(
                [program, "--version"], environment: environment, timeoutMicroseconds: 10_000_000),
            done.status.isSuccess, let word = done.outputText.split(separator: " ").first
        else {
            return .fail("duckdb", "\(program) does not run", "put DuckDB \(DuckDB.version) there, or set duckdb")
        }
        guard word == "v" + DuckDB.version else {
            return .warn(
                "duckdb", "\(program) is \(word)", "v\(DuckDB.version) is what is tested: `make setup` installs it")
        }
        return .ok("duckdb", "\(word) at \(program)")
    }

    private static func clock() -> Finding {
        switch weir_clock_is_synchronised() {
        case 1: .ok("clock", "synchronised")
        case 0:
            .warn(
                "clock", "the kernel says that the clock is not synchronised",
                "run a time service (`timedatectl set-ntp true`, chrony); in a container the host's counts")
        default: .warn("clock", "whether the clock is synchronised cannot be told", "see `timedatectl`")
        }
    }

    /// Each attempt needs some descriptors of the daemon, the lake's kinds more of their own.
    private static func files(_ patient: Patient) -> Finding {
        guard let limit = DescriptorLimit.ofDaemon else {
            return .warn("open files", "the limit cannot be told", "see `ulimit -n`")
        }
        let needed = 256 + 4 * patient.settings.parallelism
        guard limit >= needed else {
            return .warn(
                "open files", "a daemon that starts here may have at most \(limit) at once; \(needed) are sure to do",
                "`ulimit -n \(max(needed, 4096))`, or LimitNOFILE= of the unit")
        }
        return .ok("open files", "at most \(limit) at once in the daemon")
    }
}

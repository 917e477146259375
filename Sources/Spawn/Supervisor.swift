import CPosix
import Glibc

/// Runs one attempt: `weir-supervise DIRECTORY`.
///
/// It makes sure that the attempt runs at most once (`claim`), starts the task with its output straight into
/// the log, enforces the limits, ends the whole tree of processes, and then writes the result. It needs nobody: the
/// daemon may die and come back. A written result means that nothing of the attempt runs any more.
public enum Supervisor {
    /// Runs the attempt whose directory is the first argument.
    ///
    /// - Returns: the exit status: 0 when the result is written or the attempt belongs to somebody else, 1 when there
    ///   can be no result (the reason is on standard error), 2 for wrong usage.
    public static func main(_ arguments: [String]) -> Int32 {
        // Tasks get what a supervisor has, and a warm one hands it on to those that it makes.
        weir_default_signals()
        if arguments.count > 2, arguments[1] == SupervisorServer.argument {
            return SupervisorServer.serve(rehearsal: arguments[2])
        }
        guard arguments.count == 2 else {
            complain("usage: weir-supervise ATTEMPT_DIRECTORY")
            return 2
        }
        return run(arguments[1])
    }

    /// Runs the attempt of a directory; as `main`.
    static func run(_ path: String) -> Int32 {
        do throws(SystemError) {
            try run(AttemptDirectory(path: path))
            return 0
        } catch {
            complain("weir-supervise: \(error)")
            return 1
        }
    }

    private static func run(_ directory: AttemptDirectory) throws(SystemError) {
        var events = try SupervisorEvents.open()
        // Fails when the launcher has made the session already.
        _ = setsid()
        if weir_become_subreaper() != 0 { throw SystemError("prctl") }

        try attempt(directory, &events)
    }

    /// Claims the attempt, runs it, and writes the result.
    static func attempt(_ directory: AttemptDirectory, _ events: inout SupervisorEvents) throws(SystemError) {
        // Whoever else holds it runs the attempt, or has seen that nobody does and revokes it.
        guard let claim = try AttemptClaim.take(directory) else { return }
        guard let identity = ProcessIdentity.current() else { throw SystemError("read", path: "/proc/self/stat") }
        // Somebody has run it before, or it is revoked.
        guard try claim.write(identity.json).isEmpty else { return }

        let result = supervise(directory, &events)
        try write(result, to: directory, &events)
    }

    private static func supervise(_ directory: AttemptDirectory, _ events: inout SupervisorEvents) -> AttemptResult {
        let started = BootClock.wallTime()
        func notStarted(_ outcome: AttemptResult.Outcome, _ attempt: Int64, _ reason: String) -> AttemptResult {
            AttemptResult(
                attempt: attempt, outcome: outcome, startedMicroseconds: started,
                endedMicroseconds: BootClock.wallTime(), reason: reason)
        }

        let spec: AttemptSpec
        do throws(AttemptFileError) { spec = try AttemptSpec.read(from: directory) } catch {
            return notStarted(.startFailed, 0, error.description)
        }
        if directory.isRevoked || events.requested() {
            return notStarted(.killed, spec.attempt, "killed before it was started")
        }
        let secrets: AttemptSecrets
        do throws(AttemptFileError) {
            secrets = spec.secrets.isEmpty ? AttemptSecrets([:]) : try AttemptSecrets.read(0)
        } catch {
            return notStarted(.startFailed, spec.attempt, error.description)
        }
        let mask = SecretMask(secrets.values.values)
        let task: RunningTask
        do throws(StartError) { task = try RunningTask(try spec.resolved(secrets), directory, secrets) } catch {
            return notStarted(.startFailed, spec.attempt, mask?.masked(error.description) ?? error.description)
        }
        var supervision = Supervision(spec: spec, task: task, directory: directory, mask: mask)
        supervision.run(&events)
        return supervision.result(started: started)
    }

    /// A full disk is waited for: without its result the attempt would count as lost. A request to end gives up.
    private static func write(
        _ result: AttemptResult, to directory: AttemptDirectory, _ events: inout SupervisorEvents
    ) throws(SystemError) {
        while true {
            do throws(SystemError) { return try File.writeAtomically(directory.result, result.json) } catch {
                guard error.code == ENOSPC || error.code == EDQUOT else { throw error }
                if events.wait(until: BootClock.after(1_000_000)) { throw error }
            }
        }
    }

    private static func complain(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }
}

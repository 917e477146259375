import Glibc

/// What became of an attempt that should be running.
public enum RecoveryOutcome: Sendable, Hashable {
    /// It ended, and said how.
    case finished(AttemptResult)
    /// It ended; its result cannot be read, the text says why.
    case badResult(String)
    /// Its supervisor lives. The pidfd belongs to the caller, for `ExitWatcher.watch`.
    case running(ProcessIdentity, pidfd: Int32)
    /// It never ran, and no supervisor will ever run it: start a new attempt.
    case revoked
    /// Its supervisor vanished without a result, and nothing of it runs any more; the text says how that is known.
    case lost(String)
    /// It cannot be told whether something of it still runs, or it cannot be ended; the text says why.
    case unproven(String)
}

/// Finds out about attempts by their directories alone, so that a new daemon can take over from a dead one.
public enum AttemptInspector {
    /// What became of an attempt. What is left of one without a supervisor is killed.
    ///
    /// May block up to `patience` when there is something to kill, so it does not belong on an event loop's thread.
    ///
    /// - Parameters:
    ///   - spec: what the engine knows the attempt to be; nil: it is read from the directory.
    ///   - patience: microseconds to wait for a supervisor that is just starting or ending, and for processes to die.
    public static func recover(
        _ directory: AttemptDirectory, spec: AttemptSpec? = nil, patience: Int64 = 10_000_000
    ) -> RecoveryOutcome {
        let deadline = BootClock.after(patience)
        do throws(SystemError) {
            if let ended = settled(directory, deadline) { return ended }
            // The daemon may have died between the commit and the directory.
            try directory.create()
            while true {
                if let claim = try AttemptClaim.take(directory) {
                    return try judge(directory, claim, spec, deadline)
                }
                if let holder = supervisor(directory) {
                    let identity = holder.identity
                    return .running(identity, pidfd: holder.release())
                }
                // It has not written its claim yet, or is about to end; or somebody else is looking.
                if let ended = ending(directory) { return ended }
                if BootClock.now() > deadline {
                    return .unproven("\(directory.claim) is held, but names no living process")
                }
                usleep(10_000)
            }
        } catch { return .unproven("the attempt cannot be examined: \(error)") }
    }

    /// Asks the attempt's supervisor to end its task (SIGTERM). Set the `revoked` marker first: it reaches a supervisor that
    /// has not started yet.
    ///
    /// - Returns: false when no supervisor runs.
    @discardableResult
    public static func kill(_ directory: AttemptDirectory) -> Bool {
        guard let found = supervisor(directory) else { return false }
        do throws(SystemError) { try found.send(SIGTERM) } catch { return false }
        return true
    }

    /// Whether a living supervisor runs the attempt, or its result is there; changes nothing.
    public static func isCaredFor(_ directory: AttemptDirectory) -> Bool {
        if case .absent = AttemptResult.read(from: directory) { return supervisor(directory) != nil }
        return true
    }

    /// Whether no supervisor has the attempt; changes nothing.
    public static func isAtRest(_ directory: AttemptDirectory) -> Bool {
        guard File.exists(directory.claim) else { return true }
        do throws(SystemError) {
            guard let claim = try AttemptClaim.take(directory) else { return false }
            _ = consume claim
            return true
        } catch { return false }
    }

    /// As `ending`; while the machine lacks what reading takes it waits for a while.
    private static func settled(_ directory: AttemptDirectory, _ deadline: Int64) -> RecoveryOutcome? {
        while true {
            let ended = ending(directory)
            guard case .unproven? = ended, BootClock.now() < deadline else { return ended }
            usleep(10_000)
        }
    }

    private static func ending(_ directory: AttemptDirectory) -> RecoveryOutcome? {
        switch AttemptResult.read(from: directory) {
        case .good(let result): .finished(result)
        case .bad(let reason): .badResult(reason)
        case .unreadable(let reason): .unproven(reason)
        case .absent: nil
        }
    }

    /// The claim is ours, so no supervisor runs the attempt, and one that starts now will see that and leave.
    private static func judge(
        _ directory: AttemptDirectory, _ claim: borrowing AttemptClaim, _ known: AttemptSpec?, _ deadline: Int64
    ) throws(SystemError) -> RecoveryOutcome {
        // The supervisor may have ended between the first look and the lock.
        if let ended = ending(directory) { return ended }
        let revoked = Array(AttemptDirectory.revokedClaim.utf8)
        let former = try claim.write(revoked)
        if former.isEmpty || former == revoked { return .revoked }
        // Half a claim is possible when its writer was killed; then its time is unknown, but not its token.
        let identity = ProcessIdentity(json: former)
        if let identity, identity.bootID != ProcessIdentity.currentBootID() {
            return .lost("the machine was restarted while it ran")
        }
        let spec: AttemptSpec
        if let known {
            spec = known
        } else {
            do throws(AttemptFileError) { spec = try AttemptSpec.read(from: directory) } catch {
                return .unproven("what is left of it cannot be told: \(error)")
            }
        }
        let leftovers = Leftovers(spec: spec, supervisor: identity, log: File.status(directory.log))
        let killed = leftovers.killAll(until: deadline)
        if let ended = ending(directory) { return ended }
        switch killed {
        case nil: return .unproven("its supervisor is gone, but processes of it do not end although they were killed")
        case 0: return .lost("its supervisor ended without a result, and no process of it was left")
        case let count?:
            return .lost("its supervisor ended without a result; \(count) processes of it that were left were killed")
        }
    }

    /// The process that the claim names, when it is alive and still the same.
    private static func supervisor(_ directory: AttemptDirectory) -> HeldProcess? {
        guard let bytes = try? File.read(directory.claim, limit: 1 << 16), let identity = ProcessIdentity(json: bytes)
        else { return nil }
        return HeldProcess(identity)
    }
}

import API
import Engine
import Glibc
import Observability
import SchedulerCore
import Spawn

/// How a daemon that starts becomes the owner of the state directory.
struct StateClaim {
    let home: Home
    /// Ends whoever holds it.
    let takesOver: Bool
    /// Waits a moment; throws when the person has had enough.
    let pause: () throws(CommandFailure) -> Void

    /// How long a command in the foreground has for handing over: it lets what it is just starting finish.
    static let handOverMicroseconds: Int64 = 15_000_000
    /// Between SIGTERM and SIGKILL. A daemon that is well needs less than a second.
    static let graceMicroseconds: Int64 = 5_000_000
    /// How long a lock is looked at that names nobody: its holder may be just writing its name.
    static let namelessMicroseconds: Int64 = 1_000_000

    func take() throws(CommandFailure) -> StateLock {
        /// The holder that is being waited for, and since when.
        var waiting: (holder: StateHolder?, since: Int64)?
        var asked = false
        while true {
            do throws(EngineError) {
                if let lock = try StateLock.attempt(home, as: .daemon) { return lock }
            } catch { throw CommandFailure(error) }
            let holder = StateHolder.read(home)
            let now = WallClock.monotonic()
            if waiting == nil || waiting?.holder != holder {
                waiting = (holder, now)
                asked = false
            }
            let waited = now - (waiting?.since ?? now)
            guard let holder else {
                guard waited < Self.namelessMicroseconds else { throw unverified("its text names no process") }
                try pause()
                continue
            }
            guard let process = HeldProcess(holder.identity) else {
                // Its end may not have reached the lock yet; or the next one's name not the text.
                let isOfHere = holder.identity.bootID == ProcessIdentity.currentBootID()
                guard waited < (isOfHere ? StateLock.lingerMicroseconds : Self.namelessMicroseconds) else {
                    throw unverified(strangeness(holder))
                }
                try pause()
                continue
            }
            if holder.role == .embedded, waited < Self.handOverMicroseconds, !(takesOver && process.isStopped) {
                if !asked { asked = ask(holder) }
                try pause()
            } else if takesOver {
                try end(process, of: holder)
            } else {
                let refusal = CommandFailure(StateLock.refusal(home, holder))
                guard holder.role == .embedded else { throw refusal }
                throw CommandFailure(
                    .unavailable, refusal.message + ". It was asked to hand over and did not; --take-over ends it")
            }
        }
    }

    /// Asks the command that works in the foreground to hand over; false while it does not listen yet.
    private func ask(_ holder: StateHolder) -> Bool {
        let client = ControlClient(socket: home.socket, timeout: 2)
        guard (try? client.perform(.handOver, actor: Session.actor)) != nil else { return false }
        Log.info("a command in the foreground hands over", ["pid": "\(holder.identity.pid)"])
        return true
    }

    private func end(_ process: borrowing HeldProcess, of holder: StateHolder) throws(CommandFailure) {
        let pid = holder.identity.pid
        // It may have given the lock back since it was read: then there is no reason to end it.
        guard StateHolder.read(home) == holder else { return }
        Log.warning("taking over: ending the holder of the state", ["pid": "\(pid)", "role": holder.role.rawValue])
        let hasEnded: Bool
        do throws(SystemError) { hasEnded = try process.end(grace: Self.graceMicroseconds) } catch {
            throw CommandFailure(
                .unavailable, "cannot end process \(pid), which holds \(home.state): \(error.message); whose is it?")
        }
        guard hasEnded else {
            throw CommandFailure(
                .unavailable,
                "process \(pid), which holds \(home.state), was killed and does not end: it hangs in the kernel")
        }
        Log.info("the former holder has ended", ["pid": "\(pid)"])
    }

    private func unverified(_ reason: String) -> CommandFailure {
        CommandFailure(
            .unavailable,
            "\(home.lock) is held by a process that cannot be verified: \(reason). Nothing was ended; find the holder, "
                + "for example with `fuser \(home.lock)`, and end it")
    }

    private func strangeness(_ holder: StateHolder) -> String {
        let pid = holder.identity.pid
        if holder.identity.bootID != ProcessIdentity.currentBootID() {
            return "process \(pid) took it on another machine, or before this one was started"
        }
        return "process \(pid), which took it, is not to be found here (it may run in another container)"
    }
}

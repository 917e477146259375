import CPosix
import Glibc

/// A process that is held by a pidfd and was checked, once it was held, to be the one that was meant: what is sent to it
/// can never reach another process that got its pid.
public struct HeldProcess: ~Copyable, Sendable {
    public let identity: ProcessIdentity
    private let pidfd: FileDescriptor

    /// Nil when the process has ended, when its pid belongs to another one by now, or when it is of another start of the
    /// machine, or of another machine.
    public init?(_ identity: ProcessIdentity) {
        guard identity.bootID == ProcessIdentity.currentBootID() else { return nil }
        let raw = weir_pidfd_open(identity.pid)
        guard raw >= 0 else { return nil }
        let pidfd = FileDescriptor(owning: raw)
        // Compared once the process is held: before that the pid could pass to another one.
        guard let status = ProcessStatus.read(pid: identity.pid), status.startTime == identity.startTime,
            !status.isDead
        else { return nil }
        self.identity = identity
        self.pidfd = pidfd
    }

    /// pidfd_send_signal(2). A process that has ended is no error: there is nobody to be told.
    public func send(_ signal: Int32) throws(SystemError) {
        guard weir_pidfd_send_signal(pidfd.raw, signal) != 0, errno != ESRCH else { return }
        throw SystemError("pidfd_send_signal")
    }

    /// Blocks until the process has ended, at most for so many microseconds; whether it has.
    public func waitForEnd(_ microseconds: Int64) -> Bool {
        let deadline = BootClock.after(microseconds)
        while true {
            var wait = pollfd(fd: pidfd.raw, events: Int16(POLLIN), revents: 0)
            // Rounded up, so that the last part of a millisecond is not spent in a loop.
            let left = (max(0, deadline - BootClock.now()) + 999) / 1000
            if poll(&wait, 1, Int32(min(left, 1 << 30))) > 0 { return true }
            if BootClock.now() >= deadline { return false }
        }
    }

    /// Whether it was stopped (SIGSTOP, Ctrl-Z, a debugger): it reacts to nothing but SIGKILL.
    public var isStopped: Bool {
        guard let status = ProcessStatus.read(pid: identity.pid) else { return false }
        return status.state == UInt8(ascii: "T") || status.state == UInt8(ascii: "t")
    }

    /// Gives the process away as a pidfd, for `ExitWatcher.watch`.
    public consuming func release() -> Int32 { pidfd.release() }

    /// Ends the process: SIGTERM, and after a grace SIGKILL. One that is stopped gets no grace, since it could not use it.
    ///
    /// - Parameters:
    ///   - grace: microseconds between the two signals.
    ///   - patience: microseconds to wait after SIGKILL, which a process can outlive while it hangs in the kernel.
    /// - Returns: whether it has ended.
    public func end(grace: Int64, patience: Int64 = 10_000_000) throws(SystemError) -> Bool {
        try send(SIGTERM)
        let deadline = BootClock.after(grace)
        while !isStopped, BootClock.now() < deadline {
            if waitForEnd(min(Self.lookMicroseconds, deadline - BootClock.now())) { return true }
        }
        try send(SIGKILL)
        return waitForEnd(patience)
    }

    /// How often a process that is to end is looked at: it may be stopped meanwhile.
    private static let lookMicroseconds: Int64 = 100_000
}

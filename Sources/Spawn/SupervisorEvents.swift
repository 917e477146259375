import CPosix
import Glibc

/// What wakes a supervisor: a child that ended, a request to end the task, or a time that has come.
struct SupervisorEvents: ~Copyable {
    private let signals: FileDescriptor
    private let timer: FileDescriptor
    private var armed: Int64 = .max

    private init(signals: consuming FileDescriptor, timer: consuming FileDescriptor) {
        self.signals = signals
        self.timer = timer
    }

    /// Blocks the process's signals, but for those that tell of a fault in it.
    ///
    /// - Returns: from where SIGCHLD, SIGTERM and SIGINT can be read, without waiting.
    static func signals() throws(SystemError) -> FileDescriptor {
        var all = sigset_t()
        sigfillset(&all)
        for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&all, fault) }
        sigprocmask(SIG_SETMASK, &all, nil)

        var wanted = sigset_t()
        sigemptyset(&wanted)
        for signal in [SIGCHLD, SIGTERM, SIGINT] { sigaddset(&wanted, signal) }
        return try FileDescriptor("signalfd", signalfd(-1, &wanted, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK)))
    }

    /// Blocks the process's signals; from here on they arrive as events.
    static func open() throws(SystemError) -> SupervisorEvents {
        let signals = try signals()
        let timer = try FileDescriptor(
            "timerfd_create", timerfd_create(CLOCK_BOOTTIME, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK)))
        return SupervisorEvents(signals: signals, timer: timer)
    }

    /// Waits until a child may have ended, SIGTERM or SIGINT came, or `deadline` (microseconds of `BootClock`) is over.
    ///
    /// - Returns: whether one of the two signals came.
    mutating func wait(until deadline: Int64) -> Bool {
        arm(deadline)
        var watched = [
            pollfd(fd: signals.raw, events: Int16(POLLIN), revents: 0),
            pollfd(fd: timer.raw, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&watched, 2, -1)
        return requested()
    }

    /// Whether SIGTERM or SIGINT has come since the last call of this or of `wait`; does not wait.
    mutating func requested() -> Bool {
        var requested = false
        var info = signalfd_siginfo()
        while read(signals.raw, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {
            if info.ssi_signo != UInt32(SIGCHLD) { requested = true }
        }
        return requested
    }

    private mutating func arm(_ deadline: Int64) {
        // A timer that ran out must be set again, or it would stay readable.
        guard deadline != armed || deadline <= BootClock.now() else { return }
        armed = deadline
        var time = itimerspec()
        if deadline != .max {
            let at = max(1, deadline)
            time.it_value = timespec(tv_sec: Int(at / 1_000_000), tv_nsec: Int(at % 1_000_000) * 1000)
        }
        _ = timerfd_settime(timer.raw, Int32(TFD_TIMER_ABSTIME), &time, nil)
    }
}

import CPosix
import Glibc
import Synchronization

/// Tells when processes end: one thread that waits on the pidfds of all of them.
public final class ExitWatcher: Sendable {
    private struct Watched {
        var pid: Int32
        var token: Int64
    }

    private struct State {
        /// By pidfd.
        var watched: [Int32: Watched] = [:]
        var stopped = false
    }

    private let epoll: FileDescriptor
    private let wakeUp: FileDescriptor
    private let state = Mutex(State())
    private let onExit: @Sendable (Int64) -> Void

    /// - Parameter onExit: called with a process's token, once, on the watcher's own thread; it should be quick.
    public init(onExit: @escaping @Sendable (Int64) -> Void) throws(SystemError) {
        self.onExit = onExit
        epoll = try FileDescriptor("epoll_create1", epoll_create1(Int32(EPOLL_CLOEXEC)))
        wakeUp = try FileDescriptor("eventfd", eventfd(0, Int32(EFD_CLOEXEC)))
        try add(wakeUp.raw)
        try startThread()
    }

    /// Watches a process until it ends, then closes its pidfd and, when it is a child of this process, reaps it.
    ///
    /// - Parameters:
    ///   - pidfd: belongs to the watcher from here on, also when this throws.
    ///   - token: what `onExit` gets.
    public func watch(pid: Int32, pidfd: Int32, token: Int64) throws(SystemError) {
        let failure: SystemError? = state.withLock { state in
            do throws(SystemError) {
                if state.stopped { throw SystemError("epoll_ctl", code: ECANCELED) }
                try add(pidfd)
                state.watched[pidfd] = Watched(pid: pid, token: token)
                return nil
            } catch { return error }
        }
        if let failure {
            close(pidfd)
            throw failure
        }
    }

    /// How many processes are watched.
    public var count: Int { state.withLock { $0.watched.count } }

    /// Ends the thread and watches nothing any more. The processes go on.
    public func stop() {
        state.withLock { $0.stopped = true }
        var one: UInt64 = 1
        _ = write(wakeUp.raw, &one, MemoryLayout<UInt64>.size)
    }

    private func add(_ descriptor: Int32) throws(SystemError) {
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(fd: descriptor))
        if epoll_ctl(epoll.raw, EPOLL_CTL_ADD, descriptor, &event) != 0 { throw SystemError("epoll_ctl") }
    }

    private func startThread() throws(SystemError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 256 << 10)
        // The thread holds the watcher; `stop` lets go of it.
        let watcher = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let error = pthread_create(
            &thread, &attributes,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<ExitWatcher>.fromOpaque(pointer).takeRetainedValue().loop()
                return nil
            }, watcher.toOpaque())
        if error != 0 {
            watcher.release()
            throw SystemError("pthread_create", code: error)
        }
    }

    private func loop() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(epoll.raw, &events, Int32(events.count), -1)
            for event in events.prefix(Int(max(0, count))) where event.data.fd != wakeUp.raw { ended(event.data.fd) }
            let left: [Int32]? = state.withLock { state in
                guard state.stopped else { return nil }
                defer { state.watched = [:] }
                return Array(state.watched.keys)
            }
            if let left {
                for pidfd in left { close(pidfd) }
                return
            }
        }
    }

    private func ended(_ pidfd: Int32) {
        guard let process = state.withLock({ $0.watched.removeValue(forKey: pidfd) }) else { return }
        _ = epoll_ctl(epoll.raw, EPOLL_CTL_DEL, pidfd, nil)
        // An adopted supervisor is nobody's child here: ECHILD.
        var info = siginfo_t()
        while waitid(P_PIDFD, id_t(pidfd), &info, WEXITED | WNOHANG) < 0, errno == EINTR {}
        close(pidfd)
        onExit(process.token)
    }
}

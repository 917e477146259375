import Glibc
import Synchronization

/// A thread of its own for blocking work, which must not run on the cooperative pool.
public final class WorkerThread: Sendable {
    private let thread: Mutex<pthread_t?>

    /// Starts the thread. It need not be joined, nor this value be kept.
    public init(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(run: body))
        var id = pthread_t()
        let failure = pthread_create(
            &id, nil,
            { argument in
                // The argument is the box that was retained for this thread, and for it alone.
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                body.run()
                return nil
            }, box.toOpaque())
        if failure != 0 { box.release() }
        thread = Mutex(failure == 0 ? id : nil)
    }

    deinit {
        // Who has not joined it by now never will: the system takes back what it held by itself.
        if let id = thread.withLock({ $0 }) { pthread_detach(id) }
    }

    /// Waits until the body has returned. Further calls return at once.
    public func join() {
        let id = thread.withLock { id in
            defer { id = nil }
            return id
        }
        if let id { pthread_join(id, nil) }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

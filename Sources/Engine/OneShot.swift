import Glibc
import Synchronization

/// A value that one thread gives and another waits for.
final class OneShot<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let given: Semaphore = Semaphore()

    func give(_ new: Value) {
        value.withLock { $0 = new }
        given.post()
    }

    /// Blocks until the value was given. To be called once.
    func wait() -> Value {
        while true {
            given.wait()
            if let value = value.withLock({ $0 }) { return value }
        }
    }
}

/// A POSIX semaphore (sem_overview(7)).
final class Semaphore: Sendable {
    /// The semaphore is made for use by many threads; only its address matters, and that never changes.
    nonisolated(unsafe) private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func post() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 && errno == EINTR {}
    }
}

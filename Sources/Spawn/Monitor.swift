import Glibc

/// A value that threads share, and wait for to become what they need.
public final class Monitor<State: ~Copyable>: @unchecked Sendable {
    // Safe: `state` is touched under the lock only; the two others are made for many threads, and never move.
    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init(_ state: consuming sending State) {
        self.state = state
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // A clock that nobody can set.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Looks at the value, or changes what nobody waits for.
    public func look<Value: ~Copyable>(_ body: (inout State) throws -> sending Value) rethrows -> sending Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Changes the value; who waits for it looks again.
    public func change<Value: ~Copyable>(_ body: (inout State) throws -> sending Value) rethrows -> sending Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        defer { pthread_cond_broadcast(changed) }
        return try body(&state)
    }

    /// Blocks until `body` gives something; it is asked now and after each change.
    ///
    /// - Parameter microseconds: how long at most; nil: for ever.
    /// - Returns: nil when the time was up.
    public func wait<Value: ~Copyable>(
        _ microseconds: Int64? = nil, _ body: (inout State) throws -> sending Value?
    ) rethrows -> sending Value? {
        var end = timespec()
        if let microseconds {
            clock_gettime(CLOCK_MONOTONIC, &end)
            let sum = Int64(end.tv_nsec) + max(0, microseconds) % 1_000_000 * 1000
            end.tv_sec += Int(max(0, microseconds) / 1_000_000 + sum / 1_000_000_000)
            end.tv_nsec = Int(sum % 1_000_000_000)
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value = try body(&state) { return value }
            if microseconds == nil {
                pthread_cond_wait(changed, mutex)
            } else if pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT {
                return try body(&state)
            }
        }
    }
}

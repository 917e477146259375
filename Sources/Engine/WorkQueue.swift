import Spawn
import Synchronization

/// A thread that carries out jobs in the order in which they were given.
final class WorkQueue: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var stopping = false
    }

    private let state = Mutex(State())
    private let available = Semaphore()
    private let threads: Mutex<[WorkerThread]>

    init(threads count: Int = 1) {
        threads = Mutex([])
        for _ in 0..<count {
            let thread = WorkerThread { [self] in work() }
            threads.withLock { $0.append(thread) }
        }
    }

    func add(_ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.jobs.append(job) }
        available.post()
    }

    /// Lets the jobs that were given finish, and ends the threads.
    func stop() {
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        guard !threads.isEmpty else { return }
        state.withLock { $0.stopping = true }
        for _ in threads { available.post() }
        for thread in threads { thread.join() }
    }

    private func work() {
        while true {
            available.wait()
            let (job, done) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
                state.jobs.isEmpty ? (nil, state.stopping) : (state.jobs.removeFirst(), false)
            }
            if let job { job() } else if done { return }
        }
    }
}

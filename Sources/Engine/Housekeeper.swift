import Observability
import SchedulerCore
import Spawn
import Store
import Synchronization

/// Removes what need not be kept, at the start of the daemon and once an hour, on a thread of its own. The rows it takes
/// through the engine's loop, in small steps with pauses.
final class Housekeeper: Sendable {
    private static let intervalMicroseconds: Int64 = 3_600_000_000
    /// Between two steps, so that the loop has most of the time.
    private static let pauseMicroseconds: Int64 = 20_000

    private let thread = Mutex<WorkerThread?>(nil)
    /// Told once: to stop.
    private let mailbox: Mailbox<Void>?
    private let isStopped = Atomic<Bool>(false)

    init(
        _ configuration: @escaping @Sendable () -> EngineConfiguration, clock: @escaping @Sendable () -> Instant,
        open: @escaping StoreOpener,
        remove: @escaping @Sendable (PruneOrder, Int) throws(StoreError) -> PruneStep
    ) {
        mailbox = try? Mailbox()
        guard mailbox != nil else { return }
        let new = WorkerThread { [self] in
            while !isStopped.load(ordering: .acquiring) {
                do throws(StoreError) {
                    try clean(configuration(), now: clock(), try open(), remove)
                } catch {
                    Log.warning("cannot remove old history; trying again in an hour", ["error": error.message])
                }
                wait(Self.intervalMicroseconds)
            }
        }
        thread.withLock { $0 = new }
    }

    /// Ends the work after its current step.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        mailbox?.put(())
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func clean(
        _ configuration: EngineConfiguration, now: Instant, _ reader: any StoreReader,
        _ remove: @escaping (PruneOrder, Int) throws(StoreError) -> PruneStep
    ) throws(StoreError) {
        let pruner = Pruner(
            home: configuration.home, reader: reader, seconds: Self.intervalMicroseconds / 1_000_000, remove: remove,
            pause: { [self] in
                wait(Self.pauseMicroseconds)
                return !isStopped.load(ordering: .acquiring)
            })
        let retention = configuration.retention
        let summary = try pruner.prune(retention.removesRuns ? retention.policy(at: now) : PrunePolicy())
        var logs = 0
        if let age = retention.logs {
            let moment = Instant(microseconds: now.microseconds - age.microseconds)
            logs = try AttemptFolders(configuration.home).removeLogs(endedBefore: moment, reader)
        }
        if !summary.isNothing || logs > 0 {
            Log.info(
                "old history is removed",
                [
                    "runs": "\(summary.runs)", "attempts": "\(summary.attempts)", "orphans": "\(summary.orphans)",
                    "logs": "\(logs)",
                ])
        }
    }

    /// Not longer than until it is to stop.
    private func wait(_ microseconds: Int64) {
        let end = WallClock.monotonic() + microseconds
        while !isStopped.load(ordering: .acquiring) {
            let left = end - WallClock.monotonic()
            guard left > 0 else { return }
            mailbox?.wait(until: WallClock.now() + left)
        }
    }
}

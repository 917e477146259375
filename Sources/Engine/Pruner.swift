import Glibc
import Observability
import SchedulerCore
import Spawn
import Store

/// Opens a store to be read. Each thread opens its own.
public typealias StoreOpener = @Sendable () throws(StoreError) -> any StoreReader

/// Removes history: rows in short transactions of the store's one writer, then the directories of their attempts. Looking
/// for what can go does not need the writer.
public struct Pruner {
    /// Rows in one transaction: some milliseconds.
    static let rowsPerStep = 200
    /// Runs in one order; looking at each of them again takes part of those milliseconds.
    private static let runsPerOrder = 100

    private let home: Home
    private let reader: any StoreReader
    private let remove: (PruneOrder, Int) throws(StoreError) -> PruneStep
    private let pause: () -> Bool
    private let deadline: Int64

    /// - Parameters:
    ///   - remove: carries out a step of an order with about so many rows; throws the store's own errors.
    ///   - seconds: after which a call returns, however much is left.
    ///   - pause: called between steps; false ends the work.
    public init(
        home: Home, reader: any StoreReader, seconds: Int64 = 5,
        remove: @escaping (PruneOrder, Int) throws(StoreError) -> PruneStep,
        pause: @escaping () -> Bool = { true }
    ) {
        self.home = home
        self.reader = reader
        self.remove = remove
        self.pause = pause
        deadline = WallClock.monotonic() + seconds * 1_000_000
    }

    /// What was removed; not complete when the time was over before.
    public func prune(_ policy: PrunePolicy) throws(StoreError) -> PruneSummary {
        var summary = PruneSummary()
        var runs = try reader.prunableRuns(policy)[...]
        while !runs.isEmpty {
            let order = PruneOrder(runs: Array(runs.prefix(Self.runsPerOrder)))
            guard try carryOut(order, &summary) else { return summary }
            runs = runs.dropFirst(Self.runsPerOrder)
        }
        let left = try reader.leftovers(policy)
        guard try remove(versions: left, &summary) else { return summary }
        summary.orphans += try AttemptFolders(home).removeOrphans(reader)
        summary.isComplete = true
        return summary
    }

    private func remove(versions left: PruneOrder, _ summary: inout PruneSummary) throws(StoreError) -> Bool {
        var (versions, backfills) = (left.versions[...], left.backfills[...])
        while !versions.isEmpty || !backfills.isEmpty {
            let order = PruneOrder(
                versions: Array(versions.prefix(Self.rowsPerStep)), backfills: Array(backfills.prefix(Self.rowsPerStep))
            )
            guard try carryOut(order, &summary) else { return false }
            versions = versions.dropFirst(Self.rowsPerStep)
            backfills = backfills.dropFirst(Self.rowsPerStep)
        }
        guard left.auditThrough != nil else { return true }
        return try carryOut(PruneOrder(auditThrough: left.auditThrough), &summary)
    }

    /// - Returns: false when the time is over.
    private func carryOut(_ order: PruneOrder, _ summary: inout PruneSummary) throws(StoreError) -> Bool {
        while true {
            let step = try remove(order, Self.rowsPerStep)
            Fault.point("prune.committed")
            summary += step.summary
            // Only now: a crash leaves directories that nobody knows, never a row that lacks its log.
            AttemptFolders(home).remove(step.attempts)
            summary.isComplete = false
            guard pause(), WallClock.monotonic() < deadline else { return false }
            if step.isComplete { return true }
        }
    }
}

import SchedulerCore

/// A store without a disk, for tests and simulation. Refuses what the real one refuses.
public final class InMemoryStore: Store, StoreReader {
    struct Contents {
        var dags: [String: DAGRecord] = [:]
        var versions: [Int64: DAGVersionRecord] = [:]
        var errors: [String: (errors: [FileError], since: Instant)] = [:]
        var runs: [Int64: Run] = [:]
        /// What no second run may have: a name, and the date of an interval.
        var runNames: [RunName: Int64] = [:]
        var intervalDates: Set<IntervalDate> = []
        var instances: [Int64: [TaskInstance]] = [:]
        var attempts: [Int64: Attempt] = [:]
        var backfills: [Int64: Backfill] = [:]
        var entries: [Int64: [BackfillEntry]] = [:]
        var pools: [String: Pool] = [:]
        var audit: [AuditEntry] = []
        /// Entries of the audit log that were removed.
        var auditRemoved = 0
        /// By caller and key.
        var answers: [[String]: KeptAnswer] = [:]
    }

    struct RunName: Hashable {
        var dag: String
        var runID: String
    }

    struct IntervalDate: Hashable {
        var dag: String
        var logicalDate: Instant
    }

    var contents = Contents()
    /// Faster: a commit that is refused leaves the store half changed. For simulations, which end then.
    public var appliesInPlace = false
    /// When set, the next commit fails with this and changes nothing.
    public var nextFailure: StoreError?

    public init() {}

    // MARK: Store

    public func commit(_ changes: [Change]) throws(StoreError) {
        if let failure = nextFailure {
            nextFailure = nil
            throw failure
        }
        if appliesInPlace {
            for change in changes { try Self.apply(change, to: &contents) }
            return
        }
        var next = contents
        for change in changes { try Self.apply(change, to: &next) }
        contents = next
    }

    public func keptAnswer(caller: String, key: String) throws(StoreError) -> KeptAnswer? {
        contents.answers[[caller, key]]
    }

    public func snapshot() throws(StoreError) -> Snapshot {
        var snapshot = Snapshot()
        snapshot.dags = contents.dags.values.sorted { $0.id < $1.id }
        snapshot.runs = contents.runs.values.filter { !$0.state.isFinal }.sorted { $0.id < $1.id }
        let needed = Set(snapshot.dags.map(\.version) + snapshot.runs.map(\.version))
        snapshot.versions = contents.versions.values.filter { needed.contains($0.id) }.sorted { $0.id < $1.id }
        snapshot.instances = snapshot.runs.flatMap { contents.instances[$0.id] ?? [] }
        snapshot.attempts = contents.attempts.values.filter { $0.state == .running }.sorted { $0.id < $1.id }
        snapshot.backfills = contents.backfills.values.filter { $0.state == .running }.sorted { $0.id < $1.id }
        snapshot.backfillEntries = snapshot.backfills.flatMap { contents.entries[$0.id] ?? [] }
        for entry in snapshot.backfillEntries {
            if let run = contents.runs[entry.run], run.state.isFinal {
                snapshot.endedBackfillRuns[run.id] = run.state
            }
        }
        for dag in snapshot.dags {
            let taken = contents.runs.values.filter {
                $0.dagID == dag.id && $0.type.isOfInterval && $0.state.isFinal
                    && $0.logicalDate >= dag.cursor ?? Instant(microseconds: .min)
            }
            if !taken.isEmpty { snapshot.takenDates[dag.id] = taken.map(\.logicalDate).sorted() }
        }
        snapshot.filesInError = contents.errors.keys.sorted()
        snapshot.pools = contents.pools.values.sorted { $0.name < $1.name }
        snapshot.nextRun = (contents.runs.keys.max() ?? 0) + 1
        snapshot.nextAttempt = (contents.attempts.keys.max() ?? 0) + 1
        snapshot.nextBackfill = (contents.backfills.keys.max() ?? 0) + 1
        snapshot.nextVersion = (contents.versions.keys.max() ?? 0) + 1
        return snapshot
    }

    public func taskInstances(ofRun run: Int64) throws(StoreError) -> [TaskInstance] { contents.instances[run] ?? [] }

    public func intervalRuns(dag: String, from: Instant, to: Instant) throws(StoreError) -> [Run] {
        contents.runs.values
            .filter { $0.dagID == dag && $0.type.isOfInterval && from <= $0.logicalDate && $0.logicalDate <= to }
            .sorted { $0.logicalDate < $1.logicalDate }
    }

    public func intervalRun(dag: String, before: Instant) throws(StoreError) -> Run? {
        contents.runs.values
            .filter { $0.dagID == dag && $0.type.isOfInterval && $0.logicalDate < before }
            .max { $0.logicalDate < $1.logicalDate }
    }

    public func backfillRecord(_ id: Int64) throws(StoreError) -> Backfill? { contents.backfills[id] }

    public func version(dag: String, sha256: String) throws(StoreError) -> DAGVersionRecord? {
        contents.versions.values.first { $0.dagID == dag && $0.sha256 == sha256 }
    }

    // MARK: StoreReader

    public func dags() throws(StoreError) -> [DAGSummary] {
        contents.dags.values.sorted { $0.id < $1.id }.map { record in
            let runs = contents.runs.values.filter { $0.dagID == record.id }
            let failed = runs.filter { $0.state == .failed && !isMadeGood($0) }
            return DAGSummary(
                record: record,
                lastRun: runs.filter { RunType.ofData.contains($0.type) }
                    .max { ($0.logicalDate, $0.id) < ($1.logicalDate, $1.id) },
                latestRun: runs.filter { RunType.ofData.contains($0.type) }.max { $0.id < $1.id },
                activeRuns: runs.count { !$0.state.isFinal }, failedRuns: failed.count,
                lastFailure: failed.max { ($0.endedAt ?? .distantPast, $0.id) < ($1.endedAt ?? .distantPast, $1.id) })
        }
    }

    private func isMadeGood(_ run: Run) -> Bool {
        contents.runs.values.contains {
            $0.dagID == run.dagID && $0.id > run.id && $0.logicalDate == run.logicalDate && $0.state == .success
                && RunType.ofData.contains($0.type)
        }
    }

    public func dag(_ id: String) throws(StoreError) -> DAGSummary? { try dags().first { $0.record.id == id } }

    public func version(_ id: Int64) throws(StoreError) -> DAGVersionRecord? { contents.versions[id] }

    public func versions(dag: String, before: Int64?, limit: Int) throws(StoreError) -> [DAGVersionRecord] {
        let found = contents.versions.values.filter { $0.dagID == dag && $0.id < before ?? .max }
        return Array(found.sorted { $0.id > $1.id }.prefix(max(0, limit)))
    }

    public func runs(_ query: RunQuery) throws(StoreError) -> [Run] {
        let found = contents.runs.values.filter { run in
            let isAfter = query.after.map { query.isInOrder(($0.value, $0.id), query.place(run)) } ?? true
            return isAfter && (query.dag == nil || run.dagID == query.dag)
                && (query.states.isEmpty || query.states.contains(run.state))
                && (query.types.isEmpty || query.types.contains(run.type))
                && !(query.failuresThatStand && run.state == .failed && isMadeGood(run))
                && run.logicalDate >= query.from ?? run.logicalDate && run.logicalDate <= query.to ?? run.logicalDate
                && (query.backfill == nil
                    || contents.entries[query.backfill ?? 0, default: []].contains { $0.run == run.id })
        }
        return Array(
            found.sorted { query.isInOrder(query.place($0), query.place($1)) }.prefix(max(0, query.limit)))
    }

    public func recentRuns(of dag: String, limit: Int) throws(StoreError) -> [RecentRun] {
        try runs(RunQuery(dag: dag, limit: limit)).map {
            RecentRun(
                runID: $0.runID, state: $0.state, logicalDate: $0.logicalDate, startedAt: $0.startedAt,
                endedAt: $0.endedAt)
        }
    }

    public func tasks(_ query: TaskQuery) throws(StoreError) -> [ListedTask] {
        var found: [ListedTask] = []
        for (id, instances) in contents.instances {
            guard let run = contents.runs[id], query.dag.map({ run.dagID == $0 }) ?? true,
                query.from.map({ run.logicalDate >= $0 }) ?? true, query.to.map({ run.logicalDate <= $0 }) ?? true
            else { continue }
            for (place, instance) in instances.enumerated()
            where query.states.isEmpty || query.states.contains(instance.state) {
                let position = TaskPosition(run: id, position: Int64(place + 1))
                if query.after.map({ position < $0 }) ?? true {
                    found.append(ListedTask(instance: instance, run: run, position: position))
                }
            }
        }
        return Array(found.sorted { $0.position > $1.position }.prefix(max(0, query.limit)))
    }

    public func run(dag: String, runID: String) throws(StoreError) -> Run? {
        contents.runNames[RunName(dag: dag, runID: runID)].flatMap { contents.runs[$0] }
    }

    public func run(_ id: Int64) throws(StoreError) -> Run? { contents.runs[id] }

    public func attempts(of instance: TaskInstanceKey) throws(StoreError) -> [Attempt] {
        contents.attempts.values.filter { $0.instance == instance }.sorted { $0.id < $1.id }
    }

    public func backfill(_ id: Int64) throws(StoreError) -> BackfillProgress? { contents.backfills[id].map(progress) }

    public func backfills(dag: String?, before: Int64?, limit: Int) throws(StoreError) -> [BackfillProgress] {
        contents.backfills.values.filter { (dag == nil || $0.dagID == dag) && $0.id < before ?? .max }
            .sorted { $0.id > $1.id }
            .prefix(max(0, limit)).map(progress)
    }

    private func progress(_ backfill: Backfill) -> BackfillProgress {
        let entries = contents.entries[backfill.id] ?? []
        var runs: [RunState: Int] = [:]
        var dispositions: [BackfillEntry.Disposition: Int] = [:]
        var durations: [Int64] = []
        for entry in entries {
            if entry.disposition != .kept, let run = contents.runs[entry.run], let start = run.startedAt,
                let end = run.endedAt
            {
                durations.append((end - start).microseconds)
            }
            if let state = contents.runs[entry.run]?.state { runs[state, default: 0] += 1 }
            dispositions[entry.disposition, default: 0] += 1
        }
        let mean = durations.isEmpty ? nil : durations.reduce(0, +) / Int64(durations.count)
        return BackfillProgress(
            backfill: backfill, runs: runs, dispositions: dispositions,
            meanDuration: mean.map { TimeAmount(microseconds: $0) })
    }

    public func fileErrors() throws(StoreError) -> [(file: String, errors: [FileError], since: Instant)] {
        contents.errors.sorted { $0.key < $1.key }.map { ($0.key, $0.value.errors, $0.value.since) }
    }

    public func undelivered(since: Instant, limit: Int) throws(StoreError) -> [UndeliveredNotification] {
        var all: [(end: Instant, run: Run, position: Int, instance: TaskInstance)] = []
        for (id, instances) in contents.instances {
            guard let run = contents.runs[id] else { continue }
            for (position, instance) in instances.enumerated() where instance.isNotification {
                guard instance.state == .failed || instance.state == .upForRetry, let end = instance.endedAt,
                    end >= since
                else { continue }
                all.append((end, run, position, instance))
            }
        }
        return all.sorted { ($0.end, $0.run.id, $0.position) > ($1.end, $1.run.id, $1.position) }.prefix(max(0, limit))
            .map { UndeliveredNotification(run: $0.run, instance: $0.instance) }
    }

    public func auditLog(before: Int64?, limit: Int) throws(StoreError) -> [(id: Int64, entry: AuditEntry)] {
        contents.audit.enumerated().map { (Int64(contents.auditRemoved + $0 + 1), $1) }
            .filter { $0.0 < before ?? .max }.reversed().prefix(max(0, limit)).map { (id: $0.0, entry: $0.1) }
    }

    public func pools() throws(StoreError) -> [Pool] { contents.pools.values.sorted { $0.name < $1.name } }

    public func counts() throws(StoreError) -> StoreCounts {
        var counts = StoreCounts()
        counts.dags = contents.dags.values.count(where: \.active)
        counts.queuedRuns = contents.runs.values.count { $0.state == .queued }
        counts.runningRuns = contents.runs.values.count { $0.state == .running }
        counts.runningAttempts = contents.attempts.values.count { $0.state == .running }
        counts.activeBackfills = contents.backfills.values.count { $0.state == .running }
        return counts
    }
}

import SchedulerCore
import Store

/// Everything that a store and its reader say, to compare two stores or two moments.
struct Answers: Equatable {
    struct FileAnswer: Equatable {
        var file: String
        var errors: [FileError]
        var since: Instant
    }

    var snapshot: Snapshot
    var dags: [DAGSummary]
    var versions: [DAGVersionRecord?]
    var versionsByContent: [DAGVersionRecord?]
    var runs: [[Run]] = []
    var namedRuns: [Run?] = []
    var intervalRuns: [[Run]] = []
    var instances: [[TaskInstance]] = []
    var attempts: [[Attempt]] = []
    var backfills: [[BackfillProgress]] = []
    var singleBackfills: [BackfillProgress?]
    var backfillRecords: [Backfill?]
    var readSnapshot: Snapshot
    var files: [FileAnswer]
    var audit: [[AuditEntry]]
    var counts: StoreCounts
    var pools: [Pool]
    var undelivered: [[UndeliveredNotification]]
    var runsBefore: [Run?] = []
    var kept: [KeptAnswer?] = []
    var listed: [[ListedTask]] = []
    var recent: [[RecentRun]] = []

    /// The ids that are asked for are those of `Sample` and of the random changes: small numbers.
    init(_ test: TestStore) throws {
        let (store, reader) = (test.store, test.reader)
        snapshot = try store.snapshot()
        dags = try reader.dags()
        let versions = try (Int64(0)...12).map { try reader.version($0) }
        self.versions = versions
        versionsByContent = try versions.compactMap(\.self).flatMap { version in
            [
                try store.version(dag: version.dagID, sha256: version.sha256),
                try store.version(dag: "x", sha256: version.sha256),
            ]
        }
        let all = try reader.runs(RunQuery(limit: 10_000))
        for query in Self.queries { runs.append(try reader.runs(query)) }
        for run in all {
            namedRuns.append(try reader.run(dag: run.dagID, runID: run.runID))
            let found = try store.taskInstances(ofRun: run.id)
            instances += [found, try reader.taskInstances(ofRun: run.id)]
            for instance in found { attempts.append(try reader.attempts(of: instance.key)) }
        }
        for dag in dags.map(\.record.id) + ["none"] {
            intervalRuns.append(try store.intervalRuns(dag: dag, from: .distantPast, to: .distantFuture))
            for day: Int64 in [0, 3, 20] { runsBefore.append(try store.intervalRun(dag: dag, before: Sample.day(day))) }
            intervalRuns.append(try store.intervalRuns(dag: dag, from: Sample.day(2), to: Sample.day(4)))
            backfills.append(try reader.backfills(dag: dag, limit: 2))
            recent.append(try reader.recentRuns(of: dag, limit: 3))
        }
        backfills.append(try reader.backfills(dag: nil, limit: 100))
        singleBackfills = try (Int64(0)...8).map { try reader.backfill($0) }
        backfillRecords = try (Int64(0)...8).map { try store.backfillRecord($0) }
        readSnapshot = try reader.snapshot()
        files = try reader.fileErrors().map { FileAnswer(file: $0.file, errors: $0.errors, since: $0.since) }
        audit = [try reader.audit(limit: 3), try reader.audit(limit: 1000)]
        counts = try reader.counts()
        undelivered = [
            try reader.undelivered(since: .distantPast, limit: 2),
            try reader.undelivered(since: Sample.day(4), limit: 1000),
        ]
        pools = try reader.pools()
        for caller in ["ann", "bob"] {
            for key in ["k", Sample.oddText] { kept.append(try store.keptAnswer(caller: caller, key: key)) }
        }
        for states: Set<TaskState> in [[], [.failed], [.running, .upForRetry], [.success, .failed], [.none]] {
            for dag in [nil, "daily"] {
                var query = TaskQuery(dag: dag, states: states, limit: 3)
                let first = try reader.tasks(query)
                query.after = first.last?.position
                query.from = Sample.day(2)
                query.to = Sample.day(5)
                listed += [first, try reader.tasks(query)]
            }
        }
    }

    private static let queries: [RunQuery] =
        [
            RunQuery(limit: 10_000), RunQuery(limit: 3), RunQuery(limit: 0), RunQuery(limit: -1),
            RunQuery(dag: "daily"),
            RunQuery(dag: "daily", limit: 1), RunQuery(dag: "none"), RunQuery(states: [.queued, .failed]),
            RunQuery(types: [.manual]), RunQuery(from: Sample.day(3)), RunQuery(to: Sample.day(3)),
            RunQuery(
                dag: "b", states: [.success, .running], types: [.scheduled, .backfill], from: Sample.day(1),
                to: Sample.day(6)),
            RunQuery(backfill: 1), RunQuery(states: [.success], backfill: 2, limit: 2), RunQuery(backfill: 99),
        ]
        + RunQuery.Order.allCases.flatMap { order in
            [true, false].map { isRising in
                var query = RunQuery(dag: "daily", limit: 5)
                query.order = order
                query.isRising = isRising
                query.after = RunPosition(value: Sample.day(3).microseconds, id: 3)
                return query
            }
        }
}

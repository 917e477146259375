import SchedulerCore

/// Why the store could not do what it was asked.
public struct StoreError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// A guarded write found another state than it expected.
        case conflict
        /// Another daemon has taken the state directory over.
        case fenced
        /// Another process held the database for longer than the busy timeout.
        case busy
        /// The disk is full, or the file cannot be read or written.
        case io
        /// The file is not a database, or is damaged.
        case corrupt
        /// It was made by a newer Weir.
        case tooNew = "too_new"
        /// There is no database.
        case missing
        /// Anything else: a bug.
        case internalError = "internal"
    }

    public var code: Code
    /// What failed, on which file, and what to do about it.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// The one writer's view of the store. Used from one thread; every call blocks.
public protocol Store: AnyObject {
    /// What is not finished.
    func snapshot() throws(StoreError) -> Snapshot

    /// Carries out all changes in one durable transaction, or none of them.
    func commit(_ changes: [Change]) throws(StoreError)

    /// The task instances of one run, also of an ended one.
    func taskInstances(ofRun run: Int64) throws(StoreError) -> [TaskInstance]

    /// Runs of an interval (scheduled and backfill, in any state) with `from <= logical date <= to`, by logical date.
    func intervalRuns(dag: String, from: Instant, to: Instant) throws(StoreError) -> [Run]

    /// The run of an interval with the latest logical date before another.
    func intervalRun(dag: String, before: Instant) throws(StoreError) -> Run?

    /// What was answered to a request of a caller with this key.
    func keptAnswer(caller: String, key: String) throws(StoreError) -> KeptAnswer?

    /// One run by its name.
    func run(dag: String, runID: String) throws(StoreError) -> Run?

    /// A backfill in any state.
    func backfillRecord(_ id: Int64) throws(StoreError) -> Backfill?

    func version(_ id: Int64) throws(StoreError) -> DAGVersionRecord?

    /// The version of this DAG with this content, if it was seen before.
    func version(dag: String, sha256: String) throws(StoreError) -> DAGVersionRecord?

    /// Removes what an order names and what belongs to it, in one durable transaction. Rows that must stay are left alone;
    /// see `PrunePolicy`.
    /// - Parameter limit: about so many rows at most, so that the transaction is short.
    func prune(_ order: PruneOrder, limit: Int) throws(StoreError) -> PruneStep

    /// The last call of a writer that stops in good order: the next one need not look for damage.
    func close() throws(StoreError)
}

/// What people and programs ask of the store; safe to use beside a running daemon. Used from one thread.
public protocol StoreReader: AnyObject {
    /// What is not finished.
    func snapshot() throws(StoreError) -> Snapshot
    func dags() throws(StoreError) -> [DAGSummary]
    func dag(_ id: String) throws(StoreError) -> DAGSummary?
    func version(_ id: Int64) throws(StoreError) -> DAGVersionRecord?
    /// The versions of a DAG, newest first; at most `limit` of those below `before`, where that is given.
    func versions(dag: String, before: Int64?, limit: Int) throws(StoreError) -> [DAGVersionRecord]
    /// In the order that the query says; at equal values in the order of creation, which falls where that falls.
    func runs(_ query: RunQuery) throws(StoreError) -> [Run]
    /// The last runs of a DAG, newest logical date first, as far as a list of DAGs shows them.
    func recentRuns(of dag: String, limit: Int) throws(StoreError) -> [RecentRun]
    /// Those of the last created run first; within a run the last one of the file first.
    func tasks(_ query: TaskQuery) throws(StoreError) -> [ListedTask]
    func run(dag: String, runID: String) throws(StoreError) -> Run?
    /// The run of a row.
    func run(_ id: Int64) throws(StoreError) -> Run?
    /// In the order in which they were inserted, which is the order of the DAG file.
    func taskInstances(ofRun run: Int64) throws(StoreError) -> [TaskInstance]
    /// Oldest first.
    func attempts(of instance: TaskInstanceKey) throws(StoreError) -> [Attempt]
    func backfill(_ id: Int64) throws(StoreError) -> BackfillProgress?
    /// Newest first; at most `limit` of those below `before`, where that is given.
    func backfills(dag: String?, before: Int64?, limit: Int) throws(StoreError) -> [BackfillProgress]
    /// Files of the DAG folder that are in error now, by name.
    func fileErrors() throws(StoreError) -> [(file: String, errors: [FileError], since: Instant)]
    /// Notifications whose last try failed at or after a time, newest first: given up, or about to be tried again.
    func undelivered(since: Instant, limit: Int) throws(StoreError) -> [UndeliveredNotification]
    /// Newest first, each with its number; at most `limit` of those below `before`, where that is given.
    func auditLog(before: Int64?, limit: Int) throws(StoreError) -> [(id: Int64, entry: AuditEntry)]
    /// Those that somebody has set, by name, with the slots that running attempts take.
    func pools() throws(StoreError) -> [Pool]
    /// Counts of everything that is not finished.
    func counts() throws(StoreError) -> StoreCounts

    /// Ended runs that a policy lets go, DAG by DAG, oldest logical date first.
    func prunableRuns(_ policy: PrunePolicy) throws(StoreError) -> [PrunableRun]
    /// What else can go, once the runs are gone: versions, backfills, entries of the audit log.
    func leftovers(_ policy: PrunePolicy) throws(StoreError) -> PruneOrder
    /// Which of these attempts there are, and when each of them ended; nil while it runs.
    func attemptEnds(of ids: [Int64]) throws(StoreError) -> [Int64: Instant?]
}

extension StoreReader {
    /// Newest first.
    public func backfills(dag: String?, limit: Int) throws(StoreError) -> [BackfillProgress] {
        try backfills(dag: dag, before: nil, limit: limit)
    }

    /// Newest first.
    public func audit(limit: Int) throws(StoreError) -> [AuditEntry] {
        try auditLog(before: nil, limit: limit).map(\.entry)
    }
}

public struct DAGSummary: Sendable, Hashable {
    public var record: DAGRecord
    /// The one of the latest logical date.
    public var lastRun: Run?
    /// The one that was made last, of whatever date.
    public var latestRun: Run?
    public var activeRuns: Int
    /// Runs of any type that have failed and stand so: neither run again nor followed by another run of the same logical
    /// date that succeeded.
    public var failedRuns: Int
    /// The one of those that ended last.
    public var lastFailure: Run?

    public init(
        record: DAGRecord, lastRun: Run?, latestRun: Run? = nil, activeRuns: Int, failedRuns: Int = 0,
        lastFailure: Run? = nil
    ) {
        self.record = record
        self.lastRun = lastRun
        self.latestRun = latestRun
        self.activeRuns = activeRuns
        self.failedRuns = failedRuns
        self.lastFailure = lastFailure
    }
}

/// A notification that has not reached anybody.
public struct UndeliveredNotification: Sendable, Hashable {
    public var run: Run
    /// `failed` when it was given up, `up_for_retry` while it is tried again.
    public var instance: TaskInstance

    public init(run: Run, instance: TaskInstance) {
        self.run = run
        self.instance = instance
    }
}

public struct RunQuery: Sendable, Hashable {
    /// By what runs are ordered. All but the first are for the runs of one DAG, which are few enough to be sorted.
    public enum Order: String, Sendable, Hashable, CaseIterable {
        case logicalDate = "logical_date"
        /// A run that has not begun, or not ended, counts as the earliest.
        case startDate = "start_date"
        case endDate = "end_date"
        /// From start to end; 0 before its end.
        case duration

        /// What the order compares: microseconds.
        public func value(_ run: Run) -> Int64 {
            switch self {
            case .logicalDate: run.logicalDate.microseconds
            case .startDate: run.startedAt?.microseconds ?? 0
            case .endDate: run.endedAt?.microseconds ?? 0
            case .duration: run.startedAt.flatMap { start in run.endedAt.map { ($0 - start).microseconds } } ?? 0
            }
        }
    }

    public var dag: String?
    /// Empty for any.
    public var states: Set<RunState>
    public var types: Set<RunType>
    /// Bounds of the logical date, both inclusive.
    public var from: Instant?
    public var to: Instant?
    public var backfill: Int64?
    /// Leaves out what has failed where a later run of the same logical date has succeeded.
    public var failuresThatStand = false
    /// Only those that come after this one in the order of the answer.
    public var after: RunPosition?
    public var order = Order.logicalDate
    public var isRising = false
    public var limit: Int

    public init(
        dag: String? = nil, states: Set<RunState> = [], types: Set<RunType> = [], from: Instant? = nil,
        to: Instant? = nil, backfill: Int64? = nil, after: RunPosition? = nil, limit: Int = 100
    ) {
        self.dag = dag
        self.states = states
        self.types = types
        self.from = from
        self.to = to
        self.backfill = backfill
        self.after = after
        self.limit = limit
    }
}

/// A run as a list of DAGs shows it.
public struct RecentRun: Sendable, Hashable {
    public var runID: String
    public var state: RunState
    public var logicalDate: Instant
    public var startedAt: Instant?
    public var endedAt: Instant?

    public init(runID: String, state: RunState, logicalDate: Instant, startedAt: Instant?, endedAt: Instant?) {
        self.runID = runID
        self.state = state
        self.logicalDate = logicalDate
        self.startedAt = startedAt
        self.endedAt = endedAt
    }
}

/// Which task instances are wanted, of whatever runs.
public struct TaskQuery: Sendable, Hashable {
    public var dag: String?
    /// Empty for any.
    public var states: Set<TaskState>
    /// Bounds of the run's logical date, both inclusive.
    public var from: Instant?
    public var to: Instant?
    /// Only those that come after this one in the order of the answer.
    public var after: TaskPosition?
    public var limit: Int

    public init(
        dag: String? = nil, states: Set<TaskState> = [], from: Instant? = nil, to: Instant? = nil,
        after: TaskPosition? = nil, limit: Int = 100
    ) {
        self.dag = dag
        self.states = states
        self.from = from
        self.to = to
        self.after = after
        self.limit = limit
    }
}

/// Where a task instance stands among those of all runs.
public struct TaskPosition: Sendable, Hashable, Comparable {
    public var run: Int64
    /// Within the run.
    public var position: Int64

    public init(run: Int64, position: Int64) {
        self.run = run
        self.position = position
    }

    public static func < (one: TaskPosition, other: TaskPosition) -> Bool {
        (one.run, one.position) < (other.run, other.position)
    }
}

/// A task instance with its run.
public struct ListedTask: Sendable, Hashable {
    public var instance: TaskInstance
    public var run: Run
    public var position: TaskPosition

    public init(instance: TaskInstance, run: Run, position: TaskPosition) {
        self.instance = instance
        self.run = run
        self.position = position
    }
}

/// Where a run stands among runs in an order.
public struct RunPosition: Sendable, Hashable {
    /// What the order compares.
    public var value: Int64
    public var id: Int64

    public init(value: Int64, id: Int64) {
        self.value = value
        self.id = id
    }
}

/// Readers of one store for many threads: each call has one to itself.
public protocol StoreReaders: Sendable {
    /// - Throws: what `body` throws, and ``StoreError`` when the store cannot be opened.
    func read<Value>(_ body: (any StoreReader) throws -> Value) throws -> Value
}

/// A backfill and how far it is.
public struct BackfillProgress: Sendable, Hashable {
    public var backfill: Backfill
    /// How many of its intervals are in each state of their run.
    public var runs: [RunState: Int]
    /// How its intervals were met.
    public var dispositions: [BackfillEntry.Disposition: Int]
    /// How long those of its runs took, on average, that have ended and were not left as they were; nil before the first.
    public var meanDuration: TimeAmount?

    public init(
        backfill: Backfill, runs: [RunState: Int], dispositions: [BackfillEntry.Disposition: Int],
        meanDuration: TimeAmount? = nil
    ) {
        self.backfill = backfill
        self.runs = runs
        self.dispositions = dispositions
        self.meanDuration = meanDuration
    }

    /// Runs that have ended, also those that were left as they were.
    public var ended: Int { runs.filter { $0.key.isFinal }.values.reduce(0, +) }

    /// How long the rest takes when it goes on as it went; nil when nothing is known or nothing is left.
    public var timeLeft: TimeAmount? {
        guard let meanDuration, ended < total else { return nil }
        // Rounds of as many runs as may run at once.
        let rest = Double(total - ended)
        let left = max(rest / Double(max(backfill.maxActive, 1)), 1) * meanDuration.seconds
        // Beyond thirty years it is no estimate, and no time that fits.
        return left < 1e9 ? TimeAmount(microseconds: Int64(left * 1_000_000)) : nil
    }

    public var total: Int { runs.values.reduce(0, +) }
}

public struct StoreCounts: Sendable, Hashable {
    public var dags = 0
    public var queuedRuns = 0
    public var runningRuns = 0
    public var runningAttempts = 0
    public var activeBackfills = 0

    public init() {}
}

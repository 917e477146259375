import JSONText

/// A DAG in the Scheduler's memory. A class, because many runs refer to it; owned by one Scheduler and never shared.
final class DAGNode {
    var record: DAGRecord
    /// The version that new runs get; nil when the stored text is no longer valid.
    var dag: DAG?
    /// Scheduled and manual runs that are running.
    var activeRuns = 0
    /// Scheduled and manual runs that wait for their start.
    var queued = Heap<QueuedRun>()
    /// How many of those the schedule made.
    var queuedScheduled = 0
    /// `max_active_tasks`.
    let gate: Gate
    /// Unfinished runs of an interval, by logical date.
    var runsByDate: [Instant: Int64] = [:]
    /// Unfinished runs that know the run before them; see `depends_on_past`.
    var knowingPast: Set<Int64> = []
    /// Unfinished runs, by the name that people use.
    var runsByName: [String: Int64] = [:]
    /// Names by the time of making that were given since the start.
    var usedNames: Set<String> = []
    /// Logical dates at or after the cursor whose run has ended: the schedule passes over them.
    var takenDates: Set<Instant> = []
    /// Late dates whose runs the store is being asked for.
    var lateAsked: Set<Instant> = []
    /// When the schedule is to be looked at again.
    var dueAt: Instant?
    /// When `expect_by` is to be looked at again.
    var expectAt: Instant?

    init(record: DAGRecord, dag: DAG?) {
        self.record = record
        self.dag = dag
        gate = Gate(name: "dag \(record.id)", capacity: dag?.maxActiveTasks ?? 1)
    }
}

/// A run that has not ended.
final class RunNode {
    enum Slot { case none, dag, backfill(BackfillNode) }

    var run: Run
    let owner: DAGNode
    /// The version that the run is pinned to; nil when its text is no longer valid.
    var dag: DAG?
    /// Empty until the run starts; then it only grows.
    var instances: [InstanceNode] = []
    /// In the order of `dag.specs`.
    var tasks: [TaskNode] = []
    var unfinished = 0
    var loadingInstances = false
    /// The run of an interval before this one; nil until the store has told.
    var past: PastRun?
    var loadingPast = false
    /// Whose limit of active runs it counts against, once it has started.
    var slot = Slot.none
    /// Whether it is one of `DAGNode.queuedScheduled`.
    var isQueuedScheduled = false
    /// State in the store when the turn began; nil when the run is new in this turn.
    var storedState: RunState?

    init(run: Run, owner: DAGNode, dag: DAG?, storedState: RunState?) {
        self.run = run
        self.owner = owner
        self.dag = dag
        self.storedState = storedState
    }
}

/// A task instance of a run in memory.
struct InstanceNode {
    var record: TaskInstance
    /// Index in `dag.specs`.
    var task: Int
    /// State in the store when the turn began; nil when the instance is new in this turn.
    var storedState: TaskState?
    var isDirty = false
}

/// A task of a run in memory.
struct TaskNode {
    var upstream: UpstreamCounts
    /// Indexes of its instances. A mapped task has one of map index -1 that stands for it until its list is known.
    var instances: [Int] = []
    /// The list of a mapped task, once it is known.
    var elements: [JSONNode]?
    /// `max_active` of a mapped task.
    var gate: Gate?
}

/// What `depends_on_past` looks at.
struct PastRun {
    /// Nil: there is none.
    var run: Int64?
    var runID = ""
    var logicalDate = Instant.distantPast
    /// Whether each task lets the next run go on, as it stood when the run was last seen; while it is in memory it is asked
    /// itself.
    var isGood: [String: Bool] = [:]
}

/// A backfill that is running.
final class BackfillNode {
    var record: Backfill
    /// Its queued runs that it governs, in order.
    var pending: [Int64] = []
    var nextPending = 0
    var active = 0
    /// Runs, also followed ones, that have not ended.
    var unfinished: Set<Int64> = []
    var anyFailed = false
    /// Its first run, which does not depend on the past.
    var first: Int64?

    init(record: Backfill) { self.record = record }
}

/// A place in the queue of a DAG's runs: those due first come first.
struct QueuedRun: Comparable {
    var runAfter: Instant
    var run: Int64

    static func < (a: QueuedRun, b: QueuedRun) -> Bool { (a.runAfter, a.run) < (b.runAfter, b.run) }
}

/// A task instance that is ready, in the order of starting: scheduled work before backfills, then priority, then the older
/// logical date, then the older run, then the order of the file.
struct Candidate: Comparable {
    var isBackfill: Bool
    var priority: Int
    var logicalDate: Instant
    var run: Int64
    var index: Int

    static func < (a: Candidate, b: Candidate) -> Bool {
        if a.priority != b.priority { return a.priority > b.priority }
        if a.isBackfill != b.isBackfill { return !a.isBackfill }
        return (a.logicalDate, a.run, a.index) < (b.logicalDate, b.run, b.index)
    }
}

/// A run whose `run_timeout` or `deadline` comes.
struct RunTimer: Comparable {
    var at: Instant
    var run: Int64

    static func < (a: RunTimer, b: RunTimer) -> Bool { (a.at, a.run) < (b.at, b.run) }
}

/// A task instance that waits for its next try.
struct RetryTimer: Comparable {
    var at: Instant
    var run: Int64
    var index: Int

    static func < (a: RetryTimer, b: RetryTimer) -> Bool { (a.at, a.run, a.index) < (b.at, b.run, b.index) }
}

/// A DAG whose schedule, or a queued run of which, comes due.
struct DAGTimer: Comparable {
    var at: Instant
    var dag: String

    static func < (a: DAGTimer, b: DAGTimer) -> Bool { (a.at, a.dag) < (b.at, b.dag) }
}

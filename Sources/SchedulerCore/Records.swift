/// A DAG as the store knows it.
public struct DAGRecord: Sendable, Hashable {
    public var id: String
    /// The version that new runs get.
    public var version: Int64
    /// File it came from, relative to the DAG folder.
    public var file: String
    public var paused: Bool
    /// False once its file is gone; its history stays.
    public var active: Bool
    /// When it was first loaded; the start of a DAG that names none.
    public var firstSeen: Instant
    /// Start of the next interval that the schedule creates a run for. Moves only forward, in the commit that creates the run.
    /// For a DAG that files or datasets start: the end of its last run's interval.
    public var cursor: Instant?
    /// Datasets that it waits for and that were published since its last start.
    public var arrived: Set<String>
    /// Logical dates whose data has changed since they were processed, each with the generation of the data: they are to run
    /// again.
    public var late: [Instant: Int64]
    /// The last day that `expect_by` was asked about: it is settled, whatever came of it. Moves only forward.
    public var expectedThrough: CivilDate?
    /// The latest end of the interval of a run that has succeeded.
    public var succeededThrough: Instant?
    /// When a run has succeeded last.
    public var succeededAt: Instant?

    public init(
        id: String, version: Int64, file: String, paused: Bool, active: Bool = true, firstSeen: Instant,
        cursor: Instant? = nil, arrived: Set<String> = [], late: [Instant: Int64] = [:],
        expectedThrough: CivilDate? = nil, succeededThrough: Instant? = nil, succeededAt: Instant? = nil
    ) {
        self.id = id
        self.version = version
        self.file = file
        self.paused = paused
        self.active = active
        self.firstSeen = firstSeen
        self.cursor = cursor
        self.arrived = arrived
        self.late = late
        self.expectedThrough = expectedThrough
        self.succeededThrough = succeededThrough
        self.succeededAt = succeededAt
    }
}

/// One distinct content of a DAG file.
public struct DAGVersionRecord: Sendable, Hashable {
    public var id: Int64
    public var dagID: String
    /// Lower-case hexadecimal SHA-256 of `text`.
    public var sha256: String
    public var text: String
    public var loadedAt: Instant

    public init(id: Int64, dagID: String, sha256: String, text: String, loadedAt: Instant) {
        self.id = id
        self.dagID = dagID
        self.sha256 = sha256
        self.text = text
        self.loadedAt = loadedAt
    }
}

/// One execution of a DAG for one data interval.
public struct Run: Sendable, Hashable {
    /// Row id; `runID` is the name that people use.
    public var id: Int64
    public var dagID: String
    public var runID: String
    public var type: RunType
    public var state: RunState
    public var version: Int64
    public var logicalDate: Instant
    public var interval: DataInterval
    /// Not to be started before this.
    public var runAfter: Instant
    public var createdAt: Instant
    public var startedAt: Instant?
    public var endedAt: Instant?
    /// The values of the DAG's parameters for this run, defaults filled in: a JSON object.
    public var params: String
    /// The last backfill that created or repeated this run.
    public var backfill: Int64?
    /// Whether task instances from an earlier execution exist and are to be used again.
    public var isRerun: Bool
    /// Whether those that have ended keep their state: some tasks were cleared or marked, not all of them.
    public var keepsFinished: Bool
    /// It was longer than its `run_timeout`, and is being ended.
    public var isExpired: Bool
    /// It was not done by its `deadline`, and that was told.
    public var missedDeadline: Bool
    /// Why it ended as it did, for people.
    public var reason: String?

    public init(
        id: Int64, dagID: String, runID: String, type: RunType, state: RunState = .queued, version: Int64,
        logicalDate: Instant, interval: DataInterval, runAfter: Instant, createdAt: Instant, startedAt: Instant? = nil,
        endedAt: Instant? = nil, params: String = "{}", backfill: Int64? = nil, isRerun: Bool = false,
        keepsFinished: Bool = false, isExpired: Bool = false, missedDeadline: Bool = false, reason: String? = nil
    ) {
        self.id = id
        self.dagID = dagID
        self.runID = runID
        self.type = type
        self.state = state
        self.version = version
        self.logicalDate = logicalDate
        self.interval = interval
        self.runAfter = runAfter
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.params = params
        self.backfill = backfill
        self.isRerun = isRerun
        self.keepsFinished = keepsFinished
        self.isExpired = isExpired
        self.missedDeadline = missedDeadline
        self.reason = reason
    }
}

extension Run {
    /// Whether it was cancelled while it waited for its start: it has no tasks, or those of an earlier execution.
    public var isCancelledUnbegun: Bool { state == .cancelled && startedAt == nil && !keepsFinished }

    /// Why none of its tasks can be cleared or marked, when it has not started.
    public var hasNoTasks: CommandError {
        CommandError(
            .conflict,
            isCancelledUnbegun
                ? "run '\(runID)' was cancelled before it started, so it has no tasks to mark; "
                    + "`weir retry \(dagID) \(runID)` runs it"
                : "run '\(runID)' has not started yet, so it has no tasks to clear or mark")
    }
}

/// What names a task instance in the store.
public struct TaskInstanceKey: Sendable, Hashable {
    public var run: Int64
    public var taskID: String
    /// -1 for a task that is not mapped.
    public var mapIndex: Int

    public init(run: Int64, taskID: String, mapIndex: Int = -1) {
        self.run = run
        self.taskID = taskID
        self.mapIndex = mapIndex
    }
}

/// One task of one run, with a state.
public struct TaskInstance: Sendable, Hashable {
    public var key: TaskInstanceKey
    public var state: TaskState
    /// Number of the latest try, from 1; 0 before the first. Lost and revoked attempts do not raise it.
    public var tryNumber: Int
    /// The last try that may still be made: the tries before a rerun, plus 1, plus `retries`.
    public var maxTries: Int
    /// Attempts lost in a row; a task is given up after three.
    public var lostInARow: Int
    /// When the next try may start, while `up_for_retry`; when a sensor looks again, while `deferred`.
    public var nextTryAt: Instant?
    /// Since when a sensor has been waiting.
    public var waitingSince: Instant?
    public var startedAt: Instant?
    public var endedAt: Instant?
    /// The attempt that is current; results of any other are ignored.
    public var attempt: Int64?
    /// What the task handed on: a JSON object, nil for nothing.
    public var outputs: String?
    /// Why it is in this state, for people.
    public var reason: String?

    public init(
        key: TaskInstanceKey, state: TaskState = .none, tryNumber: Int = 0, maxTries: Int = 1, lostInARow: Int = 0,
        nextTryAt: Instant? = nil, waitingSince: Instant? = nil, startedAt: Instant? = nil, endedAt: Instant? = nil,
        attempt: Int64? = nil,
        outputs: String? = nil, reason: String? = nil
    ) {
        self.key = key
        self.state = state
        self.tryNumber = tryNumber
        self.maxTries = maxTries
        self.lostInARow = lostInARow
        self.nextTryAt = nextTryAt
        self.waitingSince = waitingSince
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.attempt = attempt
        self.outputs = outputs
        self.reason = reason
    }
}

extension TaskInstance {
    /// Whether it tells of the run, and does not belong to its tasks: no task's id may hold a colon.
    public var isNotification: Bool { key.taskID.utf8.contains(UInt8(ascii: ":")) }

    /// How long the last try took; nil while it runs.
    public var duration: TimeAmount? { startedAt.flatMap { start in endedAt.map { $0 - start } } }
}

/// One try of a task instance: a process, a log, a result.
public struct Attempt: Sendable, Hashable {
    public var id: Int64
    public var instance: TaskInstanceKey
    public var tryNumber: Int
    public var state: AttemptState
    public var intent: Intent?
    public var createdAt: Instant
    public var startedAt: Instant?
    public var endedAt: Instant?
    public var exitCode: Int?
    public var signal: Int?
    /// User and system time of the whole process tree, microseconds.
    public var cpuMicroseconds: Int64?
    /// Largest resident set of a process of the tree, bytes.
    public var peakMemory: Int64?
    public var reason: String?
    /// The parameters as rendered for this attempt: a JSON object.
    public var rendered: String

    public init(
        id: Int64, instance: TaskInstanceKey, tryNumber: Int, state: AttemptState = .running, intent: Intent? = nil,
        createdAt: Instant, startedAt: Instant? = nil, endedAt: Instant? = nil, exitCode: Int? = nil,
        signal: Int? = nil, cpuMicroseconds: Int64? = nil, peakMemory: Int64? = nil, reason: String? = nil,
        rendered: String = "{}"
    ) {
        self.id = id
        self.instance = instance
        self.tryNumber = tryNumber
        self.state = state
        self.intent = intent
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.exitCode = exitCode
        self.signal = signal
        self.cpuMicroseconds = cpuMicroseconds
        self.peakMemory = peakMemory
        self.reason = reason
        self.rendered = rendered
    }
}

/// An order to run a range of past intervals.
public struct Backfill: Sendable, Hashable {
    public var id: Int64
    public var dagID: String
    /// First and last logical date, inclusive.
    public var from: Instant
    public var to: Instant
    public var reprocess: Reprocess
    /// Runs of this backfill at once.
    public var maxActive: Int
    public var reverse: Bool
    /// The only tasks that run; empty: all of them.
    public var tasks: [String]
    public var state: BackfillState
    /// No further run of it starts; those that run go on. Only while its state is `running`.
    public var paused: Bool
    public var createdAt: Instant
    public var endedAt: Instant?

    public init(
        id: Int64, dagID: String, from: Instant, to: Instant, reprocess: Reprocess, maxActive: Int, reverse: Bool,
        tasks: [String] = [], state: BackfillState = .running, paused: Bool = false, createdAt: Instant,
        endedAt: Instant? = nil
    ) {
        self.id = id
        self.dagID = dagID
        self.from = from
        self.to = to
        self.reprocess = reprocess
        self.maxActive = maxActive
        self.reverse = reverse
        self.tasks = tasks
        self.state = state
        self.paused = paused
        self.createdAt = createdAt
        self.endedAt = endedAt
    }
}

/// One interval of a backfill.
public struct BackfillEntry: Sendable, Hashable {
    /// What the backfill does about the interval.
    public enum Disposition: String, Sendable, Hashable, CaseIterable {
        /// It made the run.
        case created
        /// It runs an ended run again.
        case rerun
        /// The run was in flight already; the backfill waits for it.
        case followed
        /// The run exists and is left as it is.
        case kept
    }

    public var backfill: Int64
    /// Order of execution, from 1.
    public var ordinal: Int
    public var run: Int64
    public var disposition: Disposition

    public init(backfill: Int64, ordinal: Int, run: Int64, disposition: Disposition) {
        self.backfill = backfill
        self.ordinal = ordinal
        self.run = run
        self.disposition = disposition
    }
}

import JSONText

/// A validated DAG definition. Only `DAGParser` makes one from a file, so every reference in it holds:
/// dependencies are indexes of earlier-checked tasks, kinds exist, templates name what is there.
///
/// An object, because everything that runs refers to one and nothing ever changes it.
public final class DAG: Sendable {
    /// Which missed intervals a schedule makes up for.
    public enum Catchup: Sendable, Hashable {
        /// Every one since `start`, oldest first.
        case all
        /// The latest complete one only.
        case latest
        /// None: only intervals that come due while the DAG is live.
        case none
    }

    /// What becomes of a tick that finds `maxActiveRuns` runs active.
    public enum Overlap: String, Sendable, Hashable, CaseIterable {
        /// Its run waits.
        case queue
        /// It makes no run; that is recorded.
        case skip
    }

    public let id: String
    public let description: String
    public let owner: String
    public let tags: [String]
    /// Nil: time starts no runs; the data interval of a run by hand is empty.
    public let timetable: Timetable?
    /// What else than time starts runs; never beside a timetable. Such a run's data interval is the span since the last.
    public let startedBy: StartCondition?
    public let zone: Zone
    /// First logical date; nil means the instant at which the DAG was first loaded.
    public let start: Instant?
    /// Last logical date, inclusive.
    public let end: Instant?
    public let catchup: Catchup
    public let catchupWindow: TimeAmount?
    /// How long after the interval's end the run is due.
    public let delay: TimeAmount
    public let maxActiveRuns: Int
    public let maxActiveTasks: Int
    public let overlap: Overlap
    /// A run that takes longer, counted from its start, is ended as failed.
    public let runTimeout: TimeAmount?
    /// A run that is not done so long after its start is told of, once; it goes on.
    public let deadline: TimeAmount?
    /// By this time of each day, in the DAG's zone, a run must have succeeded; else it is told, once a day.
    public let expectBy: ClockTime?
    public let params: [Parameter]
    /// Environment for every task, in order of name; values are templates.
    public let env: [EnvironmentEntry]
    /// Whether the DAG is paused when it is first loaded.
    public let paused: Bool
    public let tasks: [TaskSpec]
    /// Notifications, each a small task that runs when its moment comes and never decides how the run ends.
    public let hooks: [Hook]
    /// The tasks, then those of the hooks: what the indexes of the Scheduler count.
    let specs: [TaskSpec]

    init(
        id: String, description: String, owner: String, tags: [String], timetable: Timetable?,
        startedBy: StartCondition?, zone: Zone, start: Instant?, end: Instant?, catchup: Catchup,
        catchupWindow: TimeAmount?, delay: TimeAmount, maxActiveRuns: Int, maxActiveTasks: Int, overlap: Overlap,
        runTimeout: TimeAmount?, deadline: TimeAmount?, expectBy: ClockTime?, params: [Parameter],
        env: [EnvironmentEntry], paused: Bool, tasks: [TaskSpec], hooks: [Hook], specs: [TaskSpec]
    ) {
        self.id = id
        self.description = description
        self.owner = owner
        self.tags = tags
        self.timetable = timetable
        self.startedBy = startedBy
        self.zone = zone
        self.start = start
        self.end = end
        self.catchup = catchup
        self.catchupWindow = catchupWindow
        self.delay = delay
        self.maxActiveRuns = maxActiveRuns
        self.maxActiveTasks = maxActiveTasks
        self.overlap = overlap
        self.runTimeout = runTimeout
        self.deadline = deadline
        self.expectBy = expectBy
        self.params = params
        self.env = env
        self.paused = paused
        self.tasks = tasks
        self.hooks = hooks
        self.specs = specs
    }
}

/// What starts the runs of a DAG that has no timetable.
public enum StartCondition: Sendable, Hashable {
    /// Files that arrive in a folder.
    case files(FileCondition)
    /// Each of these datasets was published since the last start.
    case datasets([String])
}

/// A notification, and when it is sent.
public struct Hook: Sendable {
    public enum Moment: Sendable, Hashable {
        case runSuccess, runFailure, runDeadline
        /// A task of the run is going to be tried again: the first time that it happens in the run.
        case runRetry
        /// No run had succeeded by `expectBy`.
        case runMissed
        /// The task of this index has failed for good.
        case taskFailure(Int)
        /// The task of this index is going to be tried again, for the first time in the run.
        case taskRetry(Int)
    }

    public var moment: Moment
    /// Its id holds a colon, which no task's may: `on_failure:1`, `load:on_failure:1`.
    public var spec: TaskSpec
}

/// One instance per element of a list.
public struct Mapping: Sendable {
    /// An array whose elements may hold templates, or one template that gives an array.
    public var list: JSONNode
    /// More elements than this are an error.
    public var limit: Int
    /// So many of a run's instances run at once; nil: no limit of its own.
    public var maxActive: Int?

    public static let defaultLimit = 1_000
}

/// What becomes of a task whose attempt was lost: its supervisor vanished without a result.
public enum OnLost: String, Sendable, Hashable, CaseIterable {
    /// Another attempt, which is no further try.
    case retry
    /// It has failed, and is not tried again: for what must never run twice.
    case fail
}

public struct EnvironmentEntry: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A declared parameter of a DAG, which a trigger or a backfill may set.
public struct Parameter: Sendable {
    public var name: String
    public var type: ValueType
    public var description: String
    /// Nil: the parameter must be given for each run.
    public var defaultValue: JSONNode?
    /// Empty: any value of the type.
    public var allowed: [JSONNode]
    public var minimum: Double?
    public var maximum: Double?
    /// A regular expression that a part of a string must match.
    public var pattern: String?
}

/// One task of a DAG.
public struct TaskSpec: Sendable {
    public var id: String
    public var kind: String
    public var description: String
    /// Indexes into `DAG.tasks` of the tasks that this one waits for.
    public var upstream: [Int]
    /// Indexes of the tasks that wait for this one.
    public var downstream: [Int]
    /// The kind's own parameters, with templates not yet rendered. Always an object.
    public var with: JSONNode
    public var triggerRule: TriggerRule
    public var retries: Int
    public var retryDelay: TimeAmount
    /// 1 is a fixed delay, 2 doubles it with each retry.
    public var retryBackoff: Double
    public var maxRetryDelay: TimeAmount?
    /// Nil: no limit.
    public var timeout: TimeAmount?
    /// Higher starts first.
    public var priority: Int
    /// The pool whose slots its attempts take, and how many each takes.
    public var pool: String
    public var poolSlots: Int
    /// Held back until the same task of the run before has succeeded or was skipped.
    public var dependsOnPast: Bool
    public var mapping: Mapping?
    /// False: the task is skipped.
    public var condition: Condition?
    public var onLost: OnLost
    /// For a sensor, whose exit 97 means "not yet": how long until it looks again. Nil: it is none.
    public var pollInterval: TimeAmount?
    /// How long a sensor waits in all before it has failed.
    public var pollTimeout: TimeAmount
    public var allowFailure: Bool
    public var env: [EnvironmentEntry]
    public var limits: TaskLimits
    /// Nil: WEIR_HOME; a relative one counts from there.
    public var workingDirectory: String?
    /// Permissions that new files do not get; nil: 022.
    public var umask: Int?
}

/// When a task starts, judged by the states of the tasks directly before it.
public enum TriggerRule: String, Sendable, Hashable, CaseIterable {
    case allSuccess = "all_success"
    case allFailed = "all_failed"
    case allDone = "all_done"
    case allDoneMinOneSuccess = "all_done_min_one_success"
    case allSkipped = "all_skipped"
    case oneSuccess = "one_success"
    case oneFailed = "one_failed"
    case oneDone = "one_done"
    case noneFailed = "none_failed"
    case noneFailedMinOneSuccess = "none_failed_min_one_success"
    case noneSkipped = "none_skipped"
    case always
}

import JSONText

/// A validated DAG definition. Only `DAGParser` makes one from a file, so every reference in it holds:
/// dependencies are indexes of earlier-checked tasks, kinds exist, templates name what is there.
public struct DAG: Sendable {
    /// Which missed intervals a schedule makes up for.
    public enum Catchup: Sendable, Hashable {
        /// Every one since `start`, oldest first.
        case all
        /// The latest complete one only.
        case latest
        /// None: only intervals that come due while the DAG is live.
        case none
    }

    public var id: String
    public var description: String
    public var owner: String
    public var tags: [String]
    /// Nil: runs only by hand or by a backfill of nothing; the data interval is empty.
    public var timetable: Timetable?
    public var zone: Zone
    /// First logical date; nil means the instant at which the DAG was first loaded.
    public var start: Instant?
    /// Last logical date, inclusive.
    public var end: Instant?
    public var catchup: Catchup
    public var catchupWindow: TimeAmount?
    /// How long after the interval's end the run is due.
    public var delay: TimeAmount
    public var maxActiveRuns: Int
    public var maxActiveTasks: Int
    public var params: [Parameter]
    /// Environment for every task, in order of name; values are templates.
    public var env: [EnvironmentEntry]
    /// Whether the DAG is paused when it is first loaded.
    public var paused: Bool
    public var tasks: [TaskSpec]
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

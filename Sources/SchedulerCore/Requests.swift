import JSONText

/// An order to run a range of past intervals, as a person gives it.
public struct BackfillRequest: Sendable {
    public var dag: String
    /// First and last logical date, inclusive.
    public var from: Instant
    public var to: Instant
    public var reprocess: Reprocess
    /// Nil: the DAG's `max_active_runs`.
    public var maxActive: Int?
    public var reverse: Bool
    /// The only tasks that are to run; empty: all of them.
    public var tasks: [String]
    public var params: [String: JSONNode]
    /// Only say what would be done.
    public var dryRun: Bool

    public init(
        dag: String, from: Instant, to: Instant, reprocess: Reprocess = .none, maxActive: Int? = nil,
        reverse: Bool = false, tasks: [String] = [], params: [String: JSONNode] = [:], dryRun: Bool = false
    ) {
        self.dag = dag
        self.from = from
        self.to = to
        self.reprocess = reprocess
        self.maxActive = maxActive
        self.reverse = reverse
        self.tasks = tasks
        self.params = params
        self.dryRun = dryRun
    }
}

/// An order to run tasks of a run again.
public struct ClearRequest: Sendable, Hashable {
    public var dag: String
    public var runID: String
    /// Empty: all of the run's.
    public var tasks: [String]
    /// Also those that come before them.
    public var upstream: Bool
    /// Also those that come after them.
    public var downstream: Bool
    /// Of `tasks` only those that are failed, upstream_failed, cancelled or up_for_retry.
    public var onlyFailed: Bool
    /// With the DAG's current version instead of the one that the run was made with; only for a run that has ended.
    public var latest: Bool
    /// Only say which.
    public var dryRun: Bool

    public init(
        dag: String, runID: String, tasks: [String] = [], upstream: Bool = false, downstream: Bool = true,
        onlyFailed: Bool = false, latest: Bool = false, dryRun: Bool = false
    ) {
        self.dag = dag
        self.runID = runID
        self.tasks = tasks
        self.upstream = upstream
        self.downstream = downstream
        self.onlyFailed = onlyFailed
        self.latest = latest
        self.dryRun = dryRun
    }
}

/// An order to give a task instance a state.
public struct MarkRequest: Sendable, Hashable {
    public var dag: String
    public var runID: String
    public var task: String
    public var state: MarkState

    public init(dag: String, runID: String, task: String, state: MarkState) {
        self.dag = dag
        self.runID = runID
        self.task = task
        self.state = state
    }
}

/// A run and its task instances, as the store has them.
public struct StoredRun: Sendable {
    public var run: Run
    public var instances: [TaskInstance]
    /// The version that the run is pinned to; nil when its text is no longer valid.
    public var dag: DAG?

    public init(run: Run, instances: [TaskInstance], dag: DAG?) {
        self.run = run
        self.instances = instances
        self.dag = dag
    }
}

/// What a backfill does, or would do, about one interval.
public struct BackfillPlanEntry: Sendable, Hashable {
    public var logicalDate: Instant
    public var interval: DataInterval
    public var runID: String
    public var disposition: BackfillEntry.Disposition

    public init(
        logicalDate: Instant, interval: DataInterval, runID: String, disposition: BackfillEntry.Disposition
    ) {
        self.logicalDate = logicalDate
        self.interval = interval
        self.runID = runID
        self.disposition = disposition
    }
}

/// Why a command was refused.
public struct CommandError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// No such DAG, run or backfill.
        case notFound = "not_found"
        /// The request makes no sense: a bad parameter, a range outside the bounds.
        case invalid
        /// It meets something that is in the way: the run has ended already.
        case conflict
        /// The engine is stopping, or its store does not work.
        case unavailable
        /// The engine that was asked is stopping, or gone: nothing was done, and the next one can be asked.
        case stopping
    }

    public var code: Code
    /// One line: what is wrong and what to do instead.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

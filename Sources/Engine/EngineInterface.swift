import JSONText
import SchedulerCore

/// What a person or a program asks the engine to change. The answer comes after the commit.
public enum EngineCommand: Sendable {
    /// Starts a manual run. Without a date it takes the last complete interval, with one the interval that contains it.
    case trigger(dag: String, date: Instant?, params: [String: JSONNode])
    /// Runs the intervals whose logical dates lie in `from ... to`.
    case backfill(BackfillRequest)
    /// Kills the run's running attempts; the rest of it becomes `cancelled`.
    case cancelRun(dag: String, runID: String)
    /// Cancels the backfill and every run of it that has not ended.
    case cancelBackfill(Int64)
    /// Starts no further run of the backfill, or goes on with it; runs that run go on.
    case pauseBackfill(Int64, paused: Bool)
    /// Runs tasks of a run again.
    case clear(ClearRequest)
    /// Gives a task instance a state.
    case mark(MarkRequest)
    /// Stops or lets go on the DAG's schedule; what runs goes on.
    case setPaused(dag: String, paused: Bool)
    /// Makes a pool, or changes it.
    case setPool(Pool)
    case removePool(name: String)
    /// Reads the DAG folder again at once.
    case reload
    /// Removes ended runs with all that belongs to them. Answers after some seconds at most; a summary that is not complete
    /// is to be asked for again.
    case prune(PrunePolicy)
    case status
    /// Why an unfinished run, and its tasks, do not run.
    case explain(dag: String, runID: String)
    /// Starts nothing any more, and ends the engine when the attempts that run have ended.
    case drain
    /// Asks a command that works in the foreground to leave the state to a daemon. The state lock becomes free a moment
    /// after the answer.
    case handOver
}

public enum EngineReply: Sendable {
    case run(Run)
    /// `id` is nil for a dry run.
    case backfill(id: Int64?, plan: [BackfillPlanEntry])
    case status(EngineStatus)
    case pruned(PruneSummary)
    /// The tasks that a clear or a mark was about.
    case tasks([String])
    case explanation(Explanation)
    case done
    /// What was answered to this request when it came first, as its key's encoder made it.
    case replayed(String)
}

/// What makes a request the same one when it comes again: it is carried out once.
public struct RequestKey: Sendable {
    /// Who sends it; others may use the same key.
    public var caller: String
    public var key: String
    /// Of all that the request says.
    public var fingerprint: String
    /// Writes the answer as it is kept.
    public var encode: @Sendable (EngineReply) -> String

    public init(
        caller: String, key: String, fingerprint: String, encode: @escaping @Sendable (EngineReply) -> String
    ) {
        self.caller = caller
        self.key = key
        self.fingerprint = fingerprint
        self.encode = encode
    }
}

/// What the running engine knows of itself.
public struct EngineStatus: Sendable, Hashable {
    public var pid: Int
    public var startedAt: Instant
    public var version: String
    public var parallelism: Int
    public var runningAttempts: Int
    public var queuedTasks: Int
    public var activeRuns: Int
    public var queuedRuns: Int
    /// Why the queue stands still, when it does (a full disk, say).
    public var stoppedBecause: String?
    public var role: EngineRole
    /// Nothing is started any more; the engine ends with the last attempt.
    public var isDraining: Bool
    public var counters: EngineCounters
    public var pools: [PoolUse]
    /// Of each DAG that files start.
    public var arrivals: [FileBacklog]

    public init(
        pid: Int, startedAt: Instant, version: String, parallelism: Int, runningAttempts: Int, queuedTasks: Int,
        activeRuns: Int, queuedRuns: Int, stoppedBecause: String?, role: EngineRole = .daemon, isDraining: Bool = false,
        counters: EngineCounters = EngineCounters(), pools: [PoolUse] = [],
        arrivals: [FileBacklog] = []
    ) {
        self.pid = pid
        self.startedAt = startedAt
        self.version = version
        self.parallelism = parallelism
        self.runningAttempts = runningAttempts
        self.queuedTasks = queuedTasks
        self.activeRuns = activeRuns
        self.queuedRuns = queuedRuns
        self.stoppedBecause = stoppedBecause
        self.role = role
        self.isDraining = isDraining
        self.counters = counters
        self.pools = pools
        self.arrivals = arrivals
    }
}

/// Files that have arrived for a DAG that files start, and that no run has succeeded with yet.
public struct FileBacklog: Sendable, Hashable {
    public var dag: String
    public var files: Int
    public var bytes: Int64
    /// When the oldest of them was changed; nil: there are none.
    public var oldest: Instant?
    /// How long that was ago when the engine was asked; nothing after a clock that was set back.
    public var lag: TimeAmount
    /// Why nobody can look for them.
    public var problem: String?

    public init(
        dag: String, files: Int = 0, bytes: Int64 = 0, oldest: Instant? = nil, lag: TimeAmount = .zero,
        problem: String? = nil
    ) {
        self.dag = dag
        self.files = files
        self.bytes = bytes
        self.oldest = oldest
        self.lag = lag
        self.problem = problem
    }
}

/// What a server of the API needs of the engine; a test can stand in for it.
public protocol EngineService: AnyObject, Sendable {
    /// Hands a command to the loop and waits for the answer, which comes after the commit. Blocks the calling thread.
    ///
    /// - Parameters:
    ///   - actor: who asks, for the audit log.
    ///   - key: nil: each request is one of its own. It counts for what changes DAGs, runs, backfills and pools.
    func perform(_ command: EngineCommand, actor: String, key: RequestKey?) throws(CommandError) -> EngineReply
}

extension EngineService {
    public func perform(_ command: EngineCommand, actor: String) throws(CommandError) -> EngineReply {
        try perform(command, actor: actor, key: nil)
    }
}

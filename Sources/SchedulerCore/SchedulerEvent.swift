import JSONText

/// Something that happened, as the Scheduler is told of it.
public enum SchedulerEvent: Sendable {
    /// Nothing but the passing of time: something may have come due.
    case timePassed
    /// From now on at most so many attempts run at once, over all DAGs; when draining, none is started. What runs goes on.
    case limits(parallelism: Int, isDraining: Bool)
    /// What templates may read of Weir's own environment, from now on.
    case environment([String: String])
    /// A DAG file was read and is valid. `known` is the version that already has this content.
    /// `occupied` are the runs of an interval at or after the DAG's cursor, aligned to the new timetable.
    case dagLoaded(DAG, file: String, text: String, sha256: String, known: Int64?, occupied: [Run])
    /// The DAG's file is gone.
    case dagRemoved(id: String)
    /// What is wrong with a DAG file now; empty when it was mended.
    case fileErrors(file: String, [FileError])
    /// A person asks for something; the answer carries the ticket.
    case request(ticket: Int, SchedulerRequest, actor: String)
    /// The task instances that `Effect.loadInstances` asked for.
    case instancesLoaded(run: Int64, [TaskInstance])
    /// What `Effect.loadPast` asked for: the run of an interval before the run's, nil when there is none.
    case pastLoaded(run: Int64, StoredRun?)
    /// What `Effect.loadInterval` asked for: the run of that logical date, nil when there is none.
    case intervalLoaded(dag: String, date: Instant, StoredRun?)
    /// Complete files stand in the folder of a DAG that files start.
    case filesArrived(dag: String, FileArrival)
    case attemptEnded(Int64, AttemptEnd)
    /// The attempt never executed anything and never will.
    case attemptRevoked(Int64)
    /// It could not be started because the machine has run out of something; it never will be.
    case attemptPostponed(Int64, reason: String)
    /// Its supervisor vanished, and its process tree is proven empty.
    case attemptLost(Int64, reason: String)
    /// Its supervisor vanished, and nothing proves that its processes are gone: it stays running.
    case attemptUnsupervised(Int64, reason: String)
}

/// A request that changes what runs.
public enum SchedulerRequest: Sendable {
    case trigger(dag: String, date: Instant?, params: [String: JSONNode])
    /// `existing`: the runs of an interval whose logical dates lie in the range, as the store has them.
    case backfill(BackfillRequest, existing: [Run])
    case cancelRun(dag: String, runID: String)
    /// `stored`: the backfill as the store has it, to tell one that has ended from one that never was.
    case cancelBackfill(Int64, stored: Backfill?)
    case pauseBackfill(Int64, paused: Bool, stored: Backfill?)
    /// `stored`: the run, unless it is running.
    case clear(ClearRequest, stored: StoredRun?)
    case mark(MarkRequest, stored: StoredRun?)
    case setPaused(dag: String, paused: Bool)
    case setPool(Pool)
    case removePool(name: String)
}

/// How an attempt ended, from its `result.json`.
public struct AttemptEnd: Sendable, Hashable {
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        case exited, signaled, timeout, killed
        case startFailed = "start_failed"
        /// There was a result, and it could not be read.
        case badResult = "bad_result"
    }

    public var outcome: Outcome
    public var exitCode: Int?
    public var signal: Int?
    public var startedAt: Instant?
    public var endedAt: Instant?
    public var cpuMicroseconds: Int64?
    public var peakMemory: Int64?
    public var reason: String?
    /// What the task handed on: a JSON object.
    public var outputs: String?

    public init(
        outcome: Outcome, exitCode: Int? = nil, signal: Int? = nil, startedAt: Instant? = nil,
        endedAt: Instant? = nil, cpuMicroseconds: Int64? = nil, peakMemory: Int64? = nil, reason: String? = nil,
        outputs: String? = nil
    ) {
        self.outcome = outcome
        self.exitCode = exitCode
        self.signal = signal
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.cpuMicroseconds = cpuMicroseconds
        self.peakMemory = peakMemory
        self.reason = reason
        self.outputs = outputs
    }
}

/// Something to be done once the turn's changes are committed, and not before.
public enum Effect: Sendable {
    case start(AttemptLaunch)
    /// End the attempt's process tree; its end comes as an event.
    case kill(attempt: Int64)
    /// The attempt's end is committed: its files, but for the log, are no longer needed.
    case discard(attempt: Int64)
    /// Read the task instances of a run that is to run again.
    case loadInstances(run: Int64)
    /// Read the latest run of an interval of the DAG with an earlier logical date, and its task instances.
    case loadPast(run: Int64, dag: String, before: Instant)
    /// Read the run of an interval by its logical date, and its task instances.
    case loadInterval(dag: String, date: Instant)
    case reply(ticket: Int, SchedulerReply)
}

public enum SchedulerReply: Sendable {
    case run(Run)
    /// `id` is nil when nothing was made: a dry run, or every interval has its run already.
    case backfill(id: Int64?, plan: [BackfillPlanEntry])
    /// The tasks that a clear or a mark was about.
    case tasks([String])
    case done
    case refused(CommandError)
}

/// All that an executor needs to start an attempt.
public struct AttemptLaunch: Sendable {
    public var attempt: Int64
    public var dagID: String
    public var run: Run
    public var taskID: String
    public var mapIndex: Int
    public var tryNumber: Int
    public var kind: String
    /// The kind's parameters, rendered.
    public var with: JSONNode
    /// `WEIR_*` variables of the run, and what the DAG and the task declare.
    public var env: [EnvironmentEntry]
    public var timeout: TimeAmount?
    public var limits: TaskLimits
    /// Nil: WEIR_HOME.
    public var workingDirectory: String?
    public var umask: Int?
    /// Date of the interval's start in the DAG's zone.
    public var ds: String
    /// For built-in kinds: the task instances before this one, directly or not, in the order of the DAG.
    public var upstream: [TaskInstance]
    /// What a notification tells; nil for any other task.
    public var notice: Notice?
    /// The number of the first of the tries that this one belongs to: higher after a clear, or when a notification is due
    /// anew. All tries with one `firstTry` deliver the same thing.
    public var firstTry: Int
    /// Of those the ids of the tasks whose failure counts as a success.
    public var allowedToFail: Set<String> = []

    public init(
        attempt: Int64, dagID: String, run: Run, taskID: String, mapIndex: Int = -1, tryNumber: Int, kind: String,
        with: JSONNode, env: [EnvironmentEntry], timeout: TimeAmount? = nil, limits: TaskLimits = TaskLimits(),
        workingDirectory: String? = nil, umask: Int? = nil, ds: String, upstream: [TaskInstance] = [],
        notice: Notice? = nil, firstTry: Int = 1, allowedToFail: Set<String> = []
    ) {
        self.attempt = attempt
        self.dagID = dagID
        self.run = run
        self.taskID = taskID
        self.mapIndex = mapIndex
        self.tryNumber = tryNumber
        self.kind = kind
        self.with = with
        self.env = env
        self.timeout = timeout
        self.limits = limits
        self.workingDirectory = workingDirectory
        self.umask = umask
        self.ds = ds
        self.upstream = upstream
        self.notice = notice
        self.firstTry = firstTry
        self.allowedToFail = allowedToFail
    }
}

/// What one turn decided: first commit the changes, then carry out the effects.
public struct Turn: Sendable {
    public var changes: [Change] = []
    public var effects: [Effect] = []

    public init() {}
}

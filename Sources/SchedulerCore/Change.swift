/// One write to the store. The Scheduler decides them, a store carries out a turn's list in one transaction.
///
/// A change that moves a state names the state that it expects to find; a store that finds another one refuses the
/// whole transaction.
public enum Change: Sendable, Hashable {
    /// Inserts the DAG, or replaces every field of the one with this id.
    case putDAG(DAGRecord)
    case insertVersion(DAGVersionRecord)
    /// Replaces what is known to be wrong with a file; an empty list clears it.
    case setFileErrors(file: String, errors: [FileError], at: Instant)
    case insertRun(Run)
    /// Replaces every field of the run but its identity (id, DAG, run id, type, logical date, interval, time of creation).
    case updateRun(Run, from: RunState)
    case insertTaskInstance(TaskInstance)
    case updateTaskInstance(TaskInstance, from: TaskState)
    case insertAttempt(Attempt)
    /// Replaces how the attempt goes and ended, and what a person decided about it; what it was created with stays.
    case updateAttempt(Attempt, from: AttemptState)
    /// The entries name this backfill, runs that exist, and each ordinal once.
    case insertBackfill(Backfill, [BackfillEntry])
    /// Replaces the state, whether it is paused, and the end.
    case updateBackfill(Backfill, from: BackfillState)
    /// Makes the pool, or replaces its slots and description.
    case putPool(Pool)
    case removePool(name: String)
    case audit(AuditEntry)
    /// Notes what was answered to a request, for whoever sends it again; and forgets what is a day older.
    case keepAnswer(KeptAnswer)
}

/// What was answered to a request that named a key of its own (draft-ietf-httpapi-idempotency-key-header): the same request
/// with this key gets this answer, and does nothing.
public struct KeptAnswer: Sendable, Hashable {
    public var caller: String
    public var key: String
    /// Of what was asked for: another request with this key is a mistake.
    public var fingerprint: String
    public var answer: String
    public var at: Instant

    /// Answers are kept for so long.
    public static let lifetime = TimeAmount(seconds: 86_400)

    public init(caller: String, key: String, fingerprint: String, answer: String, at: Instant) {
        self.caller = caller
        self.key = key
        self.fingerprint = fingerprint
        self.answer = answer
        self.at = at
    }
}

/// One problem of a DAG file, as shown to people until the file is mended.
public struct FileError: Sendable, Hashable {
    public var line: Int
    public var column: Int
    /// JSON path, such as `$.tasks[2].after[0]`.
    public var path: String
    public var code: String
    public var message: String

    public init(line: Int, column: Int, path: String, code: String, message: String) {
        self.line = line
        self.column = column
        self.path = path
        self.code = code
        self.message = message
    }
}

/// Who did what, when. Every change that a person asks for leaves one.
public struct AuditEntry: Sendable, Hashable {
    public var at: Instant
    public var actor: String
    /// A verb of the command line: `trigger`, `backfill`, `cancel` …
    public var action: String
    public var subject: String
    /// Details: a JSON object.
    public var details: String

    public init(at: Instant, actor: String, action: String, subject: String, details: String = "{}") {
        self.at = at
        self.actor = actor
        self.action = action
        self.subject = subject
        self.details = details
    }
}

/// Everything the Scheduler needs to go on after a restart: what is not finished, and no more.
public struct Snapshot: Sendable, Hashable {
    public var dags: [DAGRecord] = []
    /// The current version of each DAG, and each version that an unfinished run is pinned to.
    public var versions: [DAGVersionRecord] = []
    /// Runs that are queued or running, by id.
    public var runs: [Run] = []
    /// All task instances of those runs.
    public var instances: [TaskInstance] = []
    /// Attempts that are running.
    public var attempts: [Attempt] = []
    /// Backfills that are running, and all of their entries.
    public var backfills: [Backfill] = []
    public var backfillEntries: [BackfillEntry] = []
    /// Final states of ended runs that those entries name.
    public var endedBackfillRuns: [Int64: RunState] = [:]
    /// Logical dates, at or after the DAG's cursor, of ended runs of an interval: the schedule passes over them.
    public var takenDates: [String: [Instant]] = [:]
    /// Files of the DAG folder that are shown as being in error.
    public var filesInError: [String] = []
    /// By name. The default pool is in it only when somebody has set it.
    public var pools: [Pool] = []
    /// The next free row ids.
    public var nextRun: Int64 = 1
    public var nextAttempt: Int64 = 1
    public var nextBackfill: Int64 = 1
    public var nextVersion: Int64 = 1

    public init() {}
}

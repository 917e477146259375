/// How long the history is kept, as a person sets it. Nothing given means that everything stays.
public struct Retention: Sendable, Hashable {
    /// Age, since its end, up to which a run stays.
    public var runs: TimeAmount?
    /// This many of the newest runs of each DAG stay, whatever their age.
    public var keep: Int?
    /// Age, since the end of the attempt, up to which what a task printed stays.
    public var logs: TimeAmount?

    public init(runs: TimeAmount? = nil, keep: Int? = nil, logs: TimeAmount? = nil) {
        self.runs = runs
        self.keep = keep
        self.logs = logs
    }

    /// Whether any run may go.
    public var removesRuns: Bool { runs != nil || keep != nil }

    /// What that means at a moment.
    public func policy(at now: Instant) -> PrunePolicy {
        PrunePolicy(endedBefore: runs.map { Instant(microseconds: now.microseconds - $0.microseconds) }, keep: keep)
    }
}

/// Which ended runs are to be removed: those that every given rule lets go. Without a rule none is.
///
/// Whatever the rules say, a store keeps runs that have not ended, those that a running backfill names, those that the
/// schedule would make anew (at or after the DAG's cursor), the newest run of each DAG, and the newest of all, so that no
/// number is given twice.
public struct PrunePolicy: Sendable, Hashable {
    /// Runs that ended before this.
    public var endedBefore: Instant?
    /// Runs that are not among so many of the newest of their DAG.
    public var keep: Int?
    /// Entries of the audit log before this go too.
    public var auditBefore: Instant?

    public init(endedBefore: Instant? = nil, keep: Int? = nil, auditBefore: Instant? = nil) {
        self.endedBefore = endedBefore
        self.keep = keep
        self.auditBefore = auditBefore
    }

    /// Whether any run may go.
    public var removesRuns: Bool { endedBefore != nil || keep != nil }
}

/// A run that a policy lets go, as it was seen: one that has run again since then stays.
public struct PrunableRun: Sendable, Hashable {
    public var id: Int64
    public var dagID: String
    public var endedAt: Instant

    public init(id: Int64, dagID: String, endedAt: Instant) {
        self.id = id
        self.dagID = dagID
        self.endedAt = endedAt
    }
}

/// What a store is to remove. It looks at each row again and leaves what must stay by now.
public struct PruneOrder: Sendable, Hashable {
    public var runs: [PrunableRun]
    /// Versions that no run and no DAG names.
    public var versions: [Int64]
    /// Ended backfills all of whose runs are gone.
    public var backfills: [Int64]
    /// The last entry of the audit log that goes, with all before it.
    public var auditThrough: Int64?

    public init(
        runs: [PrunableRun] = [], versions: [Int64] = [], backfills: [Int64] = [], auditThrough: Int64? = nil
    ) {
        self.runs = runs
        self.versions = versions
        self.backfills = backfills
        self.auditThrough = auditThrough
    }

    public var isEmpty: Bool { runs.isEmpty && versions.isEmpty && backfills.isEmpty && auditThrough == nil }
}

/// What one step of the removal did.
public struct PruneStep: Sendable, Hashable {
    public var summary = PruneSummary()
    /// Attempts whose rows are gone: their directories can go.
    public var attempts: [Int64] = []
    /// False when the step came to its limit: the same order goes on where it stopped.
    public var isComplete = true

    public init() {}
}

/// How much was removed.
public struct PruneSummary: Sendable, Hashable {
    public var runs = 0
    public var attempts = 0
    public var versions = 0
    public var backfills = 0
    public var auditEntries = 0
    /// Directories of attempts that the store does not know, as a crash leaves them.
    public var orphans = 0
    /// False when there is more to remove: ask again.
    public var isComplete = true

    public init() {}

    public var isNothing: Bool {
        runs == 0 && attempts == 0 && versions == 0 && backfills == 0 && auditEntries == 0 && orphans == 0
    }

    public static func += (sum: inout PruneSummary, part: PruneSummary) {
        sum.runs += part.runs
        sum.attempts += part.attempts
        sum.versions += part.versions
        sum.backfills += part.backfills
        sum.auditEntries += part.auditEntries
        sum.orphans += part.orphans
        sum.isComplete = part.isComplete
    }
}

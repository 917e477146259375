/// The states of a run (DESIGN: `queued → running → success | failed | cancelled`).
public enum RunState: String, Sendable, Hashable, CaseIterable {
    case queued, running, success, failed, cancelled

    public var isFinal: Bool { self != .queued && self != .running }
}

public enum RunType: String, Sendable, Hashable, CaseIterable {
    case scheduled, manual, backfill, triggered
    /// Tells that no run had succeeded by the DAG's `expect_by`: it has notifications and no tasks, and ends as failed.
    case missed

    /// Those that work on data: all but `missed`.
    public static let ofData = Set(allCases).subtracting([.missed])

    /// Runs of an interval are unique by (DAG, logical date); runs by hand are not.
    public var isOfInterval: Bool { self == .scheduled || self == .backfill }
}

/// The states of a task instance.
public enum TaskState: String, Sendable, Hashable, CaseIterable {
    case none, queued, running, success, failed, skipped, cancelled, removed
    case upstreamFailed = "upstream_failed"
    case upForRetry = "up_for_retry"
    /// A sensor that waits until it looks again.
    case deferred

    public var isFinal: Bool {
        switch self {
        case .success, .failed, .skipped, .upstreamFailed, .cancelled, .removed: true
        case .none, .queued, .running, .upForRetry, .deferred: false
        }
    }
}

/// The states of an attempt. `running` from the moment it is committed, which is before its process exists.
public enum AttemptState: String, Sendable, Hashable, CaseIterable {
    case running, success, failed, skipped, cancelled
    /// The supervisor vanished without a result, and its process tree is proven empty.
    case lost
    /// A sensor looked, and what it waits for was not there yet.
    case deferred
    /// It never executed anything: its claim was taken away before its supervisor came.
    case revoked
}

/// What was decided about a running attempt, by a person or for the run's `run_timeout`; the instance takes that state once the attempt has ended.
public enum Intent: String, Sendable, Hashable, CaseIterable {
    case cancel
    /// To begin anew, with all its tries.
    case clear
    case markSuccess = "mark_success"
    case markFailed = "mark_failed"
    case markSkipped = "mark_skipped"
    /// The run was longer than its `run_timeout`.
    case expire
}

/// The states that a person may give to a task instance.
public enum MarkState: String, Sendable, Hashable, CaseIterable {
    case success, failed, skipped

    var move: InstanceMove {
        switch self {
        case .success: .markedSuccess
        case .failed: .markedFailed
        case .skipped: .markedSkipped
        }
    }

    var intent: Intent {
        switch self {
        case .success: .markSuccess
        case .failed: .markFailed
        case .skipped: .markSkipped
        }
    }
}

public enum BackfillState: String, Sendable, Hashable, CaseIterable {
    case running, success, failed, cancelled

    public var isFinal: Bool { self != .running }
}

/// Which runs that exist already a backfill runs again.
public enum Reprocess: String, Sendable, Hashable, CaseIterable {
    case none, failed, completed
}

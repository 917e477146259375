/// How many of a task's direct upstream instances ended in which way.
public struct UpstreamCounts: Sendable, Hashable {
    public var total: Int
    public var success = 0
    public var skipped = 0
    public var failed = 0
    public var upstreamFailed = 0
    public var removed = 0

    public init(total: Int) { self.total = total }

    public var done: Int { success + skipped + failed + upstreamFailed + removed }

    /// Counts one more upstream that has ended. A failure that the task allows counts as a success.
    public mutating func add(_ state: TaskState, allowFailure: Bool) {
        switch state {
        case .success: success += 1
        case .skipped: skipped += 1
        case .failed: if allowFailure { success += 1 } else { failed += 1 }
        case .upstreamFailed: upstreamFailed += 1
        case .removed, .cancelled: removed += 1
        case .none, .queued, .running, .upForRetry, .deferred: break
        }
    }
}

/// What a trigger rule says of a task that has not started.
public enum TriggerDecision: Sendable, Hashable {
    case wait
    case run
    /// It will not run: it takes this state at once.
    case end(TaskState)
}

extension TriggerRule {
    /// Judges a rule as Airflow does (airflow/ti_deps/deps/trigger_rule_dep.py): first whether the state can be settled
    /// now, so that failures travel without waiting, then whether the task may run. Without upstreams it always runs.
    public func decide(_ counts: UpstreamCounts) -> TriggerDecision {
        guard counts.total > 0 else { return .run }
        let bad = counts.failed + counts.upstreamFailed
        let allDone = counts.done == counts.total
        switch self {
        case .allSuccess:
            if bad > 0 { return .end(.upstreamFailed) }
            if counts.skipped > 0 { return .end(.skipped) }
            return allDone ? .run : .wait
        case .allFailed:
            if counts.success + counts.skipped > 0 { return .end(.skipped) }
            return allDone ? .run : .wait
        case .allDone:
            return allDone ? .run : .wait
        case .allDoneMinOneSuccess:
            if counts.skipped > 0 { return .end(.skipped) }
            guard allDone else { return .wait }
            return counts.success > 0 ? .run : .end(.upstreamFailed)
        case .allSkipped:
            if counts.success + bad > 0 { return .end(.skipped) }
            return allDone ? .run : .wait
        case .oneSuccess:
            if counts.success > 0 { return .run }
            guard allDone else { return .wait }
            return .end(counts.skipped == counts.total ? .skipped : .upstreamFailed)
        case .oneFailed:
            if bad > 0 { return .run }
            return allDone ? .end(.skipped) : .wait
        case .oneDone:
            if counts.success + counts.failed > 0 { return .run }
            return allDone ? .end(.skipped) : .wait
        case .noneFailed:
            if bad > 0 { return .end(.upstreamFailed) }
            return allDone ? .run : .wait
        case .noneFailedMinOneSuccess:
            if bad > 0 { return .end(.upstreamFailed) }
            guard allDone else { return .wait }
            return counts.skipped == counts.total ? .end(.skipped) : .run
        case .noneSkipped:
            if counts.skipped > 0 { return .end(.skipped) }
            return allDone ? .run : .wait
        case .always:
            return .run
        }
    }
}

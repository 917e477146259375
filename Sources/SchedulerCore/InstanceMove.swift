/// What can happen to a task instance. docs/state-machine.md draws the table; whatever moves an instance goes by it.
public enum InstanceMove: String, Sendable, Hashable, CaseIterable {
    /// The trigger rule is met, and nothing holds it back.
    case ruleMet = "rule_met"
    /// The trigger rule can never be met, because of what was skipped or went well.
    case ruleSkips = "rule_skips"
    /// The trigger rule can never be met, because of what failed.
    case ruleFails = "rule_fails"
    case conditionFalse = "condition_false"
    /// Its condition, list or parameters cannot be evaluated.
    case cannotStart = "cannot_start"
    /// The instance that stood for a whole mapped task gives way to one per element.
    case expanded
    case listEmpty = "list_empty"
    /// The list of a mapped task has become shorter.
    case elementGone = "element_gone"
    case started
    case succeeded
    case skippedItself = "skipped_itself"
    case failed
    case willRetry = "will_retry"
    /// A sensor found nothing yet.
    case notYet = "not_yet"
    /// The attempt never ran, or was lost: another takes its place.
    case again
    case delayOver = "delay_over"
    case cleared
    case markedSuccess = "marked_success"
    case markedFailed = "marked_failed"
    case markedSkipped = "marked_skipped"
    case cancelled
    /// The run was longer than its `run_timeout`.
    case expired
    /// The run goes on with a version of the DAG that has no such task.
    case taskGone = "task_gone"
    /// The backfill that made the run is about other tasks.
    case leftOut = "left_out"
    /// The moment of a notification has come.
    case hookDue = "hook_due"

    /// Where it leads from a state; nil where it cannot happen.
    public func target(from state: TaskState) -> TaskState? {
        switch self {
        case .ruleMet: state == .none ? .queued : nil
        case .ruleSkips, .conditionFalse: state == .none ? .skipped : nil
        case .ruleFails: state == .none ? .upstreamFailed : nil
        case .cannotStart: state == .none || state == .queued ? .failed : nil
        case .expanded, .leftOut: state == .none ? .removed : nil
        case .listEmpty: state == .none || state == .removed ? .skipped : nil
        case .elementGone: state == .none || state.isFinal && state != .removed ? .removed : nil
        case .started: state == .queued ? .running : nil
        case .succeeded: state == .running ? .success : nil
        case .skippedItself: state == .running ? .skipped : nil
        case .failed: state == .running ? .failed : nil
        case .willRetry: state == .running ? .upForRetry : nil
        case .notYet: state == .running ? .deferred : nil
        case .again: state == .running ? .queued : nil
        case .delayOver: state == .upForRetry || state == .deferred ? .queued : nil
        case .cleared: state == .none ? nil : TaskState.none
        case .markedSuccess: state == .removed ? nil : .success
        case .markedFailed: state == .removed ? nil : .failed
        case .markedSkipped: state == .removed ? nil : .skipped
        case .cancelled: state.isFinal ? nil : .cancelled
        case .expired:
            switch state {
            case .none, .queued: .skipped
            case .running, .upForRetry, .deferred: .failed
            default: nil
            }
        case .taskGone: state.isFinal && state != .removed ? .removed : nil
        case .hookDue:
            switch state {
            case .none, .success, .failed, .skipped, .cancelled: .queued
            default: nil
            }
        }
    }
}

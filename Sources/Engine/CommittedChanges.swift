import Observability
import SchedulerCore
import Spawn
import Store

/// What is said of a turn's changes once they are committed.
enum CommittedChanges {
    /// What an operator wants to find in the log.
    static func log(_ changes: [Change]) {
        for change in changes {
            switch change {
            case .updateRun(let run, _) where run.state == .failed:
                Log.warning("run failed", ["dag": run.dagID, "run": run.runID, "reason": run.reason ?? ""])
            case .updateTaskInstance(let task, _) where task.isNotification && task.state == .failed:
                Log.warning(
                    "notification not delivered",
                    ["run": "\(task.key.run)", "notification": task.key.taskID, "reason": task.reason ?? ""])
            case .updateAttempt(let attempt, _) where attempt.state == .lost:
                Log.warning(
                    "attempt lost",
                    [
                        "attempt": "\(attempt.id)", "task": attempt.instance.taskID, "reason": attempt.reason ?? "",
                    ])
            default: break
            }
        }
    }

    /// What was just committed and is not acted on yet, each a place at which a test may kill the daemon.
    static func faultPoints(_ changes: [Change]) {
        for change in changes {
            switch change {
            case .putDAG: Fault.point("committed.dag")
            case .insertRun: Fault.point("committed.run")
            case .updateTaskInstance(let instance, _) where instance.state == .queued: Fault.point("committed.queued")
            case .insertAttempt: Fault.point("committed.attempt")
            case .updateAttempt(let attempt, _) where attempt.state != .running: Fault.point("committed.result")
            case .updateRun(let run, _) where run.state.isFinal: Fault.point("committed.run_end")
            default: break
            }
        }
    }
}

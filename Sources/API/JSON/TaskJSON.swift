import JSONText
import SchedulerCore

/// A task instance as JSON.
public enum TaskJSON {
    public static func write(_ task: TaskInstance, _ run: Run, to writer: inout JSONWriter) {
        write(task, dag: run.dagID, runID: run.runID, date: run.logicalDate, to: &writer)
    }

    /// - Parameter date: the logical date of its run, where that is at hand.
    static func write(
        _ task: TaskInstance, dag: String, runID: String, date: Instant? = nil, to writer: inout JSONWriter
    ) {
        writer.object {
            $0.member("dag_id", dag)
            $0.member("run_id", runID)
            if let date { $0.member("logical_date", "\(date)") }
            $0.member("task_id", task.key.taskID)
            $0.member("map_index", task.key.mapIndex)
            $0.member("state", task.state.rawValue)
            $0.member("try_number", task.tryNumber)
            $0.member("start_date", task.startedAt.map { "\($0)" })
            $0.member("end_date", task.endedAt.map { "\($0)" })
            $0.member("duration", task.duration?.seconds)
            $0.member("reason", task.reason)
            $0.key("outputs")
            if let outputs = task.outputs { $0.raw(outputs) } else { $0.null() }
        }
    }

    static let schema = NamedSchema(
        name: "TaskInstance", help: "one task of one run",
        fields: [
            .required("dag_id", .string()), .required("run_id", .string()),
            .optional("logical_date", .instant, "of its run; events do not have it"),
            .required("task_id", .string()), .required("map_index", .integer(), "-1 for a task that is not mapped"),
            .required("state", .words(of: TaskState.self)), .required("try_number", .integer()),
            .required("start_date", .nullable(.instant)), .required("end_date", .nullable(.instant)),
            .required("duration", .nullable(.number), "seconds that the last try took"),
            .required("reason", .nullable(.string())), .required("outputs", .nullable(.map(.anything))),
        ])
}

/// A try of a task instance as JSON.
enum AttemptJSON {
    static func write(_ attempt: Attempt, to writer: inout JSONWriter) {
        writer.object {
            $0.member("attempt_id", attempt.id)
            $0.member("task_id", attempt.instance.taskID)
            $0.member("map_index", attempt.instance.mapIndex)
            $0.member("try_number", attempt.tryNumber)
            $0.member("state", attempt.state.rawValue)
            $0.member("created_at", "\(attempt.createdAt)")
            $0.member("start_date", attempt.startedAt.map { "\($0)" })
            $0.member("end_date", attempt.endedAt.map { "\($0)" })
            $0.member("exit_code", attempt.exitCode)
            $0.member("signal", attempt.signal)
            $0.member("cpu_seconds", attempt.cpuMicroseconds.map { Double($0) / 1_000_000 })
            $0.member("peak_memory_bytes", attempt.peakMemory)
            $0.member("reason", attempt.reason)
            $0.key("rendered")
            $0.raw(attempt.rendered)
        }
    }

    static let schema = NamedSchema(
        name: "Attempt", help: "one try of a task instance",
        fields: [
            .required("attempt_id", .integer()), .required("task_id", .string()), .required("map_index", .integer()),
            .required("try_number", .integer()), .required("state", .words(of: AttemptState.self)),
            .required("created_at", .instant), .required("start_date", .nullable(.instant)),
            .required("end_date", .nullable(.instant)), .required("exit_code", .nullable(.integer())),
            .required("signal", .nullable(.integer())), .required("cpu_seconds", .nullable(.number)),
            .required("peak_memory_bytes", .nullable(.integer())), .required("reason", .nullable(.string())),
            .required(
                "rendered", .map(.anything), "the task's parameters, with references to secrets, not their values"),
        ])
}

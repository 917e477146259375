import JSONText
import SchedulerCore
import Store

/// `weir tasks`: the task instances of a run.
enum TasksCommand {
    static let spec = CommandSpec(
        name: "tasks", summary: "list the tasks of a run with their states",
        positionals: [
            .init(name: "DAG", values: .anyDAG, help: "id of the DAG"),
            .init(name: "RUN", values: .run, help: "id of the run, or its date where that is enough to tell it"),
        ],
        options: [CommandSpec.json],
        examples: [("weir tasks alpr_daily 2022-05-02", "how far that day's run is")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let reader = try session.existingReader()
        let run = try session.run(arguments.required(0), arguments.required(1), reader)
        let tasks = try reader.taskInstances(ofRun: run.id)
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in for task in tasks { write(task, run, to: &writer) } }
            session.terminal.print(writer.text)
            return .done
        }
        var table = Table("TASK", "STATE", "TRY", "STARTED", "TOOK", "REASON")
        table.colour = Table.stateColour
        // What stood for a mapped task before its list was known says nothing beside its instances.
        let mapped = Set(tasks.filter { $0.key.mapIndex >= 0 }.map(\.key.taskID))
        for task in tasks
        where !(task.state == .removed && task.key.mapIndex < 0 && mapped.contains(task.key.taskID)) {
            table.rows.append([
                task.key.name, task.state.rawValue, "\(task.tryNumber)", task.startedAt.map { "\($0.seconds)" } ?? "",
                task.duration.map { Text.duration($0) } ?? "", task.reason ?? "",
            ])
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }

    private static func write(_ task: TaskInstance, _ run: Run, to writer: inout JSONWriter) {
        writer.object {
            $0.member("dag_id", run.dagID)
            $0.member("run_id", run.runID)
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
}

extension TaskInstance {
    /// How long the last try took; nil while it runs.
    var duration: TimeAmount? { startedAt.flatMap { start in endedAt.map { $0 - start } } }
}

import API
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
        let session = try Session(arguments, surroundings, settings: .optional)
        let reader = try session.existingReader()
        let run = try session.run(arguments.required(0), arguments.required(1), reader)
        let tasks = inOrder(try reader.taskInstances(ofRun: run.id))
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in for task in tasks { TaskJSON.write(task, run, to: &writer) } }
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

    /// Instances of a mapped task, which are made when its list is known, stand where the task stands in its DAG.
    private static func inOrder(_ tasks: [TaskInstance]) -> [TaskInstance] {
        var places: [String: Int] = [:]
        for task in tasks where places[task.key.taskID] == nil { places[task.key.taskID] = places.count }
        return tasks.enumerated().sorted { first, second in
            let one = places[first.element.key.taskID] ?? 0
            let other = places[second.element.key.taskID] ?? 0
            return (one, first.offset) < (other, second.offset)
        }.map(\.element)
    }
}

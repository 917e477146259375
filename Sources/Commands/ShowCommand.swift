import Engine
import JSONText
import Observability
import SchedulerCore
import Store

/// `weir show`: one DAG in full.
enum ShowCommand {
    static let spec = CommandSpec(
        name: "show", summary: "show a DAG: its tasks, schedule, parameters and last runs",
        positionals: [.init(name: "DAG", values: .dag, help: "id of the DAG")], options: [CommandSpec.json],
        examples: [("weir show alpr_daily", "what it does and how it went lately")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let (file, dag) = try session.dag(arguments.required(0))
        let runs = try session.reader()?.runs(RunQuery(dag: dag.id, limit: 5)) ?? []
        if arguments.has("--json") {
            session.terminal.print(json(dag, file.file, file.sha256, runs))
            return .done
        }
        let terminal = session.terminal
        terminal.print("\(dag.id)\(dag.description.isEmpty ? "" : ": " + dag.description)")
        terminal.print("file: dags/\(file.file), version \(file.sha256.prefix(12))")
        terminal.print("schedule: \(dag.meaning)")
        let record = try session.record(dag.id)
        for line in Schedules.next(dag, now: Instant(microseconds: WallClock.now()), firstLoad: record?.firstSeen) {
            terminal.print("  \(line)")
        }
        for parameter in dag.params {
            var writer = JSONWriter()
            if let value = parameter.defaultValue { writer.node(value) }
            let value = parameter.defaultValue == nil ? "required" : "default \(writer.text)"
            terminal.print("param \(parameter.name): \(parameter.type.rawValue), \(value) \(parameter.description)")
        }
        terminal.print("")
        var table = Table("TASK", "KIND", "AFTER", "RULE", "RETRIES")
        for task in dag.tasks {
            table.rows.append([
                task.id, task.kind, task.upstream.map { dag.tasks[$0].id }.joined(separator: ", "),
                task.triggerRule.rawValue, "\(task.retries)",
            ])
        }
        terminal.write(table.text(terminal))
        if !runs.isEmpty { terminal.print("") }
        for run in runs { terminal.print("\(run.runID): \(run.state.rawValue)\(run.reason.map { ", \($0)" } ?? "")") }
        return .done
    }

    private static func json(_ dag: DAG, _ file: String, _ sha256: String, _ runs: [Run]) -> String {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("dag_id", dag.id)
            writer.member("description", dag.description)
            writer.member("file", file)
            writer.member("sha256", sha256)
            writer.member("schedule", dag.timetable?.name)
            writer.member("timezone", dag.zone.name)
            writer.key("tasks")
            writer.array { writer in
                for task in dag.tasks {
                    writer.object {
                        $0.member("task_id", task.id)
                        $0.member("kind", task.kind)
                        $0.member("after", task.upstream.map { dag.tasks[$0].id })
                        $0.member("trigger_rule", task.triggerRule.rawValue)
                        $0.member("retries", task.retries)
                        $0.member("with", task.with)
                    }
                }
            }
            writer.key("last_runs")
            writer.array { writer in for run in runs { RunRows.write(run, to: &writer) } }
        }
        return writer.text
    }
}

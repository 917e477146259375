import Engine
import JSONText
import SchedulerCore
import Store

/// `weir dags`: the DAGs of the folder, and what became of their last run.
enum DagsCommand {
    static let spec = CommandSpec(
        name: "dags", summary: "list the DAGs", options: [CommandSpec.json],
        examples: [("weir dags", "each DAG with its schedule and its last run")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let folder = try session.folder()
        let known = try session.reader()?.dags() ?? []
        let rows = folder.files.map { file in
            (file: file, summary: known.first { $0.record.id == file.dag?.id })
        }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for (file, summary) in rows { write(file, summary, to: &writer) }
            }
            session.terminal.print(writer.text)
            return .done
        }
        var table = Table("DAG", "SCHEDULE", "STATE", "LAST RUN", "RESULT", "DESCRIPTION")
        table.colour = Table.stateColour
        for (file, summary) in rows {
            guard let dag = file.dag else {
                let error = file.errors.first
                table.rows.append([
                    file.file, "", "in error", "", "", error.map { "line \($0.line): \($0.message)" } ?? "",
                ])
                continue
            }
            table.rows.append([
                dag.id, dag.timetable?.name ?? "none", isPaused(dag, summary) ? "paused" : "active",
                summary?.lastRun?.runID ?? "", summary?.lastRun?.state.rawValue ?? "", dag.description,
            ])
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }

    private static func isPaused(_ dag: DAG, _ summary: DAGSummary?) -> Bool { summary?.record.paused ?? dag.paused }

    private static func write(_ file: LoadedDAGFile, _ summary: DAGSummary?, to writer: inout JSONWriter) {
        writer.object {
            $0.member("dag_id", file.dag?.id)
            $0.member("file", file.file)
            $0.member("schedule", file.dag?.timetable?.name)
            $0.member("timezone", file.dag?.zone.name)
            $0.member("description", file.dag?.description)
            $0.member("tags", file.dag?.tags ?? [])
            $0.member("paused", file.dag.map { isPaused($0, summary) } ?? false)
            $0.member("errors", file.errors.count)
            $0.member("active_runs", summary?.activeRuns ?? 0)
            $0.member("last_run_id", summary?.lastRun?.runID)
            $0.member("last_run_state", summary?.lastRun?.state.rawValue)
        }
    }
}

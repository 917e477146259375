import API
import JSONText
import SchedulerCore
import Store

/// `weir runs`: the runs, newest first.
enum RunsCommand {
    static let spec = CommandSpec(
        name: "runs", summary: "list runs, newest first",
        positionals: [.init(name: "DAG", count: .optional, values: .anyDAG, help: "only this DAG's")],
        options: [
            .value(
                "--state", "STATE", values: .words(of: RunState.self), repeats: true,
                "only those that are queued, running, success, failed or cancelled"),
            .value("--limit", short: "-n", "N", values: .number, "at most so many (100)"), CommandSpec.json,
        ],
        examples: [("weir runs alpr_daily --state failed", "what went wrong")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        var states: Set<RunState> = []
        for text in arguments.all("--state") {
            guard let state = RunState(rawValue: text) else {
                let words = RunState.allCases.map(\.rawValue).joined(separator: ", ")
                throw arguments.usage("--state is '\(text)'; it must be one of \(words)")
            }
            states.insert(state)
        }
        let limit = try arguments.integer("--limit", in: 1...1_000_000) ?? 100
        let runs = try session.reader()?.runs(RunQuery(dag: arguments[0], states: states, limit: limit)) ?? []
        if runs.isEmpty, let id = arguments[0] { _ = try session.isKnown(id) }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in for run in runs { RunRows.write(run, to: &writer) } }
            session.terminal.print(writer.text)
            return .done
        }
        var table = Table("DAG", "RUN", "STATE", "STARTED", "TOOK", "REASON")
        table.colour = Table.stateColour
        for run in runs {
            let took = run.startedAt.flatMap { start in run.endedAt.map { Text.duration($0 - start) } }
            table.rows.append([
                run.dagID, run.runID, run.state.rawValue, run.startedAt.map { "\($0.seconds)" } ?? "", took ?? "",
                run.reason ?? "",
            ])
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }
}

/// A run as a line of `--json`.
enum RunRows {
    static func write(_ run: Run, to writer: inout JSONWriter) { RunJSON.write(run, to: &writer) }
}

extension Instant {
    /// Without its fraction, for tables.
    var seconds: Instant { Instant(microseconds: microseconds - microseconds % 1_000_000) }
}

extension Session {
    /// Makes sure that a DAG is known, in the folder or in the store.
    func isKnown(_ dag: String) throws(CommandFailure) -> Bool {
        if try record(dag) != nil { return true }
        return try self.dag(dag).dag.id == dag
    }
}

import Engine
import SchedulerCore
import Store

/// `weir cancel`: ends a run or a backfill.
enum CancelCommand {
    static let spec = CommandSpec(
        name: "cancel", summary: "cancel a run or a backfill: kill what runs of it, drop the rest",
        positionals: [
            .init(name: "DAG", count: .optional, help: "id of the DAG"),
            .init(name: "RUN", count: .optional, help: "id of the run, or its date where that is enough to tell it"),
        ],
        options: [.value("--backfill", "ID", "cancel this backfill and its runs")],
        examples: [
            ("weir cancel alpr_daily 2022-05-02", "cancel that day's run"),
            ("weir cancel --backfill 3", "cancel backfill 3"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let reader = try session.existingReader()
        let command: EngineCommand
        let runs: [Run]
        if let text = arguments.value("--backfill") {
            guard let id = Int64(text) else { throw arguments.usage("--backfill is '\(text)'; it must be a number") }
            runs = try reader.runs(RunQuery(states: [.queued, .running], backfill: id, limit: 100_000))
            command = .cancelBackfill(id)
        } else {
            guard let dag = arguments[0], let id = arguments[1] else {
                throw arguments.usage("name a DAG and a run, or --backfill ID: \(arguments.command.usage)")
            }
            let run = try session.run(dag, id, reader)
            guard !run.state.isFinal else {
                throw CommandFailure(.failed, "run \(run.runID) has ended already: \(run.state.rawValue)")
            }
            runs = [run]
            command = .cancelRun(dag: dag, runID: run.runID)
        }
        let access = try EngineAccess(session)
        defer { access.close() }
        _ = try access.perform(command)
        guard access.isEmbedded else { return .done }
        // Without a daemon nobody else would see the killed tasks end.
        Interrupts.catchThem()
        let follower = Follower(session: session, access: access)
        for run in runs where try follower.follow(run: run) == .interrupted { return .interrupted }
        return .done
    }
}

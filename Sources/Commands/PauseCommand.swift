import Engine
import SchedulerCore

/// `weir pause` and `weir unpause`: whether the schedules of DAGs make runs.
enum PauseCommand {
    static let spec = command(
        "pause", "stop the schedules of DAGs; what runs goes on, and they can be triggered", paused: true,
        example: ("weir pause alpr_daily", "no new day is begun until it is unpaused"))
    static let unpauseSpec = command(
        "unpause", "let the schedules of DAGs go on; `catchup` says what of the time between is made up for",
        paused: false, example: ("weir unpause alpr_daily", "the schedule goes on"))

    private static func command(
        _ name: String, _ summary: String, paused: Bool, example: (String, String)
    ) -> CommandSpec {
        CommandSpec(
            name: name, summary: summary, positionals: [.init(name: "DAG", count: .many, help: "ids of the DAGs")],
            examples: [(line: example.0, meaning: example.1)]
        ) { arguments, surroundings in
            guard !arguments.positionals.isEmpty else {
                throw arguments.usage("name a DAG: \(arguments.command.usage)")
            }
            let session = try Session(arguments, surroundings)
            let access = try EngineAccess(session)
            defer { access.close() }
            for dag in arguments.positionals {
                _ = try access.perform(.setPaused(dag: dag, paused: paused))
                session.terminal.print("\(dag) is \(paused ? "paused" : "active")")
            }
            return .done
        }
    }
}

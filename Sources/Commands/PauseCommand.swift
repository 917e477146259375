import Engine
import JSONText
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
            name: name, summary: summary,
            positionals: [.init(name: "DAG", count: .many, values: .dag, help: "ids of the DAGs")],
            options: [
                .flag("--all", "all DAGs of the folder"),
                .flag("--yes", short: "-y", "do not ask; needed for --all where nobody can be asked"),
                CommandSpec.json,
            ],
            examples: [
                (line: example.0, meaning: example.1),
                (line: "weir \(name) --all --yes", meaning: "all DAGs, without a question"),
            ]
        ) { arguments, surroundings in
            let session = try Session(arguments, surroundings, settings: .optional)
            let word = paused ? "paused" : "active"
            let dags = try named(arguments, session, paused: paused)
            if arguments.has("--all"), !dags.isEmpty {
                let many = RunChanges.count(dags.count, "DAG")
                try arguments.checkConsent(many, session)
                let goesOn = try arguments.confirms("\(name) \(many)", session) {
                    for dag in dags { session.terminal.error("  \(dag)") }
                }
                guard goesOn else { return .done }
            }
            let access = try EngineAccess(session, startsNothing: true)
            defer { access.close() }
            var done: [(dag: String, failure: CommandFailure?)] = []
            for dag in dags {
                do throws(CommandFailure) {
                    _ = try access.perform(.setPaused(dag: dag, paused: paused))
                    done.append((dag, nil))
                    if !arguments.has("--json") { session.terminal.print("\(dag) is \(word)") }
                } catch {
                    guard dags.count > 1, error.status != .unavailable else { throw error }
                    done.append((dag, error))
                    session.terminal.error("weir: \(error.message)")
                }
            }
            if arguments.has("--json") {
                var writer = JSONWriter(indented: true)
                writer.array { writer in
                    for (dag, failure) in done {
                        writer.object {
                            $0.member("dag_id", dag)
                            if failure == nil { $0.member("paused", paused) }
                            $0.member("error", failure?.message)
                        }
                    }
                }
                session.terminal.print(writer.text)
            }
            return done.compactMap(\.failure?.status).first ?? .done
        }
    }

    private static func named(
        _ arguments: Arguments, _ session: Session, paused: Bool
    ) throws(CommandFailure) -> [String] {
        guard arguments.has("--all") else {
            guard !arguments.positionals.isEmpty else {
                throw arguments.usage("name a DAG: \(arguments.command.usage)")
            }
            if arguments.positionals.contains("") { throw arguments.usage("DAG is empty; `weir dags` lists them") }
            return arguments.positionals
        }
        guard arguments.positionals.isEmpty else { throw arguments.usage("--all stands for all DAGs: name none") }
        return try session.folder().files.compactMap { $0.dag?.id }
    }
}

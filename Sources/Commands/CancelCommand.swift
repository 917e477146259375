import Engine
import SchedulerCore
import Store

/// `weir cancel`: ends runs or a backfill.
enum CancelCommand {
    static let spec = CommandSpec(
        name: "cancel", summary: "cancel runs or a backfill: kill what runs of them, drop the rest",
        positionals: [
            .init(name: "DAG", count: .optional, values: .anyDAG, help: "id of the DAG"),
            .init(
                name: "RUN", count: .optional, values: .run,
                help: "id of the run, or its date where that is enough to tell it"),
        ],
        options: RunSelection.options(of: RunSelection.unfinished) + [
            .value("--backfill", "ID", values: .backfill, "cancel this backfill and its runs"),
            .flag("--wait", "wait until what is killed has ended"),
            .flag("--dry-run", "only print which"), CommandSpec.json,
        ],
        examples: [
            ("weir cancel alpr_daily 2022-05-02", "cancel that day's run"),
            ("weir cancel alpr_daily --state queued", "all runs that have not started, after a question"),
            ("weir cancel --backfill 3", "cancel backfill 3"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let reader = try session.existingReader()
        if let text = arguments.value("--backfill") {
            guard let id = Int64(text) else { throw arguments.usage("--backfill is '\(text)'; it must be a number") }
            guard arguments.positionals.isEmpty else {
                throw arguments.usage("--backfill stands alone: it cancels the runs of that backfill")
            }
            return try cancel(backfill: id, arguments, session, reader)
        }
        guard arguments[0] != nil else {
            throw arguments.usage("name a DAG and a run, or --backfill ID: \(arguments.command.usage)")
        }
        if RunSelection.isBulk(arguments), let run = arguments[1] {
            throw arguments.usage("'\(run)' is too much: --from, --to and --state stand in the place of RUN")
        }
        let selection = try RunSelection(
            arguments, session, reader, usual: RunSelection.unfinished, possible: RunSelection.unfinished)
        if let run = selection.runs.first, !selection.isBulk, run.state.isFinal {
            throw CommandFailure(.failed, "run \(run.runID) has ended already: \(run.state.rawValue)")
        }
        if arguments.has("--dry-run") {
            let plan = try RunChanges(selection.runs) { _ throws(CommandFailure) in [] }
            session.terminal.write(arguments.has("--json") ? plan.json() : plan.table(session))
            return .done
        }
        if selection.isBulk {
            let what = "cancel \(RunChanges.count(selection.runs.count, "run"))"
            let goesOn = try arguments.confirms(what, session) {
                for run in selection.runs { session.terminal.error("  \(run.runID): \(run.state.rawValue)") }
            }
            guard goesOn else { return .done }
        }
        let access = try EngineAccess(session)
        defer { access.close() }
        let changes = try RunChanges(selection.runs) { run throws(CommandFailure) in
            _ = try access.perform(.cancelRun(dag: run.dagID, runID: run.runID))
            return []
        }
        if arguments.has("--json") {
            session.terminal.print(changes.json())
        } else if selection.isBulk {
            session.terminal.print("\(RunChanges.count(changes.runs.count, "run")) cancelled")
        }
        changes.showRefusals(session)
        return try waitForEnd(changes.runs, access, arguments, session) ?? changes.status
    }

    /// Also what `weir backfills cancel` does.
    static func cancel(
        backfill id: Int64, _ arguments: Arguments, _ session: Session, _ reader: any StoreReader
    ) throws -> ExitCode {
        let runs = try reader.runs(RunQuery(states: [.queued, .running], backfill: id, limit: 1_000_000))
            .filter { $0.backfill == id }
        let access = try EngineAccess(session)
        defer { access.close() }
        _ = try access.perform(.cancelBackfill(id))
        session.terminal.error("backfill \(id) is cancelled, with \(RunChanges.count(runs.count, "run"))")
        return try waitForEnd(runs, access, arguments, session) ?? .done
    }

    /// Without a daemon nobody else would see the killed tasks end. Nil when all of them have.
    private static func waitForEnd(
        _ runs: [Run], _ access: EngineAccess, _ arguments: Arguments, _ session: Session
    ) throws(CommandFailure) -> ExitCode? {
        guard access.isEmbedded || arguments.has("--wait") else { return nil }
        let follower = Follower(session: session, access: access, cancelling: true)
        for run in runs where try follower.follow(run: run) == .interrupted { return .interrupted }
        return nil
    }
}

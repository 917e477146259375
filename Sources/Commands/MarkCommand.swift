import Engine
import SchedulerCore
import Store

/// `weir mark`: a person's word for how a task went.
enum MarkCommand {
    static let spec = CommandSpec(
        name: "mark", summary: "give a task of a run the state success, failed or skipped",
        positionals: [
            .init(name: "DAG", values: .anyDAG, help: "id of the DAG"),
            .init(
                name: "RUN", count: .optional, values: .run,
                help: "id of the run, or its date where that is enough to tell it"),
            .init(name: "TASK", count: .optional, values: .task, help: "id of the task; a running one is killed first"),
            .init(
                name: "STATE", count: .optional, values: .words(of: MarkState.self), help: "success, failed or skipped"),
        ],
        options: RunSelection.options(of: RunSelection.begun) + [
            .value("--task", "TASK", values: .task, "the task; for many runs, where RUN and TASK have no place"),
            .flag("--wait", "follow what goes on by it to its end, and exit 1 when it fails"),
            .flag("--dry-run", "only print of which runs"), CommandSpec.json,
        ],
        examples: [
            ("weir mark alpr_daily 2022-05-02 quality success", "it is good enough: what waits for it goes on"),
            (
                "weir mark alpr_daily success --task quality --from 2022-05-02 --to 2022-05-08 --state failed",
                "the same for the failed runs of a week"
            ),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .optional)
        let isBulk = RunSelection.isBulk(arguments)
        let (task, word) = try isBulk ? wordsOfMany(arguments) : wordsOfOne(arguments)
        guard let state = MarkState(rawValue: word) else {
            let words = MarkState.allCases.map(\.rawValue).joined(separator: ", ")
            throw arguments.usage("STATE is '\(word)'; it must be one of \(words)")
        }
        let reader = try session.existingReader()
        let selection = try RunSelection(
            arguments, session, reader, usual: RunState.ended, possible: RunSelection.begun)
        if arguments.has("--dry-run") {
            let plan = try RunChanges(selection.runs) { run throws(CommandFailure) in
                try check(task, of: run, reader)
                return [task]
            }
            session.terminal.write(arguments.has("--json") ? plan.json() : plan.table(session))
            plan.showRefusals(session, wereChanged: false)
            return plan.status
        }
        if isBulk {
            let what = "mark \(task) of \(RunChanges.count(selection.runs.count, "run")) \(state.rawValue)"
            let goesOn = try arguments.confirms(what, session) {
                for run in selection.runs { session.terminal.error("  \(run.runID): \(run.state.rawValue)") }
            }
            guard goesOn else { return .done }
        }
        let access = try EngineAccess(session)
        defer { access.close() }
        let changes = try RunChanges(selection.runs) { run throws(CommandFailure) in
            let request = MarkRequest(dag: run.dagID, runID: run.runID, task: task, state: state)
            guard case .tasks(let names) = try access.perform(.mark(request)) else {
                throw CommandFailure(.failed, "the engine gave another answer than tasks")
            }
            return Array(names.dropFirst())
        }
        if !isBulk {
            let what = "to run because \(task) is marked \(state.rawValue)"
            TaskNames.show(changes.entries.first?.tasks ?? [], what, arguments, session)
        } else if arguments.has("--json") {
            session.terminal.print(changes.json())
        } else {
            session.terminal.write(changes.table(session))
            session.terminal.print(
                "\(task) is marked \(state.rawValue) in \(RunChanges.count(changes.runs.count, "run"))")
        }
        changes.showRefusals(session)
        guard access.isEmbedded || arguments.has("--wait") else { return changes.status }
        let end = try Follower(session: session, access: access).follow(runs: changes.runs)
        return end == .done ? changes.status : end
    }

    /// Refuses what the engine would refuse.
    private static func check(_ task: String, of run: Run, _ reader: any StoreReader) throws(CommandFailure) {
        let known: [TaskInstance]
        do throws(StoreError) { known = try reader.taskInstances(ofRun: run.id) } catch { throw CommandFailure(error) }
        guard !known.isEmpty, !run.isCancelledUnbegun, run.state != .queued || run.keepsFinished else {
            throw CommandFailure(run.hasNoTasks)
        }
        guard !known.contains(where: { $0.key.name == task || $0.key.taskID == task }) else { return }
        throw TaskChoice.unknown(task, known.map(\.key.name), run)
    }

    private static func wordsOfOne(_ arguments: Arguments) throws(CommandFailure) -> (task: String, state: String) {
        guard arguments.value("--task") == nil else {
            throw arguments.usage("--task is for many runs, with --from or --state: \(arguments.command.usage)")
        }
        guard let task = arguments[2], let state = arguments[3] else {
            let missing = ["RUN", "TASK", "STATE"][max(arguments.positionals.count - 1, 0)]
            throw arguments.usage("\(missing) is missing: weir mark DAG RUN TASK STATE")
        }
        return (task, state)
    }

    private static func wordsOfMany(_ arguments: Arguments) throws(CommandFailure) -> (task: String, state: String) {
        guard arguments.positionals.count == 2, let task = arguments.value("--task") else {
            throw arguments.usage("for many runs it is: weir mark DAG STATE --task TASK --from DATE --to DATE")
        }
        return (task, arguments.required(1))
    }
}

import Engine
import JSONText
import SchedulerCore
import Store

/// `weir clear` and `weir retry`: tasks of runs again, from the beginning.
enum ClearCommand {
    static let spec = CommandSpec(
        name: "clear", summary: "run tasks of a run again, and those after them",
        positionals: [
            .init(name: "DAG", values: .anyDAG, help: "id of the DAG"),
            .init(
                name: "RUN", count: .optional, values: .run,
                help: "id of the run, or its date where that is enough to tell it"),
            .init(name: "TASK", count: .many, values: .task, help: "the tasks; all of the run's when left out"),
        ],
        options: RunSelection.options(of: RunSelection.begun) + [
            .value("--task", "TASK", values: .task, repeats: true, "a task; for many runs, where TASK has no place"),
            .flag("--failed", "of these tasks only those that failed or were cancelled"),
            .flag("--downstream", "also those after them, which is usual"),
            .flag("--only", "not those after them"),
            .flag("--upstream", "also those before them"),
            .flag("--latest", "with the DAG file as it is now, not as it was when the run was made"),
            .flag("--wait", "follow what runs again to its end, and exit 1 when it fails"),
            .flag("--dry-run", "only print which"), CommandSpec.json,
        ],
        examples: [
            (
                "weir clear alpr_daily 2022-05-02 --failed",
                "once the input is mended: what failed, and all that waits for it"
            ),
            ("weir clear alpr_daily 2022-05-02 transform", "that task and those after it, with all their tries"),
            (
                "weir clear alpr_daily --from 2022-05-02 --to 2022-05-08 --task transform --dry-run",
                "what that would be for a week of runs that have ended"
            ),
            ("weir clear alpr_daily --state failed --yes", "all tasks of every failed run, without a question"),
        ]
    ) { arguments, surroundings in
        if arguments.has("--only"), arguments.has("--downstream") {
            throw arguments.usage("--only and --downstream exclude each other")
        }
        return try run(
            arguments, surroundings, onlyFailed: arguments.has("--failed"), usual: RunState.ended, verb: "clear")
    }

    static let retrySpec = CommandSpec(
        name: "retry", summary: "run the failed and cancelled tasks of a run again, and all that waits for them",
        positionals: [
            .init(name: "DAG", values: .anyDAG, help: "id of the DAG"),
            .init(
                name: "RUN", count: .optional, values: .run,
                help: "id of the run, or its date where that is enough to tell it"),
        ],
        options: RunSelection.options(of: RunSelection.begun) + [
            .flag("--latest", "with the DAG file as it is now, not as it was when the run was made"),
            .flag("--wait", "follow what runs again to its end, and exit 1 when it fails"),
            .flag("--dry-run", "only print which"), CommandSpec.json,
        ],
        examples: [
            ("weir retry alpr_daily 2022-05-02", "those of that day, with all their tries"),
            (
                "weir retry alpr_daily --from 2022-05-02 --to 2022-05-08",
                "those of all failed runs of a week; of cancelled ones with --state cancelled"
            ),
        ]
    ) { arguments, surroundings in
        try run(arguments, surroundings, onlyFailed: true, usual: [.failed], verb: "retry")
    }

    private static func run(
        _ arguments: Arguments, _ surroundings: Surroundings, onlyFailed: Bool, usual: Set<RunState>, verb: String
    ) throws -> ExitCode {
        let tasks = try tasks(arguments)
        let session = try Session(arguments, surroundings, settings: .optional)
        let reader = try session.existingReader()
        let selection = try RunSelection(
            arguments, session, reader, usual: usual, possible: RunSelection.begun)
        let access = try EngineAccess(session, startsNothing: arguments.has("--dry-run"))
        defer { access.close() }
        func clear(_ run: Run, dryRun: Bool) throws(CommandFailure) -> [String] {
            let request = ClearRequest(
                dag: run.dagID, runID: run.runID, tasks: tasks, upstream: arguments.has("--upstream"),
                downstream: !arguments.has("--only"), onlyFailed: onlyFailed, latest: arguments.has("--latest"),
                dryRun: dryRun)
            guard case .tasks(let names) = try access.perform(.clear(request)) else {
                throw CommandFailure(.failed, "the engine gave another answer than tasks")
            }
            return names
        }
        var chosen = selection.runs
        if selection.isBulk || arguments.has("--dry-run") {
            let plan = try RunChanges(selection.runs) { run throws(CommandFailure) in try clear(run, dryRun: true) }
            if arguments.has("--dry-run") { return show(plan, isDry: true, selection.isBulk, arguments, session) }
            chosen = plan.done.filter { !$0.tasks.isEmpty }.map(\.run)
            let count = plan.done.reduce(0) { $0 + $1.tasks.count }
            guard count > 0 else {
                throw CommandFailure(.failed, "nothing to \(verb) in \(RunChanges.count(selection.runs.count, "run"))")
            }
            let what =
                "run \(RunChanges.count(count, "task")) of \(RunChanges.count(chosen.count, "run")) again"
            let goesOn = try arguments.confirms(what, session) { session.terminal.writeError(plan.table(session)) }
            guard goesOn else { return .done }
        }
        // Tasks that do not run again are no news to who follows one run.
        var known = chosen.count == 1 ? try states(chosen[0], reader) : [:]
        let changes = try RunChanges(chosen) { run throws(CommandFailure) in try clear(run, dryRun: false) }
        for name in changes.entries.flatMap(\.tasks) { known[name] = nil }
        let status = show(changes, isDry: false, selection.isBulk, arguments, session)
        guard access.isEmbedded || arguments.has("--wait") else { return status }
        let end = try Follower(session: session, access: access).follow(runs: changes.runs, known: known)
        return end == .done ? status : end
    }

    private static func states(_ run: Run, _ reader: any StoreReader) throws(CommandFailure) -> [String: TaskState] {
        do throws(StoreError) {
            return Dictionary(
                try reader.taskInstances(ofRun: run.id).map { ($0.key.name, $0.state) }, uniquingKeysWith: { $1 })
        } catch { throw CommandFailure(error) }
    }

    /// Tasks by their place, or by `--task`.
    private static func tasks(_ arguments: Arguments) throws(CommandFailure) -> [String] {
        let isBulk = RunSelection.isBulk(arguments)
        let named = Array(arguments.positionals.dropFirst(isBulk ? 1 : 2))
        if isBulk, let first = named.first {
            throw arguments.usage(
                "'\(first)' is too much: --from, --to and --state stand in the place of RUN; --task names a task")
        }
        return named + arguments.all("--task")
    }

    private static func show(
        _ changes: RunChanges, isDry: Bool, _ isBulk: Bool, _ arguments: Arguments, _ session: Session
    ) -> ExitCode {
        let what = isDry ? "would run again" : "to run again"
        if !isBulk {
            TaskNames.show(changes.entries.first?.tasks ?? [], what, arguments, session)
        } else if arguments.has("--json") {
            session.terminal.print(changes.json())
        } else {
            let count = changes.done.reduce(0) { $0 + $1.tasks.count }
            if isDry || arguments.has("--yes") { session.terminal.write(changes.table(session)) }
            session.terminal.print(
                "\(RunChanges.count(count, "task")) of \(RunChanges.count(changes.runs.count, "run")) \(what)")
        }
        changes.showRefusals(session)
        return changes.status
    }
}

extension RunState {
    static let ended = Set(allCases.filter(\.isFinal))
}

/// The tasks that a command was about.
enum TaskNames {
    static func show(_ names: [String], _ what: String, _ arguments: Arguments, _ session: Session) {
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.object { $0.member("task_ids", names) }
            session.terminal.print(writer.text)
        } else if !names.isEmpty {
            session.terminal.print("\(RunChanges.count(names.count, "task")) \(what): \(names.joined(separator: ", "))")
        }
    }
}

import Engine
import JSONText
import SchedulerCore

/// `weir clear`: tasks of a run again, from the beginning.
enum ClearCommand {
    static let spec = CommandSpec(
        name: "clear", summary: "run tasks of a run again, and those after them",
        positionals: [
            .init(name: "DAG", help: "id of the DAG"),
            .init(name: "RUN", help: "id of the run, or its date where that is enough to tell it"),
            .init(name: "TASK", count: .many, help: "the tasks; all of the run's when left out"),
        ],
        options: [
            .flag("--failed", "of these tasks only the failed ones"),
            .flag("--only", "not those after them"),
            .flag("--upstream", "also those before them"),
            .flag("--latest", "with the DAG file as it is now, not as it was when the run was made"),
            .flag("--wait", "follow the run to its end, and exit 1 when it fails"),
            .flag("--dry-run", "only print which"), CommandSpec.json,
        ],
        examples: [
            (
                "weir clear alpr_daily 2022-05-02 --failed",
                "once the input is mended: what failed, and all that waits for it"
            ),
            ("weir clear alpr_daily 2022-05-02 transform", "that task and those after it, with all their tries"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let run = try session.run(arguments.required(0), arguments.required(1), try session.existingReader())
        let request = ClearRequest(
            dag: run.dagID, runID: run.runID, tasks: Array(arguments.positionals.dropFirst(2)),
            upstream: arguments.has("--upstream"), downstream: !arguments.has("--only"),
            onlyFailed: arguments.has("--failed"), latest: arguments.has("--latest"), dryRun: arguments.has("--dry-run")
        )
        let access = try EngineAccess(session)
        defer { access.close() }
        guard case .tasks(let names) = try access.perform(.clear(request)) else {
            throw CommandFailure(.failed, "the engine gave another answer than tasks")
        }
        TaskNames.show(names, request.dryRun ? "would run again" : "to run again", arguments, session)
        guard !request.dryRun, access.isEmbedded || arguments.has("--wait") else { return .done }
        Interrupts.catchThem()
        return try Follower(session: session, access: access).follow(run: run)
    }
}

/// `weir mark`: a person's word for how a task went.
enum MarkCommand {
    static let spec = CommandSpec(
        name: "mark", summary: "give a task of a run the state success, failed or skipped",
        positionals: [
            .init(name: "DAG", help: "id of the DAG"),
            .init(name: "RUN", help: "id of the run, or its date where that is enough to tell it"),
            .init(name: "TASK", help: "id of the task; a running one is killed first"),
            .init(name: "STATE", help: "success, failed or skipped"),
        ],
        options: [.flag("--wait", "follow the run to its end, and exit 1 when it fails"), CommandSpec.json],
        examples: [
            ("weir mark alpr_daily 2022-05-02 quality success", "it is good enough: what waits for it goes on")
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        guard let state = MarkState(rawValue: arguments.required(3)) else {
            let words = MarkState.allCases.map(\.rawValue).joined(separator: ", ")
            throw arguments.usage("STATE is '\(arguments.required(3))'; it must be one of \(words)")
        }
        let run = try session.run(arguments.required(0), arguments.required(1), try session.existingReader())
        let access = try EngineAccess(session)
        defer { access.close() }
        let request = MarkRequest(dag: run.dagID, runID: run.runID, task: arguments.required(2), state: state)
        guard case .tasks(let names) = try access.perform(.mark(request)) else {
            throw CommandFailure(.failed, "the engine gave another answer than tasks")
        }
        TaskNames.show(
            Array(names.dropFirst()), "to run because \(request.task) is marked \(state.rawValue)", arguments, session)
        guard access.isEmbedded || arguments.has("--wait") else { return .done }
        Interrupts.catchThem()
        return try Follower(session: session, access: access).follow(run: run)
    }
}

/// The tasks that a command was about.
private enum TaskNames {
    static func show(_ names: [String], _ what: String, _ arguments: Arguments, _ session: Session) {
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.object { $0.member("task_ids", names) }
            session.terminal.print(writer.text)
        } else if !names.isEmpty {
            session.terminal.print(
                "\(names.count) task\(names.count == 1 ? "" : "s") \(what): \(names.joined(separator: ", "))")
        }
    }
}

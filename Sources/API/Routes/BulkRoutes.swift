import Access
import Engine
import HTTPServer
import JSONText
import SchedulerCore
import Store

/// The same for many runs or DAGs, with one request. Each part is carried out by itself: what one of them refuses does not
/// hold up the others, and the answer has a line for each.
extension APIService {
    private enum Action: String, CaseIterable { case clear, cancel, mark }

    private static let mostRuns = 1000

    func bulkRoutes(_ data: Data) -> [Route] {
        let (engine, readers, details) = (engine, data.readers, data.details)
        return [
            Route(
                method: .post, path: "/api/v1/bulk/runs", name: "change_runs",
                summary: "clear, cancel or mark many runs of a DAG", role: .operator,
                body: [
                    .required("dag_id", .string()), .required("action", .words(of: Action.self)),
                    .optional("run_ids", .array(.string()), "these runs; or those of the next three"),
                    .optional("states", .array(.words(of: RunState.self)), "runs in one of these states"),
                    .optional("from", .instant, "first logical date"), .optional("to", .instant, "last logical date"),
                    .optional("task_ids", .array(.string()), "only these tasks; for mark they are needed"),
                    .optional("upstream", .boolean), .optional("downstream", .boolean, "true without"),
                    .optional("only_failed", .boolean), .optional("latest", .boolean, "with the DAG as it is now"),
                    .optional("state", .words(of: MarkState.self), "for mark"),
                    .optional("dry_run", .boolean, "only say which"),
                ], answer: .json(.object([.required("items", .array(.named(Self.part)))])), failures: [404, 422],
                lane: .slow
            ) { request in
                var body = try BodyReader(request.http.body)
                let dag = try body.required(body.string("dag_id"), "dag_id")
                try request.mayChange(dag)
                let order = try Self.order(&body, dag)
                let runs = try readers.read { try Self.runs(&body, dag, $0) }
                let isDry = try body.bool("dry_run") ?? false
                try body.end()
                let parts = try runs.flatMap { run in try order(run, isDry).map { (run, $0) } }
                return try Self.perform(
                    parts, engine, request, isDry: isDry, name: { $0.runID }, key: "run_id")
            },
            Route(
                method: .post, path: "/api/v1/bulk/dags", name: "pause_dags",
                summary: "pause many DAGs, or let them go on",
                role: .operator,
                body: [
                    .required("paused", .boolean),
                    .optional("dag_ids", .array(.string()), "these DAGs; or those with the tag"),
                    .optional("tag", .string()), .optional("dry_run", .boolean, "only say which"),
                ], answer: .json(.object([.required("items", .array(.named(Self.dagPart)))])), failures: [422],
                lane: .slow
            ) { request in
                var body = try BodyReader(request.http.body)
                let isPaused = try body.required(body.bool("paused"), "paused")
                let (ids, tag) = (try body.strings("dag_ids"), try body.string("tag"))
                let isDry = try body.bool("dry_run") ?? false
                try body.end()
                guard (ids == nil) != (tag == nil) else {
                    throw Problem.invalid("give either dag_ids or tag")
                }
                let wanted =
                    try ids
                    ?? readers.read { reader in
                        try reader.dags().filter(\.record.active).compactMap { summary in
                            let dag = try details.dag(ofVersion: summary.record.version, reader)
                            return tag.map { dag?.tags.contains($0) ?? false } ?? false ? summary.record.id : nil
                        }
                    }
                for dag in wanted { try request.mayChange(dag) }
                return try Self.perform(
                    wanted.map { ($0, EngineCommand.setPaused(dag: $0, paused: isPaused)) }, engine, request,
                    isDry: isDry, name: { $0 }, key: "dag_id")
            },
        ]
    }

    private static func fields(_ key: String) -> [Field] {
        [
            .required(key, .string()), .required("done", .boolean, "false for a dry run, too"),
            .required("task_ids", .array(.string()), "that it is about, where it is about tasks"),
            .required("problem", .nullable(.string()), "why it was not done"),
        ]
    }
    private static let part = NamedSchema(
        name: "RunChange", help: "what became of one run", fields: fields("run_id"))
    private static let dagPart = NamedSchema(
        name: "DAGChange", help: "what became of one DAG", fields: fields("dag_id"))

    /// The commands for a run; several for a mark of several tasks.
    private static func order(
        _ body: inout BodyReader, _ dag: String
    ) throws -> (_ run: Run, _ isDry: Bool) throws -> [EngineCommand] {
        let action = try body.required(body.word("action", Action.self), "action")
        let tasks = try body.strings("task_ids") ?? []
        let (upstream, downstream) = (try body.bool("upstream") ?? false, try body.bool("downstream") ?? true)
        let (onlyFailed, latest) = (try body.bool("only_failed") ?? false, try body.bool("latest") ?? false)
        let state = try body.word("state", MarkState.self)
        guard action != .cancel || tasks.isEmpty && !upstream && downstream && !onlyFailed && !latest else {
            throw Problem.invalid(
                "cancel is for whole runs: it takes no task_ids, upstream, downstream, only_failed or latest")
        }
        guard action == .mark || state == nil else {
            throw Problem.invalid("'state' is for mark, not for \(action.rawValue)")
        }
        switch action {
        case .cancel: return { run, _ in [.cancelRun(dag: dag, runID: run.runID)] }
        case .clear:
            return { run, isDry in
                [
                    .clear(
                        ClearRequest(
                            dag: dag, runID: run.runID, tasks: tasks, upstream: upstream, downstream: downstream,
                            onlyFailed: onlyFailed, latest: latest, dryRun: isDry))
                ]
            }
        case .mark:
            guard let state, !tasks.isEmpty else { throw Problem.invalid("mark needs task_ids and state") }
            return { run, _ in
                tasks.map { .mark(MarkRequest(dag: dag, runID: run.runID, task: $0, state: state)) }
            }
        }
    }

    private static func runs(_ body: inout BodyReader, _ dag: String, _ reader: any StoreReader) throws -> [Run] {
        _ = try Data.dag(dag, reader)
        let ids = try body.strings("run_ids")
        let states = try (body.strings("states") ?? []).map { text in
            guard let state = RunState(rawValue: text) else {
                throw Problem(400, "'\(text)' in 'states' is no state of a run", code: .invalid)
            }
            return state
        }
        let (from, to) = (try body.instant("from"), try body.instant("to"))
        guard let ids else {
            guard !states.isEmpty || from != nil || to != nil else {
                throw Problem.invalid("say which runs: run_ids, states, from or to")
            }
            let found = try reader.runs(
                RunQuery(dag: dag, states: Set(states), from: from, to: to, limit: mostRuns + 1))
            guard found.count <= mostRuns else {
                throw Problem.invalid("more than \(mostRuns) runs; take fewer at once")
            }
            return found
        }
        guard states.isEmpty, from == nil, to == nil else {
            throw Problem.invalid("give either run_ids, or states, from and to")
        }
        guard ids.count <= mostRuns else { throw Problem.invalid("more than \(mostRuns) runs; take fewer at once") }
        return try ids.map { id in
            guard let run = try reader.run(dag: dag, runID: id) else {
                throw Problem.invalid("DAG '\(dag)' has no run '\(id)'; nothing was done")
            }
            return run
        }
    }

    private static func perform<Subject>(
        _ parts: [(Subject, EngineCommand)], _ engine: any EngineService, _ request: APIRequest, isDry: Bool,
        name: (Subject) -> String, key: String
    ) throws -> HTTPResponse {
        let requestKey = try request.key()
        var lines: [(subject: String, isDone: Bool, tasks: [String], problem: String?)] = []
        for (number, (subject, command)) in parts.enumerated() {
            var tasks: [String] = []
            var problem: String?
            // A dry clear asks the engine what it would be about; nothing else can be tried.
            var asks = !isDry
            if case .clear = command { asks = true }
            if asks {
                // Each part has a key of its own, so that a request that was cut short does the rest.
                let part = requestKey.map {
                    RequestKey(
                        caller: $0.caller, key: "\($0.key)/\(name(subject))/\(number)", fingerprint: $0.fingerprint,
                        encode: $0.encode)
                }
                do throws(CommandError) {
                    switch try engine.perform(command, actor: request.caller.name, key: isDry ? nil : part) {
                    case .tasks(let names): tasks = names
                    case .replayed(let answer): tasks = Self.tasks(answer)
                    default: break
                    }
                } catch {
                    // Nobody is there any more, so the rest would end the same way.
                    if error.code == .stopping { throw error }
                    problem = error.message
                }
            }
            lines.append((name(subject), !isDry && problem == nil, tasks, problem))
        }
        return .json {
            $0.object { writer in
                writer.key("items")
                writer.array { writer in
                    for line in lines {
                        writer.object {
                            $0.member(key, line.subject)
                            $0.member("done", line.isDone)
                            $0.member("task_ids", line.tasks)
                            $0.member("problem", line.problem)
                        }
                    }
                }
            }
        }
    }

    private static func tasks(_ answer: String) -> [String] {
        let root = (try? JSONDocument(parsing: Array(answer.utf8)))?.root
        return root?["task_ids"]?.array?.compactMap(\.string) ?? []
    }
}

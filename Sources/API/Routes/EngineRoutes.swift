import Access
import Engine
import HTTPServer
import JSONText
import SchedulerCore

/// The routes that ask the engine, as the command line uses them through the control socket.
extension APIService {
    private static let dag = "/api/v1/dags/{dag_id}"
    private static let run = dag + "/runs/{run_id}"
    /// The largest count that is taken.
    private static let most: Int64 = 1_000_000_000

    var engineRoutes: [Route] {
        [
            command(.get, "/api/v1/status", "status", "how the engine is", .viewer, answer: ("status", .map(.anything)))
            {
                _ in .status
            },
            command(.post, "/api/v1/reload", "reload", "read weir.json and the DAG folder again", .admin) { _ in .reload
            },
            command(.post, "/api/v1/drain", "drain", "start nothing any more, and end with the last task", .admin) {
                _ in
                .drain
            },
            command(.post, "/api/v1/handover", "handover", "leave the state to a daemon", .admin) { _ in .handOver },
            command(
                .post, Self.dag + "/runs", "trigger", "start a run", .operator,
                body: [
                    .optional(
                        "logical_date", .instant, "the interval that contains this; the last complete one without"),
                    .optional("params", .map(.anything)),
                ], answer: ("run", .named(RunJSON.schema)), failures: [409, 422]
            ) { request in
                var body = try BodyReader(request.http.body)
                let date = try body.instant("logical_date")
                let params = try body.params()
                try body.end()
                return .trigger(dag: request.path("dag_id"), date: date, params: params)
            },
            command(.post, Self.dag + "/pause", "pause", "stop the schedule", .operator, failures: [409]) {
                .setPaused(dag: $0.path("dag_id"), paused: true)
            },
            command(.post, Self.dag + "/unpause", "unpause", "let the schedule go on", .operator, failures: [409]) {
                .setPaused(dag: $0.path("dag_id"), paused: false)
            },
            command(
                .put, "/api/v1/pools/{name}", "set_pool", "make a pool, or change it", .admin,
                body: [.required("slots", .integer(0...Self.most)), .optional("description", .string())],
                failures: [422]
            ) { request in
                var body = try BodyReader(request.http.body)
                let pool = Pool(
                    name: request.path("name"),
                    slots: try body.required(body.integer("slots", in: 0...Int(Self.most)), "slots"),
                    description: try body.string("description") ?? "")
                try body.end()
                return .setPool(pool)
            },
            command(.delete, "/api/v1/pools/{name}", "remove_pool", "remove a pool", .admin, failures: [409, 422]) {
                .removePool(name: $0.path("name"))
            },
            command(
                .post, "/api/v1/backfills", "create_backfill", "run a range of past intervals", .operator,
                body: [
                    .required("dag_id", .string()), .required("from", .instant, "first logical date"),
                    .required("to", .instant, "last logical date"), .optional("reprocess", .words(of: Reprocess.self)),
                    .optional("max_active", .integer(1...Self.most)), .optional("reverse", .boolean),
                    .optional("task_ids", .array(.string())), .optional("params", .map(.anything)),
                    .optional("dry_run", .boolean, "only say which"),
                ],
                answer: ("", Self.planSchema), failures: [404, 409, 422]
            ) { request in
                var body = try BodyReader(request.http.body)
                let backfill = BackfillRequest(
                    dag: try body.required(body.string("dag_id"), "dag_id"),
                    from: try body.required(body.instant("from"), "from"),
                    to: try body.required(body.instant("to"), "to"),
                    reprocess: try body.word("reprocess", Reprocess.self) ?? .none,
                    maxActive: try body.integer("max_active", in: 1...Int(Self.most)),
                    reverse: try body.bool("reverse") ?? false,
                    tasks: try body.strings("task_ids") ?? [], params: try body.params(),
                    dryRun: try body.bool("dry_run") ?? false)
                try body.end()
                try request.mayChange(backfill.dag)
                return .backfill(backfill)
            },
            onBackfill("cancel", "cancel a backfill and its runs") { .cancelBackfill($0) },
            onBackfill("pause", "start no further run of a backfill") { .pauseBackfill($0, paused: true) },
            onBackfill("resume", "go on with a backfill") { .pauseBackfill($0, paused: false) },
            command(
                .post, Self.run + "/cancel", "cancel_run", "kill what runs of a run, drop the rest", .operator,
                failures: [409]
            ) { request in
                .cancelRun(dag: request.path("dag_id"), runID: request.path("run_id"))
            },
            command(
                .post, "/api/v1/prune", "prune", "remove ended runs and what belongs to them", .admin,
                body: [
                    .optional("ended_before", .instant), .optional("keep", .integer(0...Self.most)),
                    .optional("audit_before", .instant),
                ], answer: ("pruned", .map(.anything)), failures: [422]
            ) { request in
                var body = try BodyReader(request.http.body)
                let policy = PrunePolicy(
                    endedBefore: try body.instant("ended_before"),
                    keep: try body.integer("keep", in: 0...Int(Self.most)),
                    auditBefore: try body.instant("audit_before"))
                try body.end()
                return .prune(policy)
            },
            command(
                .post, Self.run + "/clear", "clear", "run tasks of a run again", .operator,
                body: [
                    .optional("task_ids", .array(.string()), "empty: all of them"), .optional("upstream", .boolean),
                    .optional("downstream", .boolean, "true without"), .optional("only_failed", .boolean),
                    .optional("latest", .boolean, "with the DAG as it is now"), .optional("dry_run", .boolean),
                ], answer: ("task_ids", .array(.string())), failures: [409, 422]
            ) { request in
                var body = try BodyReader(request.http.body)
                let clear = ClearRequest(
                    dag: request.path("dag_id"), runID: request.path("run_id"),
                    tasks: try body.strings("task_ids") ?? [],
                    upstream: try body.bool("upstream") ?? false, downstream: try body.bool("downstream") ?? true,
                    onlyFailed: try body.bool("only_failed") ?? false, latest: try body.bool("latest") ?? false,
                    dryRun: try body.bool("dry_run") ?? false)
                try body.end()
                return .clear(clear)
            },
            command(
                .post, Self.run + "/tasks/{task_id}/mark", "mark", "give a task a state", .operator,
                body: [.required("state", .words(of: MarkState.self))], answer: ("task_ids", .array(.string())),
                failures: [409, 422]
            ) { request in
                var body = try BodyReader(request.http.body)
                let state = try body.required(body.word("state", MarkState.self), "state")
                try body.end()
                return .mark(
                    MarkRequest(
                        dag: request.path("dag_id"), runID: request.path("run_id"), task: request.path("task_id"),
                        state: state))
            },
            command(
                .get, Self.run + "/why", "why", "why an unfinished run and its tasks do not run", .viewer,
                answer: (
                    "why", .object([.required("run", .nullable(.string())), .required("tasks", .map(.string()))])
                ), failures: [409]
            ) { request in
                .explain(dag: request.path("dag_id"), runID: request.path("run_id"))
            },
        ]
    }

    private func onBackfill(
        _ verb: String, _ summary: String, _ make: @escaping @Sendable (Int64) -> EngineCommand
    ) -> Route {
        var route = command(
            .post, "/api/v1/backfills/{id}/\(verb)", "\(verb)_backfill", summary, .operator, failures: [409]
        ) { request in
            make(try request.number("id", of: "a backfill"))
        }
        route.parameters = ["id": .integer(1...Int64.max)]
        return route
    }

    /// A route that hands a command to the engine.
    ///
    /// - Parameter answer: the member of the answer, and its form; without a name the form of the whole answer.
    private func command(
        _ method: Route.Method, _ path: String, _ name: String, _ summary: String, _ role: Role, body: [Field]? = nil,
        answer: (name: String, schema: Schema) = ("done", .boolean), failures: [Int] = [],
        _ make: @escaping @Sendable (APIRequest) throws -> EngineCommand
    ) -> Route {
        let engine = engine
        return Route(
            method: method, path: path, name: name, summary: summary, role: role, body: body,
            answer: .json(answer.name.isEmpty ? answer.schema : .object([.required(answer.name, answer.schema)])),
            failures: failures, lane: .slow, once: .kept
        ) { request in
            // Before the body is looked at: who may not change a DAG does not learn what is wrong with the request.
            if method != .get, name != "create_backfill" { try request.mayChange(request.http.parameters["dag_id"]) }
            let command = try make(request)
            let reply = try engine.perform(command, actor: request.caller.name, key: try request.key())
            var response = HTTPResponse.json(ReplyCoding.encode(reply))
            if case .replayed = reply { response.headers.append(("Idempotency-Replayed", "true")) }
            return response
        }
    }

    private static let planSchema = Schema.object([
        .required("backfill_id", .nullable(.integer()), "null for a dry run"),
        .required(
            "plan",
            .array(
                .object([
                    .required("logical_date", .instant), .required("data_interval_start", .instant),
                    .required("data_interval_end", .instant), .required("run_id", .string()),
                    .required("disposition", .words(of: BackfillEntry.Disposition.self)),
                ]))),
    ])
}

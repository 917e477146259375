import Engine
import HTTPServer
import JSONText
import SchedulerCore

/// The routes that change something, as the command line uses them through the control socket.
public enum APIRoutes {
    /// - Parameter actor: who is behind the connection; on the control socket its file's mode is the sign-in.
    public static func router(_ engine: any EngineService, actor: String) -> Router {
        var router = Router { status, detail in problem(status, detail) }
        func on(
            _ method: String, _ pattern: String,
            _ command: @escaping @Sendable (HTTPRequest) throws(BodyError) -> EngineCommand
        ) {
            router.on(method, pattern) { request in respond(request, command, engine, actor) }
        }
        on("GET", "/api/v1/status") { _ in .status }
        on("POST", "/api/v1/reload") { _ in .reload }
        on("POST", "/api/v1/drain") { _ in .drain }
        on("POST", "/api/v1/handover") { _ in .handOver }
        on("POST", "/api/v1/dags/{dag_id}/runs") { request throws(BodyError) in
            var body = try BodyReader(request.body)
            let date = try body.instant("logical_date")
            let params = try body.params()
            try body.end()
            return .trigger(dag: request.parameter("dag_id"), date: date, params: params)
        }
        on("POST", "/api/v1/dags/{dag_id}/pause") { .setPaused(dag: $0.parameter("dag_id"), paused: true) }
        on("POST", "/api/v1/dags/{dag_id}/unpause") { .setPaused(dag: $0.parameter("dag_id"), paused: false) }
        on("PUT", "/api/v1/pools/{name}") { request throws(BodyError) in
            var body = try BodyReader(request.body)
            let pool = Pool(
                name: request.parameter("name"), slots: try body.required(body.integer("slots"), "slots"),
                description: try body.string("description") ?? "")
            try body.end()
            return .setPool(pool)
        }
        on("DELETE", "/api/v1/pools/{name}") { .removePool(name: $0.parameter("name")) }
        on("POST", "/api/v1/backfills") { request throws(BodyError) in
            var body = try BodyReader(request.body)
            let backfill = BackfillRequest(
                dag: try body.required(body.string("dag_id"), "dag_id"),
                from: try body.required(body.instant("from"), "from"),
                to: try body.required(body.instant("to"), "to"),
                reprocess: try body.word("reprocess", Reprocess.self) ?? .none,
                maxActive: try body.integer("max_active"), reverse: try body.bool("reverse") ?? false,
                tasks: try body.strings("task_ids") ?? [], params: try body.params(),
                dryRun: try body.bool("dry_run") ?? false)
            try body.end()
            return .backfill(backfill)
        }
        on("POST", "/api/v1/dags/{dag_id}/runs/{run_id}/cancel") { request in
            .cancelRun(dag: request.parameter("dag_id"), runID: request.parameter("run_id"))
        }
        on("POST", "/api/v1/prune") { request throws(BodyError) in
            var body = try BodyReader(request.body)
            let policy = PrunePolicy(
                endedBefore: try body.instant("ended_before"), keep: try body.integer("keep"),
                auditBefore: try body.instant("audit_before"))
            try body.end()
            return .prune(policy)
        }
        on("POST", "/api/v1/dags/{dag_id}/runs/{run_id}/clear") { request throws(BodyError) in
            var body = try BodyReader(request.body)
            let clear = ClearRequest(
                dag: request.parameter("dag_id"), runID: request.parameter("run_id"),
                tasks: try body.strings("task_ids") ?? [],
                upstream: try body.bool("upstream") ?? false, downstream: try body.bool("downstream") ?? true,
                onlyFailed: try body.bool("only_failed") ?? false, latest: try body.bool("latest") ?? false,
                dryRun: try body.bool("dry_run") ?? false)
            try body.end()
            return .clear(clear)
        }
        on("POST", "/api/v1/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/mark") { request throws(BodyError) in
            var body = try BodyReader(request.body)
            let state = try body.required(body.word("state", MarkState.self), "state")
            try body.end()
            return .mark(
                MarkRequest(
                    dag: request.parameter("dag_id"), runID: request.parameter("run_id"),
                    task: request.parameter("task_id"), state: state))
        }
        on("GET", "/api/v1/dags/{dag_id}/runs/{run_id}/why") { request in
            .explain(dag: request.parameter("dag_id"), runID: request.parameter("run_id"))
        }
        func onBackfill(_ verb: String, _ command: @escaping @Sendable (Int64) -> EngineCommand) {
            router.on("POST", "/api/v1/backfills/{id}/" + verb) { request in
                guard let id = Int64(request.parameter("id")) else {
                    return problem(404, "'\(request.parameter("id"))' is no number of a backfill", code: .notFound)
                }
                return respond(request, { _ in command(id) }, engine, actor)
            }
        }
        onBackfill("cancel") { .cancelBackfill($0) }
        onBackfill("pause") { .pauseBackfill($0, paused: true) }
        onBackfill("resume") { .pauseBackfill($0, paused: false) }
        return router
    }

    private static func respond(
        _ request: HTTPRequest, _ command: (HTTPRequest) throws(BodyError) -> EngineCommand,
        _ engine: any EngineService, _ actor: String
    ) -> HTTPResponse {
        let asked: EngineCommand
        do throws(BodyError) { asked = try command(request) } catch {
            return problem(400, error.message, code: .invalid)
        }
        do throws(CommandError) {
            return .json(ReplyCoding.encode(try engine.perform(asked, actor: actor)))
        } catch {
            let status =
                switch error.code {
                case .notFound: 404
                case .invalid: 422
                case .conflict: 409
                case .unavailable, .stopping: 503
                }
            return problem(status, error.message, code: error.code)
        }
    }

    /// A problem document (RFC 9457).
    static func problem(_ status: Int, _ detail: String, code: CommandError.Code? = nil) -> HTTPResponse {
        var writer = JSONWriter()
        writer.object {
            $0.member("status", status)
            $0.member("detail", detail)
            if let code { $0.member("code", code.rawValue) }
        }
        return HTTPResponse(
            status: status, headers: [("Content-Type", "application/problem+json")], body: writer.bytes)
    }
}

extension HTTPRequest {
    /// The value of a part of the route; the route has a part of this name.
    fileprivate func parameter(_ name: String) -> String { parameters[name] ?? "" }
}

import Engine
import HTTPServer
import JSONText
import SchedulerCore

/// The routes that change something, as the command line uses them through the control socket.
public enum APIRoutes {
    /// - Parameter actor: who is behind the connection; on the control socket its file's mode is the sign-in.
    public static func router(_ engine: any EngineService, actor: String) -> Router {
        var router = Router { status, detail in problem(status, detail) }
        router.on("GET", "/api/v1/status") { _ in
            respond { () throws(CommandError) in try engine.perform(.status, actor: actor) }
        }
        router.on("POST", "/api/v1/dags/{dag_id}/runs") { request in
            respond(request) { body throws(CommandError) in
                let date = try body.instant("logical_date")
                let params = try body.params()
                try body.end()
                return try engine.perform(
                    .trigger(dag: request.parameters["dag_id"] ?? "", date: date, params: params), actor: actor)
            }
        }
        router.on("POST", "/api/v1/backfills") { request in
            respond(request) { body throws(CommandError) in
                let backfill = BackfillRequest(
                    dag: try body.required(body.string("dag_id"), "dag_id"),
                    from: try body.required(body.instant("from"), "from"),
                    to: try body.required(body.instant("to"), "to"),
                    reprocess: try body.word("reprocess", Reprocess.self) ?? .none,
                    maxActive: try body.integer("max_active"), reverse: try body.bool("reverse") ?? false,
                    params: try body.params(), dryRun: try body.bool("dry_run") ?? false)
                try body.end()
                return try engine.perform(.backfill(backfill), actor: actor)
            }
        }
        router.on("POST", "/api/v1/dags/{dag_id}/runs/{run_id}/cancel") { request in
            respond { () throws(CommandError) in
                try engine.perform(
                    .cancelRun(dag: request.parameters["dag_id"] ?? "", runID: request.parameters["run_id"] ?? ""),
                    actor: actor)
            }
        }
        router.on("POST", "/api/v1/backfills/{id}/cancel") { request in
            respond { () throws(CommandError) in
                guard let id = Int64(request.parameters["id"] ?? "") else {
                    throw CommandError(.notFound, "'\(request.parameters["id"] ?? "")' is no number of a backfill")
                }
                return try engine.perform(.cancelBackfill(id), actor: actor)
            }
        }
        router.on("POST", "/api/v1/reload") { _ in
            respond { () throws(CommandError) in try engine.perform(.reload, actor: actor) }
        }
        return router
    }

    private static func respond(_ work: () throws(CommandError) -> EngineReply) -> HTTPResponse {
        do throws(CommandError) {
            return .json(ReplyCoding.encode(try work()))
        } catch {
            let status =
                switch error.code {
                case .notFound: 404
                case .invalid: 422
                case .conflict: 409
                case .unavailable: 503
                }
            return problem(status, error.message, code: error.code)
        }
    }

    private static func respond(
        _ request: HTTPRequest, _ work: (inout BodyReader) throws(CommandError) -> EngineReply
    ) -> HTTPResponse {
        var body: BodyReader
        do throws(JSONSyntaxError) {
            body = try BodyReader(request.body)
        } catch {
            return problem(400, "the body, at \(error.position.line):\(error.position.column), \(error.message)")
        }
        return respond { () throws(CommandError) in try work(&body) }
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

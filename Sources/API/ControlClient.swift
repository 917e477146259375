import Engine
import HTTPServer
import JSONText
import SchedulerCore

/// The engine of a running daemon, reached through its control socket.
public final class ControlClient: EngineService {
    private let client: HTTPClient

    private let timeout: Int

    /// - Parameter timeout: seconds without a byte after which the engine counts as hung.
    public init(socket path: String, timeout: Int = 60) {
        client = HTTPClient(unixSocket: path)
        self.timeout = timeout
    }

    /// - Parameters:
    ///   - actor: not sent: the daemon says who is behind its socket.
    ///   - key: not sent: a command of a person is one of its own.
    public func perform(
        _ command: EngineCommand, actor: String, key: RequestKey?
    ) throws(CommandError) -> EngineReply {
        let (method, target, body) = Self.request(command)
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try client.send(method, target, body: body, timeout: timeout)
        } catch {
            throw CommandError(
                error.code == .refused ? .stopping : .unavailable, "the daemon cannot be reached: \(error.message)")
        }
        if response.status == 200 {
            if let reply = ReplyCoding.decode(response.body) { return reply }
            throw CommandError(
                .unavailable, "the daemon gave an answer that this program does not know: are they of one version?")
        }
        let problem = (try? JSONDocument(parsing: response.body))?.root
        throw CommandError(
            problem?["code"]?.string.flatMap(CommandError.Code.init)
                ?? (response.status >= 500 ? .unavailable : .invalid),
            problem?["detail"]?.string ?? "the daemon answered with status \(response.status)")
    }

    private static func request(_ command: EngineCommand) -> (method: String, target: String, body: [UInt8]) {
        func path(_ parts: String...) -> String { "/api/v1/" + parts.map(Router.encoded).joined(separator: "/") }
        var writer = JSONWriter()
        func params(_ values: [String: JSONNode], _ writer: inout JSONWriter) {
            writer.key("params")
            writer.object { for (key, value) in values.sorted(by: { $0.key < $1.key }) { $0.member(key, value) } }
        }
        switch command {
        case .status: return ("GET", path("status"), [])
        case .reload: return ("POST", path("reload"), [])
        case .drain: return ("POST", path("drain"), [])
        case .handOver: return ("POST", path("handover"), [])
        case .trigger(let dag, let date, let values):
            writer.object {
                $0.member("logical_date", date.map { "\($0)" })
                params(values, &$0)
            }
            return ("POST", path("dags", dag, "runs"), writer.bytes)
        case .backfill(let request):
            writer.object {
                $0.member("dag_id", request.dag)
                $0.member("from", "\(request.from)")
                $0.member("to", "\(request.to)")
                $0.member("reprocess", request.reprocess.rawValue)
                $0.member("max_active", request.maxActive)
                $0.member("reverse", request.reverse)
                $0.member("task_ids", request.tasks)
                $0.member("dry_run", request.dryRun)
                params(request.params, &$0)
            }
            return ("POST", path("backfills"), writer.bytes)
        case .prune(let policy):
            writer.object {
                $0.member("ended_before", policy.endedBefore.map { "\($0)" })
                $0.member("keep", policy.keep)
                $0.member("audit_before", policy.auditBefore.map { "\($0)" })
            }
            return ("POST", path("prune"), writer.bytes)
        case .cancelRun(let dag, let runID): return ("POST", path("dags", dag, "runs", runID, "cancel"), [])
        case .clear(let request):
            writer.object {
                $0.member("task_ids", request.tasks)
                $0.member("upstream", request.upstream)
                $0.member("downstream", request.downstream)
                $0.member("only_failed", request.onlyFailed)
                $0.member("latest", request.latest)
                $0.member("dry_run", request.dryRun)
            }
            return ("POST", path("dags", request.dag, "runs", request.runID, "clear"), writer.bytes)
        case .mark(let request):
            writer.object { $0.member("state", request.state.rawValue) }
            return (
                "POST", path("dags", request.dag, "runs", request.runID, "tasks", request.task, "mark"), writer.bytes
            )
        case .setPaused(let dag, let paused): return ("POST", path("dags", dag, paused ? "pause" : "unpause"), [])
        case .setPool(let pool):
            writer.object {
                $0.member("slots", pool.slots)
                $0.member("description", pool.description)
            }
            return ("PUT", path("pools", pool.name), writer.bytes)
        case .removePool(let name): return ("DELETE", path("pools", name), [])
        case .cancelBackfill(let id): return ("POST", path("backfills", "\(id)", "cancel"), [])
        case .pauseBackfill(let id, let paused):
            return ("POST", path("backfills", "\(id)", paused ? "pause" : "resume"), [])
        case .explain(let dag, let runID): return ("GET", path("dags", dag, "runs", runID, "why"), [])
        }
    }
}

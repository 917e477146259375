import Access
import Engine
import HTTPServer
import JSONText
import Lake
import SchedulerCore
import Spawn
import Store

/// What the routes work with.
public struct APIService: Sendable {
    public var engine: any EngineService
    /// Nil where only commands to the engine are served.
    public var data: Data?
    /// Who is behind a request, and whether it may come in at all.
    public var gate: Gate
    /// Users who sign in with a password; nil: nobody does.
    public var signIn: SignIn?
    public var proxies = TrustedProxies.none
    /// Nil: a client may ask as often as it likes.
    public var rateLimit: RateLimit?

    /// What can be read beside the engine.
    public struct Data: Sendable {
        public var readers: any StoreReaders
        /// Folder of an attempt, for its log.
        public var attemptFolder: @Sendable (Int64) -> String
        public var lake: LakeRoot
        /// The tables of the lake, and answers to questions about it.
        public var query: QueryService
        public var version: String
        public var feed: EventFeed
        let streams = OpenStreams()
        let details: DAGDetails
        let layout = GraphLayout()

        public init(
            readers: any StoreReaders, attemptFolder: @escaping @Sendable (Int64) -> String, lake: LakeRoot,
            query: QueryService, version: String, details: DAGDetails,
            feed: EventFeed
        ) {
            self.details = details
            self.feed = feed
            self.readers = readers
            self.attemptFolder = attemptFolder
            self.lake = lake
            self.query = query
            self.version = version
        }
    }

    public init(engine: any EngineService, data: Data? = nil, gate: Gate, signIn: SignIn? = nil) {
        self.engine = engine
        self.data = data
        self.gate = gate
        self.signIn = signIn
    }

    /// All routes, with what guards them.
    public func router() -> Router {
        var router = Router { status, detail in Problem(status, detail).response }
        for route in routes {
            let (gate, route) = (gate, route)
            router.on(route.method.rawValue, route.path, route.lane) { [proxies, rateLimit] request in
                var request = request
                proxies.unwrap(&request)
                let client = request.client ?? ""
                // Whoever watches over the daemon must not be held up by what others do from his address.
                let isProbe = route.path.hasPrefix("/health/")
                if !isProbe, let wait = rateLimit?.wait(client) { return Self.tooMany(wait) }
                var response: HTTPResponse
                do {
                    let caller = try gate.enter(request, route)
                    let isLetIn = { @Sendable [request] in (try? gate.enter(request, route)) == caller }
                    response = try route.handle(try APIRequest(request, caller, route, isLetIn: isLetIn))
                } catch {
                    response = Self.problem(error).response
                }
                if response.status == 401 { rateLimit?.refused(client) }
                // Data is never to be taken for a page, nor to be shown once it is old.
                response.headers.append(("X-Content-Type-Options", "nosniff"))
                if route.isStable, response.status == 200 {
                    let tag = String(response.body.withUnsafeBytes { SHA256.hex($0).prefix(32) })
                    response = response.validated(for: request, tag: tag)
                }
                if response.header("Cache-Control") == nil { response.headers.append(("Cache-Control", "no-store")) }
                return response.compressed(for: request)
            }
        }
        return router
    }

    private static func tooMany(_ wait: Int) -> HTTPResponse {
        var response = Problem(429, "too many requests from this address: come again in \(wait) s").response
        response.headers.append(("Retry-After", "\(wait)"))
        return response
    }

    var routes: [Route] {
        var all = engineRoutes
        if let data {
            all += signIn.map { $0.routes + $0.accessRoutes } ?? []
            all += data.healthRoutes(engine) + data.dagRoutes + data.runRoutes + data.stateRoutes + data.lakeRoutes
            all += data.eventRoutes + data.qualityRoutes + bulkRoutes(data)
            let document = OpenAPI.document(
                all + [Self.documentRoute([])], version: data.version, hasSignIn: gate.hasSignIn)
            all.append(Self.documentRoute(document))
        }
        return all
    }

    private static func documentRoute(_ document: [UInt8]) -> Route {
        Route(
            method: .get, path: "/api/v1/openapi.json", name: "openapi",
            summary: "this API in the words of OpenAPI 3.1",
            role: nil, answer: .json(.map(.anything)), isStable: true
        ) { _ in .json(document) }
    }

    static func problem(_ error: any Error) -> Problem {
        switch error {
        case let problem as Problem: problem
        case let error as CommandError: Problem(error)
        case let error as AccessError: Problem(error)
        case let error as StoreError: Problem(error)
        case let error as BodyError: Problem(400, error.message, code: .invalid)
        case let problem as CatalogueProblem:
            switch problem.code {
            case .noSuchTable, .noSuchDay: Problem.notFound(problem.description)
            default: Problem.invalid(problem.description)
            }
        case let busy as QueryService.Busy: Problem(503, busy.description, code: .unavailable)
        case let error as LakeError: Problem(500, error.description)
        default: Problem(500, "\(error)")
        }
    }
}

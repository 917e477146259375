import Engine
import HTTPServer
import JSONText
import Lake
import SchedulerCore
import Store

/// What the routes work with.
public struct APIService: Sendable {
    public var engine: any EngineService
    /// Nil where only commands to the engine are served.
    public var data: Data?
    /// Who is behind a request, and whether it may come in at all.
    public var gate: Gate

    /// What can be read beside the engine.
    public struct Data: Sendable {
        public var readers: any StoreReaders
        /// Folder of an attempt, for its log.
        public var attemptFolder: @Sendable (Int64) -> String
        public var lake: LakeRoot
        /// Answers questions about the lake.
        public var query: @Sendable (QueryRunner.Question, QueryRunner.Form) throws -> QueryAnswer
        public var version: String

        public init(
            readers: any StoreReaders, attemptFolder: @escaping @Sendable (Int64) -> String, lake: LakeRoot,
            query: @escaping @Sendable (QueryRunner.Question, QueryRunner.Form) throws -> QueryAnswer, version: String
        ) {
            self.readers = readers
            self.attemptFolder = attemptFolder
            self.lake = lake
            self.query = query
            self.version = version
        }
    }

    public init(engine: any EngineService, data: Data? = nil, gate: Gate) {
        self.engine = engine
        self.data = data
        self.gate = gate
    }

    /// All routes, with what guards them.
    public func router() -> Router {
        var router = Router { status, detail in Problem(status, detail).response }
        for route in routes {
            let (gate, route) = (gate, route)
            router.on(route.method.rawValue, route.path, isSlow: route.isSlow) { request in
                var response: HTTPResponse
                do {
                    let caller = try gate.enter(request, route)
                    response = try route.handle(try APIRequest(request, caller, route))
                } catch {
                    response = Self.problem(error).response
                }
                // Data is never to be taken for a page, nor to be shown once it is old.
                response.headers.append(("X-Content-Type-Options", "nosniff"))
                if response.header("Cache-Control") == nil { response.headers.append(("Cache-Control", "no-store")) }
                return response
            }
        }
        return router
    }

    var routes: [Route] {
        var all = engineRoutes
        if let data {
            all += data.healthRoutes(engine) + data.dagRoutes + data.runRoutes + data.stateRoutes + data.lakeRoutes
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
            role: nil, answer: .json(.map(.anything))
        ) { _ in .json(document) }
    }

    static func problem(_ error: any Error) -> Problem {
        switch error {
        case let problem as Problem: problem
        case let error as CommandError: Problem(error)
        case let error as StoreError: Problem(error)
        case let error as BodyError: Problem(400, error.message, code: .invalid)
        case let problem as CatalogueProblem:
            switch problem.code {
            case .noSuchTable, .noSuchDay: Problem.notFound(problem.description)
            default: Problem.invalid(problem.description)
            }
        case let error as LakeError: Problem(500, error.description)
        default: Problem(500, "\(error)")
        }
    }
}

/// Lets requests in, or not.
public struct Gate: Sendable {
    /// Who is behind a request.
    ///
    /// - Throws: ``Refusal``.
    public typealias Identify = @Sendable (HTTPRequest) throws -> Caller

    /// Why nobody is let in.
    public struct Refusal: Error, Sendable, Hashable {
        /// 401 or 403.
        public var status: Int
        public var detail: String

        public init(_ status: Int, _ detail: String) {
            self.status = status
            self.detail = detail
        }
    }

    private let identify: Identify
    /// Whether a request has to say who sends it.
    let hasSignIn: Bool

    public init(hasSignIn: Bool, _ identify: @escaping Identify) {
        self.hasSignIn = hasSignIn
        self.identify = identify
    }

    /// Everybody is this caller: on the control socket its file's mode is the sign-in.
    public static func open(to caller: Caller) -> Gate { Gate(hasSignIn: false) { _ in caller } }

    /// For a loopback address without sign-in. Every program of this machine may come in, but no page of a browser that
    /// came from elsewhere: neither by a request across origins (its `Origin` tells) nor by a name that was made to point
    /// here (DNS rebinding; its `Host` tells).
    public static func loopback(_ caller: Caller) -> Gate {
        Gate(hasSignIn: false) { request throws(Refusal) in
            let host = request.header("Host") ?? ""
            guard isLoopback(host) else {
                throw Refusal(403, "the host '\(host)' is not this machine: ask for localhost, or set up sign-in")
            }
            if let origin = request.header("Origin"), origin != "http://\(host)" {
                throw Refusal(403, "a page of '\(origin)' may not ask here")
            }
            return caller
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" }.dropFirst() : host.prefix { $0 != ":" }
        if name == "localhost" || name == "::1" { return true }
        // Four numbers, and not a name such as 127.0.0.1.example.
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    func enter(_ request: HTTPRequest, _ route: Route) throws -> Caller {
        // Before anything else: what is open to everybody is so to pages of any host, too.
        guard let role = route.role else { return Caller(name: "", role: .viewer) }
        let caller: Caller
        do { caller = try identify(request) } catch let refusal as Refusal {
            throw Problem(refusal.status, refusal.detail)
        }
        guard caller.role >= role else {
            throw Problem(403, "this is for the role \(role.rawValue); '\(caller.name)' is \(caller.role.rawValue)")
        }
        if route.body != nil, !request.body.isEmpty {
            let type = request.header("Content-Type")?.prefix { $0 != ";" } ?? "application/json"
            guard type.lowercased() == "application/json" else {
                throw Problem(415, "the body must be application/json, not '\(type)'", code: .invalid)
            }
        }
        return caller
    }
}

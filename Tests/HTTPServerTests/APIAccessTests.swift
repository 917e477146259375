import Access
import Engine
import HTTPServer
import JSONText
import Lake
import SchedulerCore
import Store
import Testing

@testable import API

/// Who gets in, and where to.
@Suite struct APIAccessTests {
    private let engine = FakeEngine()

    private func service(_ gate: API.Gate) -> APIService {
        let data = APIService.Data(
            readers: EmptyReaders(), attemptFolder: { "/nowhere/\($0)" },
            lake: LakeRoot(path: "/nowhere", attempt: "test"),
            query: QueryService(home: "/nowhere", lake: LakeRoot(path: "/nowhere", attempt: "test")), version: "0",
            details: DAGDetails { _ in nil },
            feed: EventFeed(readers: EmptyReaders(), epoch: Instant(microseconds: 0)))
        return APIService(engine: engine, data: data, gate: gate)
    }

    private func caller(_ role: Role, dags: Set<String>? = nil) -> API.Gate {
        .open(to: Caller(name: "ann", role: role, dags: dags))
    }

    /// A request that reaches the handler of a route, whatever that makes of it.
    private func request(_ route: Route) -> HTTPRequest {
        var path = route.path
        for name in route.placeholders { path = path.replacing("{\(name)}", with: "1") }
        return HTTPRequest(method: route.method.rawValue, path: path, body: route.body == nil ? [] : Array("{}".utf8))
    }

    @Test func eachRouteIsForItsRoleAndAbove() throws {
        let routes = service(caller(.admin)).routes
        #expect(routes.count > 40)
        for role in Role.allCases {
            let router = service(caller(role)).router()
            for route in routes {
                let response = router.respond(to: request(route))
                let isIn = role >= route.role ?? .viewer
                #expect(
                    (response.status != 403) == isIn, "\(role) at \(route.method) \(route.path): \(response.status)")
                if !isIn { #expect(engine.asked().isEmpty, "the engine was asked for \(route.path)") }
                _ = engine.asked()
            }
        }
        let changing = routes.filter { $0.method != .get && $0.path != "/api/v1/lake/query" }
        #expect(changing.allSatisfy { $0.role ?? .viewer >= .operator }, "a viewer changes nothing")
    }

    @Test func whoIsNotKnownComesNowhereButToWhatIsOpen() throws {
        let gate = API.Gate(hasSignIn: true) { _ in throw API.Gate.Refusal(401, "sign in") }
        let router = service(gate).router()
        for route in service(gate).routes {
            let response = router.respond(to: request(route))
            #expect((response.status == 401) == (route.role != nil), "\(route.path): \(response.status)")
            if route.role != nil { #expect(response.header("WWW-Authenticate") != nil) }
        }
        let open = service(gate).routes.filter { $0.role == nil }.map(\.path)
        #expect(open == ["/health/live", "/health/ready", "/api/v1/openapi.json"])
    }

    @Test func aCallerOfSomeDAGsChangesThoseOnly() throws {
        let router = service(caller(.admin, dags: ["mine"])).router()
        func status(_ method: String, _ path: String, _ body: String = "") -> Int {
            defer { _ = engine.asked() }
            return router.respond(to: HTTPRequest(method: method, path: path, body: Array(body.utf8))).status
        }
        #expect(status("POST", "/api/v1/dags/mine/pause") == 200)
        #expect(status("POST", "/api/v1/dags/other/pause") == 403)
        #expect(status("POST", "/api/v1/dags/%6Dine/pause") == 200)
        let span = #""from": "2022-05-02T00:00:00Z", "to": "2022-05-02T00:00:00Z"}"#
        #expect(status("POST", "/api/v1/backfills", #"{"dag_id": "mine", "# + span) == 200)
        #expect(status("POST", "/api/v1/backfills", #"{"dag_id": "other", "# + span) == 403)
        for path in ["backfills/1/cancel", "backfills/1/pause", "reload", "drain", "prune"] {
            #expect(status("POST", "/api/v1/" + path) == 403, "\(path)")
        }
        #expect(status("PUT", "/api/v1/pools/a", #"{"slots": 1}"#) == 403)
    }

    @Test(
        arguments: [
            ("127.0.0.1:8080", nil, true), ("localhost", nil, true), ("[::1]:80", nil, true),
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
            ("evil.example", nil, false), ("127.0.0.1.evil.example", nil, false), ("", nil, false),
            ("127.1", nil, false),
            ("127.0.0.1:8080", "http://evil.example", false), ("127.0.0.1:8080", "null", false),
            ("127.0.0.1:8080", "http://127.0.0.1:9090", false), ("127.0.0.1:8080", "https://127.0.0.1:8080", false),
            ("evil.example", "http://evil.example", false),
        ] as [(String, String?, Bool)])
    func withoutSignInOnlyThisMachineComesIn(host: String, origin: String?, isIn: Bool) {
        let router = service(.loopback(Caller(name: "local", role: .admin))).router()
        let headers = [("Host", host)] + (origin.map { [("Origin", $0)] } ?? [])
        let response = router.respond(to: HTTPRequest(method: "GET", path: "/api/v1/dags", headers: headers))
        #expect(response.status == (isIn ? 200 : 403))
    }

    @Test func bodiesAreJSON() {
        let router = service(caller(.admin)).router()
        for (type, status) in [
            ("application/json", 200), ("Application/JSON; charset=utf-8", 200), ("text/plain", 415), ("", 415),
        ] {
            let request = HTTPRequest(
                method: "POST", path: "/api/v1/dags/a/runs", headers: [("content-type", type)], body: Array("{}".utf8))
            #expect(router.respond(to: request).status == status, "\(type)")
        }
    }

    /// Each placeholder, parameter and schema of the document is there, and it is whole JSON.
    @Test func theDocumentTellsEachRoute() throws {
        let service = service(caller(.admin))
        let response = service.router().respond(to: HTTPRequest(method: "GET", path: "/api/v1/openapi.json"))
        let document = try JSONDocument(parsing: response.body).root
        for route in service.routes {
            let told = try #require(
                document["paths"]?[route.path]?[route.method.rawValue.lowercased()], "\(route.path)")
            #expect(told["operationId"]?.string == route.name)
            let keys = route.once == .kept && route.method == .post ? 1 : 0
            #expect(told["parameters"]?.array?.count == route.placeholders.count + route.query.count + keys)
            #expect((told["requestBody"] != nil) == (route.body != nil))
        }
        let names = service.routes.map(\.name)
        #expect(Set(names).count == names.count, "each operation has a name of its own")
        let text = String(decoding: response.body, as: UTF8.self)
        let named = text.split(separator: "\"#/components/schemas/").dropFirst().map {
            String($0.prefix { $0 != "\"" })
        }
        for name in Set(named) { #expect(document["components"]?["schemas"]?[name] != nil, "\(name)") }
    }

    @Test func linesThatDiffer() {
        func shown(_ old: String, _ new: String) -> String {
            let marks: [LineDiff.Change: String] = [.same: " ", .removed: "-", .added: "+"]
            return LineDiff.lines(old, new).map { (marks[$0.change] ?? "?") + $0.text }.joined(separator: "|")
        }
        #expect(shown("a\nb\nc\n", "a\nx\nc\nd\n") == " a|-b|+x| c|+d")
        #expect(shown("", "a") == "+a")
        #expect(shown("a\n", "") == "-a")
        #expect(shown("a\nb", "a\nb\n") == " a| b")
    }

    @Test func figuresForPrometheus() {
        var text = MetricsText()
        text.add("a_total", "counter", "what it is", 3)
        text.add("b", "gauge", "of each", [([("dag", "x\"y\\\nz")], 0.5)])
        text.add("c", "gauge", "nothing", [])
        #expect(
            text.text == """
                # HELP a_total what it is
                # TYPE a_total counter
                a_total 3
                # HELP b of each
                # TYPE b gauge
                b{dag="x\\"y\\\\\\nz"} 0.5

                """)
    }
}

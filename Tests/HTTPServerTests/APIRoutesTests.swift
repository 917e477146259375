import API
import Engine
import HTTPServer
import JSONText
import SchedulerCore
import Testing

/// The routes without a socket: what they make of bodies that people write.
@Suite struct APIRoutesTests {
    private let engine = FakeEngine()
    private let router: Router

    init() { router = APIService(engine: engine, gate: .open(to: Caller(name: "ann", role: .admin))).router() }

    private func send(_ target: String, _ body: String = "", method: String = "POST") throws -> (Int, JSONNode) {
        let response = router.respond(
            to: HTTPRequest(method: method, path: "/api/v1" + target, body: Array(body.utf8)))
        return (response.status, try JSONDocument(parsing: response.body).root)
    }

    static let wrongBodies: [(target: String, body: String, detail: String)] = [
        (
            "/dags/a/runs", "{\"logical_date\": 5}",
            "the body, at 1:18: 'logical_date' is not a time as in RFC 3339, such as 2022-05-02T00:00:00Z"
        ),
        (
            "/dags/a/runs", "{\"logical_date\": \"2022-05-02\"}",
            "the body, at 1:18: 'logical_date' is not a time as in RFC 3339, such as 2022-05-02T00:00:00Z"
        ),
        ("/dags/a/runs", "{\n  \"params\": [1]}", "the body, at 2:13: 'params' is not an object"),
        ("/dags/a/runs", "{\"parms\": {}}", "the body, at 1:2, has an unknown key 'parms'; did you mean 'params'?"),
        ("/dags/a/runs", "{\"x\": {}}", "the body, at 1:2, has an unknown key 'x'"),
        ("/dags/a/runs", "{\"params\": {\"a\": 1, \"a\": 2}}", "the body, at 1:21, has 'a' twice"),
        ("/dags/a/runs", "[]", "the body is an array, not an object"),
        ("/dags/a/runs", "\"text\"", "the body is a string, not an object"),
        ("/backfills", "[]", "the body is an array, not an object"),
        ("/backfills", "null", "the body is null, not an object"),
        ("/backfills", "", "the body has no 'dag_id'"),
        ("/backfills", "{\"dag_id\": null}", "the body has no 'dag_id'"),
        ("/backfills", "{\"dag_id\": 5}", "the body, at 1:12: 'dag_id' is not a string"),
        ("/backfills", "{\"dag_id\": \"a\"}", "the body has no 'from'"),
        (
            "/backfills", backfill("\"to\": 5"),
            "the body, at 1:55: 'to' is not a time as in RFC 3339, such as 2022-05-02T00:00:00Z"
        ),
        ("/backfills", backfill("\"a\": 5"), "the body has no 'to'"),
        (
            "/backfills", full("\"reprocess\": \"some\""),
            "the body, at 1:92: 'reprocess' is not one of none, failed, completed"
        ),
        (
            "/backfills", full("\"max_active\": 1.5"),
            "the body, at 1:93: 'max_active' is not an integer from 1 to 1000000000"
        ),
        (
            "/backfills", full("\"max_active\": \"1\""),
            "the body, at 1:93: 'max_active' is not an integer from 1 to 1000000000"
        ),
        ("/backfills", full("\"reverse\": 1"), "the body, at 1:90: 'reverse' is not true or false"),
        ("/backfills", full("\"dry_run\": \"yes\""), "the body, at 1:90: 'dry_run' is not true or false"),
        (
            "/backfills", full("\"dryrun\": true"),
            "the body, at 1:79, has an unknown key 'dryrun'; did you mean 'dry_run'?"
        ),
    ]

    private static func backfill(_ rest: String) -> String {
        "{\"dag_id\": \"a\", \"from\": \"2022-05-02T00:00:00Z\", \(rest)}"
    }

    private static func full(_ rest: String) -> String { backfill("\"to\": \"2022-05-03T00:00:00Z\", \(rest)") }

    @Test(arguments: wrongBodies.indices)
    func wrongBodiesNameTheKey(index: Int) throws {
        let (target, body, detail) = Self.wrongBodies[index]
        let (status, problem) = try send(target, body)
        #expect(status == 400)
        #expect(problem["detail"]?.string == detail)
        #expect(problem["code"]?.string == "invalid")
        #expect(engine.asked().isEmpty)
    }

    @Test(arguments: ["{", "{\"a\": }", "nonsense", "{} {}", "{'a': 1}", "\u{FEFF}{}", "{\"a\": 01}", " "])
    func bodiesThatAreNotJSON(body: String) throws {
        for target in ["/dags/a/runs", "/backfills"] {
            let (status, problem) = try send(target, body)
            #expect(status == 400)
            #expect(problem["detail"]?.string?.hasPrefix("the body, at 1:") ?? false)
        }
        #expect(engine.asked().isEmpty)
    }

    @Test func whatIsLeftOut() throws {
        #expect(try send("/dags/a/runs").0 == 200)
        #expect(try send("/dags/a/runs", "{\"logical_date\": null, \"params\": null}").0 == 200)
        #expect(try send("/backfills", Self.full("\"reprocess\": null")).0 == 200)
        #expect(
            engine.asked() == [
                "ann: trigger a - {}", "ann: trigger a - {}",
                "ann: backfill a 2022-05-02T00:00:00Z 2022-05-03T00:00:00Z none - false [] false {}",
            ])
    }

    @Test func placesWithNothingThere() throws {
        for id in ["x", "1.5", "99999999999999999999", "%20"] {
            let (status, problem) = try send("/backfills/\(id)/cancel")
            #expect(status == 404 && problem["code"]?.string == "not_found")
        }
        #expect(try send("/none").0 == 404)
        let (status, problem) = try send("/status", method: "POST")
        #expect(status == 405 && problem["detail"]?.string == "POST is not for /api/v1/status")
        #expect(engine.asked().isEmpty)
    }
}

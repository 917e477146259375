import HTTPServer
import Testing

/// The router without a socket.
@Suite struct RouterTests {
    private let router: Router

    /// Each handler answers with its name and the parameters it got.
    init() {
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        for (method, pattern) in [
            ("GET", "/status"), ("GET", "/dags/{dag}"), ("POST", "/dags/{dag}/runs"), ("DELETE", "/dags/{dag}/runs"),
            ("GET", "/dags/{dag}/runs/{run}"), ("GET", "/dags/special"), ("GET", "/"),
        ] {
            router.on(method, pattern) { request in
                let found = request.parameters.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
                return HTTPResponse(body: Array("\(method) \(pattern)\(found)".utf8))
            }
        }
        self.router = router
    }

    private func respond(_ method: String, _ path: String) -> (status: Int, text: String) {
        let response = router.respond(to: HTTPRequest(method: method, path: path))
        return (response.status, String(decoding: response.body, as: UTF8.self))
    }

    @Test(arguments: [
        ("GET", "/", "GET /"), ("GET", "/status", "GET /status"),
        ("GET", "/dags/alpr_daily", "GET /dags/{dag} dag=alpr_daily"),
        ("POST", "/dags/a/runs", "POST /dags/{dag}/runs dag=a"),
        ("DELETE", "/dags/a/runs", "DELETE /dags/{dag}/runs dag=a"),
        (
            "GET", "/dags/a/runs/manual__2022-05-02T00:00:00Z",
            "GET /dags/{dag}/runs/{run} dag=a run=manual__2022-05-02T00:00:00Z"
        ),
        // An encoded slash is part of a name, and does not part names.
        ("GET", "/dags/a%2Fb", "GET /dags/{dag} dag=a/b"), ("GET", "/dags/a%2fruns", "GET /dags/{dag} dag=a/runs"),
        ("GET", "/dags/%C3%BC%20%2B+%25", "GET /dags/{dag} dag=ü ++%"), ("GET", "/dags/..", "GET /dags/{dag} dag=.."),
        // Decoded once.
        ("GET", "/dags/%252F", "GET /dags/{dag} dag=%2F"),
        // The first that matches.
        ("GET", "/dags/special", "GET /dags/{dag} dag=special"),
    ])
    func finds(method: String, path: String, answer: String) {
        #expect(respond(method, path) == (200, answer))
    }

    @Test(arguments: ["/none", "/dags", "/dags/a/b", "/dags/a/runs/r/more", "/STATUS", "/status%20", "/dags%2Fa"])
    func nothingThere(path: String) {
        #expect(respond("GET", path) == (404, "there is nothing at \(path)"))
    }

    @Test func anotherMethodIsAllowed() {
        let response = router.respond(to: HTTPRequest(method: "PUT", path: "/dags/a/runs"))
        #expect(response.status == 405)
        #expect(response.header("allow") == "DELETE, POST")
        #expect(String(decoding: response.body, as: UTF8.self) == "PUT is not for /dags/a/runs")
        #expect(router.respond(to: HTTPRequest(method: "get", path: "/status")).status == 405, "methods have a case")
    }

    @Test(arguments: ["/dags/%", "/dags/%4", "/dags/%zz", "/dags/%FF", "/dags/%C3", "/dags/%ED%A0%80", "/%c0%af"])
    func pathsThatAreNotEncodedText(path: String) {
        #expect(respond("GET", path) == (400, "the path is not percent-encoded UTF-8"))
    }

    @Test(arguments: ["", "plain-._~", "a/b c", "ü🚗", "100%", "a%2Fb", "?&=#+", "\u{0}\r\n", "Ω≈ç√"])
    func encodingComesBack(text: String) {
        let encoded = Router.encoded(text)
        #expect(encoded.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"/?#[]@!$&'()*+,;=:".utf8.contains($0) })
        #expect(Router.decoded(encoded[...]) == text)
    }

    @Test func encodingOfKnownTexts() {
        #expect(Router.encoded("a/b ü\n") == "a%2Fb%20%C3%BC%0A")
        #expect(Router.decoded("a+b%2b") == "a+b+")
        #expect(Router.decoded("%") == nil)
    }
}

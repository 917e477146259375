import Testing

@testable import HTTPServer

/// What happens to messages on their way: codings, and proxies.
@Suite struct MessageTests {
    // MARK: Codings

    @Test(arguments: [
        ("gzip", Coding.gzip), ("zstd", .zstd), ("gzip, deflate, br, zstd", .zstd), ("gzip;q=1.0, zstd;q=0.5", .gzip),
        ("*", .zstd), ("GZIP", .gzip), ("zstd;q=0, gzip", .gzip), ("*;q=0.1, gzip; q=0.2", .gzip), ("", nil),
        ("identity", nil), ("gzip;q=0", nil), ("gzip;q=x", nil), ("br", nil), ("*;q=0", nil), ("zstd;q=0, *", .gzip),
    ])
    func theBestCoding(accepted: String, best: Coding?) {
        let request = HTTPRequest(method: "GET", path: "/", headers: [("accept-encoding", accepted)])
        #expect(Coding.best(request.list("Accept-Encoding")) == best)
    }

    @Test func aListMayBeInSeveralHeaders() {
        let headers = [("A", "x, y"), ("B", "n"), ("a", " z ,"), ("A", "")]
        #expect(HTTPRequest(method: "GET", path: "/", headers: headers).list("a") == ["x", "y", "z"])
    }

    private func answer(_ count: Int, type: String = "application/json", accepting: String?) -> HTTPResponse {
        var request = HTTPRequest(method: "GET", path: "/")
        if let accepting { request.headers = [("Accept-Encoding", accepting)] }
        return HTTPResponse(
            headers: [("Content-Type", type)], body: [UInt8](repeating: UInt8(ascii: "x"), count: count)
        ).compressed(for: request)
    }

    @Test func onlyWhatIsWorthItIsCompressed() {
        let large = HTTPResponse.worthCompressing
        let small = answer(large, accepting: "gzip")
        #expect(small.body.count < large / 2 && small.header("Content-Encoding") == "gzip")
        #expect(small.header("Vary") == "Accept-Encoding")
        for response in [
            answer(large - 1, accepting: "gzip"), answer(large, accepting: nil), answer(large, accepting: "br"),
            answer(large, type: "application/vnd.apache.parquet", accepting: "gzip"),
        ] {
            #expect(response.header("Content-Encoding") == nil && response.body.first == UInt8(ascii: "x"))
        }
        #expect(answer(large, accepting: nil).header("Vary") == "Accept-Encoding", "whatever this client takes")
        for type in ["text/csv; charset=utf-8", "application/problem+json", "text/plain"] {
            #expect(answer(large, type: type, accepting: "zstd").header("Content-Encoding") == "zstd")
        }
        #expect(answer(0, accepting: "gzip").body.isEmpty)
    }

    // MARK: Proxies

    private func request(_ client: String?, _ headers: [(name: String, value: String)]) -> HTTPRequest {
        HTTPRequest(method: "GET", path: "/", headers: [("Host", "inside:8080")] + headers, client: client)
    }

    private func client(_ client: String?, _ chain: String..., trusting: [String]) throws -> String? {
        var request = request(client, chain.map { ("X-Forwarded-For", $0) })
        try #require(TrustedProxies(trusting)).unwrap(&request)
        return request.client
    }

    @Test func theClientIsTheLastStranger() throws {
        let local = ["127.0.0.1", "10.0.0.0/8"]
        #expect(try client("127.0.0.1", "9.9.9.9", trusting: local) == "9.9.9.9")
        #expect(try client("127.0.0.1", "1.1.1.1, 9.9.9.9", trusting: local) == "9.9.9.9", "the rest may be invented")
        #expect(try client("127.0.0.1", "9.9.9.9, 10.1.2.3", trusting: local) == "9.9.9.9", "two proxies")
        #expect(try client("127.0.0.1", "9.9.9.9", "10.1.2.3", trusting: local) == "9.9.9.9", "in two headers")
        #expect(try client("127.0.0.1", "10.1.2.3", trusting: local) == "10.1.2.3", "nobody but proxies")
        #expect(try client("127.0.0.1", "9.9.9.9, nonsense", trusting: local) == "127.0.0.1")
        #expect(try client("127.0.0.1", trusting: local) == "127.0.0.1")
        #expect(try client("127.0.0.2", "9.9.9.9", trusting: local) == "127.0.0.2", "not trusted")
        #expect(try client("127.0.0.1", "9.9.9.9", trusting: []) == "127.0.0.1")
        #expect(try client(nil, "9.9.9.9", trusting: local) == nil, "the control socket")
        #expect(try client("::ffff:127.0.0.1", "2001:db8::1", trusting: local) == "2001:db8::1")
        #expect(try client("2001:db8:1::7", "9.9.9.9", trusting: ["2001:db8::/31"]) == "9.9.9.9")
        #expect(try client("2001:db8:1::7", "9.9.9.9", trusting: ["2001:db8::/48"]) == "2001:db8:1::7")
    }

    @Test func theSchemeAndTheHostAreThoseOutside() throws {
        let headers = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "weir.example.org")]
        var request = request("127.0.0.1", headers)
        try #require(TrustedProxies(["127.0.0.1"])).unwrap(&request)
        #expect(request.isSecure && request.header("Host") == "weir.example.org")
        var other = self.request("127.0.0.2", headers)
        try #require(TrustedProxies(["127.0.0.1"])).unwrap(&other)
        #expect(!other.isSecure && other.header("Host") == "inside:8080")
    }

    @Test(arguments: ["127.0.0.1", "::1", "10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "1.2.3.4/32"])
    func ranges(text: String) { #expect(TrustedProxies.isRange(text)) }

    @Test(arguments: [
        "", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "/8", "10.0.0/8", "::/129", "1.2.3.4/8/8",
    ])
    func noRanges(text: String) {
        #expect(!TrustedProxies.isRange(text))
        #expect(TrustedProxies([text]) == nil)
    }

    @Test func aCustomerOfIPv6IsOneClient() {
        #expect(ListenAddress.network("2001:db8:1:2:3::4") == ListenAddress.network("2001:db8:1:2:ffff::9"))
        #expect(ListenAddress.network("2001:db8:1:2::1") != ListenAddress.network("2001:db8:1:3::1"))
        #expect(ListenAddress.network("10.0.0.1") == "10.0.0.1")
    }
}

import Glibc
import Synchronization
import Testing

@testable import HTTPServer

/// The adapter over libmicrohttpd, on real sockets.
@Suite struct HTTPServerTests {
    private let gate = Gate()
    private let server: TestServer

    init() throws {
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        router.on("POST", "/echo/{name}") { request in
            let query = request.query.map { " \($0.name)=\($0.value)" }.joined()
            let head = Array("\(request.parameters["name"] ?? "")\(query): ".utf8)
            return HTTPResponse(status: 201, headers: [("X-Name", "value")], body: head + request.body)
        }
        router.on("GET", "/big") { _ in HTTPResponse(body: big) }
        let gate = gate
        router.on("GET", "/gate") { _ in
            gate.pass()
            return HTTPResponse(body: big)
        }
        router.on("DELETE", "/nothing") { _ in HTTPResponse(status: 204) }
        server = try TestServer(router)
    }

    // MARK: Requests and answers

    @Test func roundTrip() throws {
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        let response = try server.client.send("POST", "/echo/a%2Fb%20c?x=1&y=%26%2B+z&x=%252F&flag", body: body)
        #expect(response.status == 201)
        #expect(response.header("x-name") == "value")
        let head = Array("a/b c x=1 y=&+ z x=%2F flag=: ".utf8)
        #expect(
            String(decoding: response.body.prefix(head.count), as: UTF8.self) == String(decoding: head, as: UTF8.self))
        // Not compared within the macro: it would look for the differences of long arrays for minutes.
        let isWhole = response.body == head + body
        #expect(isWhole)
        #expect(try server.client.send("DELETE", "/nothing").status == 204)
        #expect(try server.client.send("GET", "/big").isBig)
    }

    @Test func answersOfTheRouter() throws {
        #expect(try server.client.send("GET", "/none").status == 404)
        let response = try server.client.send("GET", "/echo/a")
        #expect(response.status == 405 && response.header("Allow") == "POST")
        #expect(try server.client.send("POST", "/echo/%FF").status == 400)
    }

    @Test func aBodyMayHaveTheLimitAndNoMore() throws {
        let body = [UInt8](repeating: UInt8(ascii: "b"), count: HTTPServer.bodyLimit)
        let response = try server.client.send("POST", "/echo/a", body: body)
        #expect(response.status == 201 && response.body.count == body.count + 3)
        for count in [1, 100_000, 3 << 20] {
            let refused = try server.client.send("POST", "/echo/a", body: body + [UInt8](repeating: 0, count: count))
            #expect(refused.status == 413)
            #expect(refused.text == "a body has at most 1048576 bytes")
        }
        #expect(try server.client.send("POST", "/echo/a", body: [65]).text == "a: A")
    }

    @Test(arguments: [
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        // RFC 9112, 3.2: a request names its host.
        "GET /big HTTP/1.1\r\n\r\n",
        // RFC 9112, 6.3: where its body ends is told in one way.
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /echo/b HTTP/1.1\r\n\r\n",
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nab",
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ])
    func malformedRequests(text: String) throws {
        let connection = try server.connect(sending: text)
        #expect(connection.answer().hasPrefix("HTTP/1.1 400 "), "to \(text)")
        #expect(try server.client.send("POST", "/echo/a").status == 201, "the server lives on")
    }

    @Test(arguments: ["nonsense\r\n\r\n", "GET\r\n\r\n"])
    func whatIsNotHTTP(text: String) throws {
        let connection = try server.connect(sending: text)
        let answer = connection.answer()
        #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 400 ") || answer.hasPrefix("HTTP/1.1 505 "))
        #expect(try server.client.send("POST", "/echo/a").status == 201, "the server lives on")
    }

    @Test func chunkedBody() throws {
        let connection = try server.connect(
            sending: "POST /echo/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n")
        #expect(connection.answer().hasSuffix("\r\n\r\na: hello!"))
    }

    // MARK: Many, and rude ones

    @Test func manyRequestsAtOnce() throws {
        let client = server.client
        let clients = (0..<32).map { number in
            Background {
                for request in 0..<10 {
                    let body = Array("\(number).\(request)".utf8) + [UInt8](repeating: 46, count: number * 1000)
                    let response = try client.send("POST", "/echo/\(number)", body: body)
                    guard response.body == Array("\(number): ".utf8) + body else { return false }
                }
                return true
            }
        }
        for client in clients { #expect(try client.value()) }
    }

    @Test(arguments: [
        "", "\u{0}\u{1}\u{2}\r\n\r\n", "POST /ec", "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n",
        "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf", "GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func clientsThatGoAway(text: String) throws {
        for _ in 0..<20 { _ = try server.connect(sending: text) }
        #expect(try server.client.send("POST", "/echo/a", body: [65]).text == "a: A")
    }

    @Test func aClientThatGoesAwayWhileItsRequestIsHandled() throws {
        do {
            let connection = try server.connect(sending: "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n")
            try gate.waitForSomebody()
            _ = connection
        }
        gate.open()
        for _ in 0..<20 { #expect(try server.client.send("GET", "/big").isBig) }
    }

    // MARK: Stop

    @Test func stopLetsRequestsFinish() throws {
        let (client, path) = (server.client, server.path)
        let request = Background { try client.send("GET", "/gate") }
        try gate.waitForSomebody()
        let http = server.server
        let stopping = Background { http.stop() }
        try wait(for: "the socket file to go") { access(path, F_OK) != 0 }
        let error = #expect(throws: HTTPError.self) { try client.send("GET", "/big") }
        #expect(error?.code == .refused)
        gate.open()
        #expect(try request.value().isBig, "whole, though it does not fit a socket's buffer")
        try stopping.value()
        http.stop()
    }

    /// libmicrohttpd ends the process when it is stopped while a connection is suspended.
    @Test func aStopAmidRequestsLeavesNoneSuspended() throws {
        for _ in 0..<40 {
            var router = Router { status, _ in HTTPResponse(status: status) }
            router.on("GET", "/slow", .slow) { _ in HTTPResponse(body: [0x61]) }
            let server = try TestServer(router)
            let path = server.path
            let clients = (0..<4).map { _ in
                Background {
                    let connection = RawConnection(descriptor: try UnixSocket.connect(path))
                    while !connection.isClosed {
                        connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
                    }
                }
            }
            for _ in 0..<5 { _ = try server.client.send("GET", "/slow") }
            server.server.stop()
            for client in clients { try? client.value() }
        }
    }

    @Test func stopDoesNotWaitForIdleConnections() throws {
        let idle = try server.connect()
        let half = try server.connect(sending: "POST /echo/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        #expect(try server.client.send("POST", "/echo/a").status == 201)
        let clock = ContinuousClock()
        let time = clock.measure { server.server.stop() }
        #expect(time < .seconds(5))
        #expect(idle.answer().isEmpty && half.answer().isEmpty)
    }
}

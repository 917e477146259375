import Glibc
import Testing

@testable import HTTPServer

/// The server on a TCP address, and its slow routes.
@Suite struct TCPTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1:8080", true), ("localhost:0", "127.0.0.1:0", true),
        ("[::1]:80", "[::1]:80", true),
        ("0.0.0.0:65535", "0.0.0.0:65535", false), ("[::]:1", "[::]:1", false), ("10.0.0.7:1", "10.0.0.7:1", false),
    ])
    func addresses(text: String, shown: String, isLoopback: Bool) throws {
        let address = try #require(ListenAddress(text))
        #expect("\(address)" == shown)
        #expect(address.isLoopback == isLoopback)
    }

    @Test(arguments: [
        "", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "example.com:80", "::1:80",
        "[127.0.0.1]:80", "[::1]", "127.0.0.1:80 ", "1.2.3:4",
    ])
    func noAddresses(text: String) { #expect(ListenAddress(text) == nil) }

    @Test func aRoundTripTellsTheClientAndItsHeaders() throws {
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        router.on("GET", "/who") { request in
            HTTPResponse(body: Array("\(request.method) \(request.client ?? "-") \(request.header("x-a") ?? "-")".utf8))
        }
        for text in ["127.0.0.1:0", "[::1]:0"] {
            let wanted = try #require(ListenAddress(text))
            let server = try HTTPServer(listen: wanted, router: router)
            defer { server.stop() }
            let address = try #require(server.address)
            #expect(address.port != 0 && address.host == wanted.host)
            let answer = try ask(address, "GET /who HTTP/1.1\r\nHost: a\r\nX-A: b\r\nConnection: close\r\n\r\n")
            #expect(answer.hasSuffix("\r\n\r\nGET \(wanted.host) b"))
            let head = try ask(address, "HEAD /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 ") && head.hasSuffix("\r\n\r\n"))
            let taken = #expect(throws: HTTPError.self) { try HTTPServer(listen: address, router: router) }
            #expect(taken?.message == "cannot listen on \(address): another program listens there already")
        }
    }

    /// libmicrohttpd closes the socket that it was given.
    @Test func aPlaceIsFreeAfterAStop() throws {
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        router.on("GET", "/") { _ in HTTPResponse(body: Array("here".utf8)) }
        var place = try #require(ListenAddress("127.0.0.1:0"))
        for _ in 0..<5 {
            let server = try HTTPServer(listen: place, router: router)
            place = try #require(server.address)
            #expect(try ask(place, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").hasSuffix("here"))
            server.stop()
        }
    }

    /// More slow requests at once than the server has threads, and a quick one beside them.
    @Test func slowRoutesHoldUpNobody() throws {
        let gate = Gate()
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        router.on("GET", "/slow", .slow) { _ in
            gate.pass()
            return HTTPResponse(body: big)
        }
        router.on("GET", "/quick") { _ in HTTPResponse(body: Array("quick".utf8)) }
        let server = try TestServer(router)
        let client = server.client
        let slow = (0..<12).map { _ in Background { try client.send("GET", "/slow").isBig } }
        try gate.waitForSomebody(5)
        #expect(try client.send("GET", "/quick").text == "quick")
        gate.open()
        for one in slow { #expect(try one.value()) }
    }

    @Test func aFileIsSentFromItsMiddle() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/file"
        let written = open(path, O_CREAT | O_WRONLY, 0o600)
        _ = write(written, "0123456789", 10)
        close(written)
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        router.on("GET", "/file") { _ in
            var response = HTTPResponse()
            response.file = HTTPFile(owning: open(path, O_RDONLY), offset: 2, size: 5)
            return response
        }
        let server = try TestServer(router)
        #expect(try server.client.send("GET", "/file").text == "23456")
    }

    private func ask(_ address: ListenAddress, _ text: String) throws -> String {
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        let socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue), 0)
        let connected: Int32
        if address.isIPv6 {
            var to = sockaddr_in6()
            to.sin6_family = sa_family_t(AF_INET6)
            to.sin6_port = address.port.bigEndian
            inet_pton(AF_INET6, address.host, &to.sin6_addr)
            connected = withUnsafePointer(to: &to) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        } else {
            var to = sockaddr_in()
            to.sin_family = sa_family_t(AF_INET)
            to.sin_port = address.port.bigEndian
            inet_pton(AF_INET, address.host, &to.sin_addr)
            connected = withUnsafePointer(to: &to) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        try #require(connected == 0)
        let connection = RawConnection(descriptor: socket)
        connection.send(text)
        return connection.answer()
    }
}

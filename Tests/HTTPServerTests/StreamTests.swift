import Glibc
import Synchronization
import Testing

@testable import HTTPServer

/// Bodies that are made while they are sent.
@Suite struct StreamTests {
    /// What a test gives to a stream, piece by piece.
    private final class Source: Sendable {
        private struct State {
            var pieces: [HTTPStream.Piece] = []
            var isClosed = false
            weak var stream: HTTPStream?
        }

        private let state = Mutex(State())
        /// Asked for again after so long without being woken.
        private let pause: Int

        init(pause: Int = 3_600_000) { self.pause = pause }

        func response() -> HTTPResponse {
            var response = HTTPResponse(headers: [("Content-Type", "text/plain")])
            let stream = HTTPStream(
                next: { [self] in
                    state.withLock { $0.pieces.isEmpty ? .wait(milliseconds: pause) : $0.pieces.removeFirst() }
                }, closed: { [self] in state.withLock { $0.isClosed = true } })
            state.withLock { $0.stream = stream }
            response.stream = stream
            return response
        }

        func give(_ pieces: HTTPStream.Piece..., wakes: Bool = true) {
            let stream = state.withLock { state in
                state.pieces += pieces
                return state.stream
            }
            if wakes { stream?.wake() }
        }

        var isOpen: Bool { state.withLock { $0.stream != nil } }
        var isClosed: Bool { state.withLock { $0.isClosed } }
    }

    private static func router(_ source: Source, isSlow: Bool = false) -> Router {
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        router.on("GET", "/stream", isSlow ? .slow : .quick) { _ in source.response() }
        return router
    }

    private static let request = "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    /// The bytes of a chunked body (RFC 9112, 7.1); nil when it is not whole.
    private static func body(_ answer: String) -> String? {
        guard let end = answer.firstRange(of: "\r\n\r\n"), answer.lowercased().contains("transfer-encoding: chunked")
        else { return nil }
        var rest = answer[end.upperBound...].utf8[...]
        var body: [UInt8] = []
        while let line = rest.firstRange(of: "\r\n".utf8) {
            guard let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16) else {
                return nil
            }
            rest = rest[line.upperBound...]
            if size == 0 { return String(decoding: body, as: UTF8.self) }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        return nil
    }

    @Test(arguments: [false, true]) func whatComesIsSentAsItComes(isSlow: Bool) throws {
        let source = Source()
        let server = try TestServer(Self.router(source, isSlow: isSlow))
        let connection = try server.connect(sending: Self.request)
        try wait(for: "the stream") { source.isOpen }
        source.give(.bytes(Array("one ".utf8)))
        try wait(for: "the first piece") { connection.received().contains("one ") }
        // More than a buffer of the server holds.
        source.give(.bytes(big), .bytes([]), .bytes(Array("last".utf8)), .end)
        let answer = connection.answer()
        let isWhole = Self.body(answer) == "one " + String(decoding: big, as: UTF8.self) + "last"
        #expect(isWhole, "\(answer.prefix(200)) … \(answer.suffix(50))")
        try wait(for: "the end") { source.isClosed }
    }

    @Test func aStreamThatNobodyWakesIsAskedAgain() throws {
        let source = Source(pause: 5)
        let server = try TestServer(Self.router(source))
        let connection = try server.connect(sending: Self.request)
        try wait(for: "the stream") { source.isOpen }
        source.give(.bytes(Array("one".utf8)), .end, wakes: false)
        #expect(Self.body(connection.answer()) == "one")
    }

    /// The server is not told of it while nothing is to be sent; the next look finds it.
    @Test func aClientThatGoesIsFound() throws {
        let source = Source(pause: 20)
        let server = try TestServer(Self.router(source))
        try autoreleased {
            let connection = try server.connect(sending: Self.request)
            source.give(.bytes(Array("one".utf8)))
            try wait(for: "the head") { connection.received().contains("200 OK") }
        }
        try wait(for: "the end") { source.isClosed }
    }

    private func autoreleased(_ body: () throws -> Void) throws { try body() }

    @Test func aServerThatStopsEndsItsStreams() throws {
        let source = Source()
        let server = try TestServer(Self.router(source))
        let connection = try server.connect(sending: Self.request)
        try wait(for: "the stream") { source.isOpen }
        source.give(.bytes(Array("one".utf8)))
        try wait(for: "the first piece") { connection.received().contains("one") }
        server.server.stop()
        #expect(Self.body(connection.answer()) == "one", "ended in good order")
        #expect(source.isClosed)
    }

    @Test func headHasNoBody() throws {
        let source = Source()
        let server = try TestServer(Self.router(source))
        let connection = try server.connect(
            sending: Self.request.replacing("GET", with: "HEAD"))
        #expect(connection.answer().hasSuffix("\r\n\r\n"))
        try wait(for: "the end") { source.isClosed }
    }

    // MARK: Slow heads

    @Test func aHeadThatDripsIsCutOff() throws {
        var router = Router { status, reason in HTTPResponse(status: status, body: Array(reason.utf8)) }
        router.on("GET", "/quick") { _ in HTTPResponse(body: Array("quick".utf8)) }
        let folder = try TemporaryDirectory()
        let server = try HTTPServer(unixSocket: folder.path + "/weir.sock", router: router, headSeconds: 1)
        defer { server.stop() }
        let dripping = RawConnection(descriptor: try UnixSocket.connect(folder.path + "/weir.sock"))
        dripping.send("GET /quick HTTP/1.1\r\nHost: a\r\n")
        try wait(for: "the cut") {
            dripping.send("X")
            return dripping.isClosed
        }
        #expect(!dripping.received().contains("200 OK"))
        #expect(try HTTPClient(unixSocket: folder.path + "/weir.sock").send("GET", "/quick").text == "quick")
    }
}

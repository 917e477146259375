import Glibc
import Testing

@testable import HTTPServer

@Suite struct UnixSocketTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.path + "/weir.sock" }
    private let router: Router

    init() throws {
        folder = try TemporaryDirectory()
        var router = Router { status, _ in HTTPResponse(status: status) }
        router.on("GET", "/") { _ in HTTPResponse(body: Array("here".utf8)) }
        self.router = router
    }

    private func failure(_ body: () throws(HTTPError) -> Void) -> HTTPError? {
        do throws(HTTPError) {
            try body()
            return nil
        } catch { return error }
    }

    @Test func onlyItsOwnerMayConnect() throws {
        let server = try HTTPServer(unixSocket: path, router: router)
        defer { server.stop() }
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_mode == S_IFSOCK | 0o600)
    }

    @Test func nobodyListens() {
        let client = HTTPClient(unixSocket: path)
        #expect(failure { () throws(HTTPError) in _ = try client.send("GET", "/") }?.code == .refused)
    }

    @Test func aFileOfACrashedServerIsReplaced() throws {
        // Closed without being removed, as the kernel does when a process dies.
        close(try UnixSocket.listen(path))
        let client = HTTPClient(unixSocket: path)
        #expect(failure { () throws(HTTPError) in _ = try client.send("GET", "/") }?.code == .refused)
        let server = try HTTPServer(unixSocket: path, router: router)
        #expect(try client.send("GET", "/").text == "here")
        server.stop()
        #expect(access(path, F_OK) != 0, "a server that stops takes its file along")
        #expect(failure { () throws(HTTPError) in _ = try client.send("GET", "/") }?.code == .refused)
    }

    @Test func aServerThatLivesIsNotReplaced() throws {
        let server = try HTTPServer(unixSocket: path, router: router)
        defer { server.stop() }
        let error = failure { () throws(HTTPError) in _ = try HTTPServer(unixSocket: path, router: router) }
        #expect(error?.message == "\(path): another server answers there")
        #expect(try HTTPClient(unixSocket: path).send("GET", "/").text == "here")
    }

    @Test func aFileThatIsNoSocketIsLeftAlone() throws {
        let file = folder.path + "/file"
        close(open(file, O_CREAT | O_WRONLY, 0o600))
        let error = failure { () throws(HTTPError) in _ = try HTTPServer(unixSocket: file, router: router) }
        #expect(error?.message == "\(file) is in the way: it is no socket; move it elsewhere")
        #expect(access(file, F_OK) == 0)
    }

    @Test func noFolder() {
        let nowhere = folder.path + "/none/weir.sock"
        let error = failure { () throws(HTTPError) in _ = try HTTPServer(unixSocket: nowhere, router: router) }
        #expect(error?.message == "\(nowhere): cannot listen: No such file or directory")
    }

    /// sun_path holds 107 bytes.
    @Test func aPathThatIsTooLongForAnAddress() throws {
        let deep = folder.path + "/" + String(repeating: "d", count: 120)
        #expect(mkdir(deep, 0o700) == 0)
        let long = deep + "/weir.sock"
        defer {
            unlink(long)
            rmdir(deep)
        }
        let client = HTTPClient(unixSocket: long)
        #expect(failure { () throws(HTTPError) in _ = try client.send("GET", "/") }?.code == .refused)
        let server = try HTTPServer(unixSocket: long, router: router)
        #expect(try client.send("GET", "/").text == "here")
        server.stop()
        #expect(access(long, F_OK) != 0)
    }

    @Test func aServerThatDoesNotAnswer() throws {
        let socket = try UnixSocket.listen(path)
        defer { close(socket) }
        let client = HTTPClient(unixSocket: path)
        #expect(failure { () throws(HTTPError) in _ = try client.send("GET", "/", timeout: 1) }?.code == .timeout)
    }

    /// While the client still writes, and when it has written all.
    @Test(arguments: [4 << 20, 3])
    func aServerThatAnswersBeforeItHasReadAll(count: Int) throws {
        let body = [UInt8](repeating: 0, count: count)
        let socket = try UnixSocket.listen(path)
        defer { close(socket) }
        let server = Background {
            let connection = accept(socket, nil, nil)
            var byte: UInt8 = 0
            // The last byte of a small request has come; a large one waits for room.
            while recv(connection, &byte, 1, Int32(MSG_PEEK)) < 0 {}
            let answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nlong"
            _ = Glibc.send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
            close(connection)
        }
        let response = try HTTPClient(unixSocket: path).send("POST", "/", body: body)
        try server.value()
        #expect(response.status == 413 && response.text == "long")
    }
}

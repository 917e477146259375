import Glibc
import Spawn
import Synchronization
import Testing

@testable import Engine
@testable import HTTPServer

/// A new directory that goes away with its owner. Only files lie in it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-http-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HTTPError(.failed, String(cString: strerror(errno))) }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        for name in ["weir.sock", "file"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}

/// More than a socket's buffer holds.
let big = [UInt8](repeating: UInt8(ascii: "x"), count: 4 << 20)

/// A server on a socket of its own, which is stopped with its owner.
final class TestServer {
    let folder: TemporaryDirectory
    let server: HTTPServer
    var path: String { folder.path + "/weir.sock" }
    var client: HTTPClient { HTTPClient(unixSocket: path) }

    init(_ router: Router) throws {
        folder = try TemporaryDirectory()
        server = try HTTPServer(unixSocket: folder.path + "/weir.sock", router: router)
    }

    deinit { server.stop() }

    /// Sends bytes as they are on a connection of their own.
    func connect(sending text: String = "") throws -> RawConnection {
        let connection = RawConnection(descriptor: try UnixSocket.connect(path))
        connection.send(text)
        return connection
    }
}

final class RawConnection {
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { Glibc.close(descriptor) }

    func send(_ text: String) { _ = Glibc.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }

    private let bytes = Mutex<[UInt8]>([])

    /// What has come so far.
    func received() -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        return bytes.withLock { bytes in
            while case let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)), count > 0 {
                bytes += buffer[..<count]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Whether the server has closed the connection and all was read.
    var isClosed: Bool {
        _ = received()
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT | MSG_PEEK))
        return count == 0 || count < 0 && errno != EAGAIN
    }

    /// Everything until the server closes the connection.
    func answer() -> String {
        var bytes = bytes.withLock { $0 }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}

/// A door that threads wait at until it is opened.
final class Gate: Sendable {
    private struct Doors {
        var isOpen = false
        var waiting = 0
    }

    private let doors = Mutex(Doors())

    func pass() {
        doors.withLock { $0.waiting += 1 }
        while !doors.withLock({ $0.isOpen }) { usleep(500) }
    }

    func open() { doors.withLock { $0.isOpen = true } }

    func waitForSomebody(_ count: Int = 1) throws {
        try wait(for: "\(count) at the gate") { doors.withLock { $0.waiting >= count } }
    }
}

struct TimedOut: Error { var what: String }

/// Looks at a condition until it holds; throws when it does not within half a minute.
func wait(for what: String, _ condition: () throws -> Bool) throws {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(30)
    while try !condition() {
        if clock.now > deadline { throw TimedOut(what: what) }
        usleep(500)
    }
}

/// Runs `body` on a thread of its own; its outcome is there after `value()`.
final class Background<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let thread = Mutex<WorkerThread?>(nil)

    init(_ body: @escaping @Sendable () throws -> Value) {
        let worker = WorkerThread { [self] in
            let result = Result { try body() }
            outcome.withLock { $0 = result }
        }
        thread.withLock { $0 = worker }
    }

    func value() throws -> Value {
        thread.withLock { $0 }?.join()
        return try #require(outcome.withLock { $0 }).get()
    }
}

extension HTTPResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
    var isBig: Bool { body == big }
}

import CMicroHTTPD
import Dispatch
import Glibc
import Synchronization

/// Why a server could not start, or a client got no answer.
public struct HTTPError: Error, Sendable, Hashable {
    public enum Code: Sendable, Hashable {
        /// Nothing listens there.
        case refused
        case timeout
        /// Anything else.
        case failed
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// An HTTP/1.1 server on a unix socket, by libmicrohttpd. Handlers run on its threads and may block.
public final class HTTPServer: Sendable {
    /// Larger bodies are answered with 413.
    public static let bodyLimit = 1 << 20

    private static let threads: UInt32 = 4
    private static let idleSeconds: UInt32 = 30
    private static let connectionLimit: UInt32 = 256
    /// How long a stop waits for requests that are being handled.
    private static let stopSeconds = 10

    private struct Running: @unchecked Sendable {
        // libmicrohttpd's handle may be used from any thread; the mutex around it makes sure that it is stopped once.
        var daemon: OpaquePointer
        var requests: DispatchGroup
        /// The socket file that this server made.
        var file: UnixSocket.FileID?
    }

    private let running: Mutex<Running?>
    private let path: String

    /// Listens on `path`, mode 0600. A socket file that nobody answers on, left by a crash, is replaced.
    public init(unixSocket path: String, router: Router) throws(HTTPError) {
        self.path = path
        try UnixSocket.removeStale(path)
        let socket = try UnixSocket.listen(path)
        let requests = DispatchGroup()
        let context = Unmanaged.passRetained(Context(router, requests))
        guard
            let daemon = weir_mhd_start(
                socket, Self.threads, Self.idleSeconds, Self.connectionLimit, handleRequest, context.toOpaque(),
                requestCompleted, context.toOpaque())
        else {
            context.release()
            close(socket)
            throw HTTPError(.failed, "\(path): libmicrohttpd did not start")
        }
        running = Mutex(Running(daemon: daemon, requests: requests, file: UnixSocket.FileID(path)))
        // The context lives as long as the process: a late connection may still refer to it while the daemon stops.
    }

    /// Takes no more connections, lets requests that are being handled finish and be answered, and closes all.
    public func stop() {
        let last = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let last else { return }
        // Not one that another server has put in its place.
        if let file = last.file, file == UnixSocket.FileID(path) { unlink(path) }
        // Its threads may use the socket until they have ended.
        let socket = MHD_quiesce_daemon(last.daemon)
        // MHD_stop_daemon cuts off answers that are not written yet.
        _ = last.requests.wait(timeout: .now() + .seconds(Self.stopSeconds))
        MHD_stop_daemon(last.daemon)
        if socket >= 0 { close(socket) }
    }
}

/// What the callbacks need.
private final class Context: Sendable {
    let router: Router
    /// Requests from the call of their handler until their answer is written.
    let requests: DispatchGroup

    init(_ router: Router, _ requests: DispatchGroup) {
        self.router = router
        self.requests = requests
    }
}

/// The parts of one request as they arrive. Used by one connection's thread at a time.
private final class Arriving {
    var body: [UInt8] = []
    var isTooLarge = false
    var isHandled = false
}

private func handleRequest(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ data: UnsafePointer<CChar>?,
    _ size: UnsafeMutablePointer<Int>?, _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let url, let method, let size, let state else { return .NO }
    guard let known = state.pointee else {
        state.pointee = Unmanaged.passRetained(Arriving()).toOpaque()
        return .YES
    }
    let arriving = Unmanaged<Arriving>.fromOpaque(known).takeUnretainedValue()
    if size.pointee > 0, let data {
        if arriving.body.count + size.pointee > HTTPServer.bodyLimit {
            arriving.isTooLarge = true
        } else {
            arriving.body.append(contentsOf: UnsafeRawBufferPointer(start: data, count: size.pointee))
        }
        size.pointee = 0
        return .YES
    }
    let server = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
    server.requests.enter()
    arriving.isHandled = true
    let response: HTTPResponse
    if arriving.isTooLarge {
        response = server.router.failure(413, "a body has at most \(HTTPServer.bodyLimit) bytes")
    } else {
        // The URL and the method are valid only within this call.
        let request = HTTPRequest(
            method: String(cString: method), path: String(cString: url), query: queryItems(connection),
            body: arriving.body)
        response = server.router.respond(to: request)
    }
    return send(response, connection)
}

private func requestCompleted(
    _ context: UnsafeMutableRawPointer?, _: OpaquePointer?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _: MHD_RequestTerminationCode
) {
    guard let context, let known = state?.pointee else { return }
    if Unmanaged<Arriving>.fromOpaque(known).takeRetainedValue().isHandled {
        Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().requests.leave()
    }
    state?.pointee = nil
}

private func queryItems(_ connection: OpaquePointer) -> [(name: String, value: String)] {
    final class Items { var list: [(name: String, value: String)] = [] }
    let items = Items()
    _ = MHD_get_connection_values(
        connection, .GET_ARGUMENT_KIND,
        { context, _, key, value in
            guard let context, let key else { return .YES }
            let items = Unmanaged<Items>.fromOpaque(context).takeUnretainedValue()
            items.list.append((decodedItem(key), value.map(decodedItem) ?? ""))
            return .YES
        }, Unmanaged.passUnretained(items).toOpaque())
    return items.list
}

/// In a query a plus is a space (HTML, application/x-www-form-urlencoded).
private func decodedItem(_ text: UnsafePointer<CChar>) -> String {
    let spaced = String(cString: text).map { $0 == "+" ? " " : $0 }
    return Router.decoded(String(spaced)[...]) ?? String(spaced)
}

private func send(_ response: HTTPResponse, _ connection: OpaquePointer) -> MHD_Result {
    var body = response.body
    guard let message = MHD_create_response_from_buffer(body.count, &body, .RESPMEM_MUST_COPY) else { return .NO }
    defer { MHD_destroy_response(message) }
    for header in response.headers { _ = MHD_add_response_header(message, header.name, header.value) }
    return MHD_queue_response(connection, UInt32(response.status), message)
}

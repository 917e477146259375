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

/// An HTTP/1.1 server on a unix socket or a TCP address, by libmicrohttpd. Handlers run on its threads and may block for a
/// moment; those of slow routes run on threads of their own.
public final class HTTPServer: Sendable {
    /// Larger bodies are answered with 413.
    public static let bodyLimit = 1 << 20

    private static let threads: UInt32 = 4
    private static let idleSeconds: UInt32 = 30
    private static let connectionLimit: UInt32 = 1024
    /// For the request line and all headers, and for the buffers of an answer.
    private static let headLimit = 32 << 10
    /// How long a stop waits for requests that are being handled.
    private static let stopSeconds = 10
    /// Seconds within which a body must have come, however slowly its bytes drip.
    fileprivate static let bodySeconds = 60
    /// Requests of slow routes at once, running and waiting; more are answered with 503.
    fileprivate static let slowLimit = 512

    private struct Running: @unchecked Sendable {
        // libmicrohttpd's handle may be used from any thread; the mutex around it makes sure that it is stopped once.
        var daemon: OpaquePointer
        var requests: DispatchGroup
        /// The socket file that this server made.
        var file: UnixSocket.FileID?
    }

    private let running: Mutex<Running?>
    private let path: String?
    /// Where it listens; nil on a unix socket. The port is the one that the system chose where 0 was asked for.
    public let address: ListenAddress?

    /// Listens on `path`, mode 0600. A socket file that nobody answers on, left by a crash, is replaced.
    public init(unixSocket path: String, router: Router) throws(HTTPError) {
        self.path = path
        address = nil
        try UnixSocket.removeStale(path)
        let socket = try UnixSocket.listen(path)
        let started = try Self.start(socket, isIPv6: false, perAddress: 0, router, path)
        running = Mutex(Running(daemon: started.0, requests: started.1, file: UnixSocket.FileID(path)))
    }

    /// Listens on a TCP address.
    ///
    /// - Parameter connectionsPerAddress: connections at once from one address; 0 for no limit of its own.
    public init(
        listen wanted: ListenAddress, connectionsPerAddress: UInt32 = 0, router: Router
    ) throws(HTTPError) {
        path = nil
        let (socket, address) = try wanted.listen()
        self.address = address
        let started = try Self.start(
            socket, isIPv6: wanted.isIPv6, perAddress: connectionsPerAddress, router, "\(wanted)")
        running = Mutex(Running(daemon: started.0, requests: started.1, file: nil))
    }

    private static func start(
        _ socket: Int32, isIPv6: Bool, perAddress: UInt32, _ router: Router, _ place: String
    ) throws(HTTPError) -> (OpaquePointer, DispatchGroup) {
        let requests = DispatchGroup()
        // It lives as long as the process: a late connection may still refer to it while the daemon stops.
        let context = Unmanaged.passRetained(Context(router, requests))
        var options = weir_mhd_options(
            listen_socket: socket, is_ipv6: isIPv6, threads: threads, timeout_seconds: idleSeconds,
            connection_limit: connectionLimit, connections_per_address: perAddress, head_limit: headLimit,
            handler: handleRequest, completed: requestCompleted, context: context.toOpaque())
        guard let daemon = weir_mhd_start(&options) else {
            context.release()
            close(socket)
            throw HTTPError(.failed, "\(place): libmicrohttpd did not start")
        }
        return (daemon, requests)
    }

    /// Takes no more connections, lets requests that are being handled finish and be answered, and closes all.
    public func stop() {
        let last = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let last else { return }
        // Not one that another server has put in its place.
        if let path, let file = last.file, file == UnixSocket.FileID(path) { unlink(path) }
        // Its threads may use the socket until they have ended.
        let socket = MHD_quiesce_daemon(last.daemon)
        // MHD_stop_daemon cuts off answers that are not written yet, and must not be called while a slow route still works.
        if last.requests.wait(timeout: .now() + .seconds(Self.stopSeconds)) == .success {
            MHD_stop_daemon(last.daemon)
        }
        if socket >= 0 { close(socket) }
    }
}

/// What the callbacks need.
private final class Context: Sendable {
    let router: Router
    /// Requests from the call of their handler until their answer is written.
    let requests: DispatchGroup
    let slow = DispatchQueue(label: "slow routes", attributes: .concurrent)
    let slowCount = Atomic(0)

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
    /// What a slow route has answered.
    var response: HTTPResponse?
    let began = DispatchTime.now()
}

/// A request that waits for a slow route.
private struct Suspended: @unchecked Sendable {
    // While its connection is suspended no thread of the server touches either; resuming it passes them on.
    let connection: OpaquePointer
    let arriving: Arriving

    func resume(_ response: HTTPResponse) {
        arriving.response = response
        MHD_resume_connection(connection)
    }
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
    if let response = arriving.response { return send(response, connection) }
    if size.pointee > 0, let data {
        if arriving.body.count + size.pointee > HTTPServer.bodyLimit {
            arriving.isTooLarge = true
        } else {
            arriving.body.append(contentsOf: UnsafeRawBufferPointer(start: data, count: size.pointee))
        }
        size.pointee = 0
        return DispatchTime.now() < arriving.began + .seconds(HTTPServer.bodySeconds) ? .YES : .NO
    }
    let server = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
    if !arriving.isHandled {
        server.requests.enter()
        arriving.isHandled = true
    }
    if arriving.isTooLarge {
        return send(server.router.failure(413, "a body has at most \(HTTPServer.bodyLimit) bytes"), connection)
    }
    // The URL and the method are valid only within this call.
    let request = HTTPRequest(
        method: String(cString: method), path: String(cString: url), query: queryItems(connection),
        headers: headerItems(connection), body: arriving.body, client: clientAddress(connection))
    switch server.router.match(request) {
    case .failure(let response): return send(response, connection)
    case .handler(let handler, let request, isSlow: false): return send(handler(request), connection)
    case .handler(let handler, let request, isSlow: true):
        guard server.slowCount.add(1, ordering: .relaxed).newValue <= HTTPServer.slowLimit else {
            server.slowCount.subtract(1, ordering: .relaxed)
            var response = server.router.failure(503, "too many requests of this kind wait already")
            response.headers.append(("Retry-After", "1"))
            return send(response, connection)
        }
        MHD_suspend_connection(connection)
        let suspended = Suspended(connection: connection, arriving: arriving)
        server.slow.async {
            let response = handler(request)
            server.slowCount.subtract(1, ordering: .relaxed)
            suspended.resume(response)
        }
        return .YES
    }
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

/// Name-value pairs of a connection.
private func items(_ connection: OpaquePointer, _ kind: MHD_ValueKind) -> [(
    UnsafePointer<CChar>, UnsafePointer<CChar>?
)] {
    final class Items { var list: [(UnsafePointer<CChar>, UnsafePointer<CChar>?)] = [] }
    let items = Items()
    _ = MHD_get_connection_values(
        connection, kind,
        { context, _, key, value in
            guard let context, let key else { return .YES }
            Unmanaged<Items>.fromOpaque(context).takeUnretainedValue().list.append((key, value))
            return .YES
        }, Unmanaged.passUnretained(items).toOpaque())
    return items.list
}

private func queryItems(_ connection: OpaquePointer) -> [(name: String, value: String)] {
    items(connection, .GET_ARGUMENT_KIND).map { (decodedItem($0), $1.map(decodedItem) ?? "") }
}

private func headerItems(_ connection: OpaquePointer) -> [(name: String, value: String)] {
    items(connection, .HEADER_KIND).map { (String(cString: $0), $1.map { String(cString: $0) } ?? "") }
}

private func clientAddress(_ connection: OpaquePointer) -> String? {
    var text = [CChar](repeating: 0, count: 64)
    guard weir_mhd_client(connection, &text, text.count) else { return nil }
    return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
}

/// In a query a plus is a space (HTML, application/x-www-form-urlencoded).
private func decodedItem(_ text: UnsafePointer<CChar>) -> String {
    let spaced = String(cString: text).map { $0 == "+" ? " " : $0 }
    return Router.decoded(String(spaced)[...]) ?? String(spaced)
}

private func send(_ response: HTTPResponse, _ connection: OpaquePointer) -> MHD_Result {
    let message: OpaquePointer?
    if let file = response.file {
        // libmicrohttpd closes what it gets.
        let copy = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { return .NO }
        message = MHD_create_response_from_fd_at_offset64(UInt64(file.size), copy, UInt64(file.offset))
        if message == nil { close(copy) }
    } else {
        var body = response.body
        message = MHD_create_response_from_buffer(body.count, &body, .RESPMEM_MUST_COPY)
    }
    guard let message else { return .NO }
    defer { MHD_destroy_response(message) }
    for header in response.headers { _ = MHD_add_response_header(message, header.name, header.value) }
    return MHD_queue_response(connection, UInt32(response.status), message)
}

import CMicroHTTPD
import Dispatch
import Glibc
import Synchronization

/// What the callbacks need.
final class Context: Sendable {
    let router: Router
    /// Requests from the call of their handler until their answer is written.
    let requests = DispatchGroup()
    let streams = Streams()
    private let isStopping = Mutex(false)
    let connections: Connections
    /// Each kind has threads of its own, so that one that is busy does not hold up the other.
    let slow = LaneThreads(.userInitiated)
    let background = LaneThreads(.utility)
    /// Whether its threads let others go first: the scheduler, and who works at the command line.
    let yields: Bool

    /// From here on a new request ends its connection, and none is suspended any more: libmicrohttpd aborts when it is
    /// stopped with one that is (libmicrohttpd manual, "Flow control").
    func stopSuspending() { isStopping.withLock { $0 = true } }

    var isBeingStopped: Bool { isStopping.withLock { $0 } }

    /// - Returns: false when the server is being stopped; then the connection is as it was.
    func suspend(_ connection: OpaquePointer) -> Bool {
        // Under the lock: once `stopSuspending` has returned, all that are suspended are counted in `requests`.
        isStopping.withLock { isStopping in
            if !isStopping { MHD_suspend_connection(connection) }
            return !isStopping
        }
    }

    init(_ router: Router, _ connections: Connections, yields: Bool) {
        self.yields = yields
        self.router = router
        self.connections = connections
    }
}

/// Threads for requests that take their time.
final class LaneThreads: Sendable {
    private let queue: DispatchQueue
    private let count = Atomic(0)

    init(_ quality: DispatchQoS) {
        queue = DispatchQueue(label: "requests", qos: quality, attributes: .concurrent)
    }

    /// Runs the work on a thread of the lane; false when too many wait already.
    func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        guard count.add(1, ordering: .relaxed).newValue <= HTTPServer.slowLimit else {
            count.subtract(1, ordering: .relaxed)
            return false
        }
        queue.async { [self] in
            work()
            count.subtract(1, ordering: .relaxed)
        }
        return true
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

func handleRequest(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ data: UnsafePointer<CChar>?,
    _ size: UnsafeMutablePointer<Int>?, _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let url, let method, let size, let state else { return .NO }
    guard let known = state.pointee else {
        let server = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
        if server.yields { weir_thread_yields() }
        // Who asks again and again on one connection does not hold up a stop.
        if server.isBeingStopped { return .NO }
        state.pointee = Unmanaged.passRetained(Arriving()).toOpaque()
        knownConnection(connection)?.headArrived()
        // An answer before the body is read ends the connection: what follows is not taken for another request.
        guard let problem = framingProblem(connection) else { return .YES }
        return queue(server.router.failure(400, problem), connection, server.streams)
    }
    let arriving = Unmanaged<Arriving>.fromOpaque(known).takeUnretainedValue()
    let server = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
    func send(_ response: HTTPResponse) -> MHD_Result { queue(response, connection, server.streams) }
    if let response = arriving.response { return send(response) }
    if size.pointee > 0, let data {
        if arriving.body.count + size.pointee > HTTPServer.bodyLimit {
            arriving.isTooLarge = true
        } else {
            arriving.body.append(contentsOf: UnsafeRawBufferPointer(start: data, count: size.pointee))
        }
        size.pointee = 0
        return DispatchTime.now() < arriving.began + .seconds(HTTPServer.bodySeconds) ? .YES : .NO
    }
    if !arriving.isHandled {
        server.requests.enter()
        arriving.isHandled = true
    }
    if arriving.isTooLarge {
        return send(server.router.failure(413, "a body has at most \(HTTPServer.bodyLimit) bytes"))
    }
    // The URL and the method are valid only within this call.
    let request = HTTPRequest(
        method: String(cString: method), path: String(cString: url), query: queryItems(connection),
        headers: headerItems(connection), body: arriving.body, client: clientAddress(connection))
    switch server.router.match(request) {
    case .failure(let response): return send(response)
    case .handler(let handler, let request, .quick): return send(handler(request))
    case .handler(let handler, let request, let lane):
        let isBackground = lane == .background
        guard server.suspend(connection) else { return send(server.router.failure(503, "it is being stopped")) }
        let suspended = Suspended(connection: connection, arriving: arriving)
        let isTaken = (isBackground ? server.background : server.slow).run {
            if isBackground { weir_thread_yields() }
            suspended.resume(handler(request))
        }
        if !isTaken {
            var response = server.router.failure(503, "too many requests of this kind wait already")
            response.headers.append(("Retry-After", "1"))
            suspended.resume(response)
        }
        return .YES
    }
}

/// Why nobody can tell where the body of a request ends (RFC 9112, 6.3), so that a proxy in front may see another request
/// than this server does; nil when it is clear.
private func framingProblem(_ connection: OpaquePointer) -> String? {
    var lengths: Set<String> = []
    var codings: [String] = []
    for (name, value) in headerItems(connection) {
        switch name.lowercased() {
        case "content-length": lengths.insert(value)
        case "transfer-encoding": codings.append(value.lowercased())
        default: break
        }
    }
    if !codings.isEmpty, !lengths.isEmpty { return "a request has either Content-Length or Transfer-Encoding" }
    if lengths.count > 1 { return "a request has one Content-Length" }
    if let coding = codings.first, codings.count > 1 || coding != "chunked" {
        return "the Transfer-Encoding must be chunked, not '\(codings.joined(separator: ", "))'"
    }
    return nil
}

func requestCompleted(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _: MHD_RequestTerminationCode
) {
    guard let context, let connection, let known = state?.pointee else { return }
    let server = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
    if Unmanaged<Arriving>.fromOpaque(known).takeRetainedValue().isHandled { server.requests.leave() }
    if let known = knownConnection(connection) { server.connections.answered(known) }
    state?.pointee = nil
}

func connectionChanged(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ known: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ change: MHD_ConnectionNotificationCode
) {
    guard let context, let connection, let known else { return }
    let connections = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().connections
    if change == .CONNECTION_NOTIFY_STARTED {
        known.pointee = Unmanaged.passRetained(connections.began(weir_mhd_socket(connection))).toOpaque()
    } else if let ended = known.pointee {
        connections.ended(Unmanaged<Connections.Connection>.fromOpaque(ended).takeRetainedValue())
        known.pointee = nil
    }
}

private func knownConnection(_ connection: OpaquePointer) -> Connections.Connection? {
    weir_mhd_socket_context(connection).map {
        Unmanaged<Connections.Connection>.fromOpaque($0).takeUnretainedValue()
    }
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

private func queue(_ response: HTTPResponse, _ connection: OpaquePointer, _ streams: Streams) -> MHD_Result {
    guard let message = message(response, connection, streams) else { return .NO }
    defer { MHD_destroy_response(message) }
    for header in response.headers { _ = MHD_add_response_header(message, header.name, header.value) }
    return MHD_queue_response(connection, UInt32(response.status), message)
}

private func message(_ response: HTTPResponse, _ connection: OpaquePointer, _ streams: Streams) -> OpaquePointer? {
    if let file = response.file {
        // libmicrohttpd closes what it gets.
        let copy = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { return nil }
        let message = MHD_create_response_from_fd_at_offset64(UInt64(file.size), copy, UInt64(file.offset))
        if message == nil { close(copy) }
        return message
    }
    if let stream = response.stream {
        streams.add(stream)
        let sending = Unmanaged.passRetained(Sending(stream: stream, streams: streams, connection: connection))
        let message = MHD_create_response_from_callback(
            weir_mhd_size_unknown(), 32 << 10,
            { sending, _, buffer, size in
                guard let sending, let buffer else { return -1 }
                let it = Unmanaged<Sending>.fromOpaque(sending).takeUnretainedValue()
                return it.stream.read(it.connection, into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
            }, sending.toOpaque(),
            { sending in
                guard let sending else { return }
                Unmanaged<Sending>.fromOpaque(sending).takeRetainedValue().end()
            })
        if message == nil { sending.takeRetainedValue().end() }
        return message
    }
    var body = response.body
    return MHD_create_response_from_buffer(body.count, &body, .RESPMEM_MUST_COPY)
}

/// A stream on its way to a client.
private final class Sending {
    let stream: HTTPStream
    private let streams: Streams
    let connection: OpaquePointer

    init(stream: HTTPStream, streams: Streams, connection: OpaquePointer) {
        self.stream = stream
        self.streams = streams
        self.connection = connection
    }

    func end() {
        streams.remove(stream)
        stream.close()
    }
}

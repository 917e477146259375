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

/// An HTTP/1.1 server on a unix socket or a TCP address, by libmicrohttpd. Quick handlers run on its own threads, the
/// others on threads of their lane.
public final class HTTPServer: Sendable {
    /// Larger bodies are answered with 413.
    public static let bodyLimit = 1 << 20

    private static let threads: UInt32 = 4
    private static let idleSeconds: UInt32 = 30
    private static let mostConnections: UInt32 = 1024
    /// The control socket is for its owner's commands.
    private static let mostOnSocket: UInt32 = 128

    /// Connections take half of the process's descriptors at most: the engine needs some for each task, and a server that
    /// has none to accept with turns in circles.
    private static var connectionLimit: UInt32 {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 256 }
        return UInt32(clamping: max(8, min(UInt64(mostConnections), UInt64(limits.rlim_cur) / 2)))
    }
    /// For the request line and all headers, and for the buffers of an answer.
    private static let headLimit = 32 << 10
    /// How long a stop waits for requests that are being handled.
    private static let stopSeconds = 10
    /// Seconds within which the head of a request must have come, however slowly its bytes drip.
    public static let headSeconds: UInt32 = 30
    /// Seconds within which a body must have come, however slowly its bytes drip.
    static let bodySeconds = 60
    /// Requests of slow routes at once, running and waiting; more are answered with 503.
    static let slowLimit = 512

    private struct Running: @unchecked Sendable {
        // libmicrohttpd's handle may be used from any thread; the mutex around it makes sure that it is stopped once.
        var daemon: OpaquePointer
        var context: Context
        /// The socket file that this server made.
        var file: UnixSocket.FileID?
    }

    private let running: Mutex<Running?>
    private let path: String?
    /// Where it listens; nil on a unix socket. The port is the one that the system chose where 0 was asked for.
    public let address: ListenAddress?

    /// Listens on `path`, mode 0600. A socket file that nobody answers on, left by a crash, is replaced.
    ///
    /// - Parameter headSeconds: within which the head of a request must have come.
    public init(unixSocket path: String, router: Router, headSeconds: UInt32 = headSeconds) throws(HTTPError) {
        self.path = path
        address = nil
        try UnixSocket.removeStale(path)
        let socket = try UnixSocket.listen(path)
        let started = try Self.start(
            socket, isIPv6: false, perAddress: 0, headSeconds: headSeconds, yields: false, router, path)
        running = Mutex(Running(daemon: started.0, context: started.1, file: UnixSocket.FileID(path)))
    }

    /// Listens on a TCP address. Its threads let those of the rest of the process go first.
    ///
    /// - Parameter connectionsPerAddress: connections at once from one address; 0 for no limit of its own.
    public init(
        listen wanted: ListenAddress, connectionsPerAddress: UInt32 = 0, router: Router
    ) throws(HTTPError) {
        path = nil
        let (socket, address) = try wanted.listen()
        self.address = address
        let started = try Self.start(
            socket, isIPv6: wanted.isIPv6, perAddress: connectionsPerAddress, headSeconds: Self.headSeconds,
            yields: true, router,
            "\(wanted)")
        running = Mutex(Running(daemon: started.0, context: started.1, file: nil))
    }

    private static func start(
        _ socket: Int32, isIPv6: Bool, perAddress: UInt32, headSeconds: UInt32, yields: Bool, _ router: Router,
        _ place: String
    ) throws(HTTPError) -> (OpaquePointer, Context) {
        // It lives as long as the process: a late connection may still refer to it while the daemon stops.
        let connections = Connections(headSeconds: headSeconds, idleSeconds: idleSeconds)
        let context = Unmanaged.passRetained(Context(router, connections, yields: yields))
        var options = weir_mhd_options(
            listen_socket: socket, is_ipv6: isIPv6, threads: threads, timeout_seconds: idleSeconds,
            connection_limit: yields ? connectionLimit : min(connectionLimit, mostOnSocket),
            connections_per_address: perAddress, head_limit: headLimit,
            handler: handleRequest, completed: requestCompleted,
            connected: connectionChanged, context: context.toOpaque())
        guard let daemon = weir_mhd_start(&options) else {
            context.release()
            close(socket)
            throw HTTPError(.failed, "\(place): libmicrohttpd did not start")
        }
        return (daemon, context.takeUnretainedValue())
    }

    /// Takes no more requests, lets those that are being handled finish and be answered, and closes all.
    public func stop() {
        let last = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let last else { return }
        // Not one that another server has put in its place.
        if let path, let file = last.file, file == UnixSocket.FileID(path) { unlink(path) }
        // Not MHD_quiesce_daemon: it and a thread of the server may both take the socket from epoll(7), and
        // libmicrohttpd 0.9.75 ends the process when the second finds nothing.
        last.context.stopSuspending()
        last.context.streams.stop()
        // MHD_stop_daemon cuts off answers that are not written yet, and must not be called while a slow route still works.
        if last.context.requests.wait(timeout: .now() + .seconds(Self.stopSeconds)) == .success {
            // Closes the socket when its threads have ended.
            MHD_stop_daemon(last.daemon)
        }
    }
}

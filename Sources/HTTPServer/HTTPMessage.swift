import Glibc

/// A request, copied out of the server's buffers.
public struct HTTPRequest: Sendable {
    public var method: String
    /// Percent-encoded, without the query.
    public var path: String
    /// Decoded, in the order of the URL.
    public var query: [(name: String, value: String)]
    /// In the order of the request.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// The numeric address of the client; nil on a unix socket.
    public var client: String?
    /// Whether it came over TLS, as a trusted proxy says.
    public var isSecure = false
    /// Values of the route's `{name}` parts, decoded.
    public var parameters: [String: String] = [:]

    public init(
        method: String, path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = [], client: String? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.client = client
    }

    /// The first header of a name, in whatever case it is written.
    public func header(_ name: String) -> String? { headers.value(of: name) }

    /// The items of a header that is a list, of however many lines it is made (RFC 9110, 5.3).
    public func list(_ name: String) -> [Substring] {
        let wanted = name.lowercased()
        return headers.filter { $0.name.lowercased() == wanted }
            .flatMap { $0.value.split(separator: ",").map(\.trimmed) }
    }
}

/// An answer.
public struct HTTPResponse: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// Sent instead of `body`, from the file itself.
    public var file: HTTPFile?
    /// Sent instead of `body`, as it is made.
    public var stream: HTTPStream?

    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func json(_ body: [UInt8], status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: body)
    }

    public func header(_ name: String) -> String? { headers.value(of: name) }
}

extension [(name: String, value: String)] {
    fileprivate func value(of name: String) -> String? {
        let wanted = name.lowercased()
        return first { $0.name.lowercased() == wanted }?.value
    }
}

/// An open file as the body of an answer. Closed with its last owner.
public final class HTTPFile: Sendable {
    let descriptor: Int32
    let offset: Int64
    let size: Int64

    /// - Parameters:
    ///   - descriptor: open for reading; belongs to this object from here on.
    ///   - offset: where the body begins.
    ///   - size: bytes of the body.
    public init(owning descriptor: Int32, offset: Int64 = 0, size: Int64) {
        self.descriptor = descriptor
        self.offset = offset
        self.size = size
    }

    deinit { close(descriptor) }
}

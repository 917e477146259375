/// A request, copied out of the server's buffers.
public struct HTTPRequest: Sendable {
    public var method: String
    /// Percent-encoded, without the query.
    public var path: String
    /// Decoded, in the order of the URL.
    public var query: [(name: String, value: String)]
    public var body: [UInt8]
    /// Values of the route's `{name}` parts, decoded.
    public var parameters: [String: String] = [:]

    public init(method: String, path: String, query: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
    }
}

/// An answer.
public struct HTTPResponse: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func json(_ body: [UInt8], status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: body)
    }

    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

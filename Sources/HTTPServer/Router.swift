/// Finds the handler of a request by its method and path. Pure: it is tested without a socket.
public struct Router: Sendable {
    public typealias Handler = @Sendable (HTTPRequest) -> HTTPResponse

    /// On which threads a handler runs.
    public enum Lane: Sendable {
        /// On the server's own, of which there are few: it must not block for more than a moment.
        case quick
        /// It may take longer than some milliseconds.
        case slow
        /// It may take long and wait for others of its kind; what is slow goes past it.
        case background
    }

    private struct Route: Sendable {
        var method: String
        var parts: [Substring]
        var lane: Lane
        var handler: Handler
    }

    /// What is to be done for a request.
    enum Match: Sendable {
        case handler(Handler, HTTPRequest, Lane)
        case failure(HTTPResponse)
    }

    private var routes: [Route] = []
    /// The answer for a status that no handler gives, with its reason.
    let failure: @Sendable (Int, String) -> HTTPResponse

    /// - Parameter failure: the answer for a status that the router or the server itself gives (400, 404, 405, 413), with
    ///   its reason.
    public init(failure: @escaping @Sendable (Int, String) -> HTTPResponse) { self.failure = failure }

    /// Adds a route. A part of `pattern` in braces, `/runs/{run_id}`, matches one part of a path. A route of GET answers
    /// HEAD, too.
    ///
    /// - Parameter lane: on which threads the handler runs.
    public mutating func on(_ method: String, _ pattern: String, _ lane: Lane = .quick, _ handler: @escaping Handler) {
        routes.append(
            Route(method: method, parts: pattern.split(separator: "/"), lane: lane, handler: handler))
    }

    public func respond(to request: HTTPRequest) -> HTTPResponse {
        switch match(request) {
        case .handler(let handler, let request, _): handler(request)
        case .failure(let response): response
        }
    }

    func match(_ request: HTTPRequest) -> Match {
        let method = request.method == "HEAD" ? "GET" : request.method
        let parts = request.path.split(separator: "/", omittingEmptySubsequences: true)
        var allowed: Set<String> = []
        for route in routes where route.parts.count == parts.count {
            var request = request
            guard Self.match(route.parts, parts, &request.parameters) else { continue }
            if route.method == method { return .handler(route.handler, request, route.lane) }
            allowed.insert(route.method)
        }
        if parts.contains(where: { Self.decoded($0) == nil }) {
            return .failure(failure(400, "the path is not percent-encoded UTF-8"))
        }
        guard !allowed.isEmpty else { return .failure(failure(404, "there is nothing at \(request.path)")) }
        var response = failure(405, "\(request.method) is not for \(request.path)")
        if allowed.contains("GET") { allowed.insert("HEAD") }
        response.headers.append(("Allow", allowed.sorted().joined(separator: ", ")))
        return .failure(response)
    }

    private static func match(_ pattern: [Substring], _ parts: [Substring], _ found: inout [String: String]) -> Bool {
        for (wanted, part) in zip(pattern, parts) {
            if wanted.hasPrefix("{"), wanted.hasSuffix("}") {
                guard let value = decoded(part) else { return false }
                found[String(wanted.dropFirst().dropLast())] = value
            } else if wanted != part {
                return false
            }
        }
        return true
    }

    /// Undoes percent-encoding (RFC 3986, 2.1); nil when it is malformed or not UTF-8.
    public static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hex), let low = rest.popFirst().flatMap(hex) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Percent-encodes everything but the unreserved characters of RFC 3986.
    public static func encoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                bytes.append(contentsOf: (byte < 16 ? "%0" : "%").utf8)
                bytes.append(contentsOf: digits.utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}

import CZlib
import CZstd

extension HTTPResponse {
    /// Below this a body costs less as it is.
    static let worthCompressing = 1400

    /// The answer with its body in the best coding that the client takes (RFC 9110, 12.5.3): zstd, then gzip. Files and
    /// streams, small bodies and what is compressed already stay as they are.
    public func compressed(for request: HTTPRequest) -> HTTPResponse {
        guard file == nil, stream == nil, header("Content-Encoding") == nil, status == 200, isText else { return self }
        var response = self
        // Caches must not give this answer to a client that takes another coding.
        response.headers.append(("Vary", "Accept-Encoding"))
        guard body.count >= Self.worthCompressing, let coding = Coding.best(request.list("Accept-Encoding")),
            let small = coding.encode(body), small.count < body.count
        else { return response }
        response.body = small
        response.headers.append(("Content-Encoding", coding.rawValue))
        return response
    }

    private var isText: Bool {
        let type = (header("Content-Type") ?? "").lowercased().prefix { $0 != ";" }
        return type.hasPrefix("text/") || type.hasSuffix("json") || type.hasSuffix("+xml")
            || type.hasSuffix("javascript")
    }
}

/// A content coding that this server has, the best one first.
enum Coding: String, CaseIterable {
    case zstd, gzip

    /// - Parameter accepted: the items of Accept-Encoding.
    static func best(_ accepted: [Substring]) -> Coding? {
        var weights: [String: Double] = [:]
        for item in accepted {
            let parts = item.lowercased().split(separator: ";").map { $0.trimmed }
            guard let name = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            weights[String(name)] = weight
        }
        func weight(_ coding: Coding) -> Double { weights[coding.rawValue] ?? weights["*"] ?? 0 }
        // The first of those with the greatest weight.
        return allCases.filter { weight($0) > 0 }.max { weight($0) <= weight($1) && weight($0) != weight($1) }
    }

    /// Nil when it cannot.
    func encode(_ body: [UInt8]) -> [UInt8]? {
        let capacity = self == .gzip ? weir_gzip_bound(body.count) : weir_zstd_bound(body.count)
        let encoded = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            count =
                self == .gzip
                ? weir_gzip(body, body.count, 5, buffer.baseAddress, capacity)
                : weir_zstd(body, body.count, 3, buffer.baseAddress, capacity)
        }
        return encoded.isEmpty ? nil : encoded
    }
}

extension Substring {
    /// Without spaces and tabs around it.
    var trimmed: Substring {
        var rest = drop { $0 == " " || $0 == "\t" }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return rest
    }
}

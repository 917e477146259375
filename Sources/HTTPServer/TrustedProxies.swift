import Glibc

/// Proxies that are believed when they say for whom they ask.
public struct TrustedProxies: Sendable, Hashable {
    /// A range of addresses: all that agree in the first bits.
    private struct Range: Sendable, Hashable {
        var bytes: [UInt8]
        var bits: Int

        func contains(_ other: [UInt8]) -> Bool {
            guard bytes.count == other.count else { return false }
            for (index, byte) in bytes.enumerated() {
                let left = bits - index * 8
                if left <= 0 { return true }
                let mask = left >= 8 ? 0xFF : UInt8(truncatingIfNeeded: 0xFF00 >> left)
                if byte & mask != other[index] & mask { return false }
            }
            return true
        }
    }

    private var ranges: [Range] = []

    public static let none = TrustedProxies()

    public var isEmpty: Bool { ranges.isEmpty }

    private init() {}

    /// - Parameter texts: addresses, `127.0.0.1`, or ranges, `10.0.0.0/8`. Nil when one of them is neither.
    public init?(_ texts: [String]) {
        for text in texts {
            guard let range = Self.range(text) else { return nil }
            ranges.append(range)
        }
    }

    /// Whether a text is an address or a range of addresses.
    public static func isRange(_ text: String) -> Bool { range(text) != nil }

    private static func range(_ text: String) -> Range? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let bytes = address(String(parts[0])) else { return nil }
        guard parts.count == 2 else { return Range(bytes: bytes, bits: bytes.count * 8) }
        guard let bits = Int(parts[1]), (0...bytes.count * 8).contains(bits) else { return nil }
        return Range(bytes: bytes, bits: bits)
    }

    /// The bytes of an address; those of an IPv4 address also where it is written as an IPv6 one.
    private static func address(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        let bytes = withUnsafeBytes(of: &six) { Array($0) }
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        return bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : bytes
    }

    private func trusts(_ client: String?) -> Bool {
        guard let bytes = client.flatMap({ Self.address($0) }) else { return false }
        return ranges.contains { $0.contains(bytes) }
    }

    /// Puts the client for whom a trusted proxy asks in its place: the last address of X-Forwarded-For that is no trusted
    /// proxy itself, the scheme of X-Forwarded-Proto, and the host of X-Forwarded-Host. From anybody else those headers mean
    /// nothing.
    public func unwrap(_ request: inout HTTPRequest) {
        guard !ranges.isEmpty, trusts(request.client) else { return }
        // What stands left of the first stranger may be invented by him.
        for address in request.list("X-Forwarded-For").reversed().map({ String($0) }) {
            guard Self.address(address) != nil else { break }
            request.client = address
            if !trusts(address) { break }
        }
        if request.header("X-Forwarded-Proto")?.lowercased() == "https" { request.isSecure = true }
        if let host = request.header("X-Forwarded-Host"), !host.isEmpty {
            request.headers.removeAll { $0.name.lowercased() == "host" }
            request.headers.append(("Host", host))
        }
    }

    /// Whether a request says that it came through a proxy.
    public static func isForwarded(_ request: HTTPRequest) -> Bool {
        ["X-Forwarded-For", "Forwarded", "X-Forwarded-Host"].contains { request.header($0) != nil }
    }
}

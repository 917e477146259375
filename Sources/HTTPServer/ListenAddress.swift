import Glibc

/// A TCP address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `0.0.0.0:8080`.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// Numeric, without brackets.
    public var host: String
    /// 0 lets the system choose.
    public var port: UInt16

    public var isIPv6: Bool { host.utf8.contains(UInt8(ascii: ":")) }

    /// Whether only programs of this machine can reach it (RFC 6890: 127.0.0.0/8 and ::1).
    public var isLoopback: Bool { host == "::1" || host.hasPrefix("127.") }

    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Nil when the text is no address with a port. A name other than `localhost` is none: it could mean several.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            var address = in6_addr()
            guard inet_pton(AF_INET6, host, &address) == 1 else { return nil }
        } else {
            if host == "localhost" { host = "127.0.0.1" }
            var address = in_addr()
            guard inet_pton(AF_INET, host, &address) == 1 else { return nil }
        }
        self.host = host
        self.port = port
    }

    /// What a numeric address shares with others of the same customer: all of an IPv4 address, half of an IPv6 one.
    public static func network(_ address: String) -> String {
        var bytes = in6_addr()
        guard inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
        return withUnsafeBytes(of: &bytes) { $0.prefix(8).map { String($0, radix: 16) }.joined(separator: ":") }
    }

    /// A listening socket, and the address that it has got.
    func listen() throws(HTTPError) -> (socket: Int32, address: ListenAddress) {
        let family = isIPv6 ? AF_INET6 : AF_INET
        let socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw failure("socket") }
        var on: Int32 = 1
        // A restarted daemon must not wait for the last one's connections to be forgotten.
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(socket, family) == 0, Glibc.listen(socket, 1024) == 0, let port = Self.port(of: socket, family)
        else {
            let error = failure("listen")
            close(socket)
            throw error
        }
        var address = self
        address.port = port
        return (socket, address)
    }

    private func failure(_ call: String) -> HTTPError {
        let words =
            switch errno {
            case EADDRINUSE: "another program listens there already"
            case EADDRNOTAVAIL: "this machine has no such address"
            case EACCES: "ports below 1024 are for root"
            default: "\(call): \(String(cString: strerror(errno)))"
            }
        return HTTPError(.failed, "cannot listen on \(self): \(words)")
    }

    private func bind(_ socket: Int32, _ family: Int32) -> Int32 {
        if family == AF_INET6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &address.sin6_addr)
            return withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    private static func port(of socket: Int32, _ family: Int32) -> UInt16? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            let done = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &size) }
            guard done == 0 else { return nil }
            // The port stands at the same place in both forms.
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
    }
}

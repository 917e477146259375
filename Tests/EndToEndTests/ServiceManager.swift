import Glibc
import Testing

/// A service manager of a test: the socket that sd_notify(3) sends to.
final class ServiceManager {
    /// What `NOTIFY_SOCKET` says.
    let name: String
    private let socket: Int32

    /// - Parameter name: a path, or a name in the abstract space after an @.
    init(_ name: String) throws {
        self.name = name
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(socket >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if name.hasPrefix("@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) }
        }
        try #require(bound == 0, "bind: \(errno)")
    }

    deinit { close(socket) }

    /// The next message, by its assignments; nil when none comes in time.
    func receive(milliseconds: Int32 = 30_000) -> [String: String]? {
        var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, milliseconds) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        var message: [String: String] = [:]
        for line in String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            message[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
        return message
    }

    /// The next message with this assignment; others are passed over.
    func receive(_ key: String) throws -> [String: String] {
        while true {
            let message = try #require(receive(), "waited in vain for \(key)")
            if message[key] != nil { return message }
        }
    }
}

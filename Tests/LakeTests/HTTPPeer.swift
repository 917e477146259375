import Engine
import Glibc
import Spawn
import Synchronization

/// The other side of a web hook: a server that gives one answer after the other, byte by byte as written, and keeps what it
/// was asked.
final class HTTPPeer: Sendable {
    private let socket: Int32
    let port: UInt16
    private let asked = Mutex<[String]>([])
    private let thread = Mutex<WorkerThread?>(nil)

    var requests: [String] { asked.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameter answers: nil closes the connection without a word; an empty one says nothing until the peer is gone.
    init(_ answers: [String?]) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (descriptor, size) = (socket, length)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isBound else { throw PeerError() }
        thread.withLock {
            $0 = WorkerThread { [self] in
                for answer in answers {
                    let connection = accept(descriptor, nil, nil)
                    guard connection >= 0 else { return }
                    let request = Self.read(connection)
                    asked.withLock { $0.append(request) }
                    if let answer {
                        // Until the other side has given up.
                        if answer.isEmpty { while Self.receive(connection) != nil {} }
                        let bytes = Array(answer.utf8)
                        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                    }
                    close(connection)
                }
            }
        }
    }

    private struct PeerError: Error {}

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        thread.withLock { $0 }?.join()
        close(socket)
    }

    private static func receive(_ connection: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(connection, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    /// The head and as much of a body as it announces.
    private static func read(_ connection: Int32) -> String {
        var bytes: [UInt8] = []
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.firstRange(of: "\r\n\r\n") {
                let length = text[..<end.lowerBound].split(separator: "\r\n").compactMap { line in
                    line.lowercased().hasPrefix("content-length:") ? Int(line.split(separator: " ").last ?? "") : nil
                }
                if text[end.upperBound...].utf8.count >= length.first ?? 0 { return text }
            }
            guard let more = receive(connection) else { return text }
            bytes += more
        }
    }
}

import Glibc

/// A small blocking HTTP/1.1 client over a unix socket: one request, one connection.
public struct HTTPClient: Sendable {
    private let path: String

    public init(unixSocket path: String) { self.path = path }

    /// - Parameter timeout: seconds without a byte after which the server counts as hung.
    public func send(
        _ method: String, _ target: String, body: [UInt8] = [], timeout: Int = 60
    ) throws(HTTPError) -> HTTPResponse {
        let socket = try UnixSocket.connect(path)
        defer { close(socket) }
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let head = """
            \(method) \(target) HTTP/1.1\r\nHost: weir\r\nConnection: close\r\nContent-Type: application/json\r\n\
            Content-Length: \(body.count)\r\n\r\n
            """
        try write(Array(head.utf8) + body, socket)
        return try parse(try readAll(socket))
    }

    private func write(_ bytes: [UInt8], _ socket: Int32) throws(HTTPError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            // The server has closed its end: it may have answered first, so that what it said is read and not this error.
            if count < 0, errno == EPIPE || errno == ECONNRESET { return }
            guard count > 0 else { throw failure("send") }
            sent += count
        }
    }

    private func readAll(_ socket: Int32) throws(HTTPError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(socket, &buffer, buffer.count)
            if count == 0 || count < 0 && errno == ECONNRESET && !bytes.isEmpty { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("read") }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    private func failure(_ call: String) -> HTTPError {
        errno == EAGAIN
            ? HTTPError(.timeout, "\(path): no answer in time")
            : HTTPError(.failed, "\(path): \(call): \(String(cString: strerror(errno)))")
    }

    /// The server closes the connection after its answer, so the body ends where the bytes end; the length is checked.
    private func parse(_ bytes: [UInt8]) throws(HTTPError) -> HTTPResponse {
        let broken = HTTPError(.failed, "\(path): the answer is not HTTP, or was cut off")
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw broken }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw broken }
        var response = HTTPResponse(status: status, body: Array(bytes[end.upperBound...]))
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw broken }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            response.headers.append((String(line[..<colon]), String(value)))
        }
        if let length = response.header("Content-Length").flatMap(Int.init), length != response.body.count {
            throw broken
        }
        return response
    }
}

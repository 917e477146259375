import CCurl
import Synchronization

/// A request as libcurl sends it, and its answer.
struct HTTPExchange {
    enum Body {
        case none
        case bytes([UInt8])
        case file(Int32, offset: Int64, size: Int64)
    }

    struct Signature {
        /// As CURLOPT_AWS_SIGV4 wants it.
        var scope: String
        var credentials: S3Credentials
    }

    var method: String
    var url: String
    var headers: [(name: String, value: String)] = []
    var body = Body.none
    var signature: Signature?
    /// The body of an answer with this status is appended to this file; nil: all bodies come into memory.
    var target: (file: Int32, status: Int)?
    var stallSeconds = 30
    var connectMilliseconds = 10_000

    struct Answer {
        var status = 0
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        /// Bytes that went to the target.
        var written: Int64 = 0
        /// Why there is no whole answer.
        var failure: Failure?
    }

    struct Failure {
        var message: String
        /// The same request may succeed later.
        var passes: Bool
    }
}

/// Connections to servers, which are kept open. May be used by several threads at once.
final class HTTPConnections: Sendable {
    private struct Idle: @unchecked Sendable {
        var handles: [OpaquePointer] = []
    }
    private let idle = Mutex(Idle())

    deinit {
        for handle in idle.withLock({ $0.handles }) { weir_curl_free(handle) }
    }

    /// - Throws: `.unavailable` when there is no libcurl.
    func perform(_ exchange: HTTPExchange) throws(ObjectStoreError) -> HTTPExchange.Answer {
        var handle = idle.withLock { $0.handles.popLast() }
        if handle == nil {
            var problem: UnsafePointer<CChar>?
            handle = weir_curl_new(&problem)
            if handle == nil {
                throw ObjectStoreError(.unavailable, problem.map { String(cString: $0) } ?? "no libcurl")
            }
        }
        guard let handle else { throw ObjectStoreError(.unavailable, "there is no connection") }
        defer { idle.withLock { $0.handles.append(handle) } }
        return Self.perform(exchange, handle)
    }

    private static func perform(_ exchange: HTTPExchange, _ handle: OpaquePointer) -> HTTPExchange.Answer {
        var answer = weir_curl_answer()
        defer { weir_curl_release(&answer) }
        var request = weir_curl_request()
        request.connect_milliseconds = exchange.connectMilliseconds
        request.stall_seconds = exchange.stallSeconds
        request.answer_descriptor = exchange.target?.file ?? -1
        request.answer_status = exchange.target?.status ?? 0
        request.body_descriptor = -1
        request.body_size = -1
        let key = exchange.signature.map { "\($0.credentials.id):\($0.credentials.secret)" }
        let lines = exchange.headers.map { "\($0.name): \($0.value)" }
        withStrings([exchange.method, exchange.url, exchange.signature?.scope, key] + lines.map { Optional($0) }) {
            texts in
            (request.method, request.url) = (texts[0], texts[1])
            (request.signing, request.credentials) = (texts[2], texts[3])
            var headers = Array(texts[4...])
            headers.append(nil)
            headers.withUnsafeBufferPointer { headers in
                request.headers = headers.baseAddress
                switch exchange.body {
                case .none: weir_curl_perform(handle, &request, &answer)
                case .bytes(let bytes):
                    // An empty array may have no address, which would mean the descriptor.
                    (bytes + [0]).withUnsafeBufferPointer { bytes in
                        (request.body, request.body_size) = (bytes.baseAddress, Int64(bytes.count - 1))
                        weir_curl_perform(handle, &request, &answer)
                    }
                case .file(let file, let offset, let size):
                    (request.body_descriptor, request.body_offset, request.body_size) = (file, offset, size)
                    weir_curl_perform(handle, &request, &answer)
                }
            }
        }
        return read(answer)
    }

    private static func read(_ answer: weir_curl_answer) -> HTTPExchange.Answer {
        var read = HTTPExchange.Answer()
        read.status = answer.status
        read.written = answer.written
        if let body = answer.body { read.body = Array(UnsafeBufferPointer(start: body, count: answer.body_size)) }
        if let headers = answer.headers {
            let text = String(
                decoding: UnsafeRawBufferPointer(start: headers, count: answer.headers_size), as: UTF8.self)
            for line in text.split(whereSeparator: \.isNewline) {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                read.headers[line[..<colon].lowercased()] = String(value)
            }
        }
        if answer.code != 0 {
            let message = withUnsafeBytes(of: answer.problem) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            read.failure = HTTPExchange.Failure(message: message, passes: answer.is_passing != 0)
        }
        return read
    }

    /// The texts as C has them, for as long as `body` runs.
    private static func withStrings(_ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> Void) {
        var bytes: [CChar] = []
        var offsets: [Int?] = []
        for text in texts {
            offsets.append(text == nil ? nil : bytes.count)
            if let text { bytes += text.utf8CString }
        }
        bytes.withUnsafeBufferPointer { bytes in
            body(offsets.map { offset in offset.flatMap { place in bytes.baseAddress.map { $0 + place } } })
        }
    }
}

import Glibc
import Spawn
import Synchronization

/// A bucket of Amazon S3, or of a server that speaks its protocol (Amazon S3 API Reference). Requests are signed by libcurl
/// (AWS Signature Version 4), with the SHA-256 of what they carry.
///
/// What this store writes has two metadata of its own: `weir-sha256`, by which a download is checked however it was
/// uploaded, and `weir-write`, by which a write whose answer was lost is told from another's.
public final class S3Store: ObjectStore {
    let bucket: String
    let settings: S3Settings
    private let connections = HTTPConnections()
    private let machine: MachineCredentials?
    private let pause: @Sendable (_ milliseconds: Int) -> Void

    /// Nothing is asked yet.
    public convenience init(bucket: String, settings: S3Settings) {
        self.init(bucket: bucket, settings: settings) { usleep(UInt32(clamping: $0 * 1000)) }
    }

    init(bucket: String, settings: S3Settings, pause: @escaping @Sendable (_ milliseconds: Int) -> Void) {
        self.bucket = bucket
        self.settings = settings
        self.pause = pause
        if case .machine(let endpoint) = settings.source {
            machine = MachineCredentials(endpoint: endpoint)
        } else {
            machine = nil
        }
    }

    /// A request of S3.
    struct Request {
        var method: String
        /// Nil: the bucket itself.
        var key: String?
        /// In any order.
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []
        var body = HTTPExchange.Body.none
        /// Of the body; nil: it is counted here.
        var sha256: String?
        var target: (file: Int32, status: Int)?
    }

    /// An answer, and whether an earlier try of the same request was cut off: then it may have done its work already.
    struct Answer {
        var http: HTTPExchange.Answer
        var wasRepeated: Bool

        var status: Int { http.status }
        func header(_ name: String) -> String? { http.headers[name] }
    }

    // MARK: Sending

    /// Sends a request until there is an answer that does not pass.
    ///
    /// - Returns: the answer, also one of 3xx or 4xx.
    func send(_ request: Request) throws(ObjectStoreError) -> Answer {
        var wasRepeated = false
        var wait = settings.firstPause
        var attempt = 0
        while true {
            attempt += 1
            let answer = try connections.perform(try exchange(request))
            guard let why = Self.passing(answer) else {
                if let failure = answer.failure {
                    throw ObjectStoreError(.refused, "\(name(request)): \(failure.message)")
                }
                return Answer(http: answer, wasRepeated: wasRepeated)
            }
            // A part of a body has come: who asked knows how to go on.
            if answer.written > 0 { return Answer(http: answer, wasRepeated: wasRepeated) }
            guard attempt < settings.tries else {
                throw ObjectStoreError(.unavailable, "\(name(request)): \(why), after \(attempt) tries")
            }
            wasRepeated = true
            rest(&wait, atLeast: answer.headers["retry-after"].flatMap { Int($0) })
        }
    }

    /// Waits before another try: longer each time, and not all clients at once (AWS Architecture Blog, "Exponential Backoff
    /// And Jitter").
    func rest(_ wait: inout Int, atLeast seconds: Int? = nil) {
        let asked = min(max(seconds ?? 0, 0), 30) * 1000
        pause(max(asked, Int.random(in: wait / 2...max(wait / 2, wait))))
        wait = min(wait * 2, 10_000)
    }

    /// Why an answer is none yet; nil: it is one.
    private static func passing(_ answer: HTTPExchange.Answer) -> String? {
        if let failure = answer.failure { return failure.passes ? failure.message : nil }
        switch answer.status {
        case 408, 429, 500, 502, 503, 504: return S3Refusal(answer.body)?.text ?? "the server answered \(answer.status)"
        case 400, 409:
            let refusal = S3Refusal(answer.body)
            let passes = ["RequestTimeout", "ConditionalRequestConflict", "OperationAborted"].contains(refusal?.code)
            return passes ? refusal?.text : nil
        default: return nil
        }
    }

    private func exchange(_ request: Request) throws(ObjectStoreError) -> HTTPExchange {
        var exchange = HTTPExchange(method: request.method, url: url(request))
        exchange.headers = request.headers
        exchange.body = request.body
        exchange.target = request.target
        guard let credentials = try credentials() else { return exchange }
        let digest: String
        switch request.body {
        case .none: digest = request.sha256 ?? SHA256.hex("")
        case .bytes(let bytes): digest = request.sha256 ?? bytes.withUnsafeBytes { SHA256.hex($0) }
        case .file: digest = request.sha256 ?? "UNSIGNED-PAYLOAD"
        }
        exchange.headers.append(("x-amz-content-sha256", digest))
        if let token = credentials.sessionToken { exchange.headers.append(("x-amz-security-token", token)) }
        exchange.signature = HTTPExchange.Signature(scope: "aws:amz:\(settings.region):s3", credentials: credentials)
        return exchange
    }

    /// Those that requests are signed with now; nil: they are not signed.
    public func credentials() throws(ObjectStoreError) -> S3Credentials? {
        switch settings.source {
        case .anonymous: nil
        case .keys(let credentials): credentials
        case .machine: try machine?.current()
        }
    }

    /// The address, percent-encoded as the signature wants it, with its query in order.
    private func url(_ request: Request) -> String {
        var url: String
        if let endpoint = settings.endpoint {
            let parts = endpoint.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            url =
                settings.isPathStyle || parts.count < 3
                ? "\(endpoint)/\(bucket)" : "\(parts[0])//\(bucket).\(parts[2])"
        } else {
            // A name with dots does not fit the certificate.
            let isInPath = settings.isPathStyle || bucket.contains(".")
            url =
                isInPath
                ? "https://s3.\(settings.region).amazonaws.com/\(bucket)"
                : "https://\(bucket).s3.\(settings.region).amazonaws.com"
        }
        url += "/" + (request.key.map { Self.encoded($0, keeping: UInt8(ascii: "/")) } ?? "")
        let query = request.query.map { (Self.encoded($0.name), Self.encoded($0.value)) }.sorted { $0 < $1 }
        if !query.isEmpty { url += "?" + query.map { "\($0.0)=\($0.1)" }.joined(separator: "&") }
        return url
    }

    /// RFC 3986, 2.1: all but the unreserved characters.
    private static func encoded(_ text: String, keeping kept: UInt8? = nil) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            case kept: encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    func name(_ request: Request) -> String { name(request.key) }
    func name(_ key: String?) -> String { "s3://\(bucket)" + (key.map { "/" + $0 } ?? "") }

    /// What an answer that is no success means.
    func refusal(_ answer: Answer, _ key: String?) -> ObjectStoreError {
        let refusal = S3Refusal(answer.http.body)
        let said = refusal?.text ?? "the server answered \(answer.status)"
        func error(_ code: ObjectStoreError.Code, _ instead: String = "") -> ObjectStoreError {
            ObjectStoreError(code, "\(name(key)): \(said)\(instead)")
        }
        switch (answer.status, refusal?.code) {
        case (_, "NoSuchBucket"): return error(.notFound, "; make the bucket, or name another one")
        case (404, _): return error(.notFound)
        case (412, _): return error(.preconditionFailed)
        case (_, "InvalidObjectState"): return error(.isArchived, "; it has to be restored first")
        case (_, "RequestTimeTooSkewed"): return error(.forbidden, "; set this machine's clock")
        case (401, _), (403, _): return error(.forbidden)
        case (301, _), (307, _), (_, "AuthorizationHeaderMalformed"):
            let region = answer.header("x-amz-bucket-region") ?? refusal?.region
            return error(
                .refused,
                region.map { "; the bucket is in the region \($0): set AWS_REGION" } ?? "; is the region right?")
        default: return error(.refused)
        }
    }

    // MARK: Reading

    public func head(_ key: String) throws(ObjectStoreError) -> ObjectInfo? {
        let answer = try send(Request(method: "HEAD", key: key))
        if answer.status == 404 { return nil }
        guard answer.status == 200 else { throw refusal(answer, key) }
        return info(answer, key)
    }

    private func info(_ answer: Answer, _ key: String) -> ObjectInfo {
        let storage = answer.header("x-amz-storage-class") ?? "STANDARD"
        let restore = answer.header("x-amz-restore")
        var readability = ObjectInfo.Readability.now
        if storage == "GLACIER" || storage == "DEEP_ARCHIVE" || answer.header("x-amz-archive-status") != nil {
            readability = restore.map { $0.contains("\"true\"") ? .beingRestored : .now } ?? .archived
        }
        // Of a part it is the size of all: "bytes 0-9/100".
        let size = answer.header("content-range")?.split(separator: "/").last.flatMap { Int64($0) }
        return ObjectInfo(
            key: key, size: size ?? answer.header("content-length").flatMap { Int64($0) } ?? 0,
            tag: answer.header("etag") ?? "", storageClass: storage, readability: readability,
            sha256: answer.header("x-amz-meta-weir-sha256"))
    }

    public func read(_ key: String, range: Range<Int64>?) throws(ObjectStoreError) -> [UInt8] {
        var request = Request(method: "GET", key: key)
        if let range {
            guard !range.isEmpty else { return [] }
            request.headers = [("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")]
        }
        let answer = try send(request)
        switch answer.status {
        case 206: break
        // Servers may answer with all of it (RFC 9110, 14.2).
        case 200:
            let bytes = answer.http.body
            guard let range else {
                try check(bytes.withUnsafeBytes { SHA256.hex($0) }, info(answer, key))
                return bytes
            }
            return Array(bytes.dropFirst(Int(clamping: range.lowerBound)).prefix(range.count))
        // Nothing of it lies in the range.
        case 416: return []
        default: throw refusal(answer, key)
        }
        return answer.http.body
    }

    public func contents(_ key: String) throws(ObjectStoreError) -> (bytes: [UInt8], tag: String)? {
        let answer = try send(Request(method: "GET", key: key))
        if answer.status == 404, S3Refusal(answer.http.body)?.code == "NoSuchKey" { return nil }
        guard answer.status == 200 else { throw refusal(answer, key) }
        let (bytes, info) = (answer.http.body, info(answer, key))
        try check(bytes.withUnsafeBytes { SHA256.hex($0) }, info)
        return (bytes, info.tag)
    }

    public func requestRestore(_ key: String, days: Int, tier: String) throws(ObjectStoreError) {
        let wanted =
            "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>\(days)</Days><GlacierJobParameters>"
            + "<Tier>\(XMLElements.escaped(tier))</Tier></GlacierJobParameters></RestoreRequest>"
        let answer = try send(
            Request(method: "POST", key: key, query: [("restore", "")], body: .bytes(Array(wanted.utf8))))
        let isUnderWay = answer.status == 409 && S3Refusal(answer.http.body)?.code == "RestoreAlreadyInProgress"
        guard (200...299).contains(answer.status) || isUnderWay else { throw refusal(answer, key) }
    }

    private func check(_ digest: String, _ info: ObjectInfo) throws(ObjectStoreError) {
        guard let wanted = info.sha256, wanted != digest else { return }
        throw ObjectStoreError(
            .isDamaged, "\(name(info.key)): what came has the SHA-256 \(digest), what was written \(wanted)")
    }

    @discardableResult
    public func download(_ key: String, to path: String) throws(ObjectStoreError) -> ObjectInfo {
        let temporary = "\(path).tmp-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        do throws(ObjectStoreError) {
            let info = try fetch(key, temporary)
            guard rename(temporary, path) == 0 else { throw Self.local(SystemError("rename", path: path)) }
            return info
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Goes on where the connection was cut off, as long as the object is the same.
    private func fetch(_ key: String, _ path: String) throws(ObjectStoreError) -> ObjectInfo {
        let file = try Self.opened(path, O_RDWR | O_CREAT | O_EXCL)
        var (known, tag, wait): (Int64, String?, Int) = (0, nil, settings.firstPause)
        var (idle, restarts) = (0, 0)
        while true {
            var request = Request(method: "GET", key: key, target: (file.raw, 200))
            if known > 0, let tag {
                request.headers = [("Range", "bytes=\(known)-"), ("If-Match", tag)]
                request.target = (file.raw, 206)
            }
            let answer = try send(request)
            if known > 0, answer.status == 412 || answer.status == 200 || answer.status == 416 {
                // Another object by now, or a server that knows no ranges.
                guard ftruncate(file.raw, 0) == 0, lseek(file.raw, 0, SEEK_SET) == 0 else {
                    throw Self.local(SystemError("ftruncate", path: path))
                }
                known = 0
                restarts += 1
                guard restarts < settings.tries else {
                    throw ObjectStoreError(
                        .unavailable, "\(name(key)): it was cut off and had to begin anew \(restarts) times")
                }
                continue
            }
            guard answer.status == 200 || answer.status == 206 else { throw refusal(answer, key) }
            known += answer.http.written
            tag = answer.header("etag")
            guard let failure = answer.http.failure else {
                let info = info(answer, key)
                guard info.size == known else {
                    throw ObjectStoreError(.isDamaged, "\(name(key)): \(known) bytes came of \(info.size)")
                }
                try check(try Self.digest(file), info)
                return info
            }
            idle = answer.http.written > 0 ? 0 : idle + 1
            guard failure.passes, idle < settings.tries else {
                throw ObjectStoreError(
                    failure.passes ? .unavailable : .localFile, "\(name(key)): \(failure.message), after \(known) bytes"
                )
            }
            rest(&wait)
        }
    }

    static func opened(_ path: String, _ flags: Int32) throws(ObjectStoreError) -> FileDescriptor {
        do throws(SystemError) { return try FileDescriptor.open(path, flags) } catch { throw local(error) }
    }

    static func local(_ error: SystemError) -> ObjectStoreError { ObjectStoreError(.localFile, "\(error)") }

    // MARK: Lists and removal

    public func list(_ prefix: String, isFlat: Bool, page: String?) throws(ObjectStoreError) -> ObjectPage {
        var request = Request(
            method: "GET", query: [("list-type", "2"), ("max-keys", "\(settings.pageSize)"), ("prefix", prefix)])
        if !isFlat { request.query.append(("delimiter", "/")) }
        if let page { request.query.append(("continuation-token", page)) }
        let answer = try send(request)
        guard answer.status == 200 else { throw refusal(answer, nil) }
        guard let elements = XMLElements.read(answer.http.body) else {
            throw ObjectStoreError(
                .refused,
                "\(name(nil)): the list of '\(prefix)' is no XML that can be read; does a key have control characters?")
        }
        var found = ObjectPage()
        let blank = ObjectInfo(key: "", size: 0, tag: "", storageClass: "STANDARD", readability: .now, sha256: nil)
        var object = blank
        for (path, text) in elements {
            switch path {
            case "ListBucketResult/Contents/Key": object.key = text
            case "ListBucketResult/Contents/Size": object.size = Int64(text) ?? 0
            case "ListBucketResult/Contents/ETag": object.tag = text
            case "ListBucketResult/Contents/LastModified": object.modified = text
            case "ListBucketResult/Contents/StorageClass":
                object.storageClass = text
                if text == "GLACIER" || text == "DEEP_ARCHIVE" { object.readability = .archived }
            case "ListBucketResult/Contents":
                found.objects.append(object)
                object = blank
            case "ListBucketResult/CommonPrefixes/Prefix": found.folders.append(text)
            case "ListBucketResult/NextContinuationToken": found.next = text.isEmpty ? nil : text
            default: break
            }
        }
        return found
    }

    public func remove(_ keys: [String]) throws(ObjectStoreError) {
        for key in keys {
            let answer = try send(Request(method: "DELETE", key: key))
            guard
                (200...299).contains(answer.status)
                    || (answer.status == 404 && S3Refusal(answer.http.body)?.code != "NoSuchBucket")
            else { throw refusal(answer, key) }
        }
    }
}

/// Why S3 refuses (Amazon S3 API Reference, "Error responses").
struct S3Refusal {
    var code: String
    var message: String
    var region: String?

    var text: String { message.isEmpty ? code : "\(message) (\(code))" }

    init?(_ body: [UInt8]) {
        guard !body.isEmpty, let elements = XMLElements.read(body) else { return nil }
        let values = Dictionary(elements.map { ($0.path, $0.text) }, uniquingKeysWith: { first, _ in first })
        guard let code = values["Error/Code"] else { return nil }
        self.code = code
        message = values["Error/Message"] ?? ""
        region = values["Error/Region"]
    }
}

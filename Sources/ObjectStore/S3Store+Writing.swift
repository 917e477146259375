import Glibc
import Spawn

extension S3Store {
    /// What tells one write from all others.
    private struct Mark {
        let sha256: String
        let write = SHA256.hexadecimal((0..<16).map { _ in UInt8.random(in: 0 ... .max) })

        var headers: [(name: String, value: String)] {
            [("x-amz-meta-weir-sha256", sha256), ("x-amz-meta-weir-write", write)]
        }
    }

    @discardableResult
    public func write(
        _ key: String, _ bytes: [UInt8], _ options: WriteOptions
    ) throws(ObjectStoreError) -> String {
        let mark = Mark(sha256: bytes.withUnsafeBytes { SHA256.hex($0) })
        return try put(key, .bytes(bytes), mark, options)
    }

    @discardableResult
    public func upload(
        _ path: String, to key: String, _ options: WriteOptions
    ) throws(ObjectStoreError) -> String {
        let source = try Self.source(path)
        let mark = Mark(sha256: source.sha256)
        guard source.size > settings.partSize else {
            return try put(key, .file(source.file.raw, offset: 0, size: source.size), mark, options)
        }
        return try putInParts(key, source.file.raw, source.size, mark, options)
    }

    /// A file that is uploaded.
    private struct Source: ~Copyable {
        let file: FileDescriptor
        let size: Int64
        let sha256: String
    }

    private static func source(_ path: String) throws(ObjectStoreError) -> Source {
        let file = try opened(path, O_RDONLY)
        let size = Int64(lseek(file.raw, 0, SEEK_END))
        guard size >= 0 else { throw local(SystemError("lseek", path: path)) }
        let sha256 = try digest(file)
        return Source(file: file, size: size, sha256: sha256)
    }

    private func put(
        _ key: String, _ body: HTTPExchange.Body, _ mark: Mark, _ options: WriteOptions
    ) throws(ObjectStoreError) -> String {
        var request = Request(method: "PUT", key: key, body: body, sha256: mark.sha256)
        request.headers = mark.headers + Self.storage(options) + Self.condition(options)
        let answer = try send(request)
        if answer.status == 200, let tag = answer.header("etag") { return tag }
        return try settled(answer, key, mark, options)
    }

    /// What became of a write that the store did not take.
    private func settled(
        _ answer: Answer, _ key: String, _ mark: Mark, _ options: WriteOptions
    ) throws(ObjectStoreError) -> String {
        // The first try may have done it, and its answer was lost: then this write stands in its own way.
        if answer.wasRepeated {
            let now = try send(Request(method: "HEAD", key: key))
            if now.status == 200, now.header("x-amz-meta-weir-write") == mark.write, let tag = now.header("etag") {
                return tag
            }
        }
        var error = refusal(answer, key)
        // The object that was to have this tag is gone.
        if case .tag = options.condition, error.code == .notFound, S3Refusal(answer.http.body)?.code != "NoSuchBucket" {
            error.code = .preconditionFailed
        }
        throw error
    }

    private static func storage(_ options: WriteOptions) -> [(name: String, value: String)] {
        options.storageClass.map { [("x-amz-storage-class", $0)] } ?? []
    }

    private static func condition(_ options: WriteOptions) -> [(name: String, value: String)] {
        switch options.condition {
        case .none: []
        case .absent: [("If-None-Match", "*")]
        case .tag(let tag): [("If-Match", tag)]
        }
    }

    /// Of the whole file, wherever it stands.
    static func digest(_ file: borrowing FileDescriptor) throws(ObjectStoreError) -> String {
        try digest(file.raw, 0, .max)
    }

    private static func digest(_ file: Int32, _ offset: Int64, _ size: Int64) throws(ObjectStoreError) -> String {
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var (place, left) = (offset, size)
        while left > 0 {
            let got = pread(file, &buffer, Int(min(Int64(buffer.count), left)), off_t(place))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw local(SystemError("pread")) }
            if got == 0 { break }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
            place += Int64(got)
            left -= Int64(got)
        }
        return SHA256.hexadecimal(hash.digest())
    }

    // MARK: In parts

    private static let smallestPart: Int64 = 5 << 20
    private static let mostParts: Int64 = 10_000

    /// A multipart upload (Amazon S3 User Guide, "Uploading and copying objects using multipart upload"): nothing is seen of
    /// it until it is completed.
    private func putInParts(
        _ key: String, _ file: Int32, _ size: Int64, _ mark: Mark, _ options: WriteOptions
    ) throws(ObjectStoreError) -> String {
        let part = max(settings.partSize, Self.smallestPart, (size + Self.mostParts - 1) / Self.mostParts)
        var begin = Request(method: "POST", key: key, query: [("uploads", "")], body: .bytes([]))
        begin.headers = mark.headers + Self.storage(options)
        let begun = try send(begin)
        // rclone's server (1.75) has another name for the document.
        let found = XMLElements.read(begun.http.body)?.first { $0.path.hasSuffix("/UploadId") }
        guard begun.status == 200, let upload = found?.text, !upload.isEmpty else { throw refusal(begun, key) }
        do throws(ObjectStoreError) {
            var tags: [String] = []
            var offset: Int64 = 0
            while offset < size {
                let count = min(part, size - offset)
                tags.append(try putPart(key, upload, tags.count + 1, file, offset, count))
                offset += count
            }
            return try complete(key, upload, tags, mark, options)
        } catch {
            // Its parts would cost until somebody finds them. The error is that of the upload.
            _ = try? send(Request(method: "DELETE", key: key, query: [("uploadId", upload)]))
            throw error
        }
    }

    private func putPart(
        _ key: String, _ upload: String, _ number: Int, _ file: Int32, _ offset: Int64, _ count: Int64
    ) throws(ObjectStoreError) -> String {
        let digest = try Self.digest(file, offset, count)
        let answer = try send(
            Request(
                method: "PUT", key: key, query: [("partNumber", "\(number)"), ("uploadId", upload)],
                body: .file(file, offset: offset, size: count), sha256: digest))
        guard answer.status == 200, let tag = answer.header("etag") else { throw refusal(answer, key) }
        return tag
    }

    private func complete(
        _ key: String, _ upload: String, _ tags: [String], _ mark: Mark, _ options: WriteOptions
    ) throws(ObjectStoreError) -> String {
        var list = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for (place, tag) in tags.enumerated() {
            list += "<Part><PartNumber>\(place + 1)</PartNumber><ETag>\(XMLElements.escaped(tag))</ETag></Part>"
        }
        list += "</CompleteMultipartUpload>"
        var request = Request(
            method: "POST", key: key, query: [("uploadId", upload)], body: .bytes(Array(list.utf8)))
        request.headers = Self.condition(options)
        var wait = settings.firstPause
        var attempt = 0
        while true {
            attempt += 1
            let answer = try send(request)
            let elements = XMLElements.read(answer.http.body) ?? []
            let tag = elements.first { $0.path == "CompleteMultipartUploadResult/ETag" }?.text
            if answer.status == 200, let tag { return tag }
            // A failure may come after the status was sent.
            guard answer.status == 200, attempt < settings.tries else {
                return try settled(answer, key, mark, options)
            }
            rest(&wait)
        }
    }
}

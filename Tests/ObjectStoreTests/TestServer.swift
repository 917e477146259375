import Glibc
import JSONText
import Spawn
import Synchronization
import Testing

@testable import ObjectStore

/// moto's S3 server, which checks signatures and fails as it is told (s3_server.py).
final class TestServer: @unchecked Sendable {
    static let keys = S3Credentials(id: "AKIATEST", secret: "secret/with+odd=characters")
    static let token = "a/session+token=="

    let endpoint: String
    private let process: Mutex<Process>
    private let connections = HTTPConnections()

    private struct Process: ~Copyable { var companion: Companion }

    init() throws {
        // This file is in more than one suite.
        let root = File.parent(of: File.parent(of: File.parent(of: #filePath)))
        let folder = "/tmp/weir-s3-server-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try File.makeDirectory(folder)
        defer { try? File.removeTree(folder) }
        let port = folder + "/port"
        let companion = try Companion(
            [root + "/.tools/s3/bin/python", root + "/Tests/ObjectStoreTests/s3_server.py", port],
            environment: ["PATH": "/usr/bin:/bin"])
        let deadline = ContinuousClock.now + .seconds(60)
        while !File.exists(port) {
            try #require(ContinuousClock.now < deadline, "the S3 server did not start: run `make setup`")
            usleep(5000)
        }
        endpoint = "http://127.0.0.1:" + String(decoding: try File.read(port), as: UTF8.self)
        process = Mutex(Process(companion: companion))
    }

    /// A bucket of its own.
    func store(
        _ bucket: String = "b" + String(UInt64.random(in: 0...UInt64.max), radix: 36),
        source: S3Settings.CredentialSource = .keys(keys), change: (inout S3Settings) -> Void = { _ in }
    ) throws -> S3Store {
        var settings = S3Settings(endpoint: endpoint, region: "eu-central-1", source: source)
        change(&settings)
        settings.firstPause = 1
        let store = S3Store(bucket: bucket, settings: settings) { _ in }
        let maker = S3Store(
            bucket: bucket, settings: S3Settings(endpoint: endpoint, region: "eu-central-1", source: .keys(Self.keys)))
        let constraint =
            "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>"
        let made = try maker.send(S3Store.Request(method: "PUT", body: .bytes(Array(constraint.utf8))))
        try #require(made.status == 200, "\(String(decoding: made.http.body, as: UTF8.self))")
        return store
    }

    /// What happens to the next requests.
    func fail(_ faults: String...) throws { try fail(faults, at: "") }

    /// What happens to the next requests to a bucket.
    func fail(_ faults: [String], _ store: S3Store) throws { try fail(faults, at: store.bucket) }

    private func fail(_ faults: [String], at bucket: String) throws {
        var writer = JSONWriter()
        writer.array { writer in for fault in faults { writer.string(fault) } }
        let answer = try connections.perform(
            HTTPExchange(method: "PUT", url: "\(endpoint)/-/faults/\(bucket)", body: .bytes(writer.bytes)))
        try #require(answer.status == 200)
    }

    /// Just before the next write of a key, or before another request for it, somebody else writes there.
    ///
    /// - Parameter skip: so many of these requests pass before.
    func race(
        _ key: String, at method: String = "PUT", skip: Int = 0, put text: String, _ store: S3Store
    ) throws {
        var writer = JSONWriter()
        writer.object {
            $0.member("when", "\(method) /\(store.bucket)/\(key)")
            $0.member("skip", skip)
            $0.member("put", text)
        }
        let answer = try connections.perform(
            HTTPExchange(method: "PUT", url: endpoint + "/-/race", body: .bytes(writer.bytes)))
        try #require(answer.status == 200)
    }

    struct Seen {
        var method: String
        var target: String
        var refused: String?
        /// What the server did instead of answering as it should; `pass` for nothing.
        var fault: String
        var headers: [String: String]
    }

    /// The requests to a bucket.
    func requests(_ store: S3Store) throws -> [Seen] {
        let answer = try connections.perform(HTTPExchange(method: "GET", url: endpoint + "/-/requests"))
        let root = try JSONDocument(parsing: answer.body).root
        return (root.array ?? []).compactMap { node in
            guard let target = node["target"]?.string, target.hasPrefix("/\(store.bucket)/") else { return nil }
            let headers = node["headers"]?.object?.members.map { ($0.key, $0.node.string ?? "") } ?? []
            return Seen(
                method: node["method"]?.string ?? "", target: String(target.dropFirst(store.bucket.utf8.count + 2)),
                refused: node["refused"]?.string, fault: node["fault"]?.string ?? "",
                headers: Dictionary(headers, uniquingKeysWith: { $1 }))
        }.filter { !$0.target.isEmpty }
    }
}

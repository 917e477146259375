import Glibc
import Spawn
import Testing

@testable import ObjectStore

/// Objects in a real S3 server that checks signatures, and fails when it is told to.
@Suite(.serialized) struct S3StoreTests {
    private static let server = Result { try TestServer() }
    private let server: TestServer
    private let scratch: Scratch

    init() throws {
        server = try Self.server.get()
        scratch = try Scratch()
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func refusal<Value>(_ body: () throws -> Value) -> ObjectStoreError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? ObjectStoreError
        }
    }

    private func file(_ size: Int) throws -> String {
        let path = "\(scratch.path)/file"
        // Of different bytes, so that parts in another order are another file.
        let words = (0..<UInt64(size / 8)).map { $0 &* 0x9E37_79B9_7F4A_7C15 }
        try File.writeAtomically(path, words.withUnsafeBytes { Array($0) })
        return path
    }

    // MARK: Requests

    @Test(arguments: [
        "a", "lake/dt=2022-05-02/data.parquet", "with space", "ä/日本", "plus+and&=?#%25;,:@!$'()*[]~", "a/./b", "a/../c",
        "a//b",
        "<&\"'>",
    ])
    func signedAsTheServerComputesIt(key: String) throws {
        let store = try server.store()
        let tag = try store.write(key, bytes("one"))
        #expect(try store.read(key) == bytes("one"))
        #expect(try store.head(key)?.tag == tag)
        #expect(try store.list(key, isFlat: true, page: nil).objects.map(\.key) == [key])
        try store.remove([key])
        #expect(try store.head(key) == nil)
        let requests = try server.requests(store)
        #expect(requests.allSatisfy { $0.refused == nil }, "\(requests)")
    }

    @Test func temporaryCredentials() throws {
        let keys = S3Credentials(id: TestServer.keys.id, secret: TestServer.keys.secret, sessionToken: TestServer.token)
        let store = try server.store(source: .keys(keys))
        try store.write("k", bytes("v"), WriteOptions(.absent, storageClass: "STANDARD_IA"))
        let sent = try #require(try server.requests(store).last)
        #expect(sent.headers["x-amz-security-token"] == TestServer.token)
        #expect(sent.headers["authorization"]?.contains("x-amz-security-token;x-amz-storage-class") == true)
        #expect(try store.head("k")?.storageClass == "STANDARD_IA")
    }

    @Test func credentialsOfTheMachine() throws {
        let store = try server.store(source: .machine(endpoint: server.endpoint))
        try store.write("k", bytes("v"))
        #expect(try server.requests(store).last?.headers["x-amz-security-token"] == TestServer.token)
        let none = try server.store(source: .machine(endpoint: "http://127.0.0.1:9"))
        let error = refusal { try none.head("k") }
        #expect(error?.code == .forbidden)
        #expect(error?.message.hasPrefix("there are no credentials for S3: set AWS_ACCESS_KEY_ID") == true)
    }

    @Test func aWrongSecretIsTheEndAndStaysOne() throws {
        let store = try server.store(source: .keys(S3Credentials(id: TestServer.keys.id, secret: "hunter2")))
        let error = try #require(refusal { try store.write("k", bytes("v")) })
        #expect(error.code == .forbidden)
        #expect(
            error.message
                == "s3://\(store.bucket)/k: the signature does not match; expected for (SignatureDoesNotMatch)")
        #expect(try server.requests(store).count == 1)
        #expect(!"\(store.settings)".contains("hunter2"))
    }

    // MARK: Objects

    @Test func partsOfAnObject() throws {
        let store = try server.store()
        try store.write("k", bytes("0123456789"))
        #expect(try store.read("k", range: 2..<5) == bytes("234"))
        #expect(try store.read("k", range: 8..<50) == bytes("89"))
        #expect(try store.read("k", range: 10..<12) == [])
        #expect(try store.read("k", range: 3..<3) == [])
        try store.write("empty", [])
        #expect(try store.read("empty") == [])
        #expect(try store.head("empty")?.size == 0)
    }

    @Test func whatIsMissing() throws {
        let store = try server.store()
        #expect(try store.head("k") == nil)
        #expect(refusal { try store.read("k") }?.code == .notFound)
        #expect(refusal { try store.download("k", to: scratch.path + "/f") }?.code == .notFound)
        #expect(try File.list(scratch.path) == [])
        try store.remove(["k"])
        let nowhere = S3Store(bucket: "no-such-bucket", settings: store.settings)
        let error = refusal { try nowhere.write("k", []) }
        #expect(error?.code == .notFound)
        #expect(error?.message.hasSuffix("(NoSuchBucket); make the bucket, or name another one") == true)
    }

    @Test func listsComeInPages() throws {
        let store = try server.store { $0.pageSize = 2 }
        for key in ["a/1", "a/2/x", "a/2/y", "a/3", "b", "a/4"] { try store.write(key, bytes(key)) }
        #expect(try store.all("a/").objects.map(\.key) == ["a/1", "a/2/x", "a/2/y", "a/3", "a/4"])
        #expect(try store.all("a/").objects.map(\.size) == [3, 5, 5, 3, 3])
        let folders = try store.all("", isFlat: false)
        #expect(folders.objects.map(\.key) == ["b"])
        #expect(folders.folders == ["a/"])
        #expect(try store.all("nothing").objects.isEmpty)
    }

    @Test func filesGoThereAndBack() throws {
        let store = try server.store { $0.partSize = 5 << 20 }
        for size in [0, 8, 12 << 20] {
            let path = try file(size)
            let tag = try store.upload(path, to: "f", WriteOptions())
            let info = try store.download("f", to: scratch.path + "/back")
            #expect(info.tag == tag)
            #expect(info.size == size)
            #expect(try File.read(path) == File.read(scratch.path + "/back"))
        }
        let parts = try server.requests(store).filter { $0.target.contains("partNumber") }
        #expect(
            parts.map { $0.target.split(separator: "?")[1].prefix(12) } == [
                "partNumber=1", "partNumber=2", "partNumber=3",
            ])
        #expect(try server.requests(store).allSatisfy { $0.refused == nil })
    }

    @Test func archivedBytesCannotBeRead() throws {
        let store = try server.store()
        try store.write("k", bytes("v"), WriteOptions(storageClass: "GLACIER"))
        #expect(try store.head("k")?.readability == .archived)
        #expect(try store.list("", isFlat: true, page: nil).objects.first?.readability == .archived)
        #expect(refusal { try store.read("k") }?.code == .isArchived)
    }

    // MARK: Conditions

    @Test func onlyOneMakesAnObject() throws {
        let store = try server.store()
        let tag = try store.write("k", bytes("first"), WriteOptions(.absent))
        #expect(refusal { try store.write("k", bytes("second"), WriteOptions(.absent)) }?.code == .preconditionFailed)
        let next = try store.write("k", bytes("third"), WriteOptions(.tag(tag)))
        #expect(refusal { try store.write("k", bytes("fourth"), WriteOptions(.tag(tag))) }?.code == .preconditionFailed)
        #expect(try store.read("k") == bytes("third"))
        try store.remove(["k"])
        #expect(refusal { try store.write("k", bytes("fifth"), WriteOptions(.tag(next))) }?.code == .preconditionFailed)
    }

    @Test func aWriteWhoseAnswerWasLostIsNotInItsOwnWay() throws {
        let store = try server.store()
        try server.fail("lost")
        let tag = try store.write("k", bytes("mine"), WriteOptions(.absent))
        #expect(try store.head("k")?.tag == tag)
        try server.fail("lost")
        let next = try store.write("k", bytes("mine, too"), WriteOptions(.tag(tag)))
        #expect(next != tag)
        #expect(try store.read("k") == bytes("mine, too"))
    }

    @Test func theSameBytesOfSomebodyElseAreInTheWay() throws {
        let store = try server.store()
        try store.write("k", bytes("same"))
        try server.fail("503")
        #expect(refusal { try store.write("k", bytes("same"), WriteOptions(.absent)) }?.code == .preconditionFailed)
    }

    // MARK: Faults

    @Test(arguments: ["500", "503", "429", "gone", "lost"])
    func whatPassesIsTriedAgain(fault: String) throws {
        let store = try server.store()
        try server.fail(fault, fault, fault)
        try store.write("k", bytes("v"))
        try server.fail(fault, "pass", fault)
        #expect(try store.read("k") == bytes("v"))
        #expect(try store.list("", isFlat: true, page: nil).objects.count == 1)
        #expect(try server.requests(store).map(\.method) == ["PUT", "PUT", "PUT", "PUT", "GET", "GET", "GET", "GET"])
    }

    @Test func notForEver() throws {
        let store = try server.store { $0.tries = 3 }
        try server.fail("503", "503", "503")
        let error = try #require(refusal { try store.read("k") })
        #expect(error.code == .unavailable)
        #expect(error.message == "s3://\(store.bucket)/k: please reduce your request rate (SlowDown), after 3 tries")
        let nobody = S3Store(
            bucket: "bucket",
            settings: S3Settings(endpoint: "http://127.0.0.1:9", region: "x", source: .keys(TestServer.keys))
        ) { _ in }
        #expect(refusal { try nobody.head("k") }?.code == .unavailable)
    }

    @Test func aDownloadThatIsCutOffGoesOn() throws {
        let store = try server.store()
        let path = try file(1 << 20)
        try store.upload(path, to: "f", WriteOptions())
        try server.fail("cut", "cut", "503", "gone", "cut")
        try store.download("f", to: scratch.path + "/back")
        #expect(try File.read(path) == File.read(scratch.path + "/back"))
        let ranges = try server.requests(store).filter { $0.method == "GET" }.map { $0.headers["range"] }
        #expect(ranges.first == .some(nil))
        #expect(ranges[1] == "bytes=524288-")
        #expect(ranges[2] == "bytes=786432-")
        // A server that knows no parts: from the beginning.
        try server.fail("cut", "whole", "pass")
        try store.download("f", to: scratch.path + "/back")
        #expect(try File.read(path) == File.read(scratch.path + "/back"))
        // Into memory: from the beginning.
        try server.fail("cut")
        #expect(try store.read("f") == File.read(path))
    }

    @Test func damageIsNoticed() throws {
        let store = try server.store()
        try store.write("k", bytes("value"))
        try server.fail("wrong")
        #expect(refusal { try store.read("k") }?.code == .isDamaged)
        try server.fail("wrong")
        #expect(refusal { try store.download("k", to: scratch.path + "/f") }?.code == .isDamaged)
        #expect(try File.list(scratch.path) == [])
    }

    @Test func anUploadInPartsThatFailsLeavesNothing() throws {
        let store = try server.store {
            $0.partSize = 5 << 20
            $0.tries = 1
        }
        let path = try file(11 << 20)
        try server.fail("pass", "pass", "503")
        #expect(refusal { try store.upload(path, to: "f", WriteOptions()) }?.code == .unavailable)
        #expect(try server.requests(store).last?.method == "DELETE")
        #expect(try store.head("f") == nil)
    }

    @Test func anUploadInPartsHoldsItsCondition() throws {
        let store = try server.store { $0.partSize = 5 << 20 }
        let path = try file(6 << 20)
        try server.fail("pass", "503", "pass", "gone", "pass", "lost")
        let tag = try store.upload(path, to: "f", WriteOptions(.absent))
        #expect(try store.head("f")?.tag == tag)
        #expect(refusal { try store.upload(path, to: "f", WriteOptions(.absent)) }?.code == .preconditionFailed)
    }
}

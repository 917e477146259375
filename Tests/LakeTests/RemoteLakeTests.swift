import JSONText
import SchedulerCore
import Spawn
import Testing

@testable import Lake
@testable import ObjectStore

/// Publishing where there is no rename, against a real server.
@Suite struct RemoteLakeTests {
    private static let day = "2022-05-02"

    private let scratch: Scratch
    private let server: TestServer
    private let store: S3Store

    init() throws {
        scratch = try Scratch()
        server = try TestServer()
        store = try server.store()
    }

    private func lake(
        _ attempt: String = "1", isShared: Bool = true, abandoned: TimeAmount = TimeAmount(seconds: 86_400)
    ) throws -> LakeRoot {
        let settings = settings
        let location = try #require(S3Location("s3://\(store.bucket)/a"))
        return LakeRoot(
            path: scratch.path + "/work-\(attempt)", attempt: attempt,
            remote: RemoteLake(location, isShared: isShared, abandonedAfter: abandoned) { settings })
    }

    private var settings: S3Settings {
        var settings = S3Settings(endpoint: server.endpoint, region: "eu-central-1", source: .keys(TestServer.keys))
        settings.firstPause = 1
        return settings
    }

    @discardableResult
    private func publish(_ text: String, _ lake: LakeRoot, over base: Manifest?? = nil) throws -> Manifest {
        let partition = lake.partition("b", Self.day)
        let publisher = Publisher(lake)
        defer { publisher.cleanUp() }
        let staged = try publisher.stage(partition)
        try File.writeAtomically(staged + "/data.parquet", Array(text.utf8))
        let file = Manifest.DataFile(
            name: "data.parquet", rows: 10, bytes: Int64(text.utf8.count), sha256: SHA256.hex(text))
        let manifest = Manifest(files: [file], run: "d/r/\(text)")
        return try publisher.locked(partition) {
            if let base { return try publisher.publish(staged, as: partition, manifest, over: base) }
            return try publisher.publish(staged, as: partition, manifest)
        }
    }

    private func content(_ lake: LakeRoot) throws -> String? {
        let partition = lake.partition("b", Self.day)
        guard let manifest = try partition.manifest() else { return nil }
        return try manifest.files.map { String(decoding: try partition.read($0.name, limit: 100), as: UTF8.self) }
            .joined()
    }

    private var data: [String] {
        get throws { try store.all("a/b/").objects.map(\.key).filter { $0.contains("data") } }
    }

    @Test func eachPublishIsOneWriteOfTheManifest() throws {
        let lake = try lake()
        #expect(try content(lake) == nil && lake.days("b").isEmpty)
        for generation in Int64(1)...3 {
            #expect(try publish("\(generation)", lake).generation == generation)
            #expect(try content(lake) == "\(generation)")
            #expect(try lake.days("b") == [Self.day])
            // Nothing that may be read is ever written over; without anybody who cares for it, it stays for a day.
            #expect(try data.count == Int(generation))
        }
        #expect(try Set(data).count == 3)
        // The objects before the manifest, and nothing after it.
        let writes = try server.requests(store).filter { $0.method == "PUT" }.suffix(2)
        #expect(writes.map { $0.target.hasSuffix("_manifest.json") } == [false, true])
        #expect(writes.last?.headers["if-match"] != nil)
    }

    @Test func whatNobodyReadsIsSweptWithThePublishAfterTheNext() throws {
        let lake = try lake(abandoned: TimeAmount(seconds: -1))
        try publish("1", lake)
        let first = try data
        try publish("2", lake)
        #expect(try data.count == 2, "who reads the former one goes on")
        try publish("3", lake)
        #expect(try data.count == 2 && Set(data).isDisjoint(with: first))
        #expect(try content(lake) == "3")
    }

    @Test func ofTwoWhoPublishOneWinsAndTheOtherIsTold() throws {
        let (one, other) = (try lake("one"), try lake("other"))
        let before = try publish("before", one)
        // Somebody else writes the manifest between this one's look at it and its own write.
        var theirs = before
        theirs.generation = 2
        try server.race(
            "a/b/dt=\(Self.day)/_manifest.json", put: String(decoding: theirs.json, as: UTF8.self), store)
        let error = #expect(throws: LakeError.self) { try publish("mine", other) }
        #expect(error?.description.contains("somebody else has published it meanwhile") == true)
        #expect(try content(one) == "before", "theirs, whole")
        #expect(try publish("again", other).generation == 3)
        #expect(try content(one) == "again")
        // What was made from a generation that is not there any more is not published either.
        let stale = #expect(throws: LakeError.self) { try publish("stale", one, over: before) }
        #expect(stale?.description.contains("meanwhile") == true)
        let first = #expect(throws: LakeError.self) { try publish("first", one, over: .some(nil)) }
        #expect(first != nil)
        #expect(try content(one) == "again")
    }

    /// A load adds to what it has read: nothing that came meanwhile may be lost by it.
    @Test func aLoadIsNotPublishedOverWhatItHasNotSeen() throws {
        func load(_ attempt: String) throws -> RawLoader.Report {
            let lake = try lake(attempt)
            let publisher = Publisher(lake)
            defer { publisher.cleanUp() }
            let loader = RawLoader(
                lake: lake, bucket: "raw", schema: try Project.alprSchema(), run: "d/r/\(attempt)",
                publisher: publisher,
                eventTime: { (String($0.prefix(10)), String($0)) })
            return try loader.load(from: scratch.path + "/landing", day: Self.day, remove: false)
        }
        func write(_ id: Int) throws {
            try scratch.write(
                "landing/cam/\(id).json",
                #"{"frame_id": \#(id), "plates": [], "timestamp": "\#(Self.day)T07:00:00.000000"}"#)
        }
        try write(1)
        var theirs = try #require(try load("1").days[Self.day])
        theirs.generation = 2
        try write(2)
        // Between the loader's look and that of who publishes.
        try server.race(
            "a/raw/dt=\(Self.day)/_manifest.json", at: "GET", skip: 1,
            put: String(decoding: theirs.json, as: UTF8.self), store)
        let error = #expect(throws: LakeError.self) { try load("2") }
        #expect(error?.description.contains("meanwhile") == true)
        let next = try #require(try load("3").days[Self.day])
        #expect(next.generation == 3)
        #expect(next.counts["loaded"]?.integer == 2)
    }

    @Test func aServerThatKeepsNoConditionsIsForOneWriterOnly() throws {
        // After the look at the manifest.
        try server.fail(["pass", "deaf", "deaf"], store)
        let error = #expect(throws: LakeError.self) { try publish("1", lake()) }
        #expect(error?.description.contains("set lake_writers to one") == true)
        #expect(try content(lake()) == nil)
        try server.fail(["deaf", "deaf", "deaf", "deaf"], store)
        #expect(try publish("2", lake(isShared: false)).generation == 1)
        #expect(try content(lake()) == "2")
    }

    @Test func anAttemptThatWasRevokedPublishesNothing() throws {
        let lake = try lake()
        try publish("1", lake)
        let partition = lake.partition("b", Self.day)
        let publisher = Publisher(lake, isRevoked: { true })
        let staged = try publisher.stage(partition)
        try File.writeAtomically(staged + "/data.parquet", [1])
        let manifest = Manifest(files: [.init(name: "data.parquet", rows: 9, bytes: 1, sha256: "")], run: "r")
        #expect(throws: LakeError.self) { try publisher.publish(staged, as: partition, manifest) }
        #expect(throws: LakeError.self) { try publisher.remove(partition) }
        #expect(try content(lake) == "1")
        try Publisher(lake).remove(partition)
        #expect(try store.all("a/b/").objects.isEmpty)
    }

    @Test func aManifestNamesNothingOutsideOfItsPartition() throws {
        for text in [#""index": "../x""#, #""former": ["a/b"]"#, #""index": ".x""#] {
            let manifest = #"{"generation": 1, "run": "r", "files": [], \#(text)}"#
            #expect(throws: LakeError.self) { try Manifest(parsing: Array(manifest.utf8), "m") }
        }
    }

    @Test(arguments: [
        ("data.parquet", "data-abcdefghijklmnop.parquet"),
        ("data-ponmlkjihgfedcba.parquet", "data-abcdefghijklmnop.parquet"),
        ("segment-000003-ponmlkjihgfedcba.ndjson.zst", "segment-000003-abcdefghijklmnop.ndjson.zst"),
        ("_index.ndjson", "index-abcdefghijklmnop.ndjson"), ("raw.tar.zst", "raw-abcdefghijklmnop.tar.zst"),
    ])
    func objectsHaveNamesThatNoOtherPublishUses(name: String, object: String) {
        #expect(RemoteLake.name(name, "abcdefghijklmnop") == object)
    }

    /// A catalogue that was read before reads only what has changed since.
    @Test func theCatalogueReadsManifestsThatAreNew() throws {
        let lake = try lake()
        try publish("1", lake)
        var reader = CatalogueReader(lake, remoteLook: .zero)
        let first = try reader.catalogue()
        #expect(first.tables.map(\.name) == ["b"])
        func reads() throws -> Int {
            try server.requests(store).count { $0.method == "GET" && $0.target.hasSuffix("_manifest.json") }
        }
        let before = try reads()
        let again = try reader.catalogue()
        #expect(try reads() == before && again.tables.map(\.version) == first.tables.map(\.version))
        try publish("2", lake)
        let after = try reads()
        let second = try reader.catalogue()
        #expect(try reads() == after + 1)
        #expect(second.tables.first?.partitions.first?.manifest.generation == 2)
        #expect(second.tables.first?.version != first.tables.first?.version)
        // Another process finds what this one has read; a copy that is damaged is asked for anew.
        #expect(try Catalogue(lake).tables.first?.rows == 10)
        #expect(try lake.manifests("b").map(\.day) == [Self.day] && lake.manifests("none").isEmpty)
        #expect(try reads() == after + 1)
        for name in try File.list(lake.path + "/.manifests") {
            try File.writeAtomically(lake.path + "/.manifests/" + name, [0x7B])
        }
        #expect(try Catalogue(lake).tables.first?.rows == 10)
        #expect(try reads() == after + 2)
    }
}

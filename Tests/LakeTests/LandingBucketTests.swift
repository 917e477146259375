import JSONText
import Spawn
import Testing

@testable import Lake
@testable import ObjectStore

/// Logs that wait in a bucket, against a real server.
@Suite struct LandingBucketTests {
    private let scratch: Scratch
    private let server: TestServer
    private let store: S3Store

    init() throws {
        scratch = try Scratch()
        server = try TestServer()
        store = try server.store()
    }

    private func place(_ prefix: String = "in") throws -> LandingBucket {
        LandingBucket(try #require(S3Location("s3://\(store.bucket)/\(prefix)")), store: store)
    }

    private func put(_ key: String, _ text: String = "{}") throws { _ = try store.write(key, Array(text.utf8)) }

    /// What is in each file; nil: it is to be looked at again.
    private func read(_ place: LandingBucket, _ files: [LandingFile]) throws -> [String?] {
        var found: [String?] = []
        try place.read(files) { _, content in
            if case .bytes(let bytes) = content {
                found.append(String(decoding: bytes, as: UTF8.self))
            } else {
                found.append(nil)
            }
        }
        return found
    }

    @Test func onlyCompleteLogsBelowThePrefixAreThere() throws {
        for key in [
            "in/a.json", "in/cam 1/b.ndjson", "in/cam 1/deep/ü.jsonl", "in/", "in/c.txt", "in/d.json.tmp", "in/.e.json",
            "in/.hidden/f.json", "in/x.part/g.json", "in//h.json", "inside/i.json", "j.json",
            "in/" + String(repeating: "a/", count: 16) + "k.json",
        ] {
            try put(key)
        }
        let files = try place().files()
        #expect(files.map(\.name) == ["a.json", "cam 1/b.ndjson", "cam 1/deep/ü.jsonl"])
        #expect(files.map(\.sourceID) == ["", "cam 1", "cam 1/deep"])
        #expect(files.first?.path == "s3://\(store.bucket)/in/a.json")
        #expect(files.allSatisfy { !$0.stamp.contains(" ") })
        #expect(try place("").files().count == 5, "the whole bucket")
    }

    /// More than are fetched at once, and each in its place.
    @Test func eachContentIsThatOfItsObject() throws {
        for number in 0..<520 { try put("in/\(number).json", "\(number)") }
        let place = try place()
        let files = try place.files()
        #expect(files.count == 520)
        try server.fail(["503", "pass", "cut", "lost", "pass", "500", "429"], store)
        #expect(try read(place, files) == files.map { String($0.name.dropLast(5)) })
    }

    @Test func whatChangesMeanwhileIsLeftForTheNextLoad() throws {
        for name in ["a", "b", "c"] { try put("in/\(name).json", name) }
        let place = try place()
        let files = try place.files()
        try put("in/a.json", "another")
        try store.remove(["in/b.json"])
        #expect(try read(place, files) == [nil, nil, "c"])
        // An object that was not read stays.
        for file in files { place.remove(file) }
        #expect(try place.files().map(\.name) == ["a.json", "c.json"])
    }

    @Test func aServerThatIsGoneFailsTheLoad() throws {
        for number in 0..<40 { try put("in/\(number).json") }
        let place = try place()
        let files = try place.files()
        try server.fail(Array(repeating: "500", count: 1000), store)
        let error = #expect(throws: ObjectStoreError.self) { try read(place, files) }
        #expect(error?.code == .unavailable)
    }

    // MARK: Loading

    private func load(attempt: Int64 = 1) throws -> RawLoader.Report {
        let lake = scratch.lake(attempt: attempt)
        let publisher = Publisher(lake)
        defer { publisher.cleanUp() }
        let loader = RawLoader(
            lake: lake, bucket: "raw", schema: try Project.alprSchema(), run: "d/r/load", publisher: publisher,
            eventTime: { (String($0.prefix(10)), String($0)) })
        let variables = [
            "AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": TestServer.keys.id, "AWS_SECRET_ACCESS_KEY": TestServer.keys.secret,
        ]
        return try loader.load(from: try #require(S3Landing("s3://\(store.bucket)/in")), day: "2022-05-02") {
            variables[$0]
        }
    }

    private func frame(_ id: Int, plates: Int = 0) -> String {
        let list = Array(repeating: #"{"text": "A"}"#, count: plates).joined(separator: ", ")
        return #"{"frame_id": \#(id), "plates": [\#(list)], "timestamp": "2022-05-02T07:00:00.000000"}"#
    }

    private func count(_ name: String) throws -> Int64? {
        try scratch.lake().partition("raw", "2022-05-02").manifest()?.counts[name]?.integer
    }

    @Test func anObjectIsLoadedOnceAndAgainWhenItIsAnother() throws {
        for id in 0..<5 { try put("in/cam/\(id).json", frame(id)) }
        try put("in/cam/bad.json", "{")
        #expect(try load().newFiles == 6)
        #expect(try (count("seen"), count("loaded"), count("quarantined")) == (6, 5, 1))
        #expect(try load(attempt: 2).newFiles == 0)
        #expect(try count("seen") == 6)
        try put("in/cam/bad.json", frame(9))
        try put("in/cam/0.json", frame(0, plates: 1))
        #expect(try load(attempt: 3).newFiles == 2)
        #expect(try count("loaded") == 6, "one more, and a frame in the place of one with fewer plates")
        #expect(try place().files().count == 6, "they stay")
    }
}

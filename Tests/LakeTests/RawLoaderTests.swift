import Glibc
import JSONText
import Spawn
import Testing

@testable import Lake

@Suite struct RawLoaderTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try File.makeDirectory(scratch.path + "/landing")
    }

    private func load(attempt: Int64 = 1, day: String = "2022-05-02", remove: Bool = false) throws -> RawLoader.Report {
        let lake = scratch.lake(attempt: attempt)
        let publisher = Publisher(lake)
        defer { publisher.cleanUp() }
        let loader = RawLoader(
            lake: lake, bucket: "raw", schema: try Project.alprSchema(), run: "d/r/load", publisher: publisher,
            eventTime: { text in
                // As much of RFC 3339 as these tests write.
                text.utf8.count >= 19 ? (String(text.prefix(10)), String(text)) : nil
            })
        return try loader.load(from: scratch.path + "/landing", day: day, remove: remove)
    }

    private func frame(_ id: Int, day: String = "2022-05-02", plates: Int = 0) -> String {
        let list = Array(repeating: #"{"text": "A"}"#, count: plates).joined(separator: ", ")
        return #"{"frame_id": \#(id), "plates": [\#(list)], "timestamp": "\#(day)T07:00:00.000000"}"#
    }

    private func manifest(_ day: String = "2022-05-02") throws -> Manifest {
        try #require(try scratch.lake().partition("raw", day).manifest())
    }

    private func lines(_ day: String = "2022-05-02") throws -> [JSONNode] {
        let partition = scratch.lake().partition("raw", day)
        return try manifest(day).files.flatMap { file in
            try unpacked(partition.path + "/" + file.name).split(separator: 0x0A).map {
                try JSONDocument(parsing: Array($0)).root
            }
        }
    }

    @Test func manyFilesBecomeOneSegmentOfEnvelopes() throws {
        for id in 0..<20 { try scratch.write("landing/cam/\(id)_x.json", frame(id)) }
        let report = try load()
        #expect(report.newFiles == 20)
        #expect(try manifest().files.map(\.name) == ["segment-000001.ndjson.zst"])
        let first = try #require(try lines().first { $0["source"]?.string == "cam/7_x.json" })
        #expect(first["source_id"]?.string == "cam")
        #expect(first["doc"]?["frame_id"]?.integer == 7)
        #expect(first["sha256"]?.string?.count == 64)
    }

    @Test func manySmallLoadsDoNotLeaveManySegments() throws {
        for id in 0..<70 {
            try scratch.write("landing/cam/\(id)_x.json", frame(id))
            _ = try load(attempt: Int64(id))
        }
        let manifest = try manifest()
        #expect(manifest.files.count <= 33, "\(manifest.files.count)")
        #expect(manifest.rows == 70)
        #expect(try lines().compactMap { $0["doc"]?["frame_id"]?.integer } == (0..<70).map { Int64($0) }, "in order")
        for file in manifest.files {
            let path = scratch.lake().partition("raw", "2022-05-02").path + "/" + file.name
            #expect(try SHA256.file(path) == (file.bytes, file.sha256))
        }
    }

    @Test func onlyLineBreaksBetweenValuesAreRemoved() throws {
        try scratch.write(
            "landing/a.json", "{\r\n\"frame_id\": 1,\n\"note\": \"x\\ny\",\n\"timestamp\": \"2022-05-02T07:00:00\"\n}\n"
        )
        _ = try load()
        #expect(try lines().first?["doc"]?["note"]?.string == "x\ny")
        #expect(try lines().first?["extra"]?["note"]?.string == "x\ny", "an unknown field is kept as drift")
    }

    @Test func aSecondLoadFindsNothingNewAndChangesNothing() throws {
        try scratch.write("landing/a.json", frame(1))
        _ = try load()
        let again = try load(attempt: 2)
        #expect(again.newFiles == 0)
        #expect(again.days.isEmpty)
        #expect(try manifest().generation == 1)
    }

    @Test func withoutItsLedgerALoadReadsAgainAndCountsNothingTwice() throws {
        try scratch.write("landing/a.json", frame(1))
        try scratch.write("landing/b.json", "broken")
        _ = try load()
        try File.removeTree(scratch.path + "/state/lake/.ledger")
        let again = try load(attempt: 2)
        #expect(again.newFiles == 2)
        #expect(again.days.isEmpty)
        #expect(try manifest().counts["seen"]?.integer == 2)
    }

    @Test func lateFramesMakeANewSegmentOfTheirOwnDay() throws {
        try scratch.write("landing/a.json", frame(1))
        _ = try load()
        try scratch.write("landing/b.json", frame(2))
        try scratch.write("landing/c.json", frame(3, day: "2022-05-09"))
        let report = try load(attempt: 2, day: "2022-05-09")
        #expect(report.days.keys.sorted() == ["2022-05-02", "2022-05-09"])
        #expect(try manifest().generation == 2)
        #expect(try manifest().files.map(\.name) == ["segment-000001.ndjson.zst", "segment-000002.ndjson.zst"])
        #expect(try manifest("2022-05-09").generation == 1)
        #expect(try lines().count == 2)
    }

    @Test func aFileThatChangedIsANewRecord() throws {
        try scratch.write("landing/a.json", frame(1))
        _ = try load()
        try scratch.write("landing/a.json", frame(1, plates: 2))
        _ = try load(attempt: 2)
        #expect(try manifest().counts["loaded"]?.integer == 1)
        #expect(try manifest().counts["superseded"]?.integer == 1)
    }

    @Test func sourcesAreRemovedOnlyWhenAskedAndOnlyWhenSafe() throws {
        try scratch.write("landing/a.json", frame(1))
        try scratch.write("landing/b.json", "broken")
        try File.makeDirectory(scratch.path + "/landing/c.json")
        _ = try load()
        #expect(try File.list(scratch.path + "/landing").count == 3)
        // Also those that an earlier load took: it may have been killed before it removed them.
        try scratch.write("landing/d.json", frame(2))
        _ = try load(attempt: 2, remove: true)
        #expect(try File.list(scratch.path + "/landing") == ["c.json"])
        let aside = try File.list(scratch.path + "/state/lake/quarantine/dt=2022-05-02")
        #expect(aside.contains { $0.hasSuffix("-b.json") }, "the content of what was set aside is kept")
    }

    @Test func aLinkIsNotFollowed() throws {
        try scratch.write("secret", frame(1))
        symlink(scratch.path + "/secret", scratch.path + "/landing/a.json")
        try File.makeDirectory(scratch.path + "/landing/cam")
        symlink(scratch.path, scratch.path + "/landing/cam/loop")
        _ = try load()
        #expect(try manifest().counts["loaded"]?.integer == 0)
        #expect(try manifest().counts["reasons"]?["not_a_file"]?.integer == 1)
        let aside = try File.list(scratch.path + "/state/lake/quarantine/dt=2022-05-02")
        #expect(aside.count == 1 && aside[0].hasSuffix(".reason.json"), "nothing of it is copied")
    }

    @Test func aRawPartitionThatSomebodyRemovedIsLoadedAgain() throws {
        try scratch.write("landing/a.json", frame(1))
        try scratch.write("landing/b.json", frame(2, day: "2022-05-03"))
        _ = try load()
        try File.removeTree(scratch.lake().partition("raw", "2022-05-03").path)
        let again = try load(attempt: 2)
        #expect(again.days.keys.sorted() == ["2022-05-03"])
        #expect(try manifest().generation == 1)
        #expect(try manifest("2022-05-03").counts["loaded"]?.integer == 1)
        #expect(try load(attempt: 3).newFiles == 0)
    }

    @Test func linesKeepTheirNumberInTheFile() throws {
        try scratch.write("landing/a.ndjson", "\n\(frame(1))\r\n\n\(frame(2))\nbroken\n")
        _ = try load()
        #expect(try lines().compactMap { $0["source"]?.string } == ["a.ndjson#2", "a.ndjson#4"])
        #expect(try manifest().counts["quarantined"]?.integer == 1)
        // It grows: only what is new counts.
        try scratch.write("landing/a.ndjson", "\n\(frame(1))\r\n\n\(frame(2))\nbroken\n\(frame(3))\n")
        _ = try load(attempt: 2)
        #expect(try manifest().counts["seen"]?.integer == 4)
        #expect(try manifest().counts["loaded"]?.integer == 3)
    }

    @Test func recordsOfOneLoadLieInTheOrderThatConvertWants() throws {
        try scratch.write("landing/b/1.ndjson", "\(frame(12))\n\(frame(3))\n")
        try scratch.write("landing/a/2.ndjson", "\(frame(7))\n")
        try scratch.write("landing/a/1.ndjson", "\(frame(9))\n\(frame(8))\n")
        _ = try load()
        #expect(try lines().compactMap { $0["doc"]?["frame_id"]?.integer } == [7, 8, 9, 3, 12])
        #expect(try manifest().counts[Manifest.inOrder]?.integer == 1)
        // What a later load adds may belong between them.
        try scratch.write("landing/a/3.ndjson", "\(frame(1))\n")
        _ = try load(attempt: 2)
        #expect(try manifest().counts[Manifest.inOrder] == nil)
    }

    @Test func whatDoesNotCountIsNotInOrder() throws {
        try scratch.write("landing/a.ndjson", "\(frame(1))\n\(frame(1, plates: 2))\n")
        _ = try load()
        #expect(try lines().count == 2)
        #expect(try manifest().counts["superseded"]?.integer == 1)
        #expect(try manifest().counts[Manifest.inOrder] == nil)
    }

    /// A name may look like a line of another file.
    @Test func aFileWithAMarkInItsNameIsKnownAgain() throws {
        for name in ["a#5.json", "a.ndjson#5.json", "b#7.ndjson"] {
            try scratch.write("landing/\(name)", frame(name.count))
        }
        _ = try load()
        try File.removeTree(scratch.path + "/state/lake/.ledger")
        #expect(try load(attempt: 2).days.isEmpty)
        #expect(try manifest().counts["seen"]?.integer == 3)
    }

    @Test func filesThatAreNotSettledAreLeft() throws {
        for name in [".a.json", "b.json.tmp", "c.json.part", ".hidden/d.json", "notes.txt"] {
            try scratch.write("landing/\(name)", frame(1))
        }
        #expect(try load().newFiles == 0)
        #expect(try scratch.lake().partition("raw", "2022-05-02").manifest() == nil)
    }

    @Test func cellsOfOneSourceAreNotThoseOfAnother() throws {
        // The same frame of two cameras is two frames.
        try scratch.write("landing/cam-1/a.json", frame(1))
        try scratch.write("landing/cam-2/a.json", frame(1))
        _ = try load()
        #expect(try manifest().counts["loaded"]?.integer == 2)
    }

    @Test func aMissingLandingFolderIsOneClearError() {
        let error = #expect(throws: LakeError.self) {
            try File.removeTree(scratch.path + "/landing")
            _ = try load()
        }
        #expect(error?.description.contains("landing is no folder; make it") == true)
    }

    @Test func aFullDiskFailsTheLoadAndCountsNothing() throws {
        // A lake where nothing can be written: its staging area is a file.
        try scratch.write("landing/a.json", frame(1))
        try scratch.write("state/lake/.staging", "not a folder")
        #expect(throws: (any Error).self) { try load() }
        #expect(try scratch.lake().partition("raw", "2022-05-02").manifest() == nil)
    }
}

import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// What `convert` makes of a day, and what it says of fields that come and go.
@Suite struct ConvertKindTests {
    private let scratch: Scratch
    private let schema = Project.root + "/dags/alpr/record_schema.json"

    init() throws {
        scratch = try Scratch()
        try File.makeDirectory(scratch.path + "/landing")
    }

    private func context(_ kind: String, _ day: String, _ with: String) throws -> TaskContext {
        if File.exists(scratch.path + "/attempt") { try File.removeTree(scratch.path + "/attempt") }
        return try Attempt.context(scratch, kind: kind, day: day, with: with)
    }

    private func convert(_ day: String, _ more: String = "") throws -> Manifest {
        _ = try ConvertKind.run(try context("convert", day, #"{"schema":"\#(schema)"\#(more)}"#))
        return try #require(try scratch.lake().partition("ultimatealpr_staging", day).manifest())
    }

    private func outputs(_ key: String) throws -> JSONNode? {
        try File.read(scratch.path + "/attempt/output").split(separator: 0x0A)
            .map { try JSONDocument(parsing: Array($0)).root }.first { $0["key"]?.string == key }?["value"]
    }

    /// - Parameter fields: more members of each record.
    private func load(_ day: String, count: Int, _ fields: (Int) -> String) throws {
        for id in 0..<count {
            let text = #"{"frame_id":\#(id),"timestamp":"\#(day)T07:00:00"\#(fields(id))}"#
            try scratch.write("landing/\(day)-\(id).json", text)
        }
        let with = #"{"from":"\#(scratch.path)/landing","schema":"\#(schema)"}"#
        _ = try LoadKind.run(try context("load", day, with))
    }

    private static let plate =
        #","duration":9,"plates":[{"text":"A","car":{"confidence":9,"warpedBox":[1,2,3,4,5,6,7,8],"#
        + #""color":[{"klass":1,"name":"red","confidence":9}]}}]"#

    @Test func fieldsThatComeAndGoAreTold() throws {
        try load("2022-05-02", count: 20) { _ in Self.plate }
        let first = try convert("2022-05-02")
        #expect(first.counts["present"]?["duration"]?.integer == 20)
        #expect(first.counts["present"]?["plates[].car.color[].name"]?.integer == 20)
        #expect(first.counts["present"]?["latency"]?.integer == 0)
        #expect(first.counts["missing"]?.object?.members.isEmpty == true)

        // The classifier of colours was switched off, and a new field has come.
        try load("2022-05-03", count: 20) { id in
            #","duration":9,"plates":[{"text":"A"\#(id < 3 ? #","speed":5"# : "")}]"#
        }
        let second = try convert("2022-05-03")
        #expect(second.counts["drift"]?["plates[].speed"]?.integer == 3)
        let missing = second.counts["missing"]?.object?.members.map(\.key) ?? []
        #expect(missing.contains("plates[].car.color[].name") && !missing.contains("duration"), "\(missing)")
        #expect(
            try outputs("missing_fields")?["plates[].car.color[].klass"]?.integer == 20,
            "\(missing)")
        #expect(try outputs("drift")?["plates[].speed"]?.integer == 3)
        #expect(try outputs("consumed")?.integer == 1)
        let rows = try convert("2022-05-03", #","drift":"allow""#)
        #expect(rows.generation == 2)
        #expect(try outputs("drift") == nil)

        do {
            _ = try convert("2022-05-03", #","drift":"fail""#)
            Issue.record("it did not fail")
        } catch let failure as TaskFailure {
            #expect(!failure.mayRetry)
            #expect(failure.message.contains("unknown field plates[].speed in 3 records; field plates[].car."))
        }
        #expect(try scratch.lake().partition("ultimatealpr_staging", "2022-05-03").manifest()?.generation == 2)
    }

    @Test func aHandfulOfRecordsSaysNothing() throws {
        try load("2022-05-02", count: 20) { _ in Self.plate }
        _ = try convert("2022-05-02")
        try load("2022-05-03", count: 9) { _ in "" }
        #expect(try convert("2022-05-03").counts["missing"]?.object?.members.isEmpty == true)
    }
}

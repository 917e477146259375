import JSONText
import SchedulerCore
import Spawn
import Testing

@testable import Lake

/// A proposed schema is read by what reads declared ones, and holds the records that it was made from.
@Suite struct SchemaInferenceTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func propose(_ records: [String]) throws -> (schema: RecordSchema, text: String, notes: [String]) {
        var inference = SchemaInference { Instant.parse($0, in: .utc)?.isDateOnly == false }
        for record in records { #expect(inference.add(Array(record.utf8)) == nil) }
        let (text, notes) = inference.proposal()
        try scratch.write("schema.json", text)
        return (try RecordSchema(path: scratch.path + "/schema.json"), text, notes)
    }

    private static let records = [
        #"{"at":"2022-05-02T07:00:00","id":1,"list":[{"box":[1,2,3,4],"name":"a","score":1}],"ok":true}"#,
        #"{"at":"2022-05-02T07:00:01Z","id":2,"list":[{"box":[1,2.5,3,4],"name":"b","score":1.5,"x":null}],"ok":false}"#,
        #"{"at":"2022-05-02T07:00:02","id":3,"list":[],"year":2020,"note":"x"}"#,
        #"{"at":"2022-05-02T07:00:03","id":4,"list":[],"year":"0-9","odd":1}"#,
        #"{"at":"2022-05-02T07:00:04","id":5,"list":[],"odd":true}"#,
    ]

    @Test func theProposalHoldsWhatItWasMadeFrom() throws {
        let (schema, text, notes) = try propose(Self.records)
        #expect(schema.eventTime == "at")
        #expect(schema.key == "id")
        #expect(schema.rank == "list")
        #expect(
            schema.structType
                == #"STRUCT("at" VARCHAR, "id" BIGINT, "list" STRUCT("box" DOUBLE[], "name" VARCHAR, "score" DOUBLE)[], "#
                + #""ok" BOOLEAN, "year" VARCHAR, "note" VARCHAR)"#)
        for record in Self.records {
            let facts = try RecordValidator.check(Array(record.utf8), schema)
            #expect(facts.extra.allSatisfy { ["odd", "list[].x"].contains($0.key) }, "\(facts.extra)")
        }
        #expect(throws: Rejection.self) {
            try RecordValidator.check(Array(#"{"at":"2022-05-02T07:00:00","id":1,"list":[],"ok":1}"#.utf8), schema)
        }
        #expect(text.contains("\"min_items\": 4"))
        #expect(
            notes == [
                "event_time is 'at', the first field that is a text with a date and time: is it the right one?",
                "key is 'id', the first field that is an integer in every record: is it the right one?",
                "rank is 'list', the first field that is an array: is it the right one?",
                "list[].x is always null, and left out",
                "odd has values of several types, and is left out: declare what is right",
            ])
    }

    @Test func whatTellsNothingIsNamed() throws {
        var inference = SchemaInference { _ in false }
        #expect(inference.add(Array("{".utf8)) == "at 1:2, ends where a key in double quotes was expected")
        #expect(inference.add(Array("[1]".utf8)) == "it is an array, not an object")
        #expect(inference.add(Array(#"{"a":[],"b":"x"}"#.utf8)) == nil)
        #expect(inference.records == 1)
        let (text, notes) = inference.proposal()
        #expect(notes.contains("event_time is missing: no field is a text with a date and time; name one"))
        #expect(notes.contains("a[] has no elements of one type; 'string' is a guess"))
        try scratch.write("schema.json", text)
        #expect(throws: LakeError.self) { try RecordSchema(path: scratch.path + "/schema.json") }
    }
}

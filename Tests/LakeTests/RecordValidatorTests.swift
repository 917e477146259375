import JSONText
import Testing

@testable import Lake

@Suite struct RecordValidatorTests {
    private let schema: RecordSchema

    init() throws { schema = try Project.alprSchema() }

    private func check(_ text: String) throws(Rejection) -> RecordFacts {
        try RecordValidator.check(Array(text.utf8), schema)
    }

    private static let head = #""frame_id": 7, "timestamp": "2022-05-02T07:15:49.999546""#

    @Test func aFrameWithoutPlatesIsValid() throws {
        let facts = try check(#"{"duration": 563, \#(Self.head)}"#)
        #expect(facts.key == 7)
        #expect(facts.rank == 0)
        #expect(facts.eventTime == "2022-05-02T07:15:49.999546")
        #expect(facts.extra.isEmpty)
    }

    /// What versions of the recognizer are known to write.
    @Test(arguments: [
        #""plates": null"#,
        #""plates": []"#,
        #""plates": [{"text": "AB*", "confidences": [80, 90]}]"#,
        #""plates": [{"car": {"confidence": 99, "warpedBox": [1, 2, 3, 4, 5, 6, 7, 8]}}]"#,
        #""lantency": 12, "latency": 13"#,
        #""plates": [{"text": "粤B12345"}]"#,
        #""plates": [{"country": [{"klass": 66, "confidence": 1e-12, "code": "RUS", "name": "R", "state": "s", "other": "o"}]}]"#,
        #""plates": [{"car": {"confidence": 1, "warpedBox": [1,2,3,4,5,6,7,8], "makeModelYear": [{"klass": 1, "confidence": 0, "make": "a", "model": "b", "year": 2012}]}}]"#,
    ])
    func variantsAreValid(fields: String) throws {
        _ = try check("{\(fields), \(Self.head)}")
    }

    @Test(arguments: [
        ("", "empty", "empty"),
        (" \n\t", "empty", "empty"),
        ("null", "no_result", "null"),
        ("\"\"", "no_result", "no result"),
        ("[]", "wrong_type", "an array, not an object"),
        ("{", "broken_json", "1:2"),
        (#"{"frame_id": 1"#, "broken_json", "1:15"),
        (#"{"frame_id": NaN, "timestamp": "x"}"#, "broken_json", "1:14"),
        (#"{"frame_id": 1, "frame_id": 1, "timestamp": "x"}"#, "duplicate_key", "frame_id"),
        (#"{"timestamp": "2022-05-02T00:00:00"}"#, "missing_field", "frame_id is missing"),
        (#"{"frame_id": null, "timestamp": "2022-05-02T00:00:00"}"#, "missing_field", "frame_id is missing"),
        (#"{"frame_id": 1}"#, "missing_field", "timestamp is missing"),
        (#"{"frame_id": "1", "timestamp": "x"}"#, "wrong_type", "frame_id is a string, not an integer"),
        (#"{"frame_id": 1.5, "timestamp": "x"}"#, "wrong_type", "frame_id is a number, not an integer"),
        (#"{"frame_id": -1, "timestamp": "x"}"#, "out_of_range", "frame_id is -1, below 0"),
        (#"{"frame_id": 18446744073709551615, "timestamp": "x"}"#, "out_of_range", "64 bits"),
        (#"{"frame_id": 1, "timestamp": 5}"#, "wrong_type", "timestamp is an integer, not a string"),
        (#"{"plates": {}, \#(head)}"#, "wrong_type", "plates is an object, not an array"),
        (#"{"plates": [1], \#(head)}"#, "wrong_type", "plates[] is an integer, not an object"),
        (#"{"plates": [null], \#(head)}"#, "wrong_type", "plates[] is null, not an object"),
        (#"{"plates": [{"confidences": [100.5]}], \#(head)}"#, "out_of_range", "plates[].confidences[] is 100.5"),
        (#"{"plates": [{"confidences": [9e999]}], \#(head)}"#, "not_finite", "plates[].confidences[]"),
        (#"{"plates": [{"warpedBox": [1, 2]}], \#(head)}"#, "wrong_type", "2 elements, not at least 8"),
        (#"{"plates": [{"warpedBox": [1,2,3,4,5,6,7,8,9]}], \#(head)}"#, "wrong_type", "9 elements, not at most 8"),
        (#"{"plates": [{"country": [{"klass": 1}]}], \#(head)}"#, "missing_field", "plates[].country[].confidence"),
        (#"{"plates": [{"car": {"confidence": 1}}], \#(head)}"#, "missing_field", "plates[].car.warpedBox"),
    ])
    func whatIsWrongIsToldWithItsPlace(text: String, reason: String, detail: String) {
        let rejection = #expect(throws: Rejection.self) { try check(text) }
        #expect(rejection?.reason == reason)
        #expect(rejection?.detail.contains(detail) == true, "\(rejection?.detail ?? "")")
    }

    @Test func textThatIsNotUTF8IsSetAside() {
        let rejection = #expect(throws: Rejection.self) {
            try RecordValidator.check(Array("{\"a\": \"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8), schema)
        }
        #expect(rejection?.reason == "not_utf8")
    }

    @Test func aRecordThatIsSetAsideStillTellsItsTime() {
        let rejection = #expect(throws: Rejection.self) { try check(#"{"plates": {}, \#(Self.head)}"#) }
        #expect(rejection?.eventTime == "2022-05-02T07:15:49.999546")
    }

    @Test func unknownFieldsAreKeptWithTheirPath() throws {
        let facts = try check(#"{"gps": [1, 2], "plates": [{"text": "A", "speed": 50}], \#(Self.head)}"#)
        #expect(facts.extra.map(\.key) == ["gps", "plates[].speed"])
    }
}

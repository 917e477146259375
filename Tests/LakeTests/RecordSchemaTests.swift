import JSONText
import Testing

@testable import Lake

@Suite struct RecordSchemaTests {
    private func schema(_ text: String) throws -> RecordSchema {
        let scratch = try Scratch()
        try scratch.write("s.json", text)
        return try RecordSchema(path: scratch.path + "/s.json")
    }

    @Test func theAlprSchemaGivesDuckDBsType() throws {
        let type = try Project.alprSchema().structType
        #expect(type.hasPrefix(#"STRUCT("duration" BIGINT, "latency" BIGINT, "lantency" BIGINT, "frame_id" BIGINT, "#))
        #expect(type.contains(#""confidences" DOUBLE[]"#))
        #expect(type.contains(#""makeModelYear" STRUCT("klass" BIGINT, "confidence" DOUBLE, "make" VARCHAR, "#))
        #expect(type.hasSuffix("))[])"), "\(type)")
    }

    private static let keys = #""event_time": "t", "key": "k", "rank": "r""#
    private static let rest = #"{"name": "k", "type": "integer"}, {"name": "r", "type": "string"}"#

    @Test(arguments: [
        ("{", ":1:2: "),
        (#"{"key": "k"}"#, ":1:1: 'event_time' is missing"),
        ("{\(keys)}", ":1:1: 'fields' is missing"),
        (#"{\#(keys), "fields": [{"name": "t"}]}"#, "'type' is missing"),
        (#"{\#(keys), "fields": [{"name": "t", "type": "int"}]}"#, "unknown type 'int'"),
        (#"{\#(keys), "fields": [{"name": "t", "type": "array"}]}"#, "an array needs 'items'"),
        (#"{\#(keys), "fields": [{"name": "x", "type": "string"}]}"#, "'t' is named as event_time"),
        (
            #"{\#(keys), "file_date": "YYYY", "fields": [{"name": "t", "type": "timestamp"}, \#(rest)]}"#,
            "file_date must be"
        ),
    ])
    func aWrongSchemaIsRefusedWithItsPlace(text: String, message: String) {
        let error = #expect(throws: LakeError.self) { try schema(text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    // MARK: Dates in file names

    @Test(arguments: [
        ("0_05.02.2022.07.15.49.999546.json", "2022-05-02"),
        ("camera-1/12_12.31.2021.23.59.59.000001.json", "2021-12-31"),
        ("camera_01.01.2001./7_02.29.2024.00.00.00.000000.json", "2024-02-29"),
        ("frame.json", nil),
        ("_05.02.202", nil),
        ("_05-02-2022.", nil),
        ("_0x.02.2022.json", nil),
    ])
    func aDateIsFoundInAFilesName(name: String, date: String?) throws {
        let pattern = try #require(FileDate("_MM.DD.YYYY."))
        #expect(pattern.date(in: name) == date)
    }

    @Test(arguments: ["", "YYYY", "YYYYMM", "YYYY-MM-DD-DD", "YYYYY-MM-DD"])
    func aPatternNeedsEachPartOnce(pattern: String) { #expect(FileDate(pattern) == nil) }

    // MARK: SQL text

    @Test func namesAndValuesAreQuoted() {
        #expect(SQL.name(#"a"b; DROP"#) == #""a""b; DROP""#)
        #expect(SQL.text("it's") == "'it''s'")
        #expect(SQL.text("é\u{301}'\u{301}") == "'é\u{301}''\u{301}'", "a mark with an accent is still a mark")
        #expect(SQL.list(["a", "b'"]) == "['a', 'b''']")
    }
}

import JSONText
import Testing

@testable import SchedulerCore

/// `when`: conditions, as read and as judged.
@Suite struct ConditionTests {
    private let context: TemplateContext

    init() throws {
        let params = try JSONDocument(
            parsing: #"{"mode": "full", "rows": 5, "ratio": 0.5, "go": true, "none": null, "days": ["mon", "tue"], "#
                + #""bytes": 9007199254740993}"#)
        let outputs = try JSONDocument(parsing: #"{"rows": 12, "files": [1, 2]}"#)
        let date = try #require(Instant(rfc3339: "2024-03-30T23:00:00Z"))
        context = TemplateContext(
            dagID: "d", runID: "r", runType: .manual, taskID: "t", tryNumber: 1, logicalDate: date,
            interval: DataInterval(start: date, end: date), zone: try #require(SystemZones.zone("Europe/Zurich")),
            timetable: nil, params: params.root, outputs: ["load": outputs.root],
            each: (value: JSONNode(.object(JSONObject([JSONMember(key: "k", node: JSONNode(.integer(7)))]))), index: 3))
    }

    @Test(arguments: [
        ("params.go", true), ("not params.go", false), ("true", true), ("false or true", true),
        ("params.mode == \"full\"", true), ("params.mode == 'full'", true), ("params.mode != 'full'", false),
        ("params.rows > 4 and params.rows <= 5", true), ("params.rows < 5 or params.rows >= 6", false),
        ("params.ratio < 1", true), ("params.rows == 5.0", true), ("params.rows == '5'", false), ("-1 < 0", true),
        ("outputs.load.rows == 12", true), ("outputs.load.nothing == null", true),
        ("outputs.load.nothing != null", false),
        ("1 in outputs.load.files", true), ("3 not in outputs.load.files", true), ("'mon' in params.days", true),
        ("run_type in ['manual', \"backfill\"]", true), ("run_type in []", false),
        ("ds == '2024-03-31'", true), ("ds >= '2024-03-09'", true), ("ds < '2024-10-01'", true),
        ("each.index == 3", true), ("each.value.k == 7", true),
        ("not (params.go and params.mode == 'x') and try_number == 1", true), ("not not true", true),
        ("true or false and false", true), ("(true or false) and false", false), ("params.none == null", true),
        // Whole numbers that no floating-point number tells apart.
        ("params.bytes > 9007199254740992", true), ("9007199254740992 >= params.bytes", false),
        // What decides already is not looked beyond.
        ("true or params.mode > 1", true), ("false and params.mode > 1", false),
    ])
    func holds(text: String, expected: Bool) throws {
        #expect(try Condition(parsing: text).isTrue(in: context) == expected)
    }

    @Test(arguments: [
        ("", 0, "an empty condition; write one such as params.mode == \"full\""),
        ("params.a =", 9, "\"=\" has no meaning here; did you mean \"==\"?"),
        ("!params.a", 0, "\"!\" has no meaning here; did you mean \"not\"?"),
        ("params.a == ", 12, "a name or a value is expected, not the end"),
        ("params.a params.b", 9, "\"params.b\" is not expected here; conditions are joined by \"and\" or \"or\""),
        ("params.a && true", 9, "\"&\" has no meaning here"), ("(true", 5, "\")\" is expected, not the end"),
        ("1 in [1, 2", 10, "\"]\" is expected, not the end"), ("'open", 0, "a text is opened by ' and not closed"),
        ("1 not 2", 6, "\"in\" is expected after \"not\", not 2"), ("12ab == 1", 0, "\"12ab\" is no number"),
        ("and true", 0, "a name or a value is expected, not \"and\""),
        ("true and dss == 1", 9, "unknown template name \"dss\"; did you mean \"ds\"?"),
        (String(repeating: "(", count: 101) + "true", 101, "nested more than 100 deep"),
    ])
    func saysWhatIsWrong(text: String, offset: Int, message: String) {
        let error = #expect(throws: TemplateError.self) { try Condition(parsing: text) }
        #expect(error?.message == message)
        #expect(error?.offset == offset)
    }

    @Test(arguments: [
        ("params.mode", 0, "a condition must be true or false, not a string; compare it with something"),
        ("true and params.rows", 9, "a condition must be true or false, not an integer; compare it with something"),
        ("params.mode > 1", 12, "a string and an integer cannot be compared by \">\""),
        ("1 in params.mode", 2, "what stands after \"in\" must be an array, not a string"),
        ("params.gone == 1", 0, "the run has no parameter \"gone\""),
        ("each.value.x == 1", 0, "the element 3 has no \"x\"; it has k"),
    ])
    func saysWhyItCannotBeJudged(text: String, offset: Int, message: String) throws {
        let condition = try Condition(parsing: text)
        let error = #expect(throws: TemplateError.self) { try condition.isTrue(in: context) }
        #expect(error?.message == message)
        #expect(error?.offset == offset)
    }

    /// Whatever stands in a file, it is read or refused.
    @Test func anyTextIsReadOrRefused() {
        let pieces = [
            "(", ")", "[", "]", ",", "==", "!=", "<", ">=", "and", "or", "not", "in", "true", "null", "params.a", "ds",
            "'", "\"", "1", "-", "-3.5", "|", "outputs.x.y", "each.value", "\\", "ü", "{{", "}}", " ", "default",
            "date",
        ]
        var state: UInt64 = 7
        func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        var read = 0
        for _ in 0..<20_000 {
            let text = (0..<next(12)).map { _ in pieces[next(pieces.count)] }.joined(separator: next(2) == 0 ? " " : "")
            if (try? Condition(parsing: text)) != nil { read += 1 }
            _ = Template.scan("{{ ds " + text + " }}")
            _ = Template.scan(text)
        }
        #expect(read > 100, "some of it makes sense")
    }
}

import JSONText
import Testing

struct JSONReadingTests {
    /// A text, and a compact form of what is read from it.
    @Test(arguments: [
        ("null", "null"), (" true ", "true"), ("false", "false"), ("0", "0"), ("-0", "0"), ("-17", "-17"),
        ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9223372036854775808"), ("1.50", "1.50"), ("1e3", "1e3"), ("-1.5E-7", "-1.5E-7"),
        (#""""#, #""""#), (#""a\"\\\/\b\f\n\r\tz""#, #""a\"\\/\u0008\u000c\n\r\tz""#),
        (#""\u00e9\u20ac\uD83D\uDE00\u0000""#, #""é€😀\u0000""#), ("\"é€😀\"", "\"é€😀\""),
        ("\"\u{7F}\u{2028}\"", "\"\u{7F}\u{2028}\""),
        ("[]", "[]"), ("[ ]", "[]"), ("[1, [2 ] ,3]", "[1,[2],3]"), ("{ }", "{}"),
        ("{\"b\" : 1 ,\t\"a\":{\"c\":[]}}\r\n", #"{"b":1,"a":{"c":[]}}"#), (#"{"":0}"#, #"{"":0}"#),
    ])
    func reads(text: String, compact: String) throws {
        let document = try JSONDocument(parsing: text)
        var writer = JSONWriter()
        writer.node(document.root)
        #expect(writer.text == compact)
        #expect(document.duplicateKeys.isEmpty)
    }

    /// A text, and where and why it is refused.
    @Test(arguments: [
        ("", "1:1 ends where a value was expected"), ("  \n ", "2:2 ends where a value was expected"),
        ("\u{FEFF}{}", "1:1 starts with a byte order mark; JSON is plain UTF-8 without one"),
        ("{} {}", "1:4 has '{' where the end of the text was expected"),
        ("nul", "1:1 has 'n' where a value was expected"), ("nulL", "1:1 has 'n' where a value was expected"),
        ("nullx", "1:5 has 'x' where the end of the text was expected"),
        ("NaN", "1:1 has 'N' where a value was expected"), ("'a'", "1:1 has ''' where a value was expected"),
        ("[1,]", "1:4 has ']' where a value was expected"), ("[1 2]", "1:4 has '2' where ',' or ']' was expected"),
        ("[1", "1:3 ends where ',' or ']' was expected"), ("[", "1:2 ends where a value was expected"),
        ("{\"a\":1,}", "1:8 has '}' where a key in double quotes was expected"),
        ("{a:1}", "1:2 has 'a' where a key in double quotes was expected"),
        ("{\"a\" 1}", "1:6 has '1' where ':' was expected"), ("{\"a\":}", "1:6 has '}' where a value was expected"),
        ("{\"a\":1 \"b\":2}", "1:8 has '\"' where ',' or '}' was expected"),
        ("{\"a\":1", "1:7 ends where ',' or '}' was expected"), ("{\"a\"", "1:5 ends where ':' was expected"),
        ("// x\n1", "1:1 has '/' where a value was expected"),
        ("01", "1:1 has a number with a leading zero"), ("-01", "1:1 has a number with a leading zero"),
        ("+1", "1:1 has '+' where a value was expected"), ("-", "1:2 ends where a digit was expected"),
        ("1.", "1:3 ends where a digit was expected"), (".5", "1:1 has '.' where a value was expected"),
        ("1e", "1:3 ends where a digit was expected"), ("1e+x", "1:4 has 'x' where a digit was expected"),
        ("0x10", "1:2 has 'x' where the end of the text was expected"),
        ("\"abc", "1:1 has a string that is not closed"), ("\"abc\\", "1:1 has a string that is not closed"),
        ("\"a\nb\"", "1:3 has a control character in a string; write it as an escape such as \\n"),
        ("\"\\x\"", "1:2 has an unknown escape in a string"),
        ("\"\\u12G4\"", "1:2 has a \\u escape without four hexadecimal digits"),
        ("\"\\u12", "1:2 has a \\u escape without four hexadecimal digits"),
        ("\"\\uD83D\"", "1:2 has half of a surrogate pair in a string"),
        ("\"\\uD83Dx\"", "1:2 has half of a surrogate pair in a string"),
        ("\"\\uD83D\\n\"", "1:2 has half of a surrogate pair in a string"),
        ("\"\\uD83D\\uD83D\"", "1:2 has half of a surrogate pair in a string"),
        ("\"\\uDE00\"", "1:2 has half of a surrogate pair in a string"),
        ("\u{1}", "1:1 has byte 0x1 where a value was expected"),
        // Columns count characters, not bytes: é has two bytes, 😀 four.
        ("{\"é\":\n \"😀é\" x}", "2:7 has 'x' where ',' or '}' was expected"),
        ("[\r\n1,\r\n?]", "3:1 has '?' where a value was expected"),
    ])
    func refuses(text: String, expected: String) {
        #expect(message(Array(text.utf8)) == expected)
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
        [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22],
    ])
    func refusesWhatIsNotUTF8(bytes: [UInt8]) {
        #expect(message(bytes) == "1:2 is not UTF-8 (in the string that starts here)")
    }

    private func message(_ bytes: [UInt8]) -> String? {
        do throws(JSONSyntaxError) {
            _ = try JSONDocument(parsing: bytes)
            return nil
        } catch {
            return "\(error.position.line):\(error.position.column) \(error.message)"
        }
    }

    @Test func nestsAsDeepAsAllowedAndNoDeeper() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONDocument(parsing: nested(128))
        #expect(message(Array(nested(129).utf8)) == "1:129 is nested more than 128 levels deep")
        #expect(message(Array(nested(1_000_000).utf8)) == "1:129 is nested more than 128 levels deep")
        #expect(throws: JSONSyntaxError.self) { try JSONDocument(parsing: "{\"a\":[1]}", maximumDepth: 1) }
        _ = try JSONDocument(parsing: "{\"a\":[1]}", maximumDepth: 2)
    }

    @Test func numbersKeepTheirValueAndText() throws {
        func root(_ text: String) throws -> JSONNode { try JSONDocument(parsing: text).root }
        #expect(try root("42").integer == 42)
        #expect(try root("42").double == 42)
        #expect(try root("42.0").integer == nil)
        #expect(try root("42.0").double == 42)
        #expect(try root("1e400").double == .infinity)
        #expect(try root("123456789012345678901234567890").integer == nil)
        #expect(try root("0.1").double == 0.1)
        #expect(try root("5e-324").double == Double.leastNonzeroMagnitude)
    }

    @Test func everyValueAndKeyKnowsItsPlace() throws {
        let text = "{\n  \"é\": [1,\n    true],\n  \"b\": {\"c\": null}\n}"
        let document = try JSONDocument(parsing: text)
        func place(_ offset: Int?) -> String? {
            offset.map { document.position(at: $0) }.map { "\($0.line):\($0.column)" }
        }
        let members = try #require(document.root.object).members
        #expect(place(document.root.offset) == "1:1")
        #expect(place(members[0].keyOffset) == "2:3")
        #expect(place(members[0].node.offset) == "2:8")
        #expect(place(members[0].node.array?[0].offset) == "2:9")
        #expect(place(members[0].node.array?[1].offset) == "3:5")
        #expect(place(members[1].node["c"]?.offset) == "4:14")
        #expect(place(text.utf8.count + 5) == "5:2")
        #expect(place(-1) == "1:1")
    }

    @Test func listsEveryDuplicateKey() throws {
        let document = try JSONDocument(parsing: #"{"a":1,"b":{"a":2,"\u0061":3},"a":4,"a":5}"#)
        #expect(document.duplicateKeys.map(\.offset) == [18, 30, 36])
        #expect(document.duplicateKeys.map(\.firstOffset) == [12, 1, 1])
        #expect(document.root["a"]?.integer == 1)

        // The same beyond the number of members at which a table takes over.
        let many = (0..<40).map { "\"k\($0)\":0" } + ["\"k3\":1", "\"k39\":1", "\"k3\":2", "\"new\":1", "\"new\":2"]
        let large = try JSONDocument(parsing: "{" + many.joined(separator: ",") + "}")
        #expect(large.duplicateKeys.map(\.key) == ["k3", "k39", "k3", "new"])
        let firstK3 = try #require(large.root.object).members[3].keyOffset
        #expect(large.duplicateKeys[0].firstOffset == firstK3 && large.duplicateKeys[2].firstOffset == firstK3)
    }

    /// Damaged texts are refused or read, and never bring the program down; what is read survives a round trip.
    @Test func survivesDamagedTexts() throws {
        let good = Array(#"{"a":[1,-2.5e3,"x\n\uD83D\uDE00é",null,true],"b":{"c":{}}}"#.utf8)
        var state: UInt64 = 42
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(limit))
        }
        var read = 0
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0...random(3) { bytes[random(bytes.count)] = UInt8(random(256)) }
            if random(4) == 0 { bytes.removeLast(random(bytes.count)) }
            guard let document = try? JSONDocument(parsing: bytes) else { continue }
            read += 1
            var writer = JSONWriter()
            writer.node(document.root)
            var again = JSONWriter()
            again.node(try JSONDocument(parsing: writer.bytes).root)
            try #require(writer.bytes == again.bytes)
        }
        #expect(read > 100)
    }
}

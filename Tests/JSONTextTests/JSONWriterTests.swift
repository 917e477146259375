import JSONText
import Testing

struct JSONWriterTests {
    @Test func placesCommasAndColons() {
        var writer = JSONWriter()
        writer.object {
            $0.member("id", "load")
            $0.member("tries", 3)
            $0.member("ok", true)
            $0.member("ratio", 0.5)
            $0.member("tags", ["a", "b"])
            $0.key("empty")
            $0.array { _ in }
            $0.key("rows")
            $0.array {
                $0.object { _ in }
                $0.null()
                $0.integer(UInt64.max)
            }
        }
        #expect(
            writer.text
                == #"{"id":"load","tries":3,"ok":true,"ratio":0.5,"tags":["a","b"],"empty":[],"#
                + #""rows":[{},null,18446744073709551615]}"#)
    }

    @Test func writesNullForWhatIsNotThere() {
        var writer = JSONWriter()
        writer.object {
            $0.member("a", String?.none)
            $0.member("b", Int?.none)
            $0.member("c", Double?.none)
            $0.member("d", Double.nan)
            $0.member("e", -Double.infinity)
            $0.member("f", Int?.some(1))
        }
        #expect(writer.text == #"{"a":null,"b":null,"c":null,"d":null,"e":null,"f":1}"#)
    }

    @Test func indentsForPeople() throws {
        var writer = JSONWriter(indented: true)
        writer.node(try JSONDocument(parsing: #"{"a":[1,{"b":2}],"c":[],"d":{}}"#).root)
        #expect(
            writer.text == """
                {
                  "a": [
                    1,
                    {
                      "b": 2
                    }
                  ],
                  "c": [],
                  "d": {}
                }
                """)
    }

    @Test func everyStringComesBack() throws {
        let scalars = (0...0x2FF).compactMap { Unicode.Scalar($0 as UInt32) } + ["\u{2028}", "\u{FFFD}", "\u{10FFFF}"]
        for scalar in scalars {
            var writer = JSONWriter()
            writer.array { $0.string("a\(Character(scalar))z") }
            let node = try JSONDocument(parsing: writer.bytes).root
            try #require(Array((node.array?[0].string ?? "").utf8) == Array("a\(Character(scalar))z".utf8))
        }
    }

    @Test(arguments: [
        0.1, 1.0 / 3, .leastNonzeroMagnitude, 1.7976931348623157e308, -0.0, 123_456_789_012_345_680, 1e21, 2.5e-7, 1e16,
    ])
    func everyDoubleComesBack(value: Double) throws {
        var writer = JSONWriter()
        writer.double(value)
        #expect(try JSONDocument(parsing: writer.bytes).root.double == value)
    }
}

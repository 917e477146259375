import JSONText
import Spawn
import Testing

@testable import Lake

/// The quick look at a record holds against the thorough one.
@Suite struct RecordScannerTests {
    private let schema: RecordSchema
    private let scanner: RecordScanner

    init() throws {
        schema = try Project.alprSchema()
        scanner = try #require(RecordScanner(schema))
    }

    private static let head = #""frame_id": 7, "timestamp": "2022-05-02T07:15:49.999546""#
    private static let plate = #"""
        {"text": "粤B\#u{2a}12", "confidences": [99.5, 1e-07, 100, 0.0], "warpedBox": [1, -2.5, 3, 4, 5, 6, 7, 8.0],
         "country": [{"klass": 66, "confidence": 1.25e-12, "code": "RUS", "name": "R", "state": null}],
         "car": {"confidence": 100, "warpedBox": [1,2,3,4,5,6,7,8], "color": [], "makeModelYear":
            [{"klass": 1, "confidence": 0, "make": "a", "model": "b", "year": 2012}]}}
        """#
    private static let plain = [
        "{\(head)}", " {\t\(head)\r\n } ", #"{"duration": 0, "latency": -5, "plates": null, \#(head)}"#,
        #"{"plates": [\#(plate), \#(plate)], \#(head)}"#,
        #"{"timestamp": "2022-05-02T07:15:49", "plates": [], "frame_id": 999999999999999999}"#,
    ]

    /// Whether it was taken; then the validator agrees in all that it says.
    @discardableResult
    private func isTaken(_ bytes: [UInt8]) throws -> Bool {
        guard let facts = bytes.withUnsafeBufferPointer({ scanner.scan($0) }) else { return false }
        let thorough = try RecordValidator.check(bytes, schema)
        #expect(thorough.eventTime == String(decoding: bytes[facts.eventTime], as: UTF8.self))
        #expect(thorough.key == facts.key)
        #expect(thorough.rank == facts.rank)
        #expect(thorough.extra.isEmpty)
        return true
    }

    @Test(arguments: plain) func plainRecordsAreTaken(text: String) throws {
        #expect(try isTaken(Array(text.utf8)))
    }

    /// What is no fault, but for the validator to say.
    @Test(arguments: [
        #"{"gps": 1, \#(head)}"#, #"{"latency": 5e0, \#(head)}"#, #"{"frame_id": 7, "timestamp": "2022\u002d05-02"}"#,
        #"{"plates": [{"text": "a\"b"}], \#(head)}"#,
    ])
    func whatIsOutOfTheOrdinaryIsLeft(text: String) throws {
        #expect(try !isTaken(Array(text.utf8)))
    }

    @Test(arguments: [
        "", "[]", "null", "{", "{\(head)", "{\(head)}}", "{\(head),}", "{,\(head)}", "{\(head) \(head)}",
        "{\(head), \(head)}",
        #"{"frame_id": null, "timestamp": "x"}"#, #"{"frame_id": 07, "timestamp": "x"}"#,
        #"{"frame_id": -1, "timestamp": "x"}"#, #"{"frame_id": 1.0, "timestamp": "x"}"#,
        #"{"frame_id": "1", "timestamp": "x"}"#,
        #"{"frame_id": 1, "timestamp": 5}"#, #"{"plates": {}, \#(head)}"#, #"{"plates": [null], \#(head)}"#,
        #"{"plates": [{"confidences": [100.5]}], \#(head)}"#, #"{"plates": [{"confidences": [1e400]}], \#(head)}"#,
        #"{"plates": [{"confidences": [-0.1]}], \#(head)}"#, #"{"plates": [{"confidences": [.5]}], \#(head)}"#,
        #"{"plates": [{"confidences": [5.]}], \#(head)}"#, #"{"plates": [{"confidences": [1,]}], \#(head)}"#,
        #"{"plates": [{"warpedBox": [1,2,3]}], \#(head)}"#,
        #"{"plates": [{"warpedBox": [1,2,3,4,5,6,7,NaN]}], \#(head)}"#,
        #"{"plates": [{"text": "a\#u{9}b"}], \#(head)}"#, #"{"duration": -1, \#(head)}"#,
        #"{"plates": [{"country": [{"klass": 1, "confidence": 1, "code": "A"}]}], \#(head)}"#,
    ])
    func faultsAreNeverTaken(text: String) throws {
        #expect(throws: Rejection.self) { try RecordValidator.check(Array(text.utf8), schema) }
        #expect(try !isTaken(Array(text.utf8)))
    }

    @Test func textThatIsNotUTF8IsNeverTaken() throws {
        let bytes = Array(#"{"plates": [{"text": ""#.utf8) + [0xC3, 0x28] + Array(#""}], \#(Self.head)}"#.utf8)
        #expect(try !isTaken(bytes))
    }

    /// Bytes changed, doubled, cut out and put in at random: what it takes is valid all the same.
    @Test func brokenRecordsAreNeverTaken() throws {
        var random = Steps(state: 20_220_502)
        let signs = Array(#"{}[]",:\.-+eE0195ntu "#.utf8) + [0, 9, 10, 13, 0x7F, 0x80, 0xC3, 0xFF]
        var taken = 0
        for text in Self.plain {
            for _ in 0..<4_000 {
                var bytes = Array(text.utf8)
                for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[place] = signs.randomElement(using: &random) ?? 0
                    case 1: bytes.insert(signs.randomElement(using: &random) ?? 0, at: place)
                    case 2: bytes.remove(at: place)
                    default:
                        let end = min(bytes.count, place + Int.random(in: 1...20, using: &random))
                        bytes.insert(contentsOf: bytes[place..<end], at: place)
                    }
                }
                if try isTaken(bytes) { taken += 1 }
            }
        }
        #expect(taken > 500, "\(taken)")
    }

    /// The recognizer's own records are plain: what it is for.
    @Test(
        .enabled(if: !Project.samples.isEmpty, "the recognizer's logs are not here: set WEIR_SAMPLES to their folder"))
    func theRecognizersLogsAreTaken() throws {
        var all = 0
        var taken = 0
        for file in Project.samples {
            let bytes = try File.read(file)
            guard (try? RecordValidator.check(bytes, schema)) != nil else { continue }
            all += 1
            if try isTaken(bytes) { taken += 1 }
        }
        #expect(all > 10)
        #expect(taken * 10 >= all * 9, "\(taken) of \(all)")
    }

    @Test func aSchemaThatItIsNotMadeForHasNone() throws {
        let scratch = try Scratch()
        let many = (0..<65).map { #"{"name": "f\#($0)", "type": "string"}"# }.joined(separator: ", ")
        for fields in [
            #"{"name": "t", "type": "text"}, {"name": "k", "type": "integer"}, {"name": "r", "type": "array", "items": {"type": "string"}}"#,
            #"{"name": "t", "type": "string"}, {"name": "k", "type": "number"}, {"name": "r", "type": "array", "items": {"type": "string"}}"#,
            #"{"name": "t", "type": "string"}, {"name": "k", "type": "integer"}, {"name": "r", "type": "array", "items": {"type": "object", "fields": [\#(many)]}}"#,
        ] {
            try scratch.write("s.json", #"{"event_time": "t", "key": "k", "rank": "r", "fields": [\#(fields)]}"#)
            #expect(RecordScanner(try RecordSchema(path: scratch.path + "/s.json")) == nil)
        }
    }
}

/// Pseudo-random numbers that repeat (SplitMix64).
private struct Steps: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

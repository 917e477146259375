import JSONText
import Spawn
import Testing

@testable import Lake

@Suite struct RawIndexTests {
    private struct Item {
        var source: String
        var sha: String
        var rank: Int
    }

    private let key = RecordKey(source: 0, time: 1, number: 5)

    /// A digest that begins so.
    private func digest(_ start: String) throws -> SHA256.Digest {
        try #require(
            SHA256.Digest(hexadecimal: Array(start.utf8) + Array(repeating: 0x30, count: 64 - start.utf8.count)))
    }

    private func loaded(_ items: [Item]) throws -> (winner: SHA256.Digest?, counts: JSONNode) {
        var index = RawIndex()
        for item in items {
            _ = index.add(
                RecordSource(item.source, index.names), try digest(item.sha), key: key, rank: Int32(item.rank))
        }
        return (index.entries.first { $0.outcome == .loaded }?.digest, index.counts)
    }

    private func permutations<Element>(_ items: [Element]) -> [[Element]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { place in
            var rest = items
            let first = rest.remove(at: place)
            return permutations(rest).map { [first] + $0 }
        }
    }

    @Test func theOrderOfArrivalDoesNotMatter() throws {
        let items = [
            Item(source: "a", sha: "bb", rank: 1), Item(source: "b", sha: "aa", rank: 1),
            Item(source: "c", sha: "cc", rank: 2), Item(source: "d", sha: "cc", rank: 2),
            Item(source: "e", sha: "00", rank: 0),
        ]
        for order in permutations(items) {
            let (winner, counts) = try loaded(order)
            #expect(try winner == digest("cc"), "more elements win")
            #expect(counts["loaded"]?.integer == 1)
            #expect(counts["duplicates"]?.integer == 4)
            #expect(counts["superseded"]?.integer == 3)
        }
        for order in permutations([items[0], items[1]]) {
            #expect(try loaded(order).winner == digest("aa"), "then the smaller hash")
        }
    }

    @Test func aRecordThatLostIsADuplicateOfItselfWhenItComesAgain() throws {
        let (_, counts) = try loaded([
            Item(source: "a", sha: "aa", rank: 0), Item(source: "b", sha: "bb", rank: 3),
            Item(source: "c", sha: "aa", rank: 0),
        ])
        #expect(counts["superseded"]?.integer == 1)
        #expect(counts["duplicates"]?.integer == 2)
        #expect(counts["seen"]?.integer == 3)
    }

    @Test(arguments: ["cam/a.json", "cam/a.ndjson#12", "a \"b\\\n#3", "#5", "x#05", "x#", "粤#1000000000"])
    func whatIsWrittenIsReadBack(source: String) throws {
        var index = RawIndex()
        let names = index.names
        let place = RecordSource(source, names)
        #expect(place.text(names) == source)
        let key = RecordKey(source: names.number("c|\"m"), time: names.number("2022-05-02T00:00:00"), number: 17)
        let first = index.add(place, try digest("aa"), key: key, rank: 2)
        let better = index.add(RecordSource("b", names), try digest("bb"), key: key, rank: 3)
        let same = index.add(RecordSource("c", names), try digest("bb"), key: key, rank: 3)
        #expect(first && better && !same, "a better one is kept too, the same content is not")
        index.quarantine(RecordSource("d \"\n", names), try digest("dd"), reason: "empty")
        let scratch = try Scratch()
        try index.write(to: scratch.path + "/i")
        #expect(try File.read(scratch.path + "/i") == index.lines)
        var read = try RawIndex(reading: scratch.path + "/i")
        #expect(read.lines == index.lines)
        #expect(read.isKnown(RecordSource(source, read.names), try digest("aa")))
        #expect(read.isKnown(RecordSource("d \"\n", read.names), try digest("dd")))
        #expect(!read.isKnown(RecordSource("d", read.names), try digest("dd")))
        #expect(read.counts["quarantined"]?.integer == 1)
        #expect(read.counts["reasons"]?["empty"]?.integer == 1)
        // What was the best of its key still is, and what lost is still known.
        let other = RecordKey(
            source: read.names.number("c|\"m"), time: read.names.number("2022-05-02T00:00:00"), number: 17)
        let again = read.add(RecordSource("e", read.names), try digest("aa"), key: other, rank: 2)
        let worse = read.add(RecordSource("f", read.names), try digest("cc"), key: other, rank: 3)
        #expect(!again && worse)
        #expect(read.counts["loaded"]?.integer == 1)
        #expect(read.counts["superseded"]?.integer == 2)
    }

    /// Whatever writes the lines, with spaces or members in another order.
    @Test func linesOfAnotherFormAreRead() throws {
        let scratch = try Scratch()
        let sha = String(repeating: "ab", count: 32)
        try scratch.write(
            "i", #"{"sha256": "\#(sha)", "source": "a#2", "key": "c|t|-4", "outcome": "loaded", "rank": 1}"# + "\n")
        let read = try RawIndex(reading: scratch.path + "/i")
        #expect(read.entries.first?.key?.number == -4)
        #expect(read.entries.first?.source.line == 2)
    }

    @Test(arguments: [Int64.min, -1, 0, 999_999_999_999_999_999, Int64.max])
    func recordsOfOneFileShareItsName(number: Int64) throws {
        var index = RawIndex()
        let names = index.names
        let file = names.number("cam/a.ndjson")
        for (line, start) in [(1, "aa"), (2, "bb"), (3, "aa"), (4, "cc")] {
            let key = RecordKey(source: names.number("cam"), time: names.number("t\(line / 3)"), number: number)
            _ = index.add(.init(file: file, line: Int32(line)), try digest(start), key: key, rank: Int32(line))
        }
        let scratch = try Scratch()
        try index.write(to: scratch.path + "/i")
        let text = String(decoding: index.lines, as: UTF8.self)
        #expect(text.split(separator: "\n").count == 6, "a line for the file and each time, and one for each record")
        let read = try RawIndex(reading: scratch.path + "/i")
        #expect(read.lines == index.lines)
        #expect(read.entries.map(\.key) == index.entries.map(\.key))
        #expect(read.counts.jsonText == index.counts.jsonText)
    }

    @Test(arguments: [
        #"{"source": "a"}"#, #"[1,"\#(String(repeating: "a", count: 64))",1,1]"#, "x", "[]",
        #"{"file":"f","source_id":"s","time":"t"}"# + "\n[1,\"aa\",1,1]",
    ])
    func aDamagedIndexIsRefused(text: String) throws {
        let scratch = try Scratch()
        try scratch.write("i", text + "\n")
        #expect(throws: LakeError.self) { try RawIndex(reading: scratch.path + "/i") }
    }
}

import JSONText
import Testing

@testable import Lake

@Suite struct RawIndexTests {
    private struct Item {
        var source: String
        var sha: String
        var rank: Int
    }

    private func loaded(_ items: [Item]) -> (winner: String?, counts: JSONNode) {
        var index = RawIndex()
        for item in items { _ = index.add(source: item.source, sha256: item.sha, key: "k", rank: item.rank) }
        return (index.entries.first { $0.outcome == .loaded }?.sha256, index.counts)
    }

    private func permutations<Element>(_ items: [Element]) -> [[Element]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { place in
            var rest = items
            let first = rest.remove(at: place)
            return permutations(rest).map { [first] + $0 }
        }
    }

    @Test func theOrderOfArrivalDoesNotMatter() {
        let items = [
            Item(source: "a", sha: "bb", rank: 1), Item(source: "b", sha: "aa", rank: 1),
            Item(source: "c", sha: "cc", rank: 2), Item(source: "d", sha: "cc", rank: 2),
            Item(source: "e", sha: "00", rank: 0),
        ]
        for order in permutations(items) {
            let (winner, counts) = loaded(order)
            #expect(winner == "cc", "more elements win")
            #expect(counts["loaded"]?.integer == 1)
            #expect(counts["duplicates"]?.integer == 4)
            #expect(counts["superseded"]?.integer == 3)
        }
        for order in permutations([items[0], items[1]]) {
            #expect(loaded(order).winner == "aa", "then the smaller hash")
        }
    }

    @Test func aRecordThatLostIsADuplicateOfItselfWhenItComesAgain() {
        let (_, counts) = loaded([
            Item(source: "a", sha: "aa", rank: 0), Item(source: "b", sha: "bb", rank: 3),
            Item(source: "c", sha: "aa", rank: 0),
        ])
        #expect(counts["superseded"]?.integer == 1)
        #expect(counts["duplicates"]?.integer == 2)
        #expect(counts["seen"]?.integer == 3)
    }

    @Test func whatIsWrittenIsReadBack() throws {
        var index = RawIndex()
        let first = index.add(source: "a", sha256: "aa", key: "k1", rank: 2)
        let better = index.add(source: "b", sha256: "bb", key: "k1", rank: 3)
        let same = index.add(source: "c", sha256: "bb", key: "k1", rank: 3)
        #expect(first && better && !same, "a better one is kept too, the same content is not")
        index.quarantine(source: "d \"\n", sha256: "dd", reason: "empty")
        let scratch = try Scratch()
        try scratch.write("i", index.lines)
        let read = try RawIndex(reading: scratch.path + "/i")
        #expect(read.lines == index.lines)
        #expect(read.isKnown(source: "d \"\n", sha256: "dd"))
        #expect(!read.isKnown(source: "d", sha256: "dd"))
        #expect(read.counts["quarantined"]?.integer == 1)
        #expect(read.counts["reasons"]?["empty"]?.integer == 1)
    }

    @Test func aDamagedIndexIsRefused() throws {
        let scratch = try Scratch()
        try scratch.write("i", "{\"source\": \"a\"}\n")
        #expect(throws: LakeError.self) { try RawIndex(reading: scratch.path + "/i") }
    }
}

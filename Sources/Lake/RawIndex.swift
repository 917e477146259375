import JSONText
import Spawn

/// What a day's raw partition knows of each record that was ever seen for it: how it was counted, and why. It stands
/// beside the segments and is published with them, so the counts can never disagree with the data.
struct RawIndex {
    static let fileName = "_index.ndjson"

    enum Outcome: String {
        case loaded
        /// The same content came before.
        case duplicate
        /// Another record with its key is better (more elements in the ranking field, then the smaller hash).
        case superseded
        case quarantined
    }

    /// A day has a million of them: they hold no texts, but their numbers in `names`.
    struct Entry {
        var source: RecordSource
        var digest: SHA256.Digest
        var outcome: Outcome
        /// Nil for one that was set aside.
        var key: RecordKey?
        var rank: Int32 = 0
        /// Why it was set aside.
        var reason: Int32 = -1
    }

    let names: NameTable
    private(set) var entries: [Entry] = []
    /// What was counted already: a file that comes again after a crash is not counted twice.
    private var known: Set<Sighting> = []
    private var winners: [RecordKey: Int] = [:]
    /// The contents of a key beside its winner's.
    private var losers: [RecordKey: [SHA256.Digest]] = [:]

    private struct Sighting: Hashable {
        var digest: SHA256.Digest
        var source: RecordSource

        /// The same content from many places is rare.
        func hash(into hasher: inout Hasher) { digest.hash(into: &hasher) }
    }

    init(names: NameTable = NameTable()) { self.names = names }

    mutating func append(_ entry: Entry) {
        known.insert(Sighting(digest: entry.digest, source: entry.source))
        if let key = entry.key {
            if entry.outcome == .loaded {
                winners[key] = entries.count
            } else {
                losers[key, default: []].append(entry.digest)
            }
        }
        entries.append(entry)
    }

    func isKnown(_ source: RecordSource, _ digest: SHA256.Digest) -> Bool {
        known.contains(Sighting(digest: digest, source: source))
    }

    /// Makes room for so many more entries.
    mutating func reserve(_ count: Int) {
        entries.reserveCapacity(entries.count + count)
    }

    /// Makes room for so many more entries, and for finding them.
    mutating func reserveFinding(_ count: Int) {
        reserve(count)
        known.reserveCapacity(entries.count + count)
        winners.reserveCapacity(winners.count + count)
    }

    /// Takes over what a closed day has set aside since it was archived.
    mutating func addQuarantined(of other: RawIndex) {
        for entry in other.entries where entry.outcome == .quarantined {
            var own = entry
            own.source.file = names.number(other.names[entry.source.file])
            if entry.reason >= 0 { own.reason = names.number(other.names[entry.reason]) }
            guard !isKnown(own.source, own.digest) else { continue }
            append(own)
        }
    }

    /// Counts a record that was set aside.
    mutating func quarantine(_ source: RecordSource, _ digest: SHA256.Digest, reason: String) {
        append(Entry(source: source, digest: digest, outcome: .quarantined, key: nil, reason: names.number(reason)))
    }

    /// Counts a valid record of which nothing is known that has its source or its key: nobody has to look for them, neither
    /// now nor, until the index is read again, later.
    mutating func addFirst(_ source: RecordSource, _ digest: SHA256.Digest, key: RecordKey, rank: Int32) {
        entries.append(Entry(source: source, digest: digest, outcome: .loaded, key: key, rank: rank))
    }

    /// Whether no valid record was ever counted.
    var hasNoRecords: Bool { winners.isEmpty }

    /// Counts a valid record; whether its content is to be kept in the raw data.
    mutating func add(_ source: RecordSource, _ digest: SHA256.Digest, key: RecordKey, rank: Int32) -> Bool {
        var entry = Entry(source: source, digest: digest, outcome: .loaded, key: key, rank: rank)
        guard let winner = winners[key] else {
            append(entry)
            return true
        }
        let best = entries[winner]
        if best.digest == digest || losers[key]?.contains(digest) == true {
            entry.outcome = .duplicate
            append(entry)
            return false
        }
        if (rank, best.digest) > (best.rank, digest) {
            entries[winner].outcome = .superseded
            losers[key, default: []].append(best.digest)
        } else {
            entry.outcome = .superseded
        }
        append(entry)
        return true
    }

    // MARK: Counts

    /// Whether every record in the raw data counts, so that none of them has to be passed over.
    var isPlain: Bool { !entries.contains { $0.outcome == .superseded } }

    /// Counts with some more records that were set aside, by reason.
    static func counts(_ counts: JSONNode, quarantined new: [String: Int64]) -> JSONNode {
        let added = new.values.reduce(0, +)
        var reasons: [String: Int64] = new
        for member in counts["reasons"]?.object?.members ?? [] {
            reasons[member.key, default: 0] += member.node.integer ?? 0
        }
        func member(_ key: String, _ value: Int64) -> JSONMember {
            JSONMember(key: key, node: JSONNode(.integer(value)))
        }
        let numbers = ["seen", "loaded", "duplicates", "superseded", "quarantined"].map { key in
            member(key, (counts[key]?.integer ?? 0) + (key == "seen" || key == "quarantined" ? added : 0))
        }
        let sorted = reasons.sorted { $0.key < $1.key }.map { member($0.key, $0.value) }
        let reasonsMember = JSONMember(key: "reasons", node: JSONNode(.object(JSONObject(sorted))))
        return JSONNode(.object(JSONObject(numbers + [reasonsMember]))).keeping(counts)
    }

    /// `seen = loaded + duplicates + quarantined`, by construction: every entry is counted as one of them.
    var counts: JSONNode {
        func count(_ outcome: Outcome) -> Int { entries.count { $0.outcome == outcome } }
        let superseded = count(.superseded)
        var reasons: [Int32: Int] = [:]
        for entry in entries where entry.outcome == .quarantined { reasons[entry.reason, default: 0] += 1 }
        let named = reasons.map { (names[$0.key], $0.value) }.sorted { $0.0 < $1.0 }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("seen", entries.count)
            writer.member("loaded", count(.loaded))
            writer.member("duplicates", count(.duplicate) + superseded)
            writer.member("superseded", superseded)
            writer.member("quarantined", count(.quarantined))
            writer.key("reasons")
            writer.object { for (reason, count) in named { $0.member(reason, count) } }
        }
        return (try? JSONDocument(parsing: writer.bytes))?.root ?? JSONNode(.object(JSONObject()))
    }
}

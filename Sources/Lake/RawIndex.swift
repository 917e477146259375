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

    struct Entry {
        var source: String
        var sha256: String
        var outcome: Outcome
        /// Names the record: source, time and key. Empty for one that was set aside.
        var key = ""
        var rank = 0
        /// Why it was set aside.
        var reason = ""
    }

    private(set) var entries: [Entry] = []
    /// What was counted already: a file that comes again after a crash is not counted twice.
    private var known: Set<Fingerprint> = []
    private var winners: [String: Int] = [:]
    /// Key and hash of each valid record.
    private var contents: Set<Fingerprint> = []

    /// Names a content under a name, by the first 128 bits of its SHA-256 and 64 bits of the name: a day has a million of
    /// them, and their texts would fill the memory.
    private struct Fingerprint: Hashable {
        var high: UInt64
        var low: UInt64
        var name: UInt64

        init(_ name: String, _ sha256: String) {
            (high, low) = (0, 0)
            for (place, byte) in sha256.utf8.prefix(32).enumerated() {
                let digit = UInt64(byte & 0xF) + (byte > 0x39 ? 9 : 0)
                if place < 16 { high = high << 4 | digit } else { low = low << 4 | digit }
            }
            // FNV-1a, 64 bits.
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            self.name = hash
        }
    }

    init() {}

    init(reading path: String) throws {
        guard File.exists(path) else { return }
        for line in try File.read(path, limit: 1 << 30).split(separator: 0x0A) {
            guard let root = (try? JSONDocument(parsing: Array(line)))?.root, let source = root["source"]?.string,
                let sha256 = root["sha256"]?.string, let outcome = root["outcome"]?.string.flatMap(Outcome.init)
            else { throw LakeError("\(path): a line is damaged; restore the partition") }
            append(
                Entry(
                    source: source, sha256: sha256, outcome: outcome, key: root["key"]?.string ?? "",
                    rank: Int(root["rank"]?.integer ?? 0), reason: root["reason"]?.string ?? ""))
        }
    }

    private mutating func append(_ entry: Entry) {
        known.insert(Fingerprint(entry.source, entry.sha256))
        if entry.outcome == .loaded { winners[entry.key] = entries.count }
        if entry.outcome != .quarantined { contents.insert(Fingerprint(entry.key, entry.sha256)) }
        entries.append(entry)
    }

    func isKnown(source: String, sha256: String) -> Bool { known.contains(Fingerprint(source, sha256)) }

    /// Takes over what a closed day has set aside since it was archived.
    mutating func addQuarantined(of other: RawIndex) {
        for entry in other.entries where !isKnown(source: entry.source, sha256: entry.sha256) { append(entry) }
    }

    /// Counts a record that was set aside.
    mutating func quarantine(source: String, sha256: String, reason: String) {
        append(Entry(source: source, sha256: sha256, outcome: .quarantined, reason: reason))
    }

    /// Counts a valid record; whether its content is to be kept in the raw data.
    mutating func add(source: String, sha256: String, key: String, rank: Int) -> Bool {
        var entry = Entry(source: source, sha256: sha256, outcome: .loaded, key: key, rank: rank)
        guard let winner = winners[key] else {
            append(entry)
            return true
        }
        let best = entries[winner]
        if contents.contains(Fingerprint(key, sha256)) {
            entry.outcome = .duplicate
            append(entry)
            return false
        }
        if (rank, best.sha256) > (best.rank, sha256) {
            entries[winner].outcome = .superseded
        } else {
            entry.outcome = .superseded
        }
        append(entry)
        return true
    }

    var lines: [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries {
            var writer = JSONWriter()
            writer.object {
                $0.member("source", entry.source)
                $0.member("sha256", entry.sha256)
                $0.member("outcome", entry.outcome.rawValue)
                if entry.outcome == .quarantined {
                    $0.member("reason", entry.reason)
                } else {
                    $0.member("key", entry.key)
                    $0.member("rank", entry.rank)
                }
            }
            bytes += writer.bytes
            bytes.append(0x0A)
        }
        return bytes
    }

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
        return JSONNode(
            .object(JSONObject(numbers + [JSONMember(key: "reasons", node: JSONNode(.object(JSONObject(sorted))))])))
    }

    /// `seen = loaded + duplicates + quarantined`, by construction: every entry is counted as one of them.
    var counts: JSONNode {
        func count(_ outcome: Outcome) -> Int { entries.count { $0.outcome == outcome } }
        let superseded = count(.superseded)
        var reasons: [String: Int] = [:]
        for entry in entries where entry.outcome == .quarantined { reasons[entry.reason, default: 0] += 1 }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("seen", entries.count)
            writer.member("loaded", count(.loaded))
            writer.member("duplicates", count(.duplicate) + superseded)
            writer.member("superseded", superseded)
            writer.member("quarantined", count(.quarantined))
            writer.key("reasons")
            writer.object {
                for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) { $0.member(reason, count) }
            }
        }
        return (try? JSONDocument(parsing: writer.bytes))?.root ?? JSONNode(.object(JSONObject()))
    }
}

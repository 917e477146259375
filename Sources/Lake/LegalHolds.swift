import JSONText
import Spawn

/// Days whose raw data and archives must stay, whatever retention says: `holds.json` in the lake.
public struct LegalHolds: Sendable {
    public struct Hold: Sendable, Hashable {
        /// First and last day, inclusive.
        public var from: String
        public var to: String
        public var reason: String

        public init(from: String, to: String, reason: String) {
            self.from = from
            self.to = to
            self.reason = reason
        }
    }

    public private(set) var holds: [Hold] = []
    private let path: String

    /// - Throws: when the file cannot be read: nothing may be removed as long as nobody knows what is held.
    public init(_ lake: LakeRoot) throws {
        path = lake.path + "/holds.json"
        guard File.exists(path) else { return }
        let document: JSONDocument
        do { document = try JSONDocument(parsing: try File.read(path, limit: 1 << 24)) } catch {
            throw LakeError("\(path) cannot be read, so nothing is removed: \(error)")
        }
        guard let list = document.root["holds"]?.array else { throw LakeError("\(path) has no 'holds'; mend it") }
        holds = try list.map { node in
            guard let from = node["from"]?.string, let to = node["to"]?.string else {
                throw LakeError("\(path) has a hold without 'from' and 'to'; mend it")
            }
            return Hold(from: from, to: to, reason: node["reason"]?.string ?? "")
        }
    }

    /// Why a day is held; nil when it is not.
    public func reason(_ day: String) -> String? {
        holds.first { $0.from <= day && day <= $0.to }.map { $0.reason.isEmpty ? "on hold" : "on hold: \($0.reason)" }
    }

    /// Adds a hold, or changes the reason of the one with these days.
    public static func add(_ hold: Hold, _ lake: LakeRoot) throws {
        try change(lake) { holds in
            holds.removeAll { $0.from == hold.from && $0.to == hold.to }
            holds.append(hold)
        }
    }

    /// Lifts the hold with exactly these days; false when there is none.
    public static func lift(from: String, to: String, _ lake: LakeRoot) throws -> Bool {
        var isFound = false
        try change(lake) { holds in
            isFound = holds.contains { $0.from == from && $0.to == to }
            holds.removeAll { $0.from == from && $0.to == to }
        }
        return isFound
    }

    private static func change(_ lake: LakeRoot, _ body: (inout [Hold]) -> Void) throws {
        try FileLock.hold("\(lake.locks)/holds") {
            var current = try LegalHolds(lake)
            body(&current.holds)
            var writer = JSONWriter(indented: true)
            writer.object { writer in
                writer.key("holds")
                writer.array { writer in
                    for hold in current.holds.sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) {
                        writer.object {
                            $0.member("from", hold.from)
                            $0.member("to", hold.to)
                            $0.member("reason", hold.reason)
                        }
                    }
                }
            }
            try File.writeAtomically(current.path, writer.bytes + [0x0A], sync: true)
        }
    }
}

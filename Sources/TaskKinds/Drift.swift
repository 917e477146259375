import JSONText
import Lake

/// How the records of a day differ from what the schema declares, and from those of the day before.
struct Drift {
    /// Fields that the schema does not know, each with its number of records: an object.
    let unknown: JSONNode
    /// Declared fields that had values the day before and have none now, each with its number of values then: an object.
    let missing: JSONNode
    private let present: JSONNode

    /// So many values must have been expected before their absence says something.
    private static let expectedAtLeast = 10.0

    /// - Parameters:
    ///   - present: how often each declared field has a value: an object.
    ///   - before: the manifest of the day before, with such an object among its counts.
    init(unknown: JSONNode?, present: JSONNode?, rows: Int64, before: Manifest?) {
        let empty = JSONNode(.object(JSONObject()))
        self.unknown = unknown?.object == nil ? empty : unknown ?? empty
        self.present = present?.object == nil ? empty : present ?? empty
        let then = before?.counts["present"]?.object?.members ?? []
        let rowsThen = before?.counts["rows"]?.integer ?? before?.rows ?? 0
        var members: [JSONMember] = []
        for member in then {
            let count = member.node.integer ?? 0
            guard count > 0, rowsThen > 0, Double(rows) >= Self.expectedAtLeast, self.present[member.key]?.integer == 0,
                Double(count) / Double(rowsThen) * Double(rows) >= Self.expectedAtLeast
            else { continue }
            members.append(JSONMember(key: member.key, node: JSONNode(.integer(count))))
        }
        missing = JSONNode(.object(JSONObject(members)))
        self.rows = rows
    }

    private let rows: Int64

    var isEmpty: Bool { words.isEmpty }

    /// A line for each field.
    var words: [String] {
        (unknown.object?.members ?? []).map { "unknown field \($0.key) in \($0.node.integer ?? 0) records" }
            + (missing.object?.members ?? []).map {
                "field \($0.key) is missing, the day before it had \($0.node.integer ?? 0) values"
            }
    }

    /// What the manifest keeps.
    var counts: JSONNode {
        JSONNode(
            .object(
                JSONObject([
                    JSONMember(key: "rows", node: JSONNode(.integer(rows))), JSONMember(key: "drift", node: unknown),
                    JSONMember(key: "missing", node: missing), JSONMember(key: "present", node: present),
                ])))
    }
}

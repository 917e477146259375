import JSONText
import SchedulerCore

/// `"retention": {"runs": "400d", "keep": 1000, "logs": "90d"}`, and `WEIR_RETENTION_RUNS` and so on above it.
extension Retention {
    private static let names = ["runs", "keep", "logs"]
    private static let keepRange = 0...1_000_000_000

    mutating func read(_ environment: (String) -> String?) throws(CommandFailure) {
        for name in Self.names {
            let variable = "WEIR_RETENTION_" + name.uppercased()
            guard let text = environment(variable) else { continue }
            if let wanted = set(name, text: text, number: Int64(text)) {
                throw CommandFailure(.invalid, "\(variable) is '\(text)'; it must be \(wanted)")
            }
        }
    }

    /// Nil when all is well; else what is wrong where.
    mutating func read(_ node: JSONNode) -> (JSONNode, String)? {
        guard let object = node.object else { return (node, "retention must be an object") }
        for member in object.members {
            guard Self.names.contains(member.key) else {
                let near = nearestName(to: member.key, among: Self.names).map { "; did you mean '\($0)'?" } ?? ""
                return (member.node, "unknown setting 'retention.\(member.key)'\(near)")
            }
            if let wanted = set(member.key, text: member.node.string, number: member.node.integer) {
                return (member.node, "retention.\(member.key) must be \(wanted)")
            }
        }
        return nil
    }

    /// Nil when the value was taken; else what it must be.
    private mutating func set(_ name: String, text: String?, number: Int64?) -> String? {
        if name == "keep" {
            guard let number, let count = Int(exactly: number), Self.keepRange.contains(count) else {
                return "a number of runs, 0 or more"
            }
            keep = count
            return nil
        }
        guard let text, let age = TimeAmount(parsing: text) else { return "a length of time such as \"90d\"" }
        if name == "runs" { runs = age } else { logs = age }
        return nil
    }
}

import JSONText
import SchedulerCore
import Spawn

/// What datasets and their columns mean, in words, read from a file beside the DAG:
/// `{"datasets": [{"name": …, "description": …, "columns": {"name": "meaning"}}]}`. Every mistake is told with its place.
public struct DataDictionary: Sendable {
    /// What is known of one dataset.
    public struct Entry: Sendable {
        public var description: String
        /// Meanings of columns by their names.
        public var columns: [String: String] { Dictionary(uniqueKeysWithValues: meanings.map { ($0.name, $0.text) }) }

        fileprivate var place: Int
        fileprivate var meanings: [(name: String, text: String, place: Int)] = []
    }

    private let path: String
    private let document: JSONDocument
    private var entries: [(name: String, entry: Entry)] = []

    /// Reads a dictionary. A key that stands twice, an unknown key and a wrong type are errors.
    public init(path: String) throws(LakeError) {
        self.path = path
        do {
            document = try JSONDocument(parsing: try File.read(path, limit: 4 << 20))
        } catch let error as JSONSyntaxError {
            let place = "\(path):\(error.position.line):\(error.position.column)"
            throw LakeError("\(place): \(error.message)", mayRetry: false)
        } catch {
            throw LakeError("\(error)", mayRetry: Shortage.isBehind(error))
        }
        if let twice = document.duplicateKeys.first {
            throw problem(twice.offset, "the key '\(twice.key)' stands twice")
        }
        guard let list = document.root["datasets"]?.array else {
            throw problem(document.root.offset, "'datasets' is missing: an array of {name, description, columns}")
        }
        try check(document.root, ["datasets"])
        for node in list {
            guard let name = node["name"]?.string else { throw problem(node.offset, "'name' is missing, or no string") }
            try check(node, ["name", "description", "columns"])
            if self[name] != nil { throw problem(node.offset, "the dataset '\(name)' stands twice") }
            entries.append((name, try entry(node)))
        }
    }

    private func entry(_ node: JSONNode) throws(LakeError) -> Entry {
        guard let description = (node["description"] ?? JSONNode(.string(""))).string else {
            throw problem(node.offset, "'description' must be a string")
        }
        var entry = Entry(description: description, place: node["name"]?.offset ?? node.offset)
        guard let columns = node["columns"] else { return entry }
        guard let members = columns.object?.members else {
            throw problem(columns.offset, "'columns' must be an object of names and what they mean")
        }
        for member in members {
            guard let text = member.node.string else {
                throw problem(member.node.offset, "the meaning of '\(member.key)' must be a string")
            }
            entry.meanings.append((member.key, text, member.keyOffset))
        }
        return entry
    }

    private func check(_ node: JSONNode, _ keys: [String]) throws(LakeError) {
        for member in node.object?.members ?? [] where !keys.contains(member.key) {
            throw problem(member.keyOffset, "unknown key '\(member.key)'" + near(member.key, keys))
        }
    }

    private func problem(_ offset: Int, _ message: String) -> LakeError {
        let position = document.position(at: offset)
        return LakeError("\(path):\(position.line):\(position.column): \(message)", mayRetry: false)
    }

    private func near(_ name: String, _ names: [String]) -> String {
        nearestName(to: name, among: names).map { "; did you mean '\($0)'?" }
            ?? "; it can be one of \(names.joined(separator: ", "))"
    }

    /// What is known of a dataset; nil for nothing.
    public subscript(name: String) -> Entry? { entries.first { $0.name == name }?.entry }

    /// Refuses a dictionary that describes a dataset that is not made. One that is made may lack its entry.
    ///
    /// - Parameter folder: where the datasets come from, for the message.
    public func check(datasets names: [String], folder: String) throws(LakeError) {
        for (name, entry) in entries where !names.contains(name) {
            throw problem(entry.place, "there is no \(folder)/\(name).sql" + near(name, names))
        }
    }

    /// The columns of a dataset with their meanings. A described column that the dataset does not have is an error.
    public func described(_ columns: [Column], of dataset: String) throws(LakeError) -> [Column] {
        guard let entry = self[dataset] else { return columns }
        let names = columns.map(\.name)
        for meaning in entry.meanings where !names.contains(meaning.name) {
            throw problem(meaning.place, "'\(dataset)' has no column '\(meaning.name)'" + near(meaning.name, names))
        }
        return columns.described(by: entry.columns)
    }
}

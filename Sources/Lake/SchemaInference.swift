import JSONText

/// Proposes a record schema for a source whose records nobody has declared yet. A proposal: a person reads it, names the
/// fields that tell time and identity, and from then on the schema is declared and data is held against it.
public struct SchemaInference {
    /// What was seen of a value.
    private final class Shape {
        var integers = 0
        /// Whether no integer came twice: it may tell records apart.
        var isDistinct = true
        var values: Set<Int64> = []
        var numbers = 0
        var strings = 0
        var timestamps = 0
        var booleans = 0
        var objects = 0
        var arrays = 0
        /// Members of objects, in the order in which they were met.
        var names: [String] = []
        var members: [String: Shape] = [:]
        var elements: Shape?
        var shortest = Int.max
        var longest = 0

        var count: Int { integers + numbers + strings + booleans + objects + arrays }
    }

    private let root = Shape()
    private let isTimestamp: (String) -> Bool
    public private(set) var records = 0

    /// - Parameter isTimestamp: whether a text is a date and time.
    public init(isTimestamp: @escaping (String) -> Bool) { self.isTimestamp = isTimestamp }

    /// Takes in a record.
    /// - Returns: why it says nothing; nil when it was taken in.
    public mutating func add(_ bytes: [UInt8]) -> String? {
        let document: JSONDocument
        do throws(JSONSyntaxError) { document = try JSONDocument(parsing: bytes) } catch {
            return "at \(error.position.line):\(error.position.column), \(error.message)"
        }
        guard document.root.object != nil else { return "it is \(document.root.typeName), not an object" }
        take(document.root, root)
        records += 1
        return nil
    }

    private func take(_ node: JSONNode, _ shape: Shape) {
        switch node.value {
        case .null: break
        case .bool: shape.booleans += 1
        case .integer(let value):
            shape.integers += 1
            if shape.isDistinct, !shape.values.insert(value).inserted {
                shape.isDistinct = false
                shape.values = []
            }
        case .number: shape.numbers += 1
        case .string(let text):
            shape.strings += 1
            if isTimestamp(text) { shape.timestamps += 1 }
        case .array(let nodes):
            shape.arrays += 1
            shape.shortest = min(shape.shortest, nodes.count)
            shape.longest = max(shape.longest, nodes.count)
            for node in nodes {
                let elements = shape.elements ?? Shape()
                shape.elements = elements
                take(node, elements)
            }
        case .object(let object):
            shape.objects += 1
            for member in object.members {
                if shape.members[member.key] == nil {
                    shape.names.append(member.key)
                    shape.members[member.key] = Shape()
                }
                if let inside = shape.members[member.key] { take(member.node, inside) }
            }
        }
    }

    // MARK: The proposal

    /// The proposed schema as the text of its file, and what a person has to look at, a line each.
    public func proposal() -> (schema: String, notes: [String]) {
        var notes: [String] = []
        let time = root.names.first { name in
            root.members[name].map { $0.timestamps > 0 && $0.timestamps == $0.count } ?? false
        }
        let keys = root.names.filter { isAlways($0, root) && root.members[$0]?.integers == root.members[$0]?.count }
        let key = keys.first { root.members[$0]?.isDistinct == true } ?? keys.first
        let rank = root.names.first { root.members[$0].map { $0.arrays > 0 && $0.arrays == $0.count } ?? false }
        for (word, found, what) in [
            ("event_time", time, "a text with a date and time"), ("key", key, "an integer in every record"),
            ("rank", rank, "an array"),
        ] {
            notes.append(
                found.map { "\(word) is '\($0)', the first field that is \(what): is it the right one?" }
                    ?? "\(word) is missing: no field is \(what); name one")
        }
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("description", "Proposed from \(records) records")
            writer.member("event_time", time ?? "")
            writer.member("key", key ?? "")
            writer.member("rank", rank ?? "")
            fields(of: root, at: "", &writer, &notes)
        }
        return (writer.text + "\n", notes)
    }

    private func isAlways(_ name: String, _ shape: Shape) -> Bool { shape.members[name]?.count == shape.objects }

    private func fields(of shape: Shape, at place: String, _ writer: inout JSONWriter, _ notes: inout [String]) {
        writer.key("fields")
        writer.array { writer in
            for name in shape.names {
                guard let inside = shape.members[name] else { continue }
                let path = place.isEmpty ? name : place + "." + name
                guard inside.count > 0 else {
                    notes.append("\(path) is always null, and left out")
                    continue
                }
                guard let type = type(of: inside) else {
                    notes.append("\(path) has values of several types, and is left out: declare what is right")
                    continue
                }
                writer.object { writer in
                    writer.member("name", name)
                    describe(inside, type, at: path, &writer, &notes)
                    if isAlways(name, shape) { writer.member("required", true) }
                    writer.member("description", "")
                }
            }
        }
    }

    /// The type that all values have; nil when none holds them all.
    private func type(of shape: Shape) -> String? {
        let count = shape.count
        if shape.objects == count { return "object" }
        if shape.arrays == count { return "array" }
        if shape.booleans == count { return "boolean" }
        if shape.integers == count { return "integer" }
        if shape.integers + shape.numbers == count { return "number" }
        if shape.timestamps == count { return "timestamp" }
        if shape.strings == count { return "string" }
        return shape.strings + shape.integers == count ? "text" : nil
    }

    private func describe(
        _ shape: Shape, _ type: String, at path: String, _ writer: inout JSONWriter, _ notes: inout [String]
    ) {
        writer.member("type", type)
        if type == "object" { fields(of: shape, at: path, &writer, &notes) }
        guard type == "array" else { return }
        if shape.shortest == shape.longest, shape.longest > 1, shape.arrays > 1 {
            writer.member("min_items", shape.shortest)
            writer.member("max_items", shape.longest)
        }
        let elements = shape.elements
        let inside = elements.flatMap { $0.count > 0 ? self.type(of: $0) : nil }
        if inside == nil { notes.append("\(path)[] has no elements of one type; 'string' is a guess") }
        writer.key("items")
        writer.object { writer in
            if let elements, let inside {
                describe(elements, inside, at: path + "[]", &writer, &notes)
            } else {
                writer.member("type", "string")
            }
        }
    }
}

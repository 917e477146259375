import JSONText
import Spawn

/// The declared form of a source's records: what a loader validates, what DuckDB's columns are, what the fields mean.
/// Read from a file beside the DAG; never guessed from data.
public struct RecordSchema: Sendable {
    indirect enum FieldType: Sendable {
        /// With the bounds that its values have to keep.
        case integer(Range?), number(Range?)
        case string, boolean
        /// A string in JSON that holds a date and time.
        case timestamp
        /// A string; an integer is taken as its digits.
        case text
        case object([Field])
        case array(FieldType, minItems: Int?, maxItems: Int?)
    }

    struct Field: Sendable {
        var name: String
        var type: FieldType
        var isRequired: Bool
        var description: String
    }

    struct Range: Sendable {
        var minimum: Double?
        var maximum: Double?
    }

    /// Where the schema was read from, for messages.
    public let path: String
    let fields: [Field]
    /// The field that holds the time of the event.
    public let eventTime: String
    /// The integer field that tells records of one source and time apart.
    public let key: String
    /// The array field whose length decides which of two records with one key is the better one.
    public let rank: String
    /// Where the names of the source's files tell a date.
    let fileDate: FileDate?

    public init(path: String) throws {
        self.path = path
        let document: JSONDocument
        do {
            document = try JSONDocument(parsing: try File.read(path, limit: 4 << 20))
        } catch let error as JSONSyntaxError {
            let place = "\(path):\(error.position.line):\(error.position.column)"
            throw LakeError("\(place): \(error.message)", mayRetry: false)
        } catch {
            throw LakeError("\(error)", mayRetry: Shortage.isBehind(error))
        }
        let reader = SchemaReader(path: path, document: document)
        let root = document.root
        eventTime = try reader.text(root, "event_time")
        key = try reader.text(root, "key")
        rank = try reader.text(root, "rank")
        fileDate = try reader.fileDate(root)
        fields = try reader.fields(root, at: "")
        for name in [eventTime, key, rank] where !fields.contains(where: { $0.name == name }) {
            throw LakeError("\(path): '\(name)' is named as event_time, key or rank, but is no field", mayRetry: false)
        }
    }

    // MARK: DuckDB

    /// The type of the whole record in DuckDB's words.
    public var structType: String { Self.sql(.object(fields)) }

    // MARK: Spark

    /// The type of the whole record in Spark's words.
    public var sparkType: String { Self.spark(.object(fields)) }

    private static func spark(_ type: FieldType) -> String {
        switch type {
        case .integer: "BIGINT"
        case .number: "DOUBLE"
        case .boolean: "BOOLEAN"
        case .string, .text, .timestamp: "STRING"
        case .object(let fields):
            "STRUCT<" + fields.map { SparkSQL.name($0.name) + ": " + spark($0.type) }.joined(separator: ", ") + ">"
        case .array(let element, _, _): "ARRAY<" + spark(element) + ">"
        }
    }

    public var fieldNames: [String] { fields.map(\.name) }

    /// What the fields of a record mean, by their names.
    public var meanings: [String: String] {
        Dictionary(fields.map { ($0.name, $0.description) }, uniquingKeysWith: { first, _ in first })
    }

    private static func sql(_ type: FieldType) -> String {
        switch type {
        case .integer: "BIGINT"
        case .number: "DOUBLE"
        case .boolean: "BOOLEAN"
        case .string, .text, .timestamp: "VARCHAR"
        case .object(let fields):
            "STRUCT(" + fields.map { SQL.name($0.name) + " " + sql($0.type) }.joined(separator: ", ") + ")"
        case .array(let element, _, _): sql(element) + "[]"
        }
    }
}

/// Reads the schema's file; every mistake is told with its place.
private struct SchemaReader {
    let path: String
    let document: JSONDocument

    func problem(_ node: JSONNode, _ message: String) -> LakeError {
        let position = document.position(at: node.offset)
        return LakeError("\(path):\(position.line):\(position.column): \(message)", mayRetry: false)
    }

    func text(_ node: JSONNode, _ key: String) throws -> String {
        guard let value = node[key]?.string else { throw problem(node, "'\(key)' is missing, or no string") }
        return value
    }

    func fileDate(_ root: JSONNode) throws -> FileDate? {
        guard let node = root["file_date"] else { return nil }
        guard let pattern = node.string.flatMap(FileDate.init) else {
            throw problem(node, "file_date must be a text with YYYY, MM and DD in it, such as _MM.DD.YYYY.")
        }
        return pattern
    }

    func fields(_ node: JSONNode, at place: String) throws -> [RecordSchema.Field] {
        guard let list = node["fields"]?.array, !list.isEmpty else {
            throw problem(node, "'fields' is missing: an array of {name, type, …}")
        }
        var fields: [RecordSchema.Field] = []
        for item in list {
            let name = try text(item, "name")
            let inside = place.isEmpty ? name : place + "." + name
            fields.append(
                RecordSchema.Field(
                    name: name, type: try type(item, at: inside), isRequired: item["required"]?.bool ?? false,
                    description: item["description"]?.string ?? ""))
        }
        return fields
    }

    private func type(_ node: JSONNode, at place: String) throws -> RecordSchema.FieldType {
        let range: RecordSchema.Range? =
            node["minimum"] == nil && node["maximum"] == nil
            ? nil : .init(minimum: node["minimum"]?.double, maximum: node["maximum"]?.double)
        let word = try text(node, "type")
        switch word {
        case "integer": return .integer(range)
        case "number": return .number(range)
        case "string": return .string
        case "boolean": return .boolean
        case "timestamp": return .timestamp
        case "text": return .text
        case "object": return .object(try fields(node, at: place))
        case "array": return try array(node, at: place)
        default:
            throw problem(
                node, "unknown type '\(word)': integer, number, string, boolean, text, timestamp, object, array")
        }
    }

    private func array(_ node: JSONNode, at place: String) throws -> RecordSchema.FieldType {
        guard let items = node["items"] else { throw problem(node, "an array needs 'items'") }
        let element = try type(items, at: place + "[]")
        let least = node["min_items"]?.integer.map(Int.init)
        let most = node["max_items"]?.integer.map(Int.init)
        return .array(element, minItems: least, maxItems: most)
    }
}

import JSONText

/// Why a record is set aside.
public struct Rejection: Error, Sendable, Hashable {
    /// A stable word: `broken_json`, `wrong_type` …
    public var reason: String
    public var detail: String
    /// The text of the event's time, when the record could be read so far: it tells which day the record belongs to.
    public var eventTime: String?

    public init(_ reason: String, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}

/// What a valid record says of itself.
public struct RecordFacts: Sendable {
    /// The text of the event's time, as it stands in the record.
    public var eventTime: String
    public var key: Int64
    /// Length of the ranking array.
    public var rank: Int
    /// Fields that the schema does not know, by their path.
    public var extra: [JSONMember]
}

/// Holds records against the declared schema. Null counts as missing.
struct RecordValidator {
    private var extra: [JSONMember] = []
    /// The keys down to what is looked at; put together only for a message, because numbers are many.
    private var path: [String] = []
    private static let element = "[]"

    /// Checks one document, which is the whole content of a file or a line.
    static func check(_ bytes: [UInt8], _ schema: RecordSchema) throws(Rejection) -> RecordFacts {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw Rejection("not_utf8", "the text is not UTF-8")
        }
        guard bytes.contains(where: { $0 > 0x20 }) else { throw Rejection("empty", "the file is empty") }
        let document: JSONDocument
        do throws(JSONSyntaxError) { document = try JSONDocument(parsing: bytes) } catch {
            throw Rejection("broken_json", "at \(error.position.line):\(error.position.column), \(error.message)")
        }
        if let double = document.duplicateKeys.first {
            throw Rejection("duplicate_key", "the key '\(double.key)' stands twice in one object")
        }
        if document.root.isNull || document.root.string == "" {
            throw Rejection("no_result", "the recognizer gave no result (\(document.root.isNull ? "null" : "\"\""))")
        }
        guard let object = document.root.object else {
            throw Rejection("wrong_type", "the record is \(document.root.typeName), not an object")
        }
        do throws(Rejection) { return try facts(object, schema) } catch {
            var rejection = error
            rejection.eventTime = object[schema.eventTime]?.string
            throw rejection
        }
    }

    private static func facts(_ object: JSONObject, _ schema: RecordSchema) throws(Rejection) -> RecordFacts {
        var validator = RecordValidator()
        try validator.object(object, schema.fields)
        guard let time = object[schema.eventTime]?.string else {
            throw Rejection("missing_field", "\(schema.eventTime) is missing")
        }
        guard let key = object[schema.key]?.integer else {
            throw Rejection("missing_field", "\(schema.key) is missing")
        }
        return RecordFacts(
            eventTime: time, key: key, rank: object[schema.rank]?.array?.count ?? 0, extra: validator.extra)
    }

    private mutating func object(_ object: JSONObject, _ fields: [RecordSchema.Field]) throws(Rejection) {
        var found = 0
        for member in object.members {
            guard let field = fields.first(where: { $0.name == member.key }) else {
                extra.append(JSONMember(key: name(of: member.key), node: member.node))
                continue
            }
            if member.node.isNull { continue }
            if field.isRequired { found += 1 }
            path.append(member.key)
            try value(member.node, field.type)
            path.removeLast()
        }
        guard found == fields.count(where: \.isRequired) else {
            let missing = fields.first { $0.isRequired && (object[$0.name]?.isNull ?? true) }?.name ?? ""
            throw Rejection("missing_field", "\(name(of: missing)) is missing")
        }
    }

    /// The path of what is looked at, such as `plates[].car`.
    private var place: String {
        var text = ""
        for part in path {
            if !text.isEmpty, part != Self.element { text += "." }
            text += part
        }
        return text
    }

    private func name(of key: String) -> String { path.isEmpty ? key : place + "." + key }

    private mutating func value(_ node: JSONNode, _ type: RecordSchema.FieldType) throws(Rejection) {
        switch type {
        case .integer(let range):
            guard let number = node.integer else {
                // A whole number beyond 64 bits, or one with a fraction.
                if case .number(_, let text) = node.value, !text.contains(where: { ".eE".contains($0) }) {
                    throw Rejection("out_of_range", "\(place) is \(text), which 64 bits cannot hold")
                }
                throw wrong(node, "an integer")
            }
            if let range { try check(Double(number), range) { "\(number)" } }
        case .number(let range):
            guard let number = node.double else { throw wrong(node, "a number") }
            guard number.isFinite else { throw Rejection("not_finite", "\(place) is not finite") }
            if let range { try check(number, range) { "\(number)" } }
        case .string, .timestamp:
            guard node.string != nil else { throw wrong(node, "a string") }
        case .boolean:
            guard node.bool != nil else { throw wrong(node, "true or false") }
        case .text:
            guard node.string != nil || node.integer != nil else { throw wrong(node, "a string or an integer") }
        case .object(let fields):
            guard let object = node.object else { throw wrong(node, "an object") }
            try self.object(object, fields)
        case .array(let element, let least, let most):
            guard let nodes = node.array else { throw wrong(node, "an array") }
            if let least, nodes.count < least { throw count(nodes.count, "at least \(least)") }
            if let most, nodes.count > most { throw count(nodes.count, "at most \(most)") }
            path.append(Self.element)
            for node in nodes { try value(node, element) }
            path.removeLast()
        }
    }

    private func check(_ number: Double, _ range: RecordSchema.Range, _ text: () -> String) throws(Rejection) {
        if let minimum = range.minimum, number < minimum {
            throw Rejection("out_of_range", "\(place) is \(text()), below \(minimum)")
        }
        if let maximum = range.maximum, number > maximum {
            throw Rejection("out_of_range", "\(place) is \(text()), above \(maximum)")
        }
    }

    private func wrong(_ node: JSONNode, _ wanted: String) -> Rejection {
        Rejection("wrong_type", "\(place) is \(node.typeName), not \(wanted)")
    }

    private func count(_ count: Int, _ wanted: String) -> Rejection {
        Rejection("wrong_type", "\(place) has \(count) elements, not \(wanted)")
    }
}

import JSONText

/// What a value of a request or an answer looks like, in the words of OpenAPI 3.1 (JSON Schema 2020-12).
indirect enum Schema: Sendable {
    /// - Parameters:
    ///   - format: as JSON Schema names it, `date-time` and the like; nil: any text.
    ///   - pattern: a regular expression (ECMA-262) for people and programs; what it says is checked where the text is used.
    case string(format: String? = nil, pattern: String? = nil)
    case integer(ClosedRange<Int64>? = nil)
    case number
    case boolean
    /// One of these texts.
    case words([String])
    case array(Schema)
    case object([Field])
    /// An object with any keys.
    case map(Schema)
    case anything
    /// A schema with a name, which stands in the document's components once.
    case named(NamedSchema)
    case nullable(Schema)
    case anyOf([Schema])

    static let instant = Schema.string(format: "date-time")
    static let day = Schema.string(format: "date")

    static func words<Word: RawRepresentable & CaseIterable>(of _: Word.Type) -> Schema where Word.RawValue == String {
        .words(Word.allCases.map(\.rawValue))
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writeMembers(to: &$0) }
    }

    func writeMembers(to writer: inout JSONWriter) {
        switch self {
        case .string(let format, let pattern):
            writer.member("type", "string")
            if let format { writer.member("format", format) }
            if let pattern { writer.member("pattern", pattern) }
        case .integer(let range):
            writer.member("type", "integer")
            if let range {
                writer.member("minimum", range.lowerBound)
                writer.member("maximum", range.upperBound)
            }
        case .number: writer.member("type", "number")
        case .boolean: writer.member("type", "boolean")
        case .words(let words):
            writer.member("type", "string")
            writer.member("enum", words)
        case .array(let items):
            writer.member("type", "array")
            writer.key("items")
            items.write(to: &writer)
        case .object(let fields):
            writer.member("type", "object")
            writer.member("required", fields.filter(\.isRequired).map(\.name))
            writer.key("properties")
            writer.object { for field in fields { field.writeProperty(to: &$0) } }
            writer.member("additionalProperties", false)
        case .map(let values):
            writer.member("type", "object")
            writer.key("additionalProperties")
            values.write(to: &writer)
        case .anything: break
        case .named(let schema): writer.member("$ref", "#/components/schemas/\(schema.name)")
        case .nullable(let schema):
            writer.key("anyOf")
            writer.array {
                schema.write(to: &$0)
                $0.object { $0.member("type", "null") }
            }
        case .anyOf(let schemas):
            writer.key("anyOf")
            writer.array { writer in for schema in schemas { schema.write(to: &writer) } }
        }
    }

    /// Schemas with names that are used within, by name.
    func collect(into found: inout [String: NamedSchema]) {
        switch self {
        case .array(let inner), .map(let inner), .nullable(let inner): inner.collect(into: &found)
        case .object(let fields): for field in fields { field.schema.collect(into: &found) }
        case .anyOf(let schemas): for schema in schemas { schema.collect(into: &found) }
        case .named(let schema):
            guard found[schema.name] == nil else { return }
            found[schema.name] = schema
            schema.schema.collect(into: &found)
        case .string, .integer, .number, .boolean, .words, .anything: break
        }
    }
}

/// A schema that answers share.
struct NamedSchema: Sendable {
    var name: String
    var help: String
    var fields: [Field]

    var schema: Schema { .object(fields) }
}

/// A member of an object, or a parameter of a query.
struct Field: Sendable {
    var name: String
    var schema: Schema
    var isRequired: Bool
    var help: String

    static func required(_ name: String, _ schema: Schema, _ help: String = "") -> Field {
        Field(name: name, schema: schema, isRequired: true, help: help)
    }

    static func optional(_ name: String, _ schema: Schema, _ help: String = "") -> Field {
        Field(name: name, schema: schema, isRequired: false, help: help)
    }

    fileprivate func writeProperty(to writer: inout JSONWriter) {
        writer.key(name)
        writer.object {
            schema.writeMembers(to: &$0)
            if !help.isEmpty { $0.member("description", help) }
        }
    }
}

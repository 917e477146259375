import JSONText

/// A piece of a JSON Schema, written in code as it stands in the file.
struct SchemaValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    var node: JSONNode

    init(_ node: JSONNode) { self.node = node }
    init(stringLiteral text: String) { node = JSONNode(.string(text)) }
    init(integerLiteral number: Int64) { node = JSONNode(.integer(number)) }
    init(booleanLiteral flag: Bool) { node = JSONNode(.bool(flag)) }
    init(nilLiteral: ()) { node = JSONNode(.null) }
    init(arrayLiteral elements: SchemaValue...) { self.init(elements) }
    init(_ elements: [SchemaValue]) { node = JSONNode(.array(elements.map(\.node))) }
    init(_ words: [String]) { node = JSONNode(.array(words.map { JSONNode(.string($0)) })) }

    init(dictionaryLiteral members: (String, SchemaValue)...) { self.init(members: members) }

    init(members: [(String, SchemaValue)]) {
        node = JSONNode(.object(JSONObject(members.map { JSONMember(key: $0.0, node: $0.1.node) })))
    }

    /// The same with further members behind its own.
    func adding(_ members: KeyValuePairs<String, SchemaValue>) -> SchemaValue {
        let all = (node.object?.members ?? []) + members.map { JSONMember(key: $0.key, node: $0.value.node) }
        return SchemaValue(JSONNode(.object(JSONObject(all))))
    }

    /// The members of both.
    func joined(_ other: SchemaValue) -> SchemaValue {
        SchemaValue(JSONNode(.object(JSONObject((node.object?.members ?? []) + (other.node.object?.members ?? [])))))
    }

    /// The same with a description, which editors show, and the value that holds when the key is left out.
    func saying(_ description: String, default value: SchemaValue? = nil) -> SchemaValue {
        guard let value else { return adding(["description": "\(description)"]) }
        return adding(["description": "\(description)", "default": value])
    }
}

/// Schemas of the kinds of values that occur in many places.
extension SchemaValue {
    static let text: SchemaValue = ["type": "string"]
    static let flag: SchemaValue = ["type": "boolean"]
    static let anything: SchemaValue = [:]
    /// A literal to which more can be added at once.
    static func rule(_ schema: SchemaValue) -> SchemaValue { schema }
    static let null = SchemaValue(JSONNode(.null))
    static let id: SchemaValue = ["type": "string", "pattern": #"^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,128}$"#]
    static let template: SchemaValue = ["type": "string", "pattern": #"\{\{"#]
    /// A text that is nothing but one template, whose value may be of any type.
    static let soleTemplate: SchemaValue = ["type": "string", "pattern": #"^\{\{.*\}\}$"#]
    static let folder: SchemaValue = ["type": "string", "minLength": 1]
    static let memory: SchemaValue = ["type": "string", "pattern": "^[0-9]+(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"]
    static let umask: SchemaValue = ["type": "string", "pattern": "^0?[0-7]{3}$"]
    static let date: SchemaValue = [
        "type": "string",
        "pattern":
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?)?$",
    ]
    static let cron: SchemaValue = [
        "type": "string", "pattern": "^[ \\t]*[0-9A-Za-z*,/#-]+([ \\t]+[0-9A-Za-z*,/#-]+){4}[ \\t]*$",
    ]

    /// The pattern of `TimeAmount`; a positive one has a digit that is not 0.
    static func duration(positive: Bool = false, orNull: Bool = false) -> SchemaValue {
        let ahead = positive ? "(?=.*[1-9])" : "(?=.)"
        return [
            "type": orNull ? ["string", "null"] : "string",
            "pattern": "^\(ahead)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?([0-9]+us)?$",
        ]
    }

    static func integer(_ least: Int64, _ most: Int64) -> SchemaValue {
        [
            "type": "integer", "minimum": SchemaValue(integerLiteral: least),
            "maximum": SchemaValue(integerLiteral: most),
        ]
    }

    static func words<T: RawRepresentable<String> & CaseIterable>(_: T.Type) -> SchemaValue {
        ["enum": SchemaValue(T.allCases.map(\.rawValue))]
    }

    static func list(_ element: SchemaValue) -> SchemaValue { ["type": "array", "items": element] }

    static func reference(_ definition: String) -> SchemaValue { ["$ref": "#/$defs/\(definition)"] }

    static func anyOf(_ schemas: [SchemaValue]) -> SchemaValue { ["anyOf": SchemaValue(schemas)] }

    /// An object with these keys and no others.
    ///
    /// - Parameter schemas: of each key; one without is anything, which a test refuses.
    static func object(
        _ keys: [String], _ schemas: [String: SchemaValue], required: [String] = []
    ) -> SchemaValue {
        var members: [(String, SchemaValue)] = [("type", "object")]
        if !required.isEmpty { members.append(("required", SchemaValue(required))) }
        members.append(("properties", SchemaValue(members: keys.map { ($0, schemas[$0] ?? .anything) })))
        members.append(("additionalProperties", false))
        return SchemaValue(members: members)
    }

    /// `if` a member has this value, `then` this.
    static func when(_ key: String, is value: String, _ then: SchemaValue) -> SchemaValue {
        [
            "if": ["properties": [key: ["const": "\(value)"]], "required": ["\(key)"]],
            "then": then,
        ]
    }
}

/// A JSON value together with where it stood in its text.
public struct JSONNode: Sendable {
    public var value: JSONValue
    /// Byte offset of the value's first character in the text it was read from; -1 when it was built in memory.
    public var offset: Int

    public init(_ value: JSONValue, offset: Int = -1) {
        self.value = value
        self.offset = offset
    }
}

/// One JSON value (RFC 8259). Numbers that are written as integers and fit in 64 bits stay integers.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Every other number: its value, which may be infinite when the text's exponent is out of range, and its text.
    case number(Double, text: String)
    case string(String)
    case array([JSONNode])
    case object(JSONObject)
}

/// The members of a JSON object in the order of the text, duplicates included.
public struct JSONObject: Sendable {
    public var members: [JSONMember]

    public init(_ members: [JSONMember] = []) { self.members = members }

    /// The value of the first member with this key.
    public subscript(key: String) -> JSONNode? { members.first { $0.key == key }?.node }
}

/// One `"key": value` of an object.
public struct JSONMember: Sendable {
    public var key: String
    /// Byte offset of the key's opening quote; -1 when it was built in memory.
    public var keyOffset: Int
    public var node: JSONNode

    public init(key: String, keyOffset: Int = -1, node: JSONNode) {
        self.key = key
        self.keyOffset = keyOffset
        self.node = node
    }
}

/// Accessors that answer nil for a value of another type.
///
/// Those of payloads without references are never inlined: in another module the optimizer of Swift 6.3.1 then stops with
/// "Found outside of lifetime use" (CopyPropagation).
extension JSONNode {
    public var string: String? { if case .string(let text) = value { text } else { nil } }
    @inline(never) public var bool: Bool? { if case .bool(let flag) = value { flag } else { nil } }
    @inline(never) public var integer: Int64? { if case .integer(let number) = value { number } else { nil } }
    public var array: [JSONNode]? { if case .array(let nodes) = value { nodes } else { nil } }
    public var object: JSONObject? { if case .object(let object) = value { object } else { nil } }
    public var isNull: Bool { if case .null = value { true } else { false } }

    /// Any number, integers included.
    @inline(never) public var double: Double? {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number, _): number
        default: nil
        }
    }

    /// The member of an object; nil when this is no object or it has no such key.
    public subscript(key: String) -> JSONNode? { object?[key] }

    /// The word for this value's type in messages to people.
    public var typeName: String {
        switch value {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// Writes JSON into a byte buffer. Commas and colons are placed by the writer; nesting is the caller's duty.
///
/// ```swift
/// var writer = JSONWriter()
/// writer.object {
///     $0.member("id", "load")
///     $0.member("tries", 3)
/// }
/// ```
public struct JSONWriter: Sendable {
    public private(set) var bytes: [UInt8] = []
    private let indented: Bool
    private var depth = 0
    private var needsComma = false
    private var afterKey = false

    /// - Parameter indented: two spaces a level and a line per value, for files that people read.
    public init(indented: Bool = false) { self.indented = indented }

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try container(UInt8(ascii: "{"), UInt8(ascii: "}"), body)
    }

    public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        try container(UInt8(ascii: "["), UInt8(ascii: "]"), body)
    }

    public mutating func key(_ key: String) {
        separate()
        quote(key)
        bytes.append(UInt8(ascii: ":"))
        if indented { bytes.append(0x20) }
        afterKey = true
    }

    public mutating func string(_ value: String) {
        separate()
        quote(value)
        needsComma = true
    }

    public mutating func integer(_ value: some BinaryInteger) { raw(String(value)) }
    public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
    public mutating func null() { raw("null") }

    /// The shortest text that reads back to the same value; null for a value that is not finite, which JSON cannot hold.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        raw("\(value)")
    }

    /// A text that is JSON already.
    public mutating func raw(_ json: String) {
        separate()
        bytes.append(contentsOf: json.utf8)
        needsComma = true
    }

    /// JSON that is known to be valid, without its line breaks: in valid JSON one can only stand between values.
    public mutating func rawLine(_ json: [UInt8]) {
        separate()
        if json.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
            bytes.append(contentsOf: json.lazy.filter { $0 != 0x0A && $0 != 0x0D })
        } else {
            bytes.append(contentsOf: json)
        }
        needsComma = true
    }

    public mutating func node(_ node: JSONNode) {
        switch node.value {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .integer(let number): integer(number)
        case .number(let number, let text): text.isEmpty ? double(number) : raw(text)
        case .string(let text): string(text)
        case .array(let nodes): array { writer in for node in nodes { writer.node(node) } }
        case .object(let object): self.object { writer in for m in object.members { writer.member(m.key, m.node) } }
        }
    }

    public mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }
    public mutating func member(_ name: String, _ value: some BinaryInteger) {
        key(name)
        integer(value)
    }
    public mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }
    public mutating func member(_ name: String, _ value: Double) {
        key(name)
        double(value)
    }
    public mutating func member(_ name: String, _ value: JSONNode) {
        key(name)
        node(value)
    }
    /// Writes null for nil.
    public mutating func member(_ name: String, _ value: String?) {
        key(name)
        if let value { string(value) } else { null() }
    }
    /// Writes null for nil.
    public mutating func member(_ name: String, _ value: (some BinaryInteger)?) {
        key(name)
        if let value { integer(value) } else { null() }
    }
    /// Writes null for nil.
    public mutating func member(_ name: String, _ value: Double?) {
        key(name)
        if let value { double(value) } else { null() }
    }
    public mutating func member(_ name: String, _ values: some Sequence<String>) {
        key(name)
        array { writer in for value in values { writer.string(value) } }
    }

    private mutating func container(
        _ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) throws -> Void
    ) rethrows {
        separate()
        bytes.append(open)
        depth += 1
        needsComma = false
        try body(&self)
        depth -= 1
        if indented, needsComma { newLine() }
        bytes.append(close)
        needsComma = true
    }

    private mutating func separate() {
        if afterKey {
            afterKey = false
            return
        }
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        if indented, depth > 0 { newLine() }
        needsComma = false
    }

    private mutating func newLine() {
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: depth * 2))
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        // Run by run: most texts have nothing that must be escaped.
        text.withUTF8 { text in
            var start = 0
            for place in text.indices where Self.isEscaped(text[place]) {
                bytes.append(contentsOf: text[start..<place])
                escape(text[place])
                start = place + 1
            }
            bytes.append(contentsOf: text[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// RFC 8259, 7.
    private static func isEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
        case 0x0A: bytes.append(contentsOf: "\\n".utf8)
        case 0x0D: bytes.append(contentsOf: "\\r".utf8)
        case 0x09: bytes.append(contentsOf: "\\t".utf8)
        default:
            bytes.append(contentsOf: (byte < 16 ? "\\u000" : "\\u00").utf8)
            bytes.append(contentsOf: String(byte, radix: 16).utf8)
        }
    }
}

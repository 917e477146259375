/// A line and column in a text, both counted from 1; columns count Unicode scalars.
public struct JSONPosition: Sendable, Hashable, Comparable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (a: JSONPosition, b: JSONPosition) -> Bool {
        (a.line, a.column) < (b.line, b.column)
    }
}

/// Why a text is not JSON, and where.
public struct JSONSyntaxError: Error, Sendable, Hashable {
    public var message: String
    /// Byte offset of the first byte that is wrong.
    public var offset: Int
    public var position: JSONPosition
}

/// A parsed text: its root value, its duplicate keys, and the way from an offset to a line and column.
public struct JSONDocument: Sendable {
    /// A key that stands more than once in one object.
    public struct DuplicateKey: Sendable, Hashable {
        public var key: String
        /// Offset of the later key.
        public var offset: Int
        /// Offset of the first key of that name in the same object.
        public var firstOffset: Int
    }

    public let root: JSONNode
    /// RFC 8259 leaves duplicate keys open; here the first one counts and each later one is listed, for the caller to refuse.
    public let duplicateKeys: [DuplicateKey]
    let bytes: [UInt8]

    /// Parses a whole text.
    ///
    /// Strict RFC 8259: UTF-8 only, no byte order mark, no comments, no trailing commas, no NaN, nothing after the value,
    /// no unpaired surrogate. Arrays and objects may be nested `maximumDepth` deep.
    public init(parsing bytes: [UInt8], maximumDepth: Int = 128) throws(JSONSyntaxError) {
        var parser = JSONParser(maximumDepth: maximumDepth)
        let outcome = bytes.withUnsafeBufferPointer { parser.parse($0) }
        switch outcome {
        case .success(let node):
            self.root = node
            self.duplicateKeys = parser.duplicateKeys
            self.bytes = bytes
        case .failure(let failure):
            throw JSONSyntaxError(
                message: failure.message, offset: failure.offset,
                position: JSONDocument.position(at: failure.offset, in: bytes))
        }
    }

    public init(parsing text: String, maximumDepth: Int = 128) throws(JSONSyntaxError) {
        try self.init(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }

    /// The line and column of a byte offset; an offset past the end gives the end, a negative one the start.
    public func position(at offset: Int) -> JSONPosition { Self.position(at: offset, in: bytes) }

    static func position(at offset: Int, in bytes: [UInt8]) -> JSONPosition {
        var position = JSONPosition(line: 1, column: 1)
        for byte in bytes.prefix(max(0, offset)) {
            if byte == UInt8(ascii: "\n") {
                position.line += 1
                position.column = 1
            } else if byte & 0xC0 != 0x80 {
                position.column += 1
            }
        }
        return position
    }
}

import JSONText

/// The tokens of conditions and of filters: names, literals and signs.
struct ExpressionTokens {
    enum Token: Hashable {
        case name(String)
        case string(String)
        case integer(Int64)
        case number(Double, text: String)
        /// `== != < <= > >= ( ) [ ] , |`
        case sign(String)
        case end

        /// For messages.
        var words: String {
            switch self {
            case .name(let text): "\"\(text)\""
            case .string(let text): "the text \"\(text)\""
            case .integer(let number): "\(number)"
            case .number(_, let text): text
            case .sign(let text): "\"\(text)\""
            case .end: "the end"
            }
        }
    }

    private(set) var current: Token = .end
    /// Byte offset of the current token.
    private(set) var offset = 0
    private let bytes: [UInt8]
    private var index = 0
    private let code: DiagnosticCode

    /// - Parameter code: of what is thrown.
    init(_ bytes: [UInt8], code: DiagnosticCode) throws(TemplateError) {
        self.bytes = bytes
        self.code = code
        try advance()
    }

    func error(_ message: String, at offset: Int? = nil) -> TemplateError {
        TemplateError(code, message, offset: offset ?? self.offset)
    }

    /// Steps over the current token when it is this sign.
    mutating func take(_ sign: String) throws(TemplateError) -> Bool {
        guard current == .sign(sign) else { return false }
        try advance()
        return true
    }

    /// Steps over the current token when it is this word.
    mutating func takeWord(_ word: String) throws(TemplateError) -> Bool {
        guard current == .name(word) else { return false }
        try advance()
        return true
    }

    mutating func expect(_ sign: String) throws(TemplateError) {
        guard try take(sign) else { throw error("\"\(sign)\" is expected, not \(current.words)") }
    }

    mutating func advance() throws(TemplateError) {
        while index < bytes.count, bytes[index] == 0x20 || (0x09...0x0D).contains(bytes[index]) { index += 1 }
        offset = index
        guard index < bytes.count else {
            current = .end
            return
        }
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): current = .string(try text(closedBy: byte))
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","),
            UInt8(ascii: "|"):
            index += 1
            current = .sign(String(UnicodeScalar(byte)))
        case UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "<"), UInt8(ascii: ">"): current = try comparison()
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): current = try number()
        case _ where isIDCharacter(byte):
            current = .name(run())
        default:
            let rest = String(decoding: bytes[index...], as: UTF8.self)
            throw error("\"\(rest.prefix(1))\" has no meaning here")
        }
    }

    private mutating func run() -> String {
        let start = index
        while index < bytes.count, isIDCharacter(bytes[index]) { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func comparison() throws(TemplateError) -> Token {
        let first = bytes[index]
        index += 1
        let hasEquals = index < bytes.count && bytes[index] == UInt8(ascii: "=")
        if hasEquals { index += 1 }
        if !hasEquals, first == UInt8(ascii: "=") { throw error("\"=\" has no meaning here; did you mean \"==\"?") }
        if !hasEquals, first == UInt8(ascii: "!") { throw error("\"!\" has no meaning here; did you mean \"not\"?") }
        return .sign(String(UnicodeScalar(first)) + (hasEquals ? "=" : ""))
    }

    private mutating func number() throws(TemplateError) -> Token {
        let start = index
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let text = (start == index ? "" : "-") + run()
        if let whole = Int64(text) { return .integer(whole) }
        // As JSON writes numbers, and not as Swift does (`inf`, hexadecimal).
        if let document = try? JSONDocument(parsing: text), let number = document.root.double, number.isFinite {
            return .number(number, text: text)
        }
        throw error("\"\(text)\" is no number", at: start)
    }

    private mutating func text(closedBy quote: UInt8) throws(TemplateError) -> String {
        let start = index
        index += 1
        var text: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == quote { return String(decoding: text, as: UTF8.self) }
            if byte == UInt8(ascii: "\\"), index < bytes.count, bytes[index] == quote || bytes[index] == byte {
                text.append(bytes[index])
                index += 1
            } else {
                text.append(byte)
            }
        }
        throw error("a text is opened by \(quote == UInt8(ascii: "'") ? "'" : "\"") and not closed", at: start)
    }

    /// A literal at the current token, stepped over; nil when there is none.
    mutating func literal() throws(TemplateError) -> JSONNode? {
        let node: JSONNode
        switch current {
        case .string(let text): node = JSONNode(.string(text))
        case .integer(let number): node = JSONNode(.integer(number))
        case .number(let number, let text): node = JSONNode(.number(number, text: text))
        case .name("true"): node = JSONNode(.bool(true))
        case .name("false"): node = JSONNode(.bool(false))
        case .name("null"): node = JSONNode(.null)
        default: return nil
        }
        try advance()
        return node
    }
}

import Glibc

/// A recursive-descent parser over bytes. Internal errors carry offsets; `JSONDocument` turns them into lines and columns.
struct JSONParser {
    struct Failure: Error {
        var message: String
        var offset: Int
    }

    let maximumDepth: Int
    private(set) var duplicateKeys: [JSONDocument.DuplicateKey] = []
    private var bytes = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private var index = 0

    init(maximumDepth: Int) { self.maximumDepth = maximumDepth }

    mutating func parse(_ buffer: UnsafeBufferPointer<UInt8>) -> Result<JSONNode, Failure> {
        bytes = buffer
        index = 0
        do throws(Failure) {
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
                throw Failure(message: "starts with a byte order mark; JSON is plain UTF-8 without one", offset: 0)
            }
            skipSpace()
            let node = try value(depth: 0)
            skipSpace()
            guard index == bytes.count else { throw unexpected("the end of the text") }
            return .success(node)
        } catch {
            return .failure(error)
        }
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(Failure) -> JSONNode {
        guard index < bytes.count else { throw unexpected("a value") }
        let start = index
        switch bytes[index] {
        case UInt8(ascii: "{"): return JSONNode(.object(try object(depth: depth + 1)), offset: start)
        case UInt8(ascii: "["): return JSONNode(.array(try array(depth: depth + 1)), offset: start)
        case UInt8(ascii: "\""): return JSONNode(.string(try string()), offset: start)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return JSONNode(try number(), offset: start)
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw unexpected("a value")
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONNode {
        let start = index
        let end = index + word.utf8CodeUnitCount
        guard end <= bytes.count, memcmp(bytes.baseAddress! + index, word.utf8Start, word.utf8CodeUnitCount) == 0 else {
            throw unexpected("a value")
        }
        index = end
        return JSONNode(value, offset: start)
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONObject {
        try enter(depth)
        var members: [JSONMember] = []
        var firstOffsets: [String: Int] = [:]
        if take(UInt8(ascii: "}")) { return JSONObject(members) }
        while true {
            let keyOffset = index
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                throw unexpected("a key in double quotes")
            }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw unexpected("':'") }
            let node = try value(depth: depth)
            if let first = firstOffset(of: key, in: members, &firstOffsets) {
                duplicateKeys.append(.init(key: key, offset: keyOffset, firstOffset: first))
            }
            members.append(JSONMember(key: key, keyOffset: keyOffset, node: node))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw unexpected("',' or '}'") }
            return JSONObject(members)
        }
    }

    /// Small objects are searched in place; a large one gets a table, so that reading stays linear.
    private func firstOffset(of key: String, in members: [JSONMember], _ table: inout [String: Int]) -> Int? {
        if members.count < 16 { return members.first { $0.key == key }?.keyOffset }
        if table.isEmpty {
            for member in members where table[member.key] == nil { table[member.key] = member.keyOffset }
        } else if let last = members.last, table[last.key] == nil {
            table[last.key] = last.keyOffset
        }
        return table[key]
    }

    private mutating func array(depth: Int) throws(Failure) -> [JSONNode] {
        try enter(depth)
        var nodes: [JSONNode] = []
        if take(UInt8(ascii: "]")) { return nodes }
        while true {
            nodes.append(try value(depth: depth))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw unexpected("',' or ']'") }
            return nodes
        }
    }

    /// Steps over an opening bracket and the space after it.
    private mutating func enter(_ depth: Int) throws(Failure) {
        guard depth <= maximumDepth else {
            throw Failure(message: "is nested more than \(maximumDepth) levels deep", offset: index)
        }
        index += 1
        skipSpace()
    }

    // MARK: Strings

    private mutating func string() throws(Failure) -> String {
        let opening = index
        index += 1
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\") {
            try refuseControl()
            index += 1
        }
        guard index < bytes.count else {
            throw Failure(message: "has a string that is not closed", offset: opening)
        }
        if bytes[index] == UInt8(ascii: "\"") {
            defer { index += 1 }
            return try decoded(UnsafeBufferPointer(rebasing: bytes[start..<index]), from: start)
        }
        var buffer = Array(bytes[start..<index])
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return try buffer.withUnsafeBufferPointer { slice throws(Failure) in try decoded(slice, from: start) }
            case UInt8(ascii: "\\"):
                try escape(into: &buffer)
            default:
                try refuseControl()
                buffer.append(bytes[index])
                index += 1
            }
        }
        throw Failure(message: "has a string that is not closed", offset: opening)
    }

    private func refuseControl() throws(Failure) {
        if bytes[index] < 0x20 {
            throw Failure(
                message: "has a control character in a string; write it as an escape such as \\n", offset: index)
        }
    }

    private func decoded(_ slice: UnsafeBufferPointer<UInt8>, from start: Int) throws(Failure) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw Failure(message: "is not UTF-8 (in the string that starts here)", offset: start)
        }
        return text
    }

    private mutating func escape(into buffer: inout [UInt8]) throws(Failure) {
        let start = index
        index += 1
        guard index < bytes.count else { return }
        let letter = bytes[index]
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(letter)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0C)
        case UInt8(ascii: "n"): buffer.append(0x0A)
        case UInt8(ascii: "r"): buffer.append(0x0D)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var code = try fourHexDigits(from: start)
            if (0xD800..<0xDC00).contains(code), index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
                bytes[index + 1] == UInt8(ascii: "u")
            {
                index += 2
                let low = try fourHexDigits(from: start)
                guard (0xDC00..<0xE000).contains(low) else { throw surrogate(start) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw surrogate(start) }
            buffer.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default:
            throw Failure(message: "has an unknown escape in a string", offset: start)
        }
    }

    private func surrogate(_ offset: Int) -> Failure {
        Failure(message: "has half of a surrogate pair in a string", offset: offset)
    }

    private mutating func fourHexDigits(from start: Int) throws(Failure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count, let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
                throw Failure(message: "has a \\u escape without four hexadecimal digits", offset: start)
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }

    // MARK: Numbers

    private mutating func number() throws(Failure) -> JSONValue {
        let start = index
        var isInteger = true
        _ = take(UInt8(ascii: "-"))
        let firstDigit = index
        try digits()
        if bytes[firstDigit] == UInt8(ascii: "0"), index - firstDigit > 1 {
            throw Failure(message: "has a number with a leading zero", offset: start)
        }
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            index += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        return .number(strtod(text, nil), text: text)
    }

    private mutating func digits() throws(Failure) {
        let start = index
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
        if index == start { throw unexpected("a digit") }
    }

    // MARK: Characters

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        if byte == UInt8(ascii: ":") || byte == UInt8(ascii: ",") { skipSpace() }
        return true
    }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    private func unexpected(_ wanted: String) -> Failure {
        guard index < bytes.count else {
            return Failure(message: "ends where \(wanted) was expected", offset: index)
        }
        let byte = bytes[index]
        let found =
            (0x21...0x7E).contains(byte)
            ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x" + String(byte, radix: 16, uppercase: true)
        return Failure(message: "has \(found) where \(wanted) was expected", offset: index)
    }
}

import JSONText
import SchedulerCore

/// What is wrong with a request's body: where, and at which key.
struct BodyError: Error, Hashable {
    var message: String

    init(_ message: String) { self.message = message }
}

/// Reads the members of a request's JSON object, and refuses those that nobody asked for.
struct BodyReader {
    private let document: JSONDocument
    private var asked: [String] = []

    /// An empty body counts as an empty object.
    init(_ bytes: [UInt8]) throws(BodyError) {
        do throws(JSONSyntaxError) {
            document = try JSONDocument(parsing: bytes.isEmpty ? Array("{}".utf8) : bytes)
        } catch {
            throw BodyError("the body, at \(error.position.line):\(error.position.column), \(error.message)")
        }
        guard document.root.object != nil else {
            throw BodyError("the body is \(document.root.typeName), not an object")
        }
    }

    mutating func string(_ key: String) throws(BodyError) -> String? {
        try value(key, "a string") { $0.string }
    }

    mutating func bool(_ key: String) throws(BodyError) -> Bool? {
        try value(key, "true or false") { $0.bool }
    }

    mutating func strings(_ key: String) throws(BodyError) -> [String]? {
        try value(key, "an array of strings") { node in
            guard let nodes = node.array else { return nil }
            let texts = nodes.compactMap(\.string)
            return texts.count == nodes.count ? texts : nil
        }
    }

    mutating func instant(_ key: String) throws(BodyError) -> Instant? {
        try value(key, "a time as in RFC 3339, such as 2022-05-02T00:00:00Z") {
            $0.string.flatMap { Instant(rfc3339: $0) }
        }
    }

    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _: Word.Type
    ) throws(BodyError) -> Word? where Word.RawValue == String {
        try value(key, "one of " + Word.allCases.map(\.rawValue).joined(separator: ", ")) {
            $0.string.flatMap { Word(rawValue: $0) }
        }
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(BodyError) -> Int? {
        try value(key, "an integer from \(range.lowerBound) to \(range.upperBound)") { node in
            node.wholeNumber.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    mutating func day(_ key: String) throws(BodyError) -> String? {
        try value(key, "a date such as 2022-05-02") { $0.string.flatMap { CivilDate($0) != nil ? $0 : nil } }
    }

    mutating func word(_ key: String, of words: [String]) throws(BodyError) -> String? {
        try value(key, "one of " + words.joined(separator: ", ")) {
            $0.string.flatMap { words.contains($0) ? $0 : nil }
        }
    }

    /// Whatever it is; nil for null.
    mutating func node(_ key: String) throws(BodyError) -> JSONNode? { try value(key, "a value") { $0 } }

    mutating func params() throws(BodyError) -> [String: JSONNode] {
        let object = try value("params", "an object") { $0.object }
        return Dictionary(
            (object?.members ?? []).map { ($0.key, $0.node) }, uniquingKeysWith: { first, _ in first })
    }

    func required<Value>(_ value: Value?, _ key: String) throws(BodyError) -> Value {
        guard let value else { throw BodyError("the body has no '\(key)'") }
        return value
    }

    /// To be called when all members were read.
    func end() throws(BodyError) {
        if let double = document.duplicateKeys.first {
            throw BodyError("the body\(at(double.offset)), has '\(double.key)' twice")
        }
        for member in document.root.object?.members ?? [] where !asked.contains(member.key) {
            let near = nearestName(to: member.key, among: asked).map { "; did you mean '\($0)'?" } ?? ""
            throw BodyError("the body\(at(member.keyOffset)), has an unknown key '\(member.key)'\(near)")
        }
    }

    private mutating func value<Value>(
        _ key: String, _ wanted: String, _ read: (JSONNode) -> Value?
    ) throws(BodyError) -> Value? {
        asked.append(key)
        guard let node = document.root[key], !node.isNull else { return nil }
        guard let value = read(node) else {
            throw BodyError("the body\(at(node.offset)): '\(key)' is not \(wanted)")
        }
        return value
    }

    private func at(_ offset: Int) -> String {
        let position = document.position(at: offset)
        return ", at \(position.line):\(position.column)"
    }
}

extension JSONNode {
    /// An integer as JSON Schema means it: 1.0 is one, too.
    fileprivate var wholeNumber: Int? { integer.flatMap { Int(exactly: $0) } ?? double.flatMap { Int(exactly: $0) } }
}

import JSONText

/// Reads the members of one object of a DAG file and reports whatever is not as it should be. A getter answers nil
/// when the member is absent, and also when it was wrong and has been reported.
struct ObjectReader {
    let path: String
    /// Of the object's opening brace.
    let offset: Int
    /// The members, without repeated keys.
    let members: [JSONMember]
    let problems: DiagnosticCollector
    private let byKey: [String: JSONNode]

    /// Nil, and reported, when the value is no object.
    init?(_ node: JSONNode, path: String, what: String, problems: DiagnosticCollector) {
        guard let object = node.object else {
            problems.error(.wrongType, at: node.offset, path, "\(what) must be an object, not \(node.typeName)")
            return nil
        }
        var byKey: [String: JSONNode] = [:]
        byKey.reserveCapacity(object.members.count)
        members = object.members.filter { byKey.updateValueIfAbsent($0.node, forKey: $0.key) }
        self.byKey = byKey
        self.path = path
        self.offset = node.offset
        self.problems = problems
    }

    subscript(key: String) -> JSONNode? { byKey[key] }

    /// Where a member's key stands.
    func keyOffset(_ key: String) -> Int { members.first { $0.key == key }?.keyOffset ?? offset }

    func path(_ key: String) -> String { jsonPath(path, key) }

    func error(_ code: DiagnosticCode, _ key: String, _ message: String) {
        problems.error(code, at: byKey[key]?.offset ?? offset, path(key), message)
    }

    /// - Parameter owner: what has the keys, such as `a task`.
    func refuseUnknownKeys(_ known: [String], of owner: String) {
        for member in members where !known.contains(member.key) {
            let remedy = problems.suggestion(
                for: member.key, among: known, otherwise: "; \(owner) has \(known.joined(separator: ", "))")
            problems.error(
                .unknownKey, at: member.keyOffset, path(member.key), "unknown key \"\(member.key)\"\(remedy)")
        }
    }

    func require(_ key: String, of owner: String) {
        if byKey[key] == nil {
            problems.error(.missingKey, at: offset, path, "\(owner) needs \"\(key)\"")
        }
    }

    // MARK: Values

    private func wrongType(_ key: String, _ node: JSONNode, _ wanted: String) {
        error(.wrongType, key, "\"\(key)\" must be \(wanted), not \(node.typeName)")
    }

    func string(_ key: String) -> String? {
        guard let node = byKey[key] else { return nil }
        guard let text = node.string else {
            wrongType(key, node, "a string")
            return nil
        }
        return text
    }

    func bool(_ key: String) -> Bool? {
        guard let node = byKey[key] else { return nil }
        guard let flag = node.bool else {
            wrongType(key, node, "true or false")
            return nil
        }
        return flag
    }

    func integer(_ key: String, _ range: ClosedRange<Int64>) -> Int? {
        guard let node = byKey[key] else { return nil }
        guard let number = node.integer else {
            wrongType(key, node, "an integer")
            return nil
        }
        guard range.contains(number) else {
            error(.outOfRange, key, "\"\(key)\" must be \(range.lowerBound) to \(range.upperBound), not \(number)")
            return nil
        }
        return Int(number)
    }

    func number(_ key: String, _ range: ClosedRange<Int>? = nil) -> Double? {
        guard let node = byKey[key] else { return nil }
        guard let number = node.double else {
            wrongType(key, node, "a number")
            return nil
        }
        if let range, !(Double(range.lowerBound)...Double(range.upperBound)).contains(number) {
            let text = node.plainText
            error(.outOfRange, key, "\"\(key)\" must be \(range.lowerBound) to \(range.upperBound), not \(text)")
            return nil
        }
        return number
    }

    /// A length of time up to ten years. With `orNull`, null gives `.some(nil)`: the field is set to nothing.
    func duration(_ key: String, positive: Bool = false, orNull: Bool = false) -> TimeAmount?? {
        guard let node = byKey[key] else { return nil }
        if orNull, node.isNull { return .some(nil) }
        guard let text = node.string else {
            wrongType(key, node, ValueType.duration.words + (orNull ? ", or null" : ""))
            return nil
        }
        guard let amount = TimeAmount(parsing: text) else {
            error(
                .badDuration, key, "\"\(text)\" is no length of time; write it as \"90s\", \"15m\", \"2h\", \"1h30m\"")
            return nil
        }
        let longest = TimeAmount(seconds: 3660 * 86_400)
        guard amount <= longest, amount > .zero || !positive else {
            let bounds = positive ? "longer than 0s and at most \(longest)" : "at most \(longest)"
            error(.outOfRange, key, "\"\(key)\" must be \(bounds), not \(text)")
            return nil
        }
        return amount
    }

    /// One of the words of an enumeration.
    func word<T: RawRepresentable<String> & CaseIterable>(_ key: String, _: T.Type, what: String) -> T? {
        guard let text = string(key) else { return nil }
        if let word = T(rawValue: text) { return word }
        let words = T.allCases.map(\.rawValue)
        let remedy = problems.suggestion(
            for: text, among: words, otherwise: "; one of \(words.joined(separator: ", "))")
        error(.badValue, key, "\"\(text)\" is no \(what)\(remedy)")
        return nil
    }

    /// The elements of an array that are strings; the others are reported.
    func strings(_ key: String) -> [(text: String, node: JSONNode, path: String)]? {
        guard let node = byKey[key] else { return nil }
        guard let elements = node.array else {
            wrongType(key, node, "an array of strings")
            return nil
        }
        return elements.enumerated().compactMap { index, element in
            let path = "\(path(key))[\(index)]"
            guard let text = element.string else {
                problems.error(
                    .wrongType, at: element.offset, path,
                    "an element of \"\(key)\" must be a string, not \(element.typeName)")
                return nil
            }
            return (text, element, path)
        }
    }

    /// An id of a DAG or a task.
    func id(of owner: String) -> String? {
        require("id", of: owner)
        return id("id", of: owner)
    }

    /// A name under the rules of ids.
    func id(_ key: String, of owner: String) -> String? {
        guard let id = string(key) else { return nil }
        guard isID(id) else {
            error(.badID, key, "\"\(id)\" is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots")
            return nil
        }
        return id
    }

    /// An object of environment variables, in order of name, with where each value stands.
    func environment(_ key: String) -> [(entry: EnvironmentEntry, node: JSONNode, path: String)]? {
        guard let node = byKey[key] else { return nil }
        guard let reader = ObjectReader(node, path: path(key), what: "\"\(key)\"", problems: problems) else {
            return nil
        }
        var entries: [(entry: EnvironmentEntry, node: JSONNode, path: String)] = []
        for member in reader.members {
            let path = reader.path(member.key)
            if !isVariableName(member.key) {
                problems.error(
                    .badName, at: member.keyOffset, path,
                    "\"\(member.key)\" is no name of an environment variable: letters, digits and _, no digit first")
            } else if member.key.hasPrefix("WEIR_") {
                problems.error(
                    .badName, at: member.keyOffset, path,
                    "\"\(member.key)\": names that begin with WEIR_ are set by Weir")
            }
            guard let text = member.node.string else {
                problems.error(
                    .wrongType, at: member.node.offset, path,
                    "an environment variable must be a string, not \(member.node.typeName)")
                continue
            }
            if text.utf8.contains(0) {
                problems.error(
                    .badValue, at: member.node.offset, path, "an environment variable cannot hold a NUL character")
            }
            entries.append((EnvironmentEntry(name: member.key, value: text), member.node, path))
        }
        return entries.sorted { $0.entry.name < $1.entry.name }
    }
}

/// Whether a text may be the id of a DAG, a task or a pool.
public func isID(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text.utf8.allSatisfy(isIDCharacter) && text != "." && text != ".."
}

/// A name for a variable of a shell: letters, digits and underscores, no digit first, at most 128 bytes.
func isVariableName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 128 else { return false }
    return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        && name.utf8.allSatisfy { isIDCharacter($0) && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "-") }
}

extension Dictionary {
    /// Whether the key was new.
    fileprivate mutating func updateValueIfAbsent(_ value: Value, forKey key: Key) -> Bool {
        guard self[key] == nil else { return false }
        self[key] = value
        return true
    }
}

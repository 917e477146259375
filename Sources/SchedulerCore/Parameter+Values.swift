import JSONText

/// What is wrong with the parameters that somebody gave for a run.
public struct ParameterErrors: Error, Sendable, Hashable, CustomStringConvertible {
    /// One line each, in the order of the names.
    public var messages: [String]

    public init(_ messages: [String]) { self.messages = messages.map(oneLine) }

    public var description: String { messages.joined(separator: "; ") }
}

extension DAG {
    /// The parameters of a run: those given, checked, and the defaults of the others, in the order of the DAG file.
    public func resolveParams(_ given: [String: JSONNode]) -> Result<JSONNode, ParameterErrors> {
        var messages: [String] = []
        let names = params.map(\.name)
        for name in given.keys.sorted() where !names.contains(name) {
            let all = names.isEmpty ? "; it takes none" : "; it takes \(names.joined(separator: ", "))"
            let remedy = suggestion(for: name, among: names, otherwise: all)
            messages.append("there is no parameter \"\(name)\"\(remedy)")
        }
        var members: [JSONMember] = []
        for parameter in params {
            if let value = given[parameter.name] {
                if let problem = parameter.problem(with: value) { messages.append(problem.message) }
                members.append(JSONMember(key: parameter.name, node: value))
            } else if let value = parameter.defaultValue {
                members.append(JSONMember(key: parameter.name, node: value))
            } else {
                messages.append("parameter \"\(parameter.name)\" must be given; it has no default")
            }
        }
        return messages.isEmpty
            ? .success(JSONNode(.object(JSONObject(members)))) : .failure(ParameterErrors(messages))
    }
}

extension Parameter {
    /// A value from a command line: the text itself for a string, otherwise the text read as JSON. Where that is no
    /// JSON it stays a string, which `problem(with:)` then names.
    public func value(fromText text: String) -> JSONNode {
        let asIs = JSONNode(.string(text))
        if type == .string { return asIs }
        guard let document = try? JSONDocument(parsing: text), document.duplicateKeys.isEmpty else { return asIs }
        return document.root
    }

    /// Why a value does not do for the parameter; nil when it does.
    func problem(with value: JSONNode) -> (code: DiagnosticCode, message: String)? {
        guard type.admits(value) else {
            return (.wrongType, "parameter \"\(name)\" must be \(type.words), not \(value.typeName)")
        }
        let text = value.plainText
        if !allowed.isEmpty, !allowed.contains(where: { $0.isSameValue(as: value) }) {
            let words = allowed.map(\.plainText)
            let remedy = suggestion(
                for: text, among: words, otherwise: "; it may be \(words.joined(separator: ", "))")
            return (.badValue, "parameter \"\(name)\" cannot be \(text)\(remedy)")
        }
        if let pattern, let text = value.string {
            guard text.utf8.count <= Pattern.longest else {
                return (
                    .outOfRange,
                    "parameter \"\(name)\" is longer than the \(Pattern.longest) bytes that \"pattern\" is tried on"
                )
            }
            if (try? Pattern(pattern))?.matches(text) != true {
                return (.badValue, "parameter \"\(name)\" must match \"\(pattern)\", not \"\(text)\"")
            }
        }
        if let number = value.double {
            if let minimum, number < minimum {
                return (.outOfRange, "parameter \"\(name)\" must be at least \(plain(minimum)), not \(text)")
            }
            if let maximum, number > maximum {
                return (.outOfRange, "parameter \"\(name)\" must be at most \(plain(maximum)), not \(text)")
            }
        }
        return nil
    }

    private func plain(_ number: Double) -> String { Int64(exactly: number).map(String.init) ?? String(number) }
}

extension JSONNode {
    /// Whether two values are the same. Numbers are compared as numbers, objects without regard to order.
    func isSameValue(as other: JSONNode) -> Bool {
        switch (value, other.value) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.string(let a), .string(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.isSameValue(as: $1) }
        case (.object(let a), .object(let b)):
            a.members.count == b.members.count
                && a.members.allSatisfy { member in b[member.key].map { $0.isSameValue(as: member.node) } ?? false }
        default:
            if let a = double, let b = other.double { a == b } else { false }
        }
    }
}

import JSONText

/// How a secret stands in what was rendered: `secret.NAME` between two NULs, in a launch and in an attempt's `spec.json`.
/// The supervisor puts the value in its place.
///
/// No value that a template gives may hold a NUL, so that data from outside can never become a reference.
public enum SecretReference {
    private static let mark = "\u{0}"
    private static let prefix = "secret."

    static func text(_ name: String) -> String { mark + prefix + name + mark }

    /// A text for people: references as they are written in a DAG file.
    public static func display(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        return pieces(text).enumerated().map { $0 % 2 == 0 ? $1 : "{{ \($1) }}" }.joined()
    }

    /// `display` for every string of a value.
    static func display(_ node: JSONNode) -> JSONNode {
        switch node.value {
        case .string(let text): return JSONNode(.string(display(text)), offset: node.offset)
        case .array(let nodes): return JSONNode(.array(nodes.map { display($0) }), offset: node.offset)
        case .object(var object):
            for index in object.members.indices { object.members[index].node = display(object.members[index].node) }
            return JSONNode(.object(object), offset: node.offset)
        default: return node
        }
    }

    /// The secrets that a rendered value refers to.
    public static func names(in node: JSONNode) -> Set<String> {
        switch node.value {
        case .string(let text): names(in: text)
        case .array(let nodes): nodes.reduce(into: []) { $0.formUnion(names(in: $1)) }
        case .object(let object): object.members.reduce(into: []) { $0.formUnion(names(in: $1.node)) }
        default: []
        }
    }

    public static func names(in text: String) -> Set<String> {
        guard text.utf8.contains(0) else { return [] }
        return Set(
            pieces(text).enumerated().compactMap { index, piece in
                index % 2 == 1 && piece.hasPrefix(prefix) ? String(piece.dropFirst(prefix.count)) : nil
            })
    }

    private static func pieces(_ text: String) -> [String] {
        text.utf8.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A value that a name gave, unless it could pass for a reference.
    static func checked(_ name: TemplateName, _ value: JSONNode) throws(TemplateError) -> JSONNode {
        if case .secret = name { return value }
        guard !hasNUL(value) else {
            throw TemplateError(.badValue, "the value of \(name.words) holds a NUL character, which no task can take")
        }
        return value
    }

    static func hasNUL(_ node: JSONNode) -> Bool {
        switch node.value {
        case .string(let text): text.utf8.contains(0)
        case .array(let nodes): nodes.contains(where: hasNUL)
        case .object(let object): object.members.contains { hasNUL($0.node) }
        default: false
        }
    }
}

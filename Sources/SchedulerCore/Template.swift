import JSONText

/// Why a template cannot be read or rendered.
public struct TemplateError: Error, Sendable, Hashable {
    /// The word that stands for the kind of problem in diagnostics: `bad_template`, `unknown_param` …
    public var code: String
    /// One line: what is wrong, and what instead.
    public var message: String
    /// Byte offset in the string that holds the template.
    public var offset: Int
    /// Where that string stands in the value that was rendered, such as `.rows[2]`; empty for the value itself.
    public var path: String

    init(_ code: DiagnosticCode, _ message: String, offset: Int = 0, path: String = "") {
        self.code = code.rawValue
        self.message = oneLine(message)
        self.offset = offset
        self.path = path
    }
}

/// A string with `{{ name }}` in it, taken apart. Two braces always open a template; there is no escape for them.
public struct Template: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case text(String)
        /// `offset` is that of the opening braces.
        case name(TemplateName, [TemplateFilter], offset: Int)
    }

    let parts: [Part]

    /// Reads a string; the first thing that is wrong in it is thrown.
    public init(parsing text: String) throws(TemplateError) {
        let (template, errors) = Self.scan(text)
        if let error = errors.first { throw error }
        self = template
    }

    private init(parts: [Part]) { self.parts = parts }

    /// The names in the string, in order.
    public var names: [TemplateName] {
        parts.compactMap { part in if case .name(let name, _, _) = part { name } else { nil } }
    }

    /// The name when the whole string is one template, whose value is then taken as it is, whatever its type.
    public var soleName: TemplateName? { parts.count == 1 ? names.first : nil }

    /// Whether a template that is the whole string gives a text, whatever its name stands for.
    var givesText: Bool {
        guard parts.count == 1, case .name(_, let filters, _) = parts[0] else { return true }
        return filters.contains(where: \.givesText)
    }

    /// Whether it may give something else than its name.
    var hasFilters: Bool {
        parts.contains { if case .name(_, let filters, _) = $0 { !filters.isEmpty } else { false } }
    }

    /// Whether a string holds a template at all.
    public static func isTemplate(_ text: String) -> Bool {
        var last: UInt8 = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "{"), last == byte { return true }
            last = byte
        }
        return false
    }

    /// Takes a string apart and finds everything that is wrong in it.
    static func scan(_ text: String) -> (template: Template, errors: [TemplateError]) {
        guard isTemplate(text) else { return (Template(parts: text.isEmpty ? [] : [.text(text)]), []) }
        let bytes = Array(text.utf8)
        var parts: [Part] = []
        var errors: [TemplateError] = []
        var textStart = 0
        var index = 0
        func pair(_ brace: UInt8, at index: Int) -> Bool {
            index + 1 < bytes.count && bytes[index] == brace && bytes[index + 1] == brace
        }
        func flush(upTo end: Int) {
            if end > textStart { parts.append(.text(String(decoding: bytes[textStart..<end], as: UTF8.self))) }
        }
        while index < bytes.count {
            guard pair(UInt8(ascii: "{"), at: index) else {
                index += 1
                continue
            }
            flush(upTo: index)
            var end = index + 2
            while end < bytes.count, !pair(UInt8(ascii: "}"), at: end) { end += 1 }
            guard end < bytes.count else {
                errors.append(
                    TemplateError(
                        .badTemplate, "a template is opened by \"{{\" and not closed by \"}}\"", offset: index))
                return (Template(parts: parts), errors)
            }
            do throws(TemplateError) {
                let bar = bytes[(index + 2)..<end].firstIndex(of: UInt8(ascii: "|")) ?? end
                let name = try name(bytes, from: index + 2, to: bar)
                do throws(TemplateError) {
                    parts.append(.name(name, try TemplateFilter.parse(Array(bytes[bar..<end])), offset: index))
                } catch {
                    var error = error
                    error.offset += bar
                    throw error
                }
            } catch {
                errors.append(error)
            }
            index = end + 2
            textStart = index
        }
        flush(upTo: bytes.count)
        return (Template(parts: parts), errors)
    }

    private static func name(_ bytes: [UInt8], from start: Int, to end: Int) throws(TemplateError) -> TemplateName {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var inside = bytes[start..<end]
        while let first = inside.first, isSpace(first) { inside.removeFirst() }
        while let last = inside.last, isSpace(last) { inside.removeLast() }
        let text = String(decoding: inside, as: UTF8.self)
        guard !inside.isEmpty, inside.allSatisfy({ isIDCharacter($0) }) else {
            throw TemplateError(
                .badTemplate,
                inside.isEmpty
                    ? "an empty template; between the braces stands one name, such as {{ ds }}"
                    : "\"\(text)\" is no template name; between the braces stands one name, such as {{ ds }}",
                offset: start - 2)
        }
        do {
            return try TemplateName(text)
        } catch {
            var error = error
            error.offset = inside.startIndex
            throw error
        }
    }
}

// MARK: Rendering

extension Template {
    /// Renders every string in a value; keys stay as they are.
    ///
    /// A string that is exactly one template becomes the value itself, so a number stays a number. In every other
    /// string the values are put in as text: a string as it is, anything else as JSON.
    public static func render(_ node: JSONNode, in context: TemplateContext) throws(TemplateError) -> JSONNode {
        switch node.value {
        case .string(let text):
            guard isTemplate(text) else { return node }
            let template = try Template(parsing: text)
            guard template.parts.count == 1, case .name(let name, let filters, _) = template.parts[0] else {
                return JSONNode(.string(try template.text(in: context)), offset: node.offset)
            }
            return JSONNode(try value(name, filters, context).value, offset: node.offset)
        case .array(let nodes):
            var rendered: [JSONNode] = []
            rendered.reserveCapacity(nodes.count)
            for (index, node) in nodes.enumerated() {
                rendered.append(try within("[\(index)]") { () throws(TemplateError) in try render(node, in: context) })
            }
            return JSONNode(.array(rendered), offset: node.offset)
        case .object(let object):
            var rendered = object
            for index in rendered.members.indices {
                let member = object.members[index]
                rendered.members[index].node = try within(jsonPath("", member.key)) { () throws(TemplateError) in
                    try render(member.node, in: context)
                }
            }
            return JSONNode(.object(rendered), offset: node.offset)
        default:
            return node
        }
    }

    /// Renders a string to a string, also when it is exactly one template: what an environment variable needs.
    public static func renderText(_ text: String, in context: TemplateContext) throws(TemplateError) -> String {
        isTemplate(text) ? try Template(parsing: text).text(in: context) : text
    }

    private func text(in context: TemplateContext) throws(TemplateError) -> String {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .name(let name, let filters, let offset):
                do {
                    result += try Self.value(name, filters, context).plainText
                } catch {
                    var error = error
                    error.offset = offset
                    throw error
                }
            }
        }
        return result
    }

    /// What a name gives once its filters have gone over it.
    private static func value(
        _ name: TemplateName, _ filters: [TemplateFilter], _ context: TemplateContext
    ) throws(TemplateError) -> JSONNode {
        guard !filters.isEmpty else { return try SecretReference.checked(name, try context.value(of: name)) }
        var value: JSONNode?
        var absence: TemplateError?
        do throws(TemplateError) { value = try context.value(of: name) } catch { absence = error }
        for filter in filters { value = try filter.apply(value, context.zone) }
        guard let value else { throw absence ?? TemplateError(.unknownOutput, "it gives nothing") }
        return try SecretReference.checked(name, value)
    }

    /// Puts a step before the path of an error that comes from inside.
    private static func within<T>(
        _ step: String, _ body: () throws(TemplateError) -> T
    ) throws(TemplateError) -> T {
        do {
            return try body()
        } catch {
            var error = error
            error.path = step + error.path
            throw error
        }
    }
}

extension JSONNode {
    /// A string as it is, any other value as JSON.
    var plainText: String {
        if let string { return string }
        var writer = JSONWriter()
        writer.node(self)
        return writer.text
    }
}

import JSONText

/// Checks the `with` of a task against what its kind takes. Templates stand for whatever they could become.
struct KindChecker {
    let kind: KindSpec
    /// The types of the DAG's parameters, for templates that name one.
    let paramTypes: [String: ValueType]
    let problems: DiagnosticCollector

    /// - Parameters:
    ///   - with: nil when the task has none.
    ///   - taskOffset: where to point when it has none.
    func check(_ with: JSONNode?, path: String, taskOffset: Int) {
        let node = with ?? JSONNode(.object(JSONObject()), offset: taskOffset)
        guard let reader = ObjectReader(node, path: path, what: "\"with\"", problems: problems) else { return }
        let names = kind.parameters.map(\.name)
        for member in reader.members where !names.contains(member.key) {
            let all = names.isEmpty ? "; it takes none" : "; it takes \(names.joined(separator: ", "))"
            let remedy = problems.suggestion(for: member.key, among: names, otherwise: all)
            problems.error(
                .unknownKey, at: member.keyOffset, reader.path(member.key),
                "kind \"\(kind.name)\" has no parameter \"\(member.key)\"\(remedy)")
        }
        for parameter in kind.parameters {
            if let value = reader[parameter.name] {
                check(value, parameter, path: reader.path(parameter.name))
                let companions = parameter.goesWith
                if !companions.isEmpty, !companions.contains(where: { reader[$0] != nil }),
                    isDecided(companions, reader)
                {
                    let words = companions.map { "\"\($0)\"" }.joined(separator: " or ")
                    problems.error(
                        .badValue, at: reader.keyOffset(parameter.name), reader.path(parameter.name),
                        "\"\(parameter.name)\" only goes with \(words)")
                }
            } else if parameter.required {
                problems.error(
                    .missingKey, at: node.offset, path,
                    "kind \"\(kind.name)\" needs \"\(parameter.name)\" in \"with\": \(parameter.help)")
            }
        }
        for group in kind.exactlyOneOf {
            let given = group.filter { reader[$0] != nil }
            guard given.count != 1 else { continue }
            let wanted = group.map { "\"\($0)\"" }.joined(separator: group.count > 2 ? ", " : " or ")
            let found = given.isEmpty ? "none is given" : "\(given.joined(separator: " and ")) are given"
            problems.error(
                .exactlyOneOf, at: node.offset, path, "kind \"\(kind.name)\" needs exactly one of \(wanted); \(found)")
        }
    }

    /// Whether one of the group is given that the parameters are of: else it is the group's error that nothing is.
    private func isDecided(_ names: [String], _ reader: ObjectReader) -> Bool {
        let group = kind.exactlyOneOf.first { !Set($0).isDisjoint(with: names) } ?? []
        return group.isEmpty || group.contains { reader[$0] != nil }
    }

    private func check(_ value: JSONNode, _ parameter: KindParameter, path: String) {
        guard check(value, parameter.type, name: "\"\(parameter.name)\"", path: path) else { return }
        if !parameter.allowed.isEmpty, let text = value.string, !Template.isTemplate(text),
            !parameter.allowed.contains(text)
        {
            let remedy = problems.suggestion(
                for: text, among: parameter.allowed,
                otherwise: "; it may be \(parameter.allowed.joined(separator: ", "))")
            problems.error(
                .badValue, at: value.offset, path, "\"\(parameter.name)\" cannot be \"\(text)\"\(remedy)")
        }
        if let element = parameter.element, let elements = value.array {
            if elements.isEmpty {
                problems.error(
                    .badValue, at: value.offset, path, "\"\(parameter.name)\" must not be empty: \(parameter.help)")
            }
            for (index, node) in elements.enumerated() {
                check(node, element, name: "an element of \"\(parameter.name)\"", path: "\(path)[\(index)]")
            }
        }
    }

    @discardableResult
    private func check(_ value: JSONNode, _ type: ValueType, name: String, path: String) -> Bool {
        if let text = value.string, Template.isTemplate(text) {
            let (template, errors) = Template.scan(text)
            // A template that cannot be read is reported by whoever checks templates.
            if !errors.isEmpty || canYield(template, type) { return true }
            problems.error(
                .wrongType, at: value.offset, path,
                "\(name) must be \(type.words); \"\(text)\" never gives one")
            return false
        }
        if type.admits(value) { return true }
        if type == .url, let text = value.string {
            problems.error(.badValue, at: value.offset, path, "\(name) cannot be \"\(text)\": it must be \(type.words)")
        } else if type == .duration, let text = value.string {
            problems.error(
                .badDuration, at: value.offset, path,
                "\"\(text)\" is no length of time; write it as \"90s\", \"15m\", \"2h\", \"1h30m\"")
        } else {
            problems.error(
                .wrongType, at: value.offset, path, "\(name) must be \(type.words), not \(value.typeName)")
        }
        return false
    }

    private func canYield(_ template: Template, _ type: ValueType) -> Bool {
        // Whatever a template gives is put into a string as text.
        if type == .string || type == .any || type == .url { return true }
        guard let name = template.soleName, !template.givesText else { return type == .duration }
        if template.hasFilters { return true }
        let given: ValueType
        switch name {
        case .variable(.tryNumber): given = .integer
        case .variable: given = .string
        case .param(let name): given = paramTypes[name] ?? .any
        case .output, .eachValue: given = .any
        case .eachIndex: given = .integer
        case .run, .env, .secret: given = .string
        }
        switch (given, type) {
        case (.any, _), (.string, .duration), (.integer, .number), (.number, .integer): return true
        default: return given == type
        }
    }
}

extension KindSpec {
    /// Renders a task's `with` for an attempt and checks what came out against the kind's parameters.
    ///
    /// Where the kind takes a string, and a template gave something else, the value is put in as text: so an integer
    /// parameter can be an argument of a command. Other types that do not fit are errors with the code `wrong_type`.
    public func render(_ with: JSONNode, in context: TemplateContext) throws(TemplateError) -> JSONNode {
        var object = (try Template.render(with, in: context)).object ?? JSONObject()
        for parameter in parameters {
            guard let index = object.members.firstIndex(where: { $0.key == parameter.name }) else { continue }
            var value = object.members[index].node
            let path = jsonPath("", parameter.name)
            let written = with[parameter.name]
            value = try Self.fitted(value, to: parameter.type, written: written, name: parameter.name, path: path)
            if let element = parameter.element, let elements = value.array {
                var fitted: [JSONNode] = []
                for (number, node) in elements.enumerated() {
                    let source = written?.array.map { $0[number] } ?? written
                    fitted.append(
                        try Self.fitted(
                            node, to: element, written: source, name: parameter.name, path: "\(path)[\(number)]"))
                }
                value = JSONNode(.array(fitted), offset: value.offset)
            }
            if !parameter.allowed.isEmpty, let text = value.string, !parameter.allowed.contains(text) {
                let words = parameter.allowed.joined(separator: ", ")
                throw TemplateError(
                    .badValue, "\"\(parameter.name)\" cannot be \"\(text)\"; it may be \(words)", path: path)
            }
            object.members[index].node = value
        }
        return JSONNode(.object(object), offset: with.offset)
    }

    private static func fitted(
        _ value: JSONNode, to type: ValueType, written: JSONNode?, name: String, path: String
    ) throws(TemplateError) -> JSONNode {
        if type.admits(value) { return value }
        if type == .string, let text = written?.string, Template.isTemplate(text) {
            return JSONNode(.string(value.plainText), offset: value.offset)
        }
        throw TemplateError(
            .wrongType,
            "\"\(name)\" must be \(type.words), not \(value.typeName)"
                + (written?.string.map { ", which \($0) gave" } ?? ""), path: path)
    }
}

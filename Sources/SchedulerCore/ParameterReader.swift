import JSONText

/// Reads the `params` of a DAG file.
enum ParameterReader {
    static let keys = ["type", "default", "enum", "minimum", "maximum", "pattern", "description"]
    static let types: [ValueType] = [.string, .integer, .number, .boolean, .array, .object]

    static func read(_ dag: ObjectReader) -> [Parameter] {
        guard let node = dag["params"],
            let all = ObjectReader(node, path: dag.path("params"), what: "\"params\"", problems: dag.problems)
        else { return [] }
        // Each becomes WEIR_PARAM_<NAME> for commands, so two names must differ in more than case.
        var environmentNames: [String: String] = [:]
        return all.members.compactMap { member in
            let path = all.path(member.key)
            if !isVariableName(member.key) {
                dag.problems.error(
                    .badName, at: member.keyOffset, path,
                    "\"\(member.key)\" is no name of a parameter: letters, digits and _, no digit first")
            } else if let other = environmentNames.updateValue(member.key, forKey: member.key.uppercased()) {
                dag.problems.error(
                    .badName, at: member.keyOffset, path,
                    "parameters \"\(other)\" and \"\(member.key)\" differ only in case; "
                        + "both would be WEIR_PARAM_\(member.key.uppercased())")
            }
            return parameter(member, path: path, problems: dag.problems)
        }
    }

    private static func parameter(_ member: JSONMember, path: String, problems: DiagnosticCollector) -> Parameter? {
        guard let reader = ObjectReader(member.node, path: path, what: "a parameter", problems: problems) else {
            return nil
        }
        reader.refuseUnknownKeys(keys, of: "a parameter")
        var parameter = Parameter(
            name: member.key, type: type(reader) ?? .any, description: reader.string("description") ?? "",
            defaultValue: reader["default"], allowed: [], minimum: nil, maximum: nil, pattern: nil)
        readBounds(of: &parameter, reader)
        readPattern(of: &parameter, reader)
        if let node = reader["enum"] {
            guard let values = node.array, !values.isEmpty else {
                reader.error(.wrongType, "enum", "\"enum\" must be an array of at least one value")
                return parameter
            }
            for (index, value) in values.enumerated() where !parameter.type.admits(value) {
                problems.error(
                    .wrongType, at: value.offset, "\(reader.path("enum"))[\(index)]",
                    "a value of \"enum\" must be \(parameter.type.words), not \(value.typeName)")
            }
            parameter.allowed = values
        }
        if let value = reader["default"], let problem = parameter.problem(with: value) {
            reader.error(problem.code, "default", problem.message)
        }
        return parameter
    }

    private static func readBounds(of parameter: inout Parameter, _ reader: ObjectReader) {
        for key in ["minimum", "maximum"] where reader[key] != nil {
            if parameter.type != .integer, parameter.type != .number {
                reader.error(
                    .badValue, key,
                    "\"\(key)\" only goes with the types integer and number, not \(parameter.type.rawValue)")
            }
        }
        parameter.minimum = reader.number("minimum")
        parameter.maximum = reader.number("maximum")
        if let minimum = parameter.minimum, let maximum = parameter.maximum, minimum > maximum {
            reader.error(.badValue, "maximum", "\"maximum\" is less than \"minimum\"")
        }
    }

    private static func readPattern(of parameter: inout Parameter, _ reader: ObjectReader) {
        guard let text = reader.string("pattern") else { return }
        guard parameter.type == .string else {
            reader.error(
                .badValue, "pattern", "\"pattern\" only goes with the type string, not \(parameter.type.rawValue)")
            return
        }
        do throws(Pattern.Problem) {
            _ = try Pattern(text)
            parameter.pattern = text
        } catch {
            reader.error(.badValue, "pattern", "\"\(text)\" is no regular expression: \(error.message)")
        }
    }

    private static func type(_ reader: ObjectReader) -> ValueType? {
        guard let text = reader.string("type") else { return nil }
        if let type = types.first(where: { $0.rawValue == text }) { return type }
        let words = types.map(\.rawValue)
        let remedy = reader.problems.suggestion(
            for: text, among: words, otherwise: "; one of \(words.joined(separator: ", "))")
        reader.error(.badValue, "type", "\"\(text)\" is no type\(remedy)")
        return nil
    }
}

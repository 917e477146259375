import JSONText

/// The `when` of a task: an expression of comparisons, `in`, `and`, `or`, `not`, names as in templates, and literals.
public struct Condition: Sendable, Hashable {
    indirect enum Expression: Sendable, Hashable {
        case literal(Literal)
        case name(TemplateName, offset: Int)
        case list([Expression])
        case not(Expression)
        case and(Expression, Expression)
        case or(Expression, Expression)
        case compare(Expression, Operator, Expression, offset: Int)
        case contains(Expression, Expression, negated: Bool, offset: Int)
    }

    enum Literal: Sendable, Hashable {
        case null
        case bool(Bool)
        case integer(Int64)
        case number(Double)
        case string(String)

        init(_ node: JSONNode) {
            switch node.value {
            case .bool(let flag): self = .bool(flag)
            case .integer(let number): self = .integer(number)
            case .number(let number, _): self = .number(number)
            case .string(let text): self = .string(text)
            default: self = .null
            }
        }

        var node: JSONNode {
            switch self {
            case .null: JSONNode(.null)
            case .bool(let flag): JSONNode(.bool(flag))
            case .integer(let number): JSONNode(.integer(number))
            case .number(let number): JSONNode(.number(number, text: ""))
            case .string(let text): JSONNode(.string(text))
            }
        }
    }

    enum Operator: String, Sendable, Hashable, CaseIterable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case notGreater = "<="
        case greater = ">"
        case notLess = ">="
    }

    let root: Expression
    /// Where each name stands, in order; offsets count bytes of the text.
    let places: [Place]

    struct Place: Sendable, Hashable {
        var name: TemplateName
        var offset: Int
    }

    /// Reads an expression; the first thing that is wrong in it is thrown, with its byte offset.
    public init(parsing text: String) throws(TemplateError) {
        var parser = try ConditionParser(text)
        root = try parser.read()
        places = parser.places
    }

    public var names: [TemplateName] { places.map(\.name) }

    /// Whether it holds. An output that was not handed on is null.
    public func isTrue(in context: TemplateContext) throws(TemplateError) -> Bool {
        try Self.flag(root, context, offset: 0)
    }

    private static func flag(
        _ expression: Expression, _ context: TemplateContext, offset: Int
    ) throws(TemplateError) -> Bool {
        switch expression {
        case .not(let inner): return try !flag(inner, context, offset: offset)
        case .and(let a, let b):
            guard try flag(a, context, offset: offset) else { return false }
            return try flag(b, context, offset: offset)
        case .or(let a, let b):
            if try flag(a, context, offset: offset) { return true }
            return try flag(b, context, offset: offset)
        case .compare(let a, let sign, let b, let offset):
            return try compare(try value(a, context), sign, try value(b, context), offset: offset)
        case .contains(let element, let list, let negated, let offset):
            let list = try value(list, context)
            guard let nodes = list.array else {
                throw TemplateError(
                    .wrongType, "what stands after \"in\" must be an array, not \(list.typeName)", offset: offset)
            }
            let element = try value(element, context)
            return nodes.contains { $0.isSameValue(as: element) } != negated
        case .literal, .name, .list:
            let value = try value(expression, context)
            guard let flag = value.bool else {
                var place = offset
                if case .name(_, let own) = expression { place = own }
                throw TemplateError(
                    .wrongType, "a condition must be true or false, not \(value.typeName); compare it with something",
                    offset: place)
            }
            return flag
        }
    }

    private static func value(_ expression: Expression, _ context: TemplateContext) throws(TemplateError) -> JSONNode {
        switch expression {
        case .literal(let literal): return literal.node
        case .name(let name, let offset):
            if case .output(let task, let key) = name { return context.outputs[task]?[key] ?? JSONNode(.null) }
            do throws(TemplateError) { return try context.value(of: name) } catch {
                throw TemplateError(
                    DiagnosticCode(rawValue: error.code) ?? .badCondition, error.message, offset: offset)
            }
        case .list(let elements):
            var nodes: [JSONNode] = []
            for element in elements { nodes.append(try value(element, context)) }
            return JSONNode(.array(nodes))
        default: return JSONNode(.bool(try flag(expression, context, offset: 0)))
        }
    }

    private static func compare(
        _ a: JSONNode, _ sign: Operator, _ b: JSONNode, offset: Int
    ) throws(TemplateError) -> Bool {
        if sign == .equal { return a.isSameValue(as: b) }
        if sign == .notEqual { return !a.isSameValue(as: b) }
        if let x = a.integer, let y = b.integer { return holds(x, sign, y) }
        if let x = a.double, let y = b.double { return holds(x, sign, y) }
        // By bytes, not by a language's rules: so that dates and times compare as they should.
        if let x = a.string, let y = b.string { return holds(Array(x.utf8), sign, Array(y.utf8)) }
        throw TemplateError(
            .wrongType, "\(a.typeName) and \(b.typeName) cannot be compared by \"\(sign.rawValue)\"", offset: offset)
    }

    private static func holds<T: Comparable>(_ a: T, _ sign: Operator, _ b: T) -> Bool {
        switch sign {
        case .less: a < b
        case .notGreater: a <= b
        case .greater: a > b
        case .notLess: a >= b
        case .equal: a == b
        case .notEqual: a != b
        }
    }

    private static func holds(_ a: [UInt8], _ sign: Operator, _ b: [UInt8]) -> Bool {
        let isLess = a.lexicographicallyPrecedes(b)
        switch sign {
        case .less: return isLess
        case .notGreater: return isLess || a == b
        case .greater: return !isLess && a != b
        case .notLess: return !isLess
        case .equal: return a == b
        case .notEqual: return a != b
        }
    }
}

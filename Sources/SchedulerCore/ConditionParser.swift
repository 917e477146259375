import JSONText

/// Reads conditions by descent: `or` binds weakest, then `and`, `not`, comparisons.
struct ConditionParser {
    private var tokens: ExpressionTokens
    private(set) var places: [Condition.Place] = []
    private var depth = 0
    /// As deep as brackets and `not` may be nested: the stack is not endless.
    private static let deepest = 100
    private static let words = ["and", "or", "not", "in"]

    init(_ text: String) throws(TemplateError) {
        tokens = try ExpressionTokens(Array(text.utf8), code: .badCondition)
    }

    mutating func read() throws(TemplateError) -> Condition.Expression {
        if tokens.current == .end {
            throw tokens.error("an empty condition; write one such as params.mode == \"full\"")
        }
        let expression = try either()
        guard tokens.current == .end else {
            throw tokens.error(
                "\(tokens.current.words) is not expected here; conditions are joined by \"and\" or \"or\"")
        }
        return expression
    }

    private mutating func deeper() throws(TemplateError) {
        depth += 1
        if depth > Self.deepest { throw tokens.error("nested more than \(Self.deepest) deep") }
    }

    private mutating func either() throws(TemplateError) -> Condition.Expression {
        var left = try both()
        while try tokens.takeWord("or") {
            try deeper()
            left = .or(left, try both())
        }
        return left
    }

    private mutating func both() throws(TemplateError) -> Condition.Expression {
        var left = try negation()
        while try tokens.takeWord("and") {
            try deeper()
            left = .and(left, try negation())
        }
        return left
    }

    private mutating func negation() throws(TemplateError) -> Condition.Expression {
        guard try tokens.takeWord("not") else { return try comparison() }
        try deeper()
        return .not(try negation())
    }

    private mutating func comparison() throws(TemplateError) -> Condition.Expression {
        let left = try operand()
        let offset = tokens.offset
        if case .sign(let text) = tokens.current, let sign = Condition.Operator(rawValue: text) {
            try tokens.advance()
            return .compare(left, sign, try operand(), offset: offset)
        }
        if try tokens.takeWord("in") { return .contains(left, try operand(), negated: false, offset: offset) }
        if try tokens.takeWord("not") {
            guard try tokens.takeWord("in") else {
                throw tokens.error("\"in\" is expected after \"not\", not \(tokens.current.words)")
            }
            return .contains(left, try operand(), negated: true, offset: offset)
        }
        return left
    }

    private mutating func operand() throws(TemplateError) -> Condition.Expression {
        if let literal = try tokens.literal() { return .literal(Condition.Literal(literal)) }
        if try tokens.take("(") {
            try deeper()
            let inner = try either()
            try tokens.expect(")")
            depth -= 1
            return inner
        }
        if try tokens.take("[") { return try list() }
        guard case .name(let text) = tokens.current, !Self.words.contains(text) else {
            throw tokens.error("a name or a value is expected, not \(tokens.current.words)")
        }
        let offset = tokens.offset
        let name: TemplateName
        do throws(TemplateError) { name = try TemplateName(text) } catch {
            var error = error
            error.offset = offset
            throw error
        }
        places.append(Condition.Place(name: name, offset: offset))
        try tokens.advance()
        return .name(name, offset: offset)
    }

    private mutating func list() throws(TemplateError) -> Condition.Expression {
        try deeper()
        var elements: [Condition.Expression] = []
        if try !tokens.take("]") {
            repeat { elements.append(try operand()) } while try tokens.take(",")
            try tokens.expect("]")
        }
        depth -= 1
        return .list(elements)
    }
}

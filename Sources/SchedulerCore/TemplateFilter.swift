import JSONText

/// What stands behind `|` in a template, and what it makes of a value.
enum TemplateFilter: Sendable, Hashable {
    /// The parts of a date by the signs of strftime(3).
    case date(DateFormat)
    case addDays(Int)
    /// The value as JSON text.
    case json
    /// In place of a parameter or an output that is not there, or null.
    case defaultValue(Condition.Literal)

    static let names = ["date", "add_days", "json", "default"]

    /// Reads `| filter(…) | filter` from the first `|` on. Offsets of errors count from the start of `bytes`.
    static func parse(_ bytes: [UInt8]) throws(TemplateError) -> [TemplateFilter] {
        var tokens = try ExpressionTokens(bytes, code: .badTemplate)
        var filters: [TemplateFilter] = []
        while tokens.current != .end {
            guard try tokens.take("|") else {
                throw tokens.error(
                    "\(tokens.current.words) is not expected here; filters are written {{ name | filter }}")
            }
            guard case .name(let name) = tokens.current else {
                throw tokens.error("a filter is expected after \"|\", not \(tokens.current.words)")
            }
            let offset = tokens.offset
            guard names.contains(name) else {
                let all = "; one of \(names.joined(separator: ", "))"
                throw tokens.error(
                    "there is no filter \"\(name)\"\(suggestion(for: name, among: names, otherwise: all))")
            }
            try tokens.advance()
            let place = tokens.offset
            let arguments = try arguments(&tokens)
            filters.append(try filter(name, arguments, tokens, at: offset, place))
        }
        return filters
    }

    private static func arguments(_ tokens: inout ExpressionTokens) throws(TemplateError) -> [JSONNode] {
        guard try tokens.take("(") else { return [] }
        var arguments: [JSONNode] = []
        if try tokens.take(")") { return [] }
        repeat {
            guard let literal = try tokens.literal() else {
                throw tokens.error("a value is expected, not \(tokens.current.words)")
            }
            arguments.append(literal)
        } while try tokens.take(",")
        try tokens.expect(")")
        return arguments
    }

    private static func filter(
        _ name: String, _ arguments: [JSONNode], _ tokens: ExpressionTokens, at offset: Int, _ place: Int
    ) throws(TemplateError) -> TemplateFilter {
        let wanted = name == "json" ? 0 : 1
        guard arguments.count == wanted else {
            let takes = wanted == 0 ? "takes no value" : "takes one value"
            throw tokens.error("\"\(name)\" \(takes), not \(arguments.count)", at: offset)
        }
        switch name {
        case "json": return .json
        case "default": return .defaultValue(Condition.Literal(arguments[0]))
        case "add_days":
            guard let days = arguments[0].integer, (-1_000_000...1_000_000).contains(days) else {
                throw tokens.error("\"add_days\" takes a whole number of days, such as add_days(-1)", at: place)
            }
            return .addDays(Int(days))
        default:
            guard let format = arguments[0].string else {
                throw tokens.error("\"date\" takes a format, such as date(\"%Y/%m/%d\")", at: place)
            }
            do throws(DateFormat.Problem) { return .date(try DateFormat(format)) } catch {
                throw tokens.error(error.message, at: place)
            }
        }
    }

    /// - Parameter value: nil: it is not there.
    func apply(_ value: JSONNode?, _ zone: Zone) throws(TemplateError) -> JSONNode? {
        if case .defaultValue(let literal) = self {
            guard let value, !value.isNull else { return literal.node }
            return value
        }
        guard let value else { return nil }
        switch self {
        case .json:
            var writer = JSONWriter()
            writer.node(value)
            return JSONNode(.string(writer.text))
        case .date(let format):
            if let date = value.string.flatMap({ CivilDate($0) }) {
                return JSONNode(.string(format.text(CivilDateTime(date), zone.startOfDay(date), zone)))
            }
            if let instant = value.string.flatMap({ Instant(rfc3339: $0) }) {
                return JSONNode(.string(format.text(zone.civil(at: instant), instant, zone)))
            }
        case .addDays(let days):
            if let date = value.string.flatMap({ CivilDate($0) }) {
                return JSONNode(.string(date.adding(days: days).description))
            }
            if let instant = value.string.flatMap({ Instant(rfc3339: $0) }) {
                let there = zone.civil(at: instant)
                if let moved = CivilDateTime(
                    date: there.date.adding(days: days), hour: there.hour, minute: there.minute, second: there.second,
                    microsecond: there.microsecond)
                {
                    return JSONNode(.string(zone.firstInstant(of: moved).description))
                }
            }
        case .defaultValue: return value
        }
        throw TemplateError(
            .wrongType, "\(value.string.map { "\"\($0)\"" } ?? value.typeName) is no date, which the filter needs")
    }

    /// Whether it always gives a text.
    var givesText: Bool { if case .defaultValue = self { false } else { true } }
}

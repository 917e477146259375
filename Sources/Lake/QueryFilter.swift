/// A condition on one column of a query.
public struct QueryFilter: Sendable, Hashable {
    public enum Comparison: String, Sendable, Hashable, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case atMost = "<="
        case greater = ">"
        case atLeast = ">="
    }

    public enum Condition: Sendable, Hashable {
        case compare(Comparison, String)
        case oneOf([String])
        /// Both included.
        case between(String, String)
        /// `%` stands for any text, `_` for any letter.
        case like(String)
        case isNull, isNotNull
    }

    public var column: String
    public var condition: Condition

    public init(_ column: String, _ condition: Condition) {
        self.column = column
        self.condition = condition
    }

    /// Reads `country=Germany`, `frame_id between 1 and 9`, `color in (red,'dark blue')`, `plateText like A%`,
    /// `country is null`. A value may stand in single quotes, and must where it has a comma or spaces around it.
    public init(parsing text: String) throws(CatalogueProblem) {
        var words = FilterWords(text)
        guard let column = words.name() else {
            throw CatalogueProblem(.badValue, "'\(text)' does not begin with a column; write it as country=Germany")
        }
        self.column = column
        if let comparison = words.comparison() {
            condition = .compare(comparison, try words.rest())
        } else if words.take("is") {
            let isNot = words.take("not")
            guard words.take("null"), words.isAtEnd else { throw words.problem("'is' takes null or not null") }
            condition = isNot ? .isNotNull : .isNull
        } else if words.take("in") {
            condition = .oneOf(try words.list())
        } else if words.take("between") {
            let (low, high) = try words.bounds()
            condition = .between(low, high)
        } else if words.take("like") {
            condition = .like(try words.rest())
        } else {
            throw words.problem("after the column comes one of = != < <= > >= in between like is")
        }
    }
}

/// The text of a filter, read from its front.
private struct FilterWords {
    let text: String
    private var left: Substring

    init(_ text: String) {
        self.text = text
        left = text[...]
        skipSpace()
    }

    var isAtEnd: Bool { left.isEmpty }

    func problem(_ message: String) -> CatalogueProblem { CatalogueProblem(.badValue, "'\(text)': \(message)") }

    private mutating func skipSpace() { left = left.drop { $0.isWhitespace } }

    private static func isNameLetter(_ letter: Character) -> Bool {
        letter.isLetter || letter.isNumber || letter == "_"
    }

    /// A column's name; one with other letters stands in double quotes.
    mutating func name() -> String? {
        var name = String(left.prefix(while: Self.isNameLetter))
        if left.first == "\"" {
            guard let end = left.dropFirst().firstIndex(of: "\"") else { return nil }
            name = String(left[left.index(after: left.startIndex)..<end])
            left = left[left.index(after: end)...]
        } else {
            left = left.dropFirst(name.count)
        }
        skipSpace()
        return name.isEmpty ? nil : name
    }

    mutating func comparison() -> QueryFilter.Comparison? {
        let signs = left.prefix { "=!<>".contains($0) }
        guard let comparison = QueryFilter.Comparison(rawValue: String(signs)) else { return nil }
        left = left.dropFirst(signs.count)
        skipSpace()
        return comparison
    }

    /// Steps over a word, in any letter case.
    mutating func take(_ word: String) -> Bool {
        let next = left.prefix(while: Self.isNameLetter)
        guard next.lowercased() == word else { return false }
        left = left.dropFirst(next.count)
        skipSpace()
        return true
    }

    /// One value: all that is left.
    mutating func rest() throws(CatalogueProblem) -> String {
        if left.first == "'" {
            let value = try quoted()
            guard isAtEnd else { throw problem("there is more after the closing quote") }
            return value
        }
        let value = String(left).trimmed
        left = ""
        return value
    }

    /// `'it''s'`: a quote inside is doubled.
    private mutating func quoted() throws(CatalogueProblem) -> String {
        var value = ""
        left = left.dropFirst()
        while let letter = left.popFirst() {
            if letter != "'" {
                value.append(letter)
            } else if left.first == "'" {
                left = left.dropFirst()
                value.append("'")
            } else {
                skipSpace()
                return value
            }
        }
        throw problem("a quote is not closed")
    }

    mutating func list() throws(CatalogueProblem) -> [String] {
        guard left.popFirst() == "(" else { throw problem("'in' takes a list: in (a,b)") }
        var values: [String] = []
        while true {
            skipSpace()
            if left.first == "'" {
                values.append(try quoted())
            } else {
                let value = left.prefix { $0 != "," && $0 != ")" }
                left = left.dropFirst(value.count)
                values.append(String(value).trimmed)
            }
            switch left.popFirst() {
            case ",": continue
            case ")":
                skipSpace()
                guard isAtEnd else { throw problem("there is more after the list") }
                return values
            default: throw problem("the list is not closed: in (a,b)")
            }
        }
    }

    mutating func bounds() throws(CatalogueProblem) -> (String, String) {
        let low: String
        if left.first == "'" {
            low = try quoted()
        } else {
            // The first `and` that stands by itself.
            let words = left.split(separator: " ", omittingEmptySubsequences: false)
            guard let mark = words.firstIndex(where: { $0.lowercased() == "and" }), mark > 0 else {
                throw problem("'between' takes two values: between 1 and 9")
            }
            low = words[..<mark].joined(separator: " ").trimmed
            left = left[words[mark].startIndex...]
        }
        guard take("and"), !isAtEnd else { throw problem("'between' takes two values: between 1 and 9") }
        return (low, try rest())
    }
}

extension String {
    /// Without the white space around it.
    fileprivate var trimmed: String {
        var rest = drop { $0.isWhitespace }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}

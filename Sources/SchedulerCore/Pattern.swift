/// A regular expression of a DAG file, as in JSON Schema: a part of the text may match.
struct Pattern {
    /// Longer texts are refused, so that an expression that tries everything ends before anybody notices.
    static let longest = 10_000

    private let regex: Regex<AnyRegexOutput>

    /// Nil: the text is no regular expression.
    init?(_ text: String) {
        guard let regex = try? Regex(text) else { return nil }
        self.regex = regex
    }

    func matches(_ text: String) -> Bool { (try? regex.firstMatch(in: text)) != nil }
}

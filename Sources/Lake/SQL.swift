/// Names and values in SQL text. Nothing from outside enters a statement but through these.
public enum SQL {
    /// A quoted identifier.
    public static func name(_ name: String) -> String { quoted(name, "\"") }

    /// A quoted string literal.
    public static func text(_ text: String) -> String { quoted(text, "'") }

    /// A list of string literals.
    public static func list(_ texts: [String]) -> String { "[" + texts.map(text).joined(separator: ", ") + "]" }

    private static func quoted(_ text: String, _ mark: Character) -> String {
        var result = String(mark)
        for character in text.unicodeScalars {
            if Character(character) == mark { result.append(mark) }
            result.unicodeScalars.append(character)
        }
        return result + String(mark)
    }
}

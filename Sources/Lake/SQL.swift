/// Names and values in SQL text. Nothing from outside enters a statement but through these.
public enum SQL {
    /// A quoted identifier.
    public static func name(_ name: String) -> String { quoted(name, "\"") }

    /// A quoted string literal.
    public static func text(_ text: String) -> String { quoted(text, "'") }

    /// A quoted string literal that is one line, whatever line breaks the text has. A zero byte ends the text: DuckDB's
    /// program reads its statements as C strings.
    public static func line(_ text: String) -> String {
        var result = "E'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{0}": return result + "'"
            case "'": result += "''"
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "'"
    }

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

/// Names in the SQL of Spark.
public enum SparkSQL {
    /// A name in backquotes (Spark SQL Reference, "Identifiers").
    public static func name(_ name: String) -> String {
        "`" + name.split(separator: "`", omittingEmptySubsequences: false).joined(separator: "``") + "`"
    }
}

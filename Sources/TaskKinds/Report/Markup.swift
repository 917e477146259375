/// HTML in which no text from the data can become markup.
enum Markup {
    /// A text as content or as an attribute's value. Control characters, and signs that turn the direction of what
    /// follows, are shown as U+FFFD: they can make a line say what it does not.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(isUnseen(scalar) ? "\u{FFFD}" : scalar)
            }
        }
        return result
    }

    /// A text as part of a line of plain text.
    static func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || isUnseen($0) }) else { return text }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 ? " " : isUnseen($0) ? "\u{FFFD}" : $0 }))
    }

    private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: false
        case 0...0x1F, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0xFFFE, 0xFFFF: true
        default: false
        }
    }
}

import CExpat

/// The elements of an XML document, each with its path and the text in it, in the order of their ends.
enum XMLElements {
    /// Nil for what is not well-formed.
    static func read(_ bytes: [UInt8]) -> [(path: String, text: String)]? {
        final class Found { var elements: [(path: String, text: String)] = [] }
        let found = Found()
        let isGood = withExtendedLifetime(found) {
            bytes.withUnsafeBytes { bytes in
                weir_xml_read(bytes.baseAddress, bytes.count, Unmanaged.passUnretained(found).toOpaque()) {
                    context, path, text in
                    // It is what was given, for as long as this runs.
                    guard let context, let path, let text else { return }
                    Unmanaged<Found>.fromOpaque(context).takeUnretainedValue().elements.append(
                        (String(cString: path), String(cString: text)))
                }
            }
        }
        return isGood != 0 ? found.elements : nil
    }

    /// A text as it stands in an element.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}

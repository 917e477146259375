/// An access key. Has no description on purpose: it must not come into a log.
public struct S3Credentials: Sendable, Hashable {
    public let id: String
    public let secret: String
    /// Of temporary credentials.
    public let sessionToken: String?

    public init(id: String, secret: String, sessionToken: String? = nil) {
        self.id = id
        self.secret = secret
        self.sessionToken = sessionToken
    }
}

extension S3Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(an access key)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The files of the AWS tools: INI with sections (AWS SDKs and Tools Reference Guide, "Shared config and credentials files").
enum SharedFile {
    /// The keys of a section, lower-cased; nil: there is none. Lines that are no settings are left out, as the tools do.
    static func section(_ name: String, in text: String) -> [String: String]? {
        var found: [String: String]?
        var isWanted = false
        for line in text.split(whereSeparator: \.isNewline) {
            // A line that begins with blanks belongs to a setting with settings of its own, none of which count here.
            if line.first == " " || line.first == "\t" { continue }
            let text = trimmed(line)
            if text.isEmpty || text.hasPrefix("#") || text.hasPrefix(";") { continue }
            if text.hasPrefix("[") {
                let title = trimmed(text.dropFirst().prefix { $0 != "]" })
                // "profile" stands before the name in `config`, and not in `credentials`.
                isWanted = title == name || (title.hasPrefix("profile ") && trimmed(title.dropFirst(8)) == name)
                if isWanted { found = found ?? [:] }
                continue
            }
            guard isWanted, let equals = text.firstIndex(of: "=") else { continue }
            let key = trimmed(text[..<equals]).lowercased()
            found?[key] = trimmed(text[text.index(after: equals)...])
        }
        return found
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let kept = text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(String(kept).reversed())
    }
}

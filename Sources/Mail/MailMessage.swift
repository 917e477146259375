import Glibc
import Spawn

/// Why a message cannot be made or sent.
public struct MailError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    /// Whether a later try may succeed (EX_TEMPFAIL of sysexits.h).
    public var isTemporary: Bool

    public init(_ description: String, isTemporary: Bool = false) {
        self.description = description
        self.isTemporary = isTemporary
    }
}

/// An e-mail with a text and an HTML form of one content (RFC 5322, RFC 2046 multipart/alternative), and files with it
/// (multipart/mixed).
public struct MailMessage: Sendable {
    /// A file that goes along.
    public struct Attachment: Sendable {
        /// What the reader's program proposes to call it.
        public var name: String
        /// A media type, such as `text/html; charset=utf-8`.
        public var type: String
        /// The content; base64 on the way.
        public var bytes: [UInt8]

        public init(name: String, type: String, bytes: [UInt8]) {
            self.name = name
            self.type = type
            self.bytes = bytes
        }
    }

    public var from: String
    public var to: [String]
    public var subject: String
    public var text: String
    public var html: String
    /// Microseconds since 1970 UTC.
    public var date: Int64
    /// What names the message: equal for two sendings of the same thing, so that a reader can tell.
    public var id: String
    /// What follows the `@` of the Message-ID: the name of the machine, so that two that run the same DAG differ.
    public var domain: String
    /// Files that go along; none for a message of its two forms alone.
    public var attachments: [Attachment]

    public init(
        from: String, to: [String], subject: String, text: String, html: String, date: Int64, id: String,
        domain: String = "weir", attachments: [Attachment] = []
    ) {
        self.from = from
        self.to = to
        self.subject = subject
        self.text = text
        self.html = html
        self.date = date
        self.id = id
        self.domain = domain
        self.attachments = attachments
    }

    /// The message as it goes over the wire, but with plain line feeds, as sendmail(8) takes it.
    public func encoded() throws(MailError) -> [UInt8] {
        guard !to.isEmpty else { throw MailError("the message has no recipient") }
        for address in to + [from] { try Self.check(address) }
        // Cannot stand in the parts: they are base64, which has no '_'.
        let (boundary, mixed) = ("=_weir_alternative", "=_weir_mixed")
        let alternative = "Content-Type: multipart/alternative; boundary=\"\(boundary)\""
        var lines = [
            "From: \(from)",
            "To: \(to.joined(separator: ",\n "))",
            "Subject: \(Self.header(subject))",
            "Date: \(Self.rfc5322(date))",
            "Message-ID: <\(Self.messageID(id, domain: domain))>",
            "MIME-Version: 1.0",
            "Auto-Submitted: auto-generated",
        ]
        if attachments.isEmpty {
            lines += [alternative, ""]
        } else {
            lines += ["Content-Type: multipart/mixed; boundary=\"\(mixed)\"", "", "--\(mixed)", alternative, ""]
        }
        for (type, body) in [("plain", text), ("html", html)] {
            lines += [
                "--\(boundary)", "Content-Type: text/\(type); charset=utf-8", "Content-Transfer-Encoding: base64", "",
                Self.base64Lines(Array(body.utf8)),
            ]
        }
        lines += ["--\(boundary)--", ""]
        for attachment in attachments {
            lines += [
                "--\(mixed)", "Content-Type: \(Self.printable(attachment.type))", "Content-Transfer-Encoding: base64",
                "Content-Disposition: attachment;\n \(Self.fileName(attachment.name))", "",
                Self.base64Lines(attachment.bytes),
            ]
        }
        if !attachments.isEmpty { lines += ["--\(mixed)--", ""] }
        return Array(lines.joined(separator: "\n").utf8)
    }

    /// The Message-ID of a message, without its brackets.
    public static func messageID(_ id: String, domain: String) -> String { "\(token(id))@\(token(domain))" }

    /// An address without a name: `local@domain`, or a local user. Anything that could end the header line, or begin
    /// another recipient, is refused.
    static func check(_ address: String) throws(MailError) {
        let isPlain = address.utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !"()<>[]:;,\\\"".utf8.contains(byte)
        }
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        // 254: the longest path of RFC 5321, 4.5.3.1.3, without its brackets.
        guard isPlain, address.utf8.count <= 254, parts.count <= 2,
            parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix("-") })
        else {
            throw MailError("'\(printable(address))' is no mail address; write name@example.org")
        }
    }

    /// A header's text: as it is when it is short and plain, else as encoded words (RFC 2047), one a line. A line that has
    /// one is at most 76 characters long, `Subject: ` included.
    static func header(_ text: String) -> String {
        let clean = printable(text)
        let isPlain = clean.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !clean.contains("=?")
        if isPlain, clean.utf8.count <= 60 { return clean }
        var words: [String] = []
        var piece: [UInt8] = []
        // By scalars: a word must not end within one, but it may end within what people see as one character, which can
        // be as long as one likes.
        for scalar in clean.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if piece.count + bytes.count > 39, !piece.isEmpty {
                words.append("=?utf-8?B?\(Base64.encoded(piece))?=")
                piece = []
            }
            piece += bytes
        }
        if !piece.isEmpty { words.append("=?utf-8?B?\(Base64.encoded(piece))?=") }
        return words.joined(separator: "\n ")
    }

    /// The parameter `filename` of a Content-Disposition (RFC 2183): quoted when it is short and plain, else encoded and, when
    /// long, in pieces (RFC 2231, 3 and 4), one a line.
    static func fileName(_ name: String) -> String {
        // A path is none of the reader's business, and nothing that a program should follow.
        let given = printable(name).split(separator: "/").last.map(String.init) ?? ""
        let last = given.allSatisfy { $0 == "." } ? "attachment" : given
        let isPlain = last.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        if isPlain, last.utf8.count <= 60 { return "filename=\"\(last)\"" }
        var pieces: [String] = [""]
        for byte in last.utf8 {
            let isKept =
                byte < 0x80 && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
            let sign = isKept || "._-".utf8.contains(byte) ? String(UnicodeScalar(byte)) : "%" + Self.hexadecimal(byte)
            if pieces[pieces.count - 1].utf8.count + sign.utf8.count > 54 { pieces.append("") }
            pieces[pieces.count - 1] += sign
        }
        if pieces.count == 1 { return "filename*=utf-8''\(pieces[0])" }
        return pieces.enumerated().map { "filename*\($0)*=\($0 == 0 ? "utf-8''" : "")\($1)" }.joined(separator: ";\n ")
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16, uppercase: true)
        return text.count == 1 ? "0" + text : text
    }

    /// Control characters as spaces: no data can begin a new header line.
    static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    /// A text as it may stand in a Message-ID (a dot-atom of RFC 5322, 3.2.3) and in a file's name. One that has to be
    /// changed ends with a hash of what it was, so that different texts stay different.
    static func token(_ text: String) -> String {
        var token: [UInt8] = []
        for byte in text.utf8.prefix(longestToken) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                token.append(byte)
            case UInt8(ascii: ".") where token.last.map { $0 != byte } ?? false: token.append(byte)
            default: token.append(UInt8(ascii: "-"))
            }
        }
        let isKept = token.elementsEqual(text.utf8) && !token.isEmpty && token.last != UInt8(ascii: ".")
        let hash = isKept ? "" : "-" + SHA256.hex(text).prefix(12)
        return String(decoding: token, as: UTF8.self) + hash
    }

    /// A file's name has at most 255 bytes.
    private static let longestToken = 160

    /// A date as RFC 5322, 3.3 writes it, in UTC.
    static func rfc5322(_ microseconds: Int64) -> String {
        var seconds = time_t(microseconds / 1_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        // strftime's names depend on the locale; a mail's do not.
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(days[Int(parts.tm_wday)]), \(parts.tm_mday) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) +0000"
    }

    private static func base64Lines(_ bytes: [UInt8]) -> String {
        // 57 bytes give 76 characters, the longest line of RFC 2045.
        stride(from: 0, to: bytes.count, by: 57)
            .map { Base64.encoded(Array(bytes[$0..<min($0 + 57, bytes.count)])) }.joined(separator: "\n")
    }
}

import Spawn
import Testing

@testable import Mail

/// The message as it is written.
@Suite struct MailMessageTests {
    @Test func wholeMessage() throws {
        let mail = message(to: ["ann@example.org", "root"])
        #expect(
            try mail.encodedText == """
                From: weir@example.org
                To: ann@example.org,
                 root
                Subject: alpr_daily: success
                Date: Mon, 2 May 2022 03:04:05 +0000
                Message-ID: <a.1.notify@weir>
                MIME-Version: 1.0
                Auto-Submitted: auto-generated
                Content-Type: multipart/alternative; boundary="=_weir_alternative"

                --=_weir_alternative
                Content-Type: text/plain; charset=utf-8
                Content-Transfer-Encoding: base64

                dGV4dAo=
                --=_weir_alternative
                Content-Type: text/html; charset=utf-8
                Content-Transfer-Encoding: base64

                PHA+aHRtbDwvcD4K
                --=_weir_alternative--

                """)
        #expect(try mail.encoded() == mail.encoded(), "the same thing gives the same message")
    }

    @Test(
        arguments: [
            (0, "Thu, 1 Jan 1970 00:00:00 +0000"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (1_704_067_199, "Sun, 31 Dec 2023 23:59:59 +0000"), (4_107_542_400, "Mon, 1 Mar 2100 00:00:00 +0000"),
        ] as [(Int64, String)])
    func dates(seconds: Int64, text: String) {
        #expect(MailMessage.rfc5322(seconds * 1_000_000) == text)
        #expect(MailMessage.rfc5322(seconds * 1_000_000 + 999_999) == text)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("\u{FF}\u{3FF}", "w7/Pvw=="),
    ])
    func base64(text: String, encoded: String) { #expect(Base64.encoded(Array(text.utf8)) == encoded) }

    // MARK: Nothing of the data can become a header

    @Test(arguments: ["\n", "\r", "\r\n", "\n\n", "\u{0}", "\u{B}", "\u{85}", "\u{2028}", "\n "])
    func noHeaderIsInjected(separator: String) throws {
        let attack = "x\(separator)Bcc: eve@example.org\(separator)\(separator)body"
        for mail in [message(subject: attack), message(id: attack), message(text: attack, html: attack)] {
            let lines = try mail.encodedText.split(omittingEmptySubsequences: false) { $0.isNewline }
            #expect(!lines.contains { $0.hasPrefix("Bcc") || $0.hasPrefix("body") })
            #expect(
                lines.prefix { !$0.isEmpty }.count { !$0.hasPrefix(" ") } == 8,
                "the headers are the eight of every mail")
            #expect(try mail.encoded().allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x0A })
        }
        for address in ["a@b\(separator)", "a\(separator)Bcc: e@f", "\(separator)a@b"] {
            #expect(throws: MailError.self) { try message(from: address).encoded() }
            #expect(throws: MailError.self) { try message(to: ["ann@example.org", address]).encoded() }
        }
    }

    /// Nor does what a reader decodes hold one.
    @Test func controlCharactersOfASubjectAreSpaces() {
        #expect(MailMessage.header("a\r\nBcc: b\u{0}c\u{7F}.") == "a  Bcc: b c .")
    }

    @Test(arguments: [
        "ann@example.org", "root", "first.last+tag@sub.example.org", "o'neill@example.org", "a_b-c@x", "a=b@c",
    ])
    func addresses(address: String) throws { try MailMessage.check(address) }

    @Test(arguments: [
        "", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "<a@b>", "Ann <a@b>", "a@b,c@d", "a;b@c", "a:b@c", "\"a\"@b",
        "a\\@b", "(x)a@b", "a@[127.0.0.1]", "-oQ/tmp", "-f@b", "a@-b", "ü@b", "a@münchen.de", "a\u{7F}@b", "a\t@b",
        String(repeating: "a", count: 250) + "@b.org",
    ])
    func whatIsNoAddress(address: String) {
        let error = #expect(throws: MailError.self) { try MailMessage.check(address) }
        #expect(error?.description.hasSuffix("is no mail address; write name@example.org") ?? false)
        #expect(error?.isTemporary == false)
    }

    @Test func nobodyToSendTo() {
        #expect(throws: MailError("the message has no recipient")) { try message(to: []).encoded() }
    }

    // MARK: Limits of lines and names

    @Test(arguments: [
        "plain", "", "  spaces  ", "=?utf-8?B?eA==?=", "ü", String(repeating: "long ", count: 100),
        String(repeating: "ü🚗", count: 200), "e" + String(repeating: "\u{301}", count: 300),
        String(repeating: "👨‍👩‍👧‍👦", count: 30), "tab\tand\nline",
    ])
    func subjectLinesAreShort(subject: String) throws {
        let text = try message(subject: subject).encodedText
        for line in text.split(separator: "\n") {
            #expect(line.utf8.count <= 76, "\(line)")
            #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        }
        for word in MailMessage.header(subject).split(separator: "\n ") where word.hasPrefix("=?") {
            #expect(word.utf8.count <= 75, "RFC 2047, 2")
        }
    }

    @Test(arguments: [0, 1, 56, 57, 58, 114, 100_000])
    func bodyLinesAreShort(count: Int) throws {
        let text = try message(text: String(repeating: "\r\n.", count: count)).encodedText
        #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 76 })
        #expect(!text.contains("\r"))
    }

    @Test(arguments: [
        ("alpr.manual-1.notify", "alpr.manual-1.notify"), ("a:b", "a-b-6783a31eabf6"), ("", "-e3b0c44298fc"),
    ])
    func tokens(text: String, token: String) { #expect(MailMessage.token(text) == token) }

    @Test(arguments: ["..", ".a", "a.", "a..b", "a/b", "ü", "a\u{0}b", "<a@b>", String(repeating: "x", count: 400)])
    func oddTokens(text: String) {
        let token = MailMessage.token(text)
        #expect(token.utf8.count <= 200 && !token.hasPrefix(".") && !token.hasSuffix(".") && !token.contains(".."))
        #expect(
            token.utf8.allSatisfy {
                MailMessage.token("a.b").utf8.contains($0) || "-_".utf8.contains($0) || isAlphanumeric($0)
            })
        #expect(MailMessage.token(text + "!") != token, "different texts stay different")
    }

    private func isAlphanumeric(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber)
    }
}

import JSONText
import Spawn
import Testing

@testable import Mail

/// Another program's reading of the messages: Python's `email`, with every defect it finds.
@Suite struct MailParsingTests {
    private static let reader = """
        import email, email.policy, json, sys
        m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
        parts = list(m.iter_parts())
        defects = list(m.defects) + [d for p in parts for d in p.defects]
        defects += [d for h in m.values() for d in h.defects]
        json.dump({
            "names": m.keys(), "from": m["From"].addresses[0].addr_spec,
            "to": [a.addr_spec for a in m["To"].addresses], "subject": m["Subject"], "id": m["Message-ID"],
            "date": m["Date"].datetime.isoformat(), "type": m.get_content_type(),
            "types": [p.get_content_type() for p in parts],
            "bodies": [p.get_payload(decode=True).decode("utf-8") for p in parts], "defects": [repr(d) for d in defects],
        }, sys.stdout)
        """

    private func parse(_ mail: MailMessage) throws -> JSONNode {
        let done = try ChildProcess.run(
            ["python3", "-c", Self.reader], environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"],
            input: try mail.encoded(), timeoutMicroseconds: 60_000_000)
        try #require(done.status.isSuccess, "\(done.errorText)")
        return try JSONDocument(parsing: done.output).root
    }

    private func strings(_ node: JSONNode?) -> [String] { node?.array?.compactMap(\.string) ?? [] }

    static let texts = [
        "alpr_daily 2022-05-02: success", "Zähler für München 🚗👨‍👩‍👧‍👦: fehlgeschlagen",
        String(repeating: "ein langer Betreff über alles ", count: 20) + "Ende", "=?utf-8?B?eA==?= is no code",
        String(repeating: "x", count: 300), "e" + String(repeating: "\u{301}", count: 100) + " end",
    ]

    @Test(arguments: texts)
    func bothPartsAndAllHeaders(subject: String) throws {
        let text = "plain ü 🚗\n\(subject)\r\nlone\rreturn\n.\n--=_weir_alternative--\nFrom me\n\(subject)"
        let html = "<p title=\"ü\">\(subject)</p>\r\n\r\n<pre>\t</pre>"
        let id = "alpr_daily.scheduled__2022-05-02T00:00:00Z." + String(repeating: "t", count: 120)
        let mail = message(
            to: ["ann@example.org", "bob@example.org"], subject: subject, text: text, html: html, id: id)
        let parsed = try parse(mail)
        #expect(strings(parsed["defects"]) == [])
        #expect(
            strings(parsed["names"]) == [
                "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "Content-Type",
            ])
        #expect(parsed["from"]?.string == "weir@example.org")
        #expect(strings(parsed["to"]) == ["ann@example.org", "bob@example.org"])
        #expect(parsed["subject"]?.string == subject)
        #expect(parsed["id"]?.string == "<\(MailMessage.token(id))@weir>")
        #expect(parsed["date"]?.string == "2022-05-02T03:04:05+00:00")
        #expect(parsed["type"]?.string == "multipart/alternative")
        #expect(strings(parsed["types"]) == ["text/plain", "text/html"], "the best form is last")
        #expect(strings(parsed["bodies"]) == [text, html])
    }

    /// Takes a message with files apart, down to the bytes.
    private static let taker = """
        import email, email.policy, json, sys
        m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
        parts = [p for p in m.walk()]
        files = list(m.iter_attachments())
        json.dump({
            "types": [p.get_content_type() for p in parts], "names": [p.get_filename() for p in files],
            "bytes": [p.get_payload(decode=True).hex() for p in files], "text": m.get_body(("plain",)).get_content(),
            "html": m.get_body(("html",)).get_content(), "defects": [repr(d) for p in parts for d in p.defects],
            "long": max(len(l) for l in m.as_bytes().splitlines()),
        }, sys.stdout)
        """

    @Test(arguments: [
        "alpr_daily-2022-05-02.html", "Zähler für München 🚗.html", String(repeating: "ü", count: 90) + ".html",
        "a \"quoted\" \\ name; x=y.html", String(repeating: "long name ", count: 12) + ".txt", "100%'s*.html",
    ])
    func filesGoAlong(name: String) throws {
        var mail = message(subject: "s", text: "text ü\n", html: "<p>ü</p>\n")
        let bytes = (0...255).map { UInt8($0) } + Array("\n--=_weir_mixed--\nFrom x\n.\n".utf8)
        mail.attachments = [
            .init(name: name, type: "text/html; charset=utf-8", bytes: bytes),
            .init(name: "empty.bin", type: "application/octet-stream", bytes: []),
        ]
        let done = try ChildProcess.run(
            ["python3", "-c", Self.taker], environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"],
            input: try mail.encoded(), timeoutMicroseconds: 60_000_000)
        try #require(done.status.isSuccess, "\(done.errorText)")
        let parsed = try JSONDocument(parsing: done.output).root
        #expect(strings(parsed["defects"]) == [])
        #expect(
            strings(parsed["types"]) == [
                "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/html",
                "application/octet-stream",
            ])
        #expect(strings(parsed["names"]) == [name, "empty.bin"])
        #expect(strings(parsed["bytes"]) == [SHA256.hexadecimal(bytes), ""])
        #expect(parsed["text"]?.string == "text ü\n" && parsed["html"]?.string == "<p>ü</p>\n")
        #expect(parsed["long"]?.integer.map { $0 <= 76 } == true)
    }

    @Test func aFilesNameIsNoPathAndNoHeader() {
        #expect(MailMessage.fileName("/etc/pass\r\nBcc: x") == "filename=\"pass  Bcc: x\"")
        #expect(MailMessage.fileName("../..") == "filename=\"attachment\"")
        #expect(MailMessage.fileName("") == "filename=\"attachment\"")
        #expect(MailMessage.fileName("ü.html") == "filename*=utf-8''%C3%BC.html")
    }

    @Test func emptyBodies() throws {
        let parsed = try parse(message(subject: "", text: "", html: ""))
        #expect(strings(parsed["defects"]) == [])
        #expect(strings(parsed["bodies"]) == ["", ""])
    }
}

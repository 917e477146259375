import Glibc
import Spawn

@testable import Mail

/// A new directory that goes away with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-mail-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw MailError(String(cString: strerror(errno))) }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? File.removeTree(path) }
}

/// 2022-05-02T03:04:05Z.
func message(
    from: String = "weir@example.org", to: [String] = ["ann@example.org"], subject: String = "alpr_daily: success",
    text: String = "text\n", html: String = "<p>html</p>\n", date: Int64 = 1_651_460_645_999_999,
    id: String = "a.1.notify"
) -> MailMessage {
    MailMessage(from: from, to: to, subject: subject, text: text, html: html, date: date, id: id)
}

extension MailMessage {
    var encodedText: String {
        get throws(MailError) { String(decoding: try encoded(), as: UTF8.self) }
    }
}

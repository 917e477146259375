import Glibc
import Mail
import Observability

/// How the kinds that mail do it.
enum Mailing {
    /// Sends to the task's `to`, from its `from`.
    ///
    /// - Throws: `TaskFailure`, to be tried again when the mail system says so.
    static func send(
        _ context: TaskContext, subject: String, text: String, html: String,
        attachments: [MailMessage.Attachment] = []
    ) throws {
        let recipients = context.string("to").map { [$0] } ?? context.strings("to")
        let message = MailMessage(
            from: context.string("from", default: "weir@" + hostName()), to: recipients, subject: subject, text: text,
            html: html, date: WallClock.now(), id: "\(context.dagID).\(context.runID).\(context.taskID)",
            attachments: attachments)
        do throws(MailError) {
            switch try Sendmail(outbox: context.home + "/state/outbox").send(message) {
            case .sent(let program): context.log("mailed to \(recipients.joined(separator: ", ")) by \(program)")
            case .stored(let path): context.log("not sent, the mail stands in \(path): \(Sendmail.whyNotSent)")
            }
        } catch {
            throw TaskFailure(error.description, mayRetry: error.isTemporary)
        }
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }
}

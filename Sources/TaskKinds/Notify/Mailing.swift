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
            html: html, date: WallClock.now(), id: id(context), domain: hostName(), attachments: attachments)
        do throws(MailError) {
            switch try Sendmail(outbox: context.home + "/state/outbox").send(message) {
            case .sent(let program): context.log("mailed to \(recipients.joined(separator: ", ")) by \(program)")
            case .stored(let path): context.log("not sent, the mail stands in \(path): \(Sendmail.whyNotSent)")
            }
        } catch {
            throw TaskFailure(error.description, mayRetry: error.isTemporary)
        }
    }

    /// One for each run, notification and occasion: equal for all tries, whatever happens between them, and another when
    /// the run has begun anew and it is due again.
    private static func id(_ context: TaskContext) -> String {
        "\(context.dagID).\(context.runID).\(context.taskID)"
            + (context.mapIndex < 0 ? "" : ".\(context.mapIndex)")
            + (context.firstTry > 1 ? ".t\(context.firstTry)" : "")
    }

    /// What names a notification everywhere: the Message-ID of its mail, the `Idempotency-Key` of its web hook.
    static func messageID(_ context: TaskContext) -> String { MailMessage.messageID(id(context), domain: hostName()) }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }
}

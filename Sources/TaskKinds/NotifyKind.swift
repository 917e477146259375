import Glibc
import JSONText
import Mail
import Observability
import SchedulerCore
import Spawn

/// `notify`: a mail about the run, with its tasks and its quality report.
enum NotifyKind: TaskKind {
    static let spec = KindSpec(
        name: "notify", summary: "mails how the run went, with the quality report",
        parameters: [
            KindParameter("to", .any, required: true, help: "recipient, or an array of them"),
            KindParameter("from", .string, help: "sender (weir@ and the machine's name)"),
            KindParameter(
                "subject", .string, help: "begins the subject; the run's state follows (id of the DAG and day)"),
            KindParameter("report", .string, default: "quality", help: "task whose quality report is in the mail"),
        ])

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let report = RunReport(context, reportTask: context.string("report"))
        let recipients = context.string("to").map { [$0] } ?? context.strings("to")
        let subject = context.string("subject", default: "\(context.dagID) \(context.ds)")
        let message = MailMessage(
            from: context.string("from", default: "weir@" + hostName()), to: recipients,
            subject: "\(subject): \(report.verdict)", text: report.text, html: report.html, date: WallClock.now(),
            id: "\(context.dagID).\(context.runID).\(context.taskID)")
        do throws(MailError) {
            switch try Sendmail(outbox: context.home + "/state/outbox").send(message) {
            case .sent(let program): context.log("mailed to \(recipients.joined(separator: ", ")) by \(program)")
            case .stored(let path): context.log("not sent, the mail stands in \(path): \(Sendmail.whyNotSent)")
            }
        } catch {
            throw TaskFailure(error.description, mayRetry: error.isTemporary)
        }
        return .success
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }
}

import JSONText
import Mail
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
            KindParameter("attach", .boolean, default: "true", help: "attach the page of the day that this task wrote"),
        ])

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let report = RunReport(context, reportTask: context.string("report"))
        let subject = context.string("subject", default: "\(context.dagID) \(about(context))")
        let page = context.bool("attach", default: true) ? report.page : nil
        try Mailing.send(
            context, subject: "\(subject): \(report.verdict)", text: report.text, html: report.html,
            attachments: page.flatMap { attachment($0, context) }.map { [$0] } ?? [])
        return .success
    }

    /// Many mail systems refuse messages above 10 MB, and base64 adds a third.
    private static let largestAttachment = 5 << 20

    private static func attachment(_ path: String, _ context: TaskContext) -> MailMessage.Attachment? {
        do throws(SystemError) {
            return MailMessage.Attachment(
                name: "\(context.dagID)-\(context.ds).html", type: "text/html; charset=utf-8",
                bytes: try File.read(path, limit: largestAttachment))
        } catch {
            context.log("not attached: \(error)")
            return nil
        }
    }

    /// The day that the run is about; its time, too, where a day has several runs.
    private static func about(_ context: TaskContext) -> String {
        guard let start = Instant.parse(context.intervalStart, in: .utc)?.instant,
            let end = Instant.parse(context.intervalEnd, in: .utc)?.instant,
            // The shortest day has 23 hours.
            start < end, end - start < TimeAmount(seconds: 23 * 3600 - 1)
        else { return context.ds }
        return context.logicalDate
    }
}

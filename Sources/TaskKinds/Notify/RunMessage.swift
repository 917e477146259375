import JSONText
import Lake
import Mail
import SchedulerCore
import Spawn

/// What a notification says, for whichever channel.
struct RunMessage {
    let context: TaskContext
    let report: RunReport

    init(_ context: TaskContext) {
        self.context = context
        report = RunReport(context, reportTask: context.string("report"))
    }

    /// What it was written to say instead; nil for the report.
    private var body: JSONNode? { context.with["body"].flatMap { $0.isNull ? nil : $0 } }

    /// For a person, in one line: `alpr_daily 2022-05-02: FAILED (load)`.
    var subject: String {
        if let subject = context.string("subject") { return "\(subject): \(report.verdict)" }
        // The report of a day has one subject, whatever failed; a notification is about just that.
        let failed = context.notice == nil ? [] : report.failures.filter { $0.state != "upstream_failed" }.map(\.name)
        let names = failed.count > 3 ? failed.prefix(3) + ["and \(failed.count - 3) more"] : failed[...]
        return "\(context.dagID) \(about): \(report.verdict)"
            + (names.isEmpty ? "" : " (\(names.joined(separator: ", ")))")
    }

    /// The day that the run is about; its time, too, where a day has several runs.
    private var about: String {
        guard let start = Instant.parse(context.intervalStart, in: .utc)?.instant,
            let end = Instant.parse(context.intervalEnd, in: .utc)?.instant,
            // The shortest day has 23 hours.
            start < end, end - start < TimeAmount(seconds: 23 * 3600 - 1)
        else { return context.ds }
        return context.logicalDate
    }

    // MARK: Mail

    func byMail() throws {
        var (text, html) = (report.text, report.html)
        if let body {
            guard let words = body.string else {
                throw TaskFailure("\"body\" must be a text for a mail, not \(body.typeName)", mayRetry: false)
            }
            text = words.hasSuffix("\n") ? words : words + "\n"
            html = MailHTML.head(subject) + MailHTML.paragraphs(words) + "</body></html>\n"
        }
        let page = context.bool("attach", default: true) && body == nil ? report.page : nil
        try Mailing.send(
            context, subject: subject, text: text, html: html,
            attachments: page.flatMap(attachment).map { [$0] } ?? [])
    }

    /// Many mail systems refuse messages above 10 MB, and base64 adds a third.
    private static let largestAttachment = 5 << 20

    private func attachment(_ path: String) -> MailMessage.Attachment? {
        do throws(SystemError) {
            return MailMessage.Attachment(
                name: "\(context.dagID)-\(context.ds).html", type: "text/html; charset=utf-8",
                bytes: try File.read(path, limit: Self.largestAttachment))
        } catch {
            context.log("not attached: \(error)")
            return nil
        }
    }

    // MARK: Web hook

    func toWebhook() throws {
        let isText = body?.string != nil
        let content = body.map { $0.string ?? Self.text(of: $0) } ?? json
        var hook = Webhook(
            url: try context.required("webhook"), method: context.string("method", default: Webhook.methods[0]),
            headers: [
                ("Content-Type", isText ? "text/plain; charset=utf-8" : "application/json"),
                ("User-Agent", "weir"), ("Idempotency-Key", id),
            ], body: content)
        if let timeout = context.string("request_timeout").flatMap(TimeAmount.init(parsing:)) { hook.timeout = timeout }
        for member in context.with["headers"]?.object?.members ?? [] {
            guard let value = member.node.string ?? member.node.integer.map(String.init) else {
                throw TaskFailure(
                    "header \"\(member.key)\" must be a text, not \(member.node.typeName)", mayRetry: false)
            }
            hook.set(member.key, value)
        }
        do throws(WebhookError) {
            let status = try hook.send()
            context.log("\(hook.host) took it: HTTP \(status)")
        } catch {
            if let seconds = error.retryAfter { try context.output("retry_after", JSONNode(.integer(Int64(seconds)))) }
            throw TaskFailure(error.description, mayRetry: error.isTemporary)
        }
    }

    // MARK: File

    func toFile() throws {
        let path = context.path(try context.required("file"))
        let line = body.map { $0.string ?? Self.text(of: $0) } ?? json
        do throws(SystemError) {
            try LineFile.append(line, to: path)
        } catch {
            throw TaskFailure("\(error)")
        }
        context.log("appended to \(path)")
    }

    // MARK: JSON

    /// What names the notification: equal for all tries of one, and different for any other.
    var id: String { Mailing.messageID(context) }

    /// Longer texts are cut: chats and hooks refuse them.
    private static let longestText = 3000
    private static let mostFailures = 50

    /// The documented content for programs, in one line. Members may be added, none goes away.
    var json: String {
        var writer = JSONWriter()
        writer.object {
            $0.member("id", id)
            $0.member("event", report.event)
            $0.member("dag_id", context.dagID)
            $0.member("run_id", context.runID)
            $0.member("run_type", context.runType)
            $0.member("state", report.state)
            $0.member("verdict", report.verdict)
            $0.member("reason", context.notice?.reason)
            $0.member("task_id", context.notice?.task)
            $0.member("ds", context.ds)
            $0.member("logical_date", context.logicalDate)
            $0.member("data_interval_start", context.intervalStart)
            $0.member("data_interval_end", context.intervalEnd)
            $0.key("failed_tasks")
            $0.array { writer in
                for failure in report.failures.prefix(Self.mostFailures) {
                    writer.object {
                        $0.member("task_id", failure.name)
                        $0.member("state", failure.state)
                        $0.member("try_number", failure.tryNumber)
                        $0.member("reason", failure.reason)
                    }
                }
            }
            $0.member("subject", subject)
            $0.member("text", Self.cut(report.text))
        }
        return writer.text
    }

    private static func cut(_ text: String) -> String {
        text.count > longestText ? text.prefix(longestText) + "\n…\n" : text
    }

    private static func text(of node: JSONNode) -> String {
        var writer = JSONWriter()
        writer.node(node)
        return writer.text
    }
}

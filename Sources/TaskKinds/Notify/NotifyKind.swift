import JSONText
import Mail
import SchedulerCore
import Spawn

/// `notify`: tells how the run went, by mail, to a web hook, or in a file.
///
/// One channel each: what one of them refuses is tried again without sending anything twice by another.
enum NotifyKind: TaskKind {
    private static let mail = ["to"]
    private static let webhook = ["webhook"]

    static let spec = KindSpec(
        name: "notify", summary: "tells how the run went: by mail, to a web hook, or in a file",
        parameters: [
            KindParameter("to", .any, help: "mail: recipient, or an array of them"),
            KindParameter("webhook", .url, help: "web hook: the URL that is sent a JSON document about the run"),
            KindParameter("file", .string, help: "file: a line about the run is appended to it"),
            KindParameter("from", .string, with: mail, help: "sender (weir@ and the machine's name)"),
            KindParameter(
                "subject", .string, with: mail,
                help: "begins the subject; the run's state follows (id of the DAG and day)"),
            KindParameter(
                "body", .any, help: "a text in place of the report; for a web hook and a file any JSON value"),
            KindParameter(
                "report", .string, default: "quality", help: "task whose quality report is in the mail"),
            KindParameter(
                "attach", .boolean, with: mail, default: "true", help: "attach the page of the day that this task wrote"
            ),
            KindParameter(
                "method", .string, allowed: Webhook.methods, with: webhook, default: Webhook.methods[0],
                help: "how the web hook is asked"),
            KindParameter("headers", .object, with: webhook, help: "headers for the web hook, an object of texts"),
            KindParameter(
                "request_timeout", .duration, with: webhook, default: "30s", help: "how long a web hook may take"),
        ], exactlyOneOf: [["to", "webhook", "file"]], retries: .ofNotifications)

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let message = RunMessage(context)
        if context.with["webhook"] != nil {
            try message.toWebhook()
        } else if context.with["file"] != nil {
            try message.toFile()
        } else {
            try message.byMail()
        }
        return .success
    }
}

import JSONText
import Lake
import SchedulerCore
import Spawn

/// `summary`: a mail about the days of the run's interval, by dataset and day.
///
/// A kind of its own and no form of `notify`: its parameters are flat, so that `weir validate` checks each of them.
enum SummaryKind: TaskKind {
    static let spec = KindSpec(
        name: "summary", summary: "mails the rows and the failing checks of each day of the interval",
        parameters: [
            KindParameter("of", .string, required: true, help: "DAG whose quality reports are summed up"),
            KindParameter("to", .any, required: true, help: "recipient, or an array of them"),
            KindParameter("from", .string, help: "sender (weir@ and the machine's name)"),
            KindParameter(
                "subject", .string, help: "begins the subject; the state follows (id of the DAG and the days)"),
            KindParameter("datasets", .string, default: "lakestorage", help: "bucket of the datasets"),
            KindParameter("show", .array, element: .string, help: "datasets to show (all of the bucket)"),
            KindParameter("raw", .string, default: "ultimatealpr", help: "raw bucket, whose records are counted"),
        ], retries: .ofNotifications)

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let summary = try DaySummary(context)
        let subject = context.string("subject", default: "\(context.dagID) \(summary.span)")
        try Mailing.send(
            context, subject: "\(subject): \(summary.verdict)", text: summary.text, html: summary.html)
        let missing = summary.days.filter(\.isMissing).map { JSONNode(.string($0.day)) }
        try context.output("missing_days", JSONNode(.array(missing)))
        return .success
    }
}

import JSONText
import Lake
import SchedulerCore
import Spawn

/// The days of an interval, as their manifests and quality reports tell them.
struct DaySummary {
    struct Day {
        var day: String
        /// Of each dataset that has the day.
        var rows: [String: Int64]
        var seen: Int64?
        var quarantined: Int64?
        /// nil when the day was not checked.
        var report: QualityReport?

        /// Nothing was published for it.
        var isMissing: Bool { rows.isEmpty }
        /// The checks that somebody should look at.
        var attention: [QualityReport.Check] { report?.inOrder.filter { $0.isFailure || $0.isWarning } ?? [] }

        /// One word of how it went.
        var state: String {
            if isMissing { return "missing" }
            guard let report else { return "not_evaluated" }
            if report.checks.contains(where: \.isFailure) { return "fail" }
            return attention.isEmpty ? "pass" : "warn"
        }
    }

    let context: TaskContext
    let datasets: [String]
    let days: [Day]

    init(_ context: TaskContext) throws {
        self.context = context
        let lake = context.lake
        let bucket = context.string("datasets", default: "lakestorage")
        let raw = context.string("raw", default: "ultimatealpr")
        let shown = context.strings("show")
        let datasets = shown.isEmpty ? try lake.datasets(bucket) : shown
        let history = QualityHistory(lake: lake.path)
        let dag = try context.required("of")
        days = try context.days().map { day in
            var rows: [String: Int64] = [:]
            for dataset in datasets {
                rows[dataset] = try lake.partition("\(bucket)/\(dataset)", day).manifest()?.rows
            }
            let counts = try lake.partition(raw, day).manifest()?.counts
            return Day(
                day: day, rows: rows, seen: counts?["seen"]?.integer, quarantined: counts?["quarantined"]?.integer,
                report: try history.reports(of: dag, day: day).last)
        }
        self.datasets = datasets
    }

    /// `2022-05-01 to 2022-05-07`.
    var span: String {
        let (first, last) = (days.first?.day ?? "", days.last?.day ?? "")
        return first == last ? first : "\(first) to \(last)"
    }

    var verdict: String {
        if days.contains(where: { $0.state == "fail" }) { return "FAILED" }
        return days.allSatisfy { $0.state == "pass" } ? "OK" : "WARN"
    }

    private var title: String { "\(context.dagID), \(span): \(verdict)" }

    // MARK: Tables

    private static let mostChecks = 50

    private func rows(_ dataset: String) -> [String] {
        let numbers = days.map { $0.rows[dataset] }
        return numbers.map { $0.map { "\($0)" } ?? "-" } + ["\(numbers.reduce(0) { $0 + ($1 ?? 0) })"]
    }

    private func records(_ day: Day) -> String {
        guard let seen = day.seen else { return "no records" }
        return "\(seen) seen, \(day.quarantined ?? 0) quarantined"
    }

    private var failing: [(day: String, check: QualityReport.Check)] {
        days.flatMap { day in day.attention.map { (day.day, $0) } }
    }

    private var more: String? {
        failing.count > Self.mostChecks ? "and \(failing.count - Self.mostChecks) more" : nil
    }

    /// The summary as plain text.
    var text: String {
        var lines = [title, "run \(context.runID)", "", "Days"]
        lines += PlainColumns.lines(
            days.map { [$0.day, $0.state, records($0), $0.report?.summary ?? "no quality report"] })
        lines += ["", "Rows"]
        lines += PlainColumns.lines(
            [["dataset"] + days.map { String($0.day.dropFirst(5)) } + ["sum"]] + datasets.map { [$0] + rows($0) })
        if !failing.isEmpty {
            lines += ["", "Checks that need attention"]
            lines += PlainColumns.lines(
                failing.prefix(Self.mostChecks).map {
                    [$0.day, $0.check.status.rawValue, $0.check.name, $0.check.detail]
                })
            if let more { lines.append("  \(more)") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The summary as HTML that mail programs show.
    var html: String {
        let top = Double(days.compactMap(\.seen).max() ?? 0)
        let header = (["dataset"] + days.map { String($0.day.dropFirst(5)) } + ["sum"]).map(MailHTML.number)
        var parts = [
            MailHTML.head(title), "<p>run \(Markup.escaped(context.runID))</p>", "<h3>Days</h3>",
            MailHTML.table(
                days.map { day in
                    [
                        MailHTML.cell(day.day), MailHTML.state(day.state),
                        MailHTML.bar(top > 0 ? Double(day.seen ?? 0) / top : nil), MailHTML.cell(records(day)),
                        MailHTML.cell(day.report?.summary ?? "no quality report"),
                    ]
                }),
            "<h3>Rows</h3>",
            MailHTML.table([header] + datasets.map { [MailHTML.cell($0)] + rows($0).map(MailHTML.number) }),
        ]
        if !failing.isEmpty {
            parts.append("<h3>Checks that need attention</h3>")
            parts.append(
                MailHTML.table(
                    failing.prefix(Self.mostChecks).map {
                        [
                            MailHTML.cell($0.day), MailHTML.state($0.check.status.rawValue),
                            MailHTML.cell($0.check.name), MailHTML.cell($0.check.detail),
                        ]
                    }))
            if let more { parts.append("<p>\(more)</p>") }
        }
        return (parts + ["</body></html>"]).joined(separator: "\n") + "\n"
    }
}

import JSONText
import Lake
import Spawn

/// How a run went, for a mail: its tasks, what was loaded, what was checked, and what is different from the day before.
struct RunReport {
    /// A heading and rows of a name, a number, and more words.
    struct Section {
        struct Row {
            var name: String
            var value: String
            var more = ""
            /// A part of 1, drawn as a bar; nil for none.
            var share: Double?
        }

        var title: String
        var rows: [Row]
    }

    let context: TaskContext
    /// What the quality task found; nil when it has not come so far.
    let quality: QualityReport?
    /// nil when there is nothing to compare with.
    let changes: DayChanges?
    /// Why there is no quality report.
    let missing: String?
    /// False for a run that has nothing to do with quality checks.
    let hasChecks: Bool
    /// The page of the day; nil when there is none.
    let page: String?

    /// - Parameter reportTask: the task whose quality report is in the mail; nil: one named `quality`, when there is one.
    init(_ context: TaskContext, reportTask named: String?) {
        self.context = context
        let reportTask = named ?? "quality"
        let task = context.tasks.first { $0.taskID == reportTask }
        quality = task?.outputs["report"]?.string.flatMap { try? QualityReport(reading: $0) }
        page = task?.outputs["page"]?.string.flatMap { File.exists($0) ? $0 : nil }
        let state = task?.state ?? "not in this run"
        hasChecks = named != nil || task != nil
        missing = quality == nil && hasChecks ? "There is no quality report: task \(reportTask) is \(state)." : nil
        changes = quality.flatMap { report in
            // Without the days before, the mail is still worth sending.
            let before = try? QualityHistory(lake: context.lake.path).latest(
                of: report.dagID, before: report.ds, count: 1)
            return DayChanges(report, since: before?.last)
        }
    }

    /// The checks, by how much they need attention.
    var checks: [QualityReport.Check] { quality?.inOrder ?? [] }

    /// One word for the subject.
    var verdict: String {
        switch event {
        // The run goes on, and how it will end nobody knows yet.
        case "deadline": return "LATE"
        case "retry", "task_retry": return "RETRY"
        case "missed": return "MISSED"
        case "failure", "task_failure": return "FAILED"
        default: break
        }
        let failed = context.tasks.filter { $0.state == "failed" || $0.state == "upstream_failed" }
        if failed.contains(where: { !$0.allowFailure }) { return "FAILED" }
        if checks.contains(where: { $0.status == .fail }) { return "FAILED" }
        if !failed.isEmpty { return "WARN" }
        if !context.tasks.isEmpty, context.tasks.allSatisfy({ $0.state == "skipped" }) { return "SKIPPED" }
        if checks.contains(where: { $0.isWarning || $0.isFailure }) { return "WARN" }
        return "OK"
    }

    var title: String { "\(context.dagID), \(context.ds): \(verdict)" }

    /// What happened; `report` for a task that is no notification.
    var event: String { context.notice?.event ?? "report" }

    /// The state of the run; for a task of it, how it stands so far.
    var state: String {
        if let notice = context.notice { return notice.state }
        return context.tasks.contains { Self.isFailure($0) && !$0.allowFailure } ? "failed" : "running"
    }

    static func isFailure(_ task: TaskContext.Upstream) -> Bool {
        task.state == "failed" || task.state == "upstream_failed"
    }

    // MARK: Sections

    /// The parts between the tasks and the checks.
    var sections: [Section] {
        [
            records, datasets, numbers, Section(title: changes.map { "Since \($0.since)" } ?? "", rows: news),
            Section(title: "Unknown fields, with their records", rows: outputs("drift")),
            Section(
                title: "Fields that are missing since the day before, with their values then",
                rows: outputs("missing_fields")),
            Section(title: "Records that came for other days, which run again", rows: outputs("other_days")),
        ].filter { !$0.rows.isEmpty }
    }

    private var records: Section {
        // What the quality task counted, or what the load did, should it not have come so far.
        let counts = quality?.counts ?? context.tasks.lazy.compactMap { $0.outputs["counts"] }.first
        let lines = RecordCounts.lines(counts)
        let seen = counts?["seen"]?.integer ?? 0
        return Section(
            title: "Records",
            rows: lines.map { line in
                let share = seen > 0 ? Double(line.1).map { $0 / Double(seen) } : nil
                return .init(name: line.0, value: line.1, share: share)
            })
    }

    private var datasets: Section {
        var rows = quality?.rows.map { item in
            Section.Row(name: item.dataset, value: "\(item.rows)", more: changes?.ofRows(item.dataset) ?? "")
        }
        if rows?.isEmpty ?? true { rows = outputs("rows") }
        let numbers = (rows ?? []).map { Double($0.value) ?? 0 }
        let top = numbers.max() ?? 0
        if top > 0, var drawn = rows {
            for (place, number) in numbers.enumerated() { drawn[place].share = number / top }
            rows = drawn
        }
        return Section(title: "Datasets", rows: rows ?? [])
    }

    private var numbers: Section {
        Section(
            title: "Numbers",
            rows: (quality?.numbers ?? []).map { number in
                .init(
                    name: number.title, value: number.text, more: changes?.ofNumber(number) ?? "",
                    share: number.format == .percent ? number.value : nil)
            })
    }

    /// What broke and what was mended since the day before.
    private var news: [Section.Row] {
        guard let changes else { return [] }
        return changes.broken.map { Section.Row(name: "new: \($0.name)", value: $0.status.rawValue, more: $0.detail) }
            + changes.mended.map { Section.Row(name: "mended: \($0)", value: "pass") }
            + changes.lost.map { Section.Row(name: "no partition: \($0)", value: "gone") }
    }

    /// An object of numbers that a task handed on, such as the rows of each dataset.
    private func outputs(_ output: String) -> [Section.Row] {
        let object = context.tasks.lazy.compactMap { $0.outputs[output]?.object }.first
        return (object?.members ?? []).compactMap { member in
            member.node.integer.map { .init(name: member.key, value: "\($0)") }
        }
    }

    /// A duration for people.
    func seconds(_ value: Double?) -> String {
        guard let value else { return "" }
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)s"
    }
}

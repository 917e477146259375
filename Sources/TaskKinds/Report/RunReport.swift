import JSONText
import Spawn

/// How a run went, for a mail: its tasks, what was loaded, what was checked.
struct RunReport {
    private struct Check {
        var name: String
        var status: String
        var detail: String
    }

    private let context: TaskContext
    /// What needs attention first.
    private let checks: [Check]
    /// What the quality task counted, or what the load did, should it not have come so far.
    private let counts: JSONNode?
    private let missing: String?
    /// False for a run that has nothing to do with quality checks.
    private let hasChecks: Bool

    private static let order = ["fail", "not_evaluated", "warn", "pass"]

    /// - Parameter reportTask: the task whose quality report is in the mail; nil: one named `quality`, when there is one.
    init(_ context: TaskContext, reportTask named: String?) {
        self.context = context
        let reportTask = named ?? "quality"
        let quality = context.tasks.first { $0.taskID == reportTask }
        let path = quality?.outputs["report"]?.string
        let report = path.flatMap { try? File.read($0, limit: 16 << 20) }.flatMap {
            try? JSONDocument(parsing: $0).root
        }
        let found = (report?["checks"]?.array ?? []).map { node in
            Check(
                name: node["name"]?.string ?? "", status: node["status"]?.string ?? "",
                detail: node["detail"]?.string ?? "")
        }
        checks =
            Self.order.flatMap { status in found.filter { $0.status == status } }
            + found.filter { !Self.order.contains($0.status) }
        counts = report?["counts"] ?? context.tasks.lazy.compactMap { $0.outputs["counts"] }.first
        let state = quality?.state ?? "not in this run"
        hasChecks = named != nil || quality != nil
        missing = report == nil && hasChecks ? "There is no quality report: task \(reportTask) is \(state)." : nil
    }

    /// One word for the subject.
    var verdict: String {
        let failed = context.tasks.filter { $0.state == "failed" || $0.state == "upstream_failed" }
        if failed.contains(where: { !$0.allowFailure }) { return "FAILED" }
        if checks.contains(where: { $0.status == "fail" }) { return "FAILED" }
        if !failed.isEmpty { return "WARN" }
        if !context.tasks.isEmpty, context.tasks.allSatisfy({ $0.state == "skipped" }) { return "SKIPPED" }
        if checks.contains(where: { $0.status == "warn" || $0.status == "not_evaluated" }) { return "WARN" }
        return "OK"
    }

    private var title: String { "\(context.dagID), \(context.ds): \(verdict)" }

    /// The parts between the tasks and the checks, each a heading and rows of name and number.
    private var sections: [(title: String, rows: [(String, String)])] {
        [
            ("Records", countLines), ("Datasets", numbers("rows")), ("Unknown fields", numbers("drift")),
            ("Records that came for other days, which have to run again", numbers("other_days")),
        ].filter { !$0.rows.isEmpty }
    }

    private var countLines: [(String, String)] {
        guard let counts, counts.object != nil else { return [] }
        var lines = ["seen", "loaded", "duplicates", "quarantined"].map { ($0, "\(counts[$0]?.integer ?? 0)") }
        for member in counts["reasons"]?.object?.members ?? [] {
            lines.append(("quarantined: \(member.key)", "\(member.node.integer ?? 0)"))
        }
        return lines
    }

    /// An object of numbers that a task handed on, such as the rows of each dataset.
    private func numbers(_ output: String) -> [(String, String)] {
        let object = context.tasks.lazy.compactMap { $0.outputs[output]?.object }.first
        return (object?.members ?? []).compactMap { member in member.node.integer.map { (member.key, "\($0)") } }
    }

    /// How many checks ended in which way.
    private var summary: String {
        let counts = Self.order.compactMap { status in
            let count = checks.count { $0.status == status }
            return count == 0 ? nil : "\(count) \(status)"
        }
        return "\(checks.count) checks: \(counts.joined(separator: ", "))"
    }

    private func seconds(_ value: Double?) -> String {
        guard let value else { return "" }
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)s"
    }

    // MARK: Text

    var text: String {
        var lines = [title, "run \(context.runID)", "interval \(context.intervalStart) to \(context.intervalEnd)", ""]
        lines.append("Tasks")
        lines += columns(context.tasks.map { [$0.taskID, $0.state, seconds($0.duration), $0.reason ?? ""] })
        for section in sections { lines += ["", section.title] + columns(section.rows.map { [$0.0, $0.1] }) }
        guard hasChecks else { return lines.joined(separator: "\n") + "\n" }
        lines += ["", missing == nil ? summary : "Checks"]
        if let missing { lines.append("  " + missing) }
        lines += columns(checks.map { [$0.status, $0.name, $0.detail] })
        return lines.joined(separator: "\n") + "\n"
    }

    private func columns(_ rows: [[String]]) -> [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = " "
            for (cell, width) in zip(row, widths) {
                line += " " + cell + String(repeating: " ", count: width - cell.count + 1)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    // MARK: HTML

    var html: String {
        let tasks = context.tasks.map { task in
            [cell(task.taskID), state(task.state), cell(seconds(task.duration)), cell(task.reason ?? "")]
        }
        var parts = [
            "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>\(escaped(title))</title></head>",
            "<body style=\"font-family:sans-serif;color:#222\"><h2>\(escaped(title))</h2>",
            "<p>run \(escaped(context.runID))<br>",
            "interval \(escaped(context.intervalStart)) to \(escaped(context.intervalEnd))</p>",
            "<h3>Tasks</h3>", table(tasks),
        ]
        for section in sections {
            parts += ["<h3>\(section.title)</h3>", table(section.rows.map { [cell($0.0), cell($0.1)] })]
        }
        if hasChecks { parts.append("<h3>\(missing == nil ? summary : "Checks")</h3>") }
        if let missing { parts.append("<p>\(escaped(missing))</p>") }
        if !checks.isEmpty { parts.append(table(checks.map { [state($0.status), cell($0.name), cell($0.detail)] })) }
        parts.append("</body></html>")
        return parts.joined(separator: "\n") + "\n"
    }

    private func table(_ rows: [[String]]) -> String {
        "<table style=\"border-collapse:collapse\">"
            + rows.map { "<tr>" + $0.joined() + "</tr>" }.joined(separator: "\n") + "</table>"
    }

    private func cell(_ text: String) -> String { "<td style=\"padding:2px 10px\">\(escaped(text))</td>" }

    private func state(_ word: String) -> String {
        let colour =
            switch word {
            case "success", "pass": "#1a7f37"
            case "failed", "upstream_failed", "fail", "not_evaluated": "#c02626"
            case "warn", "skipped", "up_for_retry": "#9a6700"
            default: "#222"
            }
        return "<td style=\"padding:2px 10px;color:\(colour)\">\(escaped(word))</td>"
    }

    private func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
        return result
    }
}

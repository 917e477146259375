extension RunReport {
    /// The report as plain text.
    var text: String {
        var lines = [title, "run \(context.runID)", "interval \(context.intervalStart) to \(context.intervalEnd)", ""]
        if let reason = context.notice?.reason { lines += [Markup.oneLine(reason), ""] }
        lines += failureLines
        if let quality { lines += [quality.summary, ""] }
        if !context.tasks.isEmpty { lines.append("Tasks") }
        lines += PlainColumns.lines(
            context.tasks.map { [$0.name, $0.state, seconds($0.duration), $0.reason ?? ""] })
        for section in sections {
            lines += ["", section.title] + PlainColumns.lines(section.rows.map { [$0.name, $0.value, $0.more] })
        }
        if hasChecks { lines += checkLines }
        if let page { lines += ["", "Page of the day: \(page)"] }
        return lines.joined(separator: "\n") + "\n"
    }

    private var failureLines: [String] {
        var lines: [String] = []
        for failure in failures.prefix(Self.mostLogs) {
            lines.append("\(failure.name) \(failure.state)" + (failure.reason.map { ": " + Markup.oneLine($0) } ?? ""))
            lines += failure.log.map { "  | " + $0 } + [""]
        }
        if !advice.isEmpty { lines += ["In \(context.home):"] + advice.map { "  \($0.command)    # \($0.why)" } + [""] }
        return lines
    }

    private var checkLines: [String] {
        var lines = ["", "Checks"]
        if let missing { lines.append("  " + missing) }
        let all = PlainColumns.lines(checks.map { [$0.status.rawValue, $0.name, $0.detail] })
        for (check, line) in zip(checks, all) {
            lines.append(line)
            lines += SampleTable.lines(check.samples).map { "      " + $0 }
        }
        return lines
    }
}

/// Rows of plain text in columns.
enum PlainColumns {
    static func lines(_ rows: [[String]]) -> [String] {
        let rows = rows.map { $0.map(Markup.oneLine) }
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = " "
            for (cell, width) in zip(row, widths) where width > 0 {
                line += " " + cell + String(repeating: " ", count: width - cell.count + 1)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

extension RunReport {
    /// The report as HTML that mail programs show: tables and colours, no style sheet, no picture, no script.
    var html: String {
        var parts = [MailHTML.head(title), "<p>run \(Markup.escaped(context.runID))<br>"]
        parts.append("interval \(Markup.escaped(context.intervalStart)) to \(Markup.escaped(context.intervalEnd))</p>")
        if let reason = context.notice?.reason { parts.append("<p>\(Markup.escaped(reason))</p>") }
        parts += failureParts + attention
        if !context.tasks.isEmpty { parts.append("<h3>Tasks</h3>") }
        parts.append(
            MailHTML.table(
                context.tasks.map { task in
                    [
                        MailHTML.cell(task.name), MailHTML.state(task.state), MailHTML.cell(seconds(task.duration)),
                        MailHTML.cell(task.reason ?? ""),
                    ]
                }))
        for section in sections {
            let hasBars = section.rows.contains { $0.share != nil }
            let rows = section.rows.map { row in
                [MailHTML.cell(row.name), MailHTML.number(row.value)]
                    + (hasBars ? [MailHTML.bar(row.share)] : []) + [MailHTML.cell(row.more)]
            }
            parts += ["<h3>\(Markup.escaped(section.title))</h3>", MailHTML.table(rows)]
        }
        if hasChecks { parts.append("<h3>\(quality.map { Markup.escaped($0.summary) } ?? "Checks")</h3>") }
        if let missing { parts.append("<p>\(Markup.escaped(missing))</p>") }
        if !checks.isEmpty {
            parts.append(
                MailHTML.table(
                    checks.map {
                        [MailHTML.state($0.status.rawValue), MailHTML.cell($0.name), MailHTML.cell($0.detail)]
                    }))
        }
        if let page { parts.append("<p>Page of the day: \(Markup.escaped(page))</p>") }
        return (parts + ["</body></html>"]).joined(separator: "\n") + "\n"
    }

    private var failureParts: [String] {
        var parts: [String] = []
        for failure in failures.prefix(Self.mostLogs) {
            let reason = failure.reason.map { ": " + Markup.escaped($0) } ?? ""
            parts.append("<p><strong>\(Markup.escaped(failure.name))</strong> \(failure.state)\(reason)</p>")
            if !failure.log.isEmpty { parts.append(MailHTML.preformatted(failure.log)) }
        }
        if !advice.isEmpty {
            parts.append("<p>In \(Markup.escaped(context.home)):</p>")
            parts.append(MailHTML.preformatted(advice.map { "\($0.command)    # \($0.why)" }))
        }
        return parts
    }

    /// The checks that somebody should look at, with rows that fail.
    private var attention: [String] {
        let bad = checks.filter { $0.isFailure || $0.isWarning }
        guard !bad.isEmpty else { return [] }
        return ["<h3>What needs attention</h3>"]
            + bad.flatMap { check in
                [
                    MailHTML.table([
                        [MailHTML.state(check.status.rawValue), MailHTML.cell(check.name), MailHTML.cell(check.detail)]
                    ]), SampleTable.html(check.samples, cell: MailHTML.sample),
                ]
            }
    }
}

/// The pieces of a mail's HTML.
enum MailHTML {
    /// The style of a cell of failing rows.
    static let sample = "padding:1px 8px;border:1px solid #ccc;font-family:monospace;font-size:12px;text-align:left"
    private static let padding = "padding:2px 10px"

    static func head(_ title: String) -> String {
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>\(Markup.escaped(title))</title></head>\n"
            + "<body style=\"font-family:sans-serif;color:#222\"><h2>\(Markup.escaped(title))</h2>"
    }

    static func table(_ rows: [[String]]) -> String {
        "<table style=\"border-collapse:collapse\">"
            + rows.map { "<tr>" + $0.joined() + "</tr>" }.joined(separator: "\n") + "</table>"
    }

    static func preformatted(_ lines: [String]) -> String {
        "<pre style=\"background:#f3f4f6;padding:6px 10px;font-size:12px\">"
            + lines.map(Markup.escaped).joined(separator: "\n") + "</pre>"
    }

    /// A text of somebody's own, line by line.
    static func paragraphs(_ text: String) -> String {
        "<p>"
            + text.split(separator: "\n", omittingEmptySubsequences: false).map { Markup.escaped(String($0)) }
            .joined(separator: "<br>\n") + "</p>"
    }

    static func cell(_ text: String) -> String { "<td style=\"\(padding)\">\(Markup.escaped(text))</td>" }

    static func number(_ text: String) -> String {
        "<td style=\"\(padding);text-align:right\">\(Markup.escaped(text))</td>"
    }

    /// A word, coloured when it is a state.
    static func state(_ word: String) -> String {
        let colour =
            switch word {
            case "success", "pass": "#1a7f37"
            case "failed", "upstream_failed", "fail", "not_evaluated", "missing": "#c02626"
            case "warn", "skipped", "up_for_retry": "#9a6700"
            default: "#222"
            }
        return "<td style=\"\(padding);color:\(colour)\">\(Markup.escaped(word))</td>"
    }

    private static let barWidth = 120

    /// A bar of a part of 1. A table's cell is the one shape that every mail program draws.
    static func bar(_ share: Double?) -> String {
        guard let share, share.isFinite else { return "<td></td>" }
        // What is not nothing is seen.
        let filled = Int((min(max(share, 0), 1) * Double(barWidth)).rounded(.up))
        func part(_ width: Int, _ colour: String) -> String {
            width == 0
                ? ""
                : "<td width=\"\(width)\" height=\"10\" bgcolor=\"\(colour)\" style=\"width:\(width)px;height:10px;font-size:1px;background-color:\(colour)\">&nbsp;</td>"
        }
        return
            "<td style=\"\(padding)\"><table cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse:collapse\"><tr>"
            + part(filled, "#4493f8") + part(barWidth - filled, "#e5e9ee") + "</tr></table></td>"
    }
}

import JSONText

/// A day's report as one HTML file: it draws everything itself, runs no script and asks for nothing.
struct ReportPage {
    let report: QualityReport
    /// The title of the report's file.
    var title: String?
    var charts: [ReportQueries.Chart] = []
    /// Of earlier days, oldest first.
    var history: [QualityReport] = []

    private var heading: String { "\(title ?? report.dagID), \(report.ds)" }
    private var days: [QualityReport] { history + [report] }

    var html: String {
        let changes = DayChanges(report, since: history.last)
        var parts = [
            "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
            // Should a text ever become markup, it still can load and run nothing.
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "<meta name=\"color-scheme\" content=\"light dark\">", "<title>\(Markup.escaped(heading))</title>",
            "<style>\(Self.style)</style>", "</head>", "<body>",
            "<header><h1>\(Markup.escaped(heading))</h1>",
            "<p>\(Markup.escaped(report.dagID)), run \(Markup.escaped(report.runID))</p>",
            "<p class=\"verdict \(verdict)\">\(Markup.escaped(report.summary))</p></header>",
        ]
        parts += numbers(changes)
        parts += charts.map(chart)
        parts += datasets(changes)
        parts += section("Records", records.map { [cell($0.0), number($0.1)] })
        parts += attention(changes)
        parts += checks()
        parts += section(
            "Unknown fields", report.drift.map { [cell($0.field), number("\($0.records)")] },
            header: ["field", "records"])
        parts += ["</body>", "</html>"]
        return parts.joined(separator: "\n") + "\n"
    }

    private var verdict: String {
        report.checks.contains(where: \.isFailure)
            ? "fail" : report.checks.contains(where: \.isWarning) ? "warn" : "pass"
    }

    // MARK: Parts

    private func numbers(_ changes: DayChanges?) -> [String] {
        guard !report.numbers.isEmpty else { return [] }
        let tiles = report.numbers.map { number in
            let past = days.map { (label: $0.ds, value: $0.number(number.title)?.value) }
            let change = changes.map { "<p class=\"past\">\(Markup.escaped($0.ofNumber(number)))</p>" } ?? ""
            return "<div class=\"tile\"><h3>\(Markup.escaped(number.title))</h3><p class=\"figure\">\(number.text)</p>"
                + "\(change)\(ReportCharts.spark(past))</div>"
        }
        return ["<section class=\"tiles\">"] + tiles + ["</section>"]
    }

    private func chart(_ chart: ReportQueries.Chart) -> String {
        let drawing =
            if let problem = chart.problem {
                "<p class=\"fail\">It could not be computed: \(Markup.escaped(problem))</p>"
            } else if chart.values.isEmpty {
                "<p>There is nothing to show.</p>"
            } else if chart.shape == .columns {
                ReportCharts.columns(chart.values, title: chart.title)
            } else {
                ReportCharts.bars(chart.values, title: chart.title)
            }
        return "<section class=\"chart\"><h2>\(Markup.escaped(chart.title))</h2>\n\(drawing)</section>"
    }

    private func datasets(_ changes: DayChanges?) -> [String] {
        let rows = report.rows.map { item in
            let past = days.map { (label: $0.ds, value: $0.rows(of: item.dataset).map(Double.init)) }
            return [
                cell(item.dataset), number("\(item.rows)"), number(changes?.ofRows(item.dataset) ?? ""),
                "<td>\(ReportCharts.spark(past))</td>",
            ]
        }
        let since = changes.map { "since \($0.since)" } ?? ""
        return section("Datasets", rows, header: ["dataset", "rows", since, "by day"])
    }

    private var records: [(String, String)] { RecordCounts.lines(report.counts) }

    private func attention(_ changes: DayChanges?) -> [String] {
        let bad = report.inOrder.filter { $0.isFailure || $0.isWarning }
        var parts: [String] = []
        for check in bad {
            let isNew = changes?.broken.contains { $0.name == check.name } == true
            parts.append(
                "<h3 class=\"\(check.status.rawValue)\">\(Markup.escaped(check.name))"
                    + "\(isNew ? " <small>new</small>" : "")</h3><p>\(Markup.escaped(check.detail))</p>")
            parts.append(SampleTable.html(check.samples))
        }
        if let mended = changes?.mended, !mended.isEmpty {
            parts.append(
                "<h3 class=\"pass\">mended</h3><ul>"
                    + mended.map { "<li>\(Markup.escaped($0))</li>" }.joined() + "</ul>")
        }
        return parts.isEmpty ? [] : ["<section><h2>What needs attention</h2>"] + parts + ["</section>"]
    }

    private func checks() -> [String] {
        let rows = report.inOrder.map { check in
            let past = days.map { (label: $0.ds, status: $0.check(check.name)?.status) }
            return [
                "<td class=\"\(check.status.rawValue)\">\(check.status.rawValue)</td>", cell(check.name),
                "<td>\(ReportCharts.states(past))</td>", cell(check.detail),
            ]
        }
        return section("Checks", rows, header: ["status", "check", "by day", "detail"])
    }

    private func section(_ title: String, _ rows: [[String]], header: [String] = []) -> [String] {
        guard !rows.isEmpty else { return [] }
        let head =
            header.isEmpty
            ? "" : "<thead><tr>" + header.map { "<th>\(Markup.escaped($0))</th>" }.joined() + "</tr></thead>"
        return ["<section><h2>\(title)</h2>", "<div class=\"wide\"><table>\(head)<tbody>"]
            + rows.map { "<tr>" + $0.joined() + "</tr>" } + ["</tbody></table></div></section>"]
    }

    private func cell(_ text: String) -> String { "<td>\(Markup.escaped(text))</td>" }
    private func number(_ text: String) -> String { "<td class=\"number\">\(Markup.escaped(text))</td>" }

    private static let style = """
        :root{--back:#fff;--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--bar:#0969da;--past:#9ec5f5;--pass:#1a7f37;--warn:#9a6700;--fail:#c02626}
        @media (prefers-color-scheme:dark){:root{--back:#0d1117;--text:#e6edf3;--soft:#9198a1;--line:#3d444d;--bar:#4493f8;--past:#1f4b85;--pass:#3fb950;--warn:#d29922;--fail:#f85149}}
        *{box-sizing:border-box}
        body{margin:0 auto;padding:1rem;max-width:70rem;background:var(--back);color:var(--text);font:15px/1.5 system-ui,sans-serif}
        h1{margin:0}h2{font-size:1.15rem;margin:0 0 .5rem}h3{margin:.5rem 0 0;font-size:1rem}
        header p{margin:.2rem 0;color:var(--soft)}
        section{margin:1.5rem 0}
        .tiles{display:flex;flex-wrap:wrap;gap:1rem}
        .tile{border:1px solid var(--line);border-radius:6px;padding:.5rem 1rem;min-width:11rem}
        .tile h3{font-weight:normal;color:var(--soft);margin:0}
        .figure{font-size:1.6rem;margin:0}.past{color:var(--soft);margin:0}
        .chart{display:inline-block;vertical-align:top;width:100%;max-width:30rem;margin:1rem 1.5rem 1rem 0}
        .chart svg{width:100%;height:auto}
        svg text{font-size:12px;fill:var(--text)}svg .number{fill:var(--soft)}
        .bar{fill:var(--bar)}.bar.past{fill:var(--past)}
        rect.pass{fill:var(--pass)}rect.warn{fill:var(--warn)}rect.fail{fill:var(--fail)}rect.not_evaluated{fill:none;stroke:var(--fail)}rect.none{fill:var(--line)}
        .wide{overflow-x:auto}
        table{border-collapse:collapse}
        th{text-align:left;color:var(--soft);font-weight:normal}
        td,th{padding:.15rem .8rem .15rem 0;border-bottom:1px solid var(--line);vertical-align:top}
        td.number{text-align:right;font-variant-numeric:tabular-nums}
        header .verdict{font-weight:bold}
        td.pass,h3.pass,p.pass,header .pass{color:var(--pass)}td.warn,h3.warn,p.warn,header .warn{color:var(--warn)}
        td.fail,h3.fail,p.fail,header .fail,td.not_evaluated,h3.not_evaluated{color:var(--fail)}
        """
}

/// What the raw partition counts, in lines.
enum RecordCounts {
    static func lines(_ counts: JSONNode?) -> [(String, String)] {
        guard let counts, counts.object != nil else { return [] }
        var lines = ["seen", "loaded", "duplicates", "quarantined"].map { ($0, "\(counts[$0]?.integer ?? 0)") }
        for member in counts["reasons"]?.object?.members ?? [] {
            lines.append(("quarantined: \(member.key)", "\(member.node.integer ?? 0)"))
        }
        return lines
    }
}

/// Rows that fail, as a table with the columns that any of them has.
enum SampleTable {
    static func columns(_ samples: [JSONNode]) -> [String] {
        var names: [String] = []
        for sample in samples {
            for member in sample.object?.members ?? [] where !names.contains(member.key) { names.append(member.key) }
        }
        return names
    }

    /// - Parameter cell: the style of a cell, for mails.
    static func html(_ samples: [JSONNode], cell: String = "") -> String {
        guard !samples.isEmpty else { return "" }
        let style = cell.isEmpty ? "" : " style=\"\(cell)\""
        let names = columns(samples)
        let head = names.map { "<th\(style)>\(Markup.escaped($0))</th>" }.joined()
        let rows = samples.map { sample in
            "<tr>" + names.map { "<td\(style)>\(Markup.escaped(sample[$0]?.string ?? "NULL"))</td>" }.joined() + "</tr>"
        }
        let open = cell.isEmpty ? "<div class=\"wide\"><table>" : "<table style=\"border-collapse:collapse\">"
        let close = cell.isEmpty ? "</table></div>" : "</table>"
        return "\(open)<tr>\(head)</tr>\n\(rows.joined(separator: "\n"))\(close)"
    }

    /// A line for each row.
    static func lines(_ samples: [JSONNode]) -> [String] {
        samples.map { sample in
            (sample.object?.members ?? []).map { Markup.oneLine("\($0.key)=\($0.node.string ?? "NULL")") }
                .joined(separator: "  ")
        }
    }
}

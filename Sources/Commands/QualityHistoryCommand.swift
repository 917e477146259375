import API
import JSONText
import SchedulerCore
import TaskKinds

/// `weir quality history`: each check by day.
enum QualityHistoryCommand {
    static let spec = CommandSpec(
        name: "quality history", summary: "show how the checks of a DAG went, by day",
        positionals: [.init(name: "DAG", values: .reportDAG, help: "id of the DAG")],
        options: [
            .value("--check", "NAME", "only this check, with a line for each day"),
            .value("--days", short: "-n", "N", values: .number, "the last N days that have a report (14)"),
            CommandSpec.json,
        ],
        examples: [
            ("weir quality history alpr_daily", "each check, with a sign for each day and a line of its failing rows"),
            (
                "weir quality history alpr_daily --check \"plate.plate_id is unique\" --days 30",
                "the days of one check with its numbers"
            ),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let dag = arguments.required(0)
        let days = try arguments.integer("--days", in: 1...10_000) ?? 14
        let reports = try QualityCommand.history(dag, session).latest(of: dag, count: days)
        var names = QualityJSON.names(reports)
        if let wanted = arguments.value("--check") {
            guard names.contains(wanted) else {
                let near = nearestName(to: wanted, among: names).map { "; did you mean '\($0)'?" }
                throw CommandFailure(
                    .notFound,
                    "no check '\(wanted)' in the last \(reports.count) days of '\(dag)'"
                        + (near ?? "; `weir quality history \(dag)` lists them"))
            }
            names = [wanted]
        }
        if arguments.has("--json") {
            session.terminal.print(json(names, reports))
        } else if arguments.value("--check") != nil {
            session.terminal.write(lines(names[0], reports).text(session.terminal))
        } else {
            overview(dag, names, reports, session.terminal)
        }
        return .done
    }

    private static func json(_ names: [String], _ reports: [QualityReport]) -> String {
        var writer = JSONWriter(indented: true)
        writer.array { writer in
            for name in names { QualityJSON.write(name, reports, to: &writer) }
        }
        return writer.text
    }

    /// One check, a line a day.
    private static func lines(_ name: String, _ reports: [QualityReport]) -> Table {
        var table = Table("DAY", "STATUS", "FAILING", "OF", "", "DETAIL")
        table.colour = QualityCommand.colour
        let checks = reports.map { $0.check(name) }
        let blocks = Sparkline.blocks(checks.map { $0.flatMap(shown) })
        for ((report, check), block) in zip(zip(reports, checks), blocks) {
            guard let check else {
                table.rows.append([report.ds, "", "", "", "", "was not asked"])
                continue
            }
            table.rows.append([
                report.ds, check.status.rawValue, check.failing.map { "\($0)" } ?? "",
                check.total.map { "\($0)" } ?? "", String(block), check.detail,
            ])
        }
        return table
    }

    /// What a check's line is drawn of: what it measured, or the rows that fail.
    private static func shown(_ check: QualityReport.Check) -> Double? {
        check.metric ?? check.failing.map(Double.init)
    }

    private static func overview(
        _ dag: String, _ names: [String], _ reports: [QualityReport], _ terminal: Terminal
    ) {
        guard let first = reports.first, let last = reports.last else { return }
        terminal.print("\(dag), \(first.ds) to \(last.ds): . pass  ! warn  x fail  ? not evaluated  - not asked")
        var table = Table("CHECK", "DAYS", "FAILING", "MEASURED", "LAST")
        table.colour = QualityCommand.colour
        for name in names {
            let checks = reports.map { $0.check(name) }
            let measured = checks.map { $0?.metric }
            table.rows.append([
                name, String(checks.map(sign)), Sparkline.text(checks.map { $0?.failing.map(Double.init) }),
                measured.contains { $0 != nil } ? Sparkline.text(measured) : "",
                checks.last.flatMap { $0?.status.rawValue } ?? "",
            ])
        }
        terminal.write(table.text(terminal))
    }

    private static func sign(_ check: QualityReport.Check?) -> Character {
        switch check?.status {
        case .pass: "."
        case .warn: "!"
        case .fail: "x"
        case .notEvaluated: "?"
        case nil: "-"
        }
    }
}

/// Numbers as block characters, one each.
enum Sparkline {
    private static let levels = Array("▁▂▃▄▅▆▇█")

    /// From nothing at the bottom to the largest at the top; a space where there is no number.
    static func blocks(_ values: [Double?]) -> [Character] {
        let top = values.compactMap(\.self).map(abs).max() ?? 0
        return values.map { value in
            guard let value else { return " " }
            guard top > 0 else { return levels[0] }
            // What is not nothing is seen, however small it is.
            let level = Int((abs(value) / top * Double(levels.count - 1)).rounded(.up))
            return levels[min(level, levels.count - 1)]
        }
    }

    static func text(_ values: [Double?]) -> String { String(blocks(values)) }
}

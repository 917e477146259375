import JSONText
import SchedulerCore
import TaskKinds

/// `weir quality report`: the checks of one run.
enum QualityReportCommand {
    static let spec = CommandSpec(
        name: "quality report", summary: "show the checks of a run, with some of the rows that fail",
        positionals: [
            .init(name: "DAG", values: .reportDAG, help: "id of the DAG"),
            .init(
                name: "DAY|RUN", count: .optional, values: .reportDay,
                help: "a day, for its latest run, or the id of a run or its beginning; the latest day when left out"),
        ],
        options: [CommandSpec.json],
        examples: [
            ("weir quality report alpr_daily", "the latest day; exit 0 when nothing failed, 1 when something did"),
            ("weir quality report alpr_daily 2022-05-02 --json", "a day, for programs"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let report = try find(arguments.required(0), arguments[1], session)
        let failed = report.checks.contains(where: \.isFailure)
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            report.write(to: &writer)
            session.terminal.print(writer.text)
        } else {
            show(report, session.terminal)
        }
        return failed ? .failed : .done
    }

    private static func find(_ dag: String, _ wanted: String?, _ session: Session) throws -> QualityReport {
        let history = try QualityCommand.history(dag, session)
        let days = history.days(of: dag)
        guard let last = days.last else {
            throw CommandFailure(.notFound, "there are no quality reports of DAG '\(dag)'")
        }
        guard let wanted, CivilDate(wanted) == nil else {
            let day = wanted ?? last
            if let report = try history.reports(of: dag, day: day).last { return report }
            let span = "there are \(days.count), from \(days[0]) to \(last)"
            throw CommandFailure(.notFound, "DAG '\(dag)' has no quality report of \(day); \(span)")
        }
        let found = try history.reports(of: dag, run: wanted)
        if let exact = found.first(where: { $0.runID == wanted }) { return exact }
        if found.count == 1 { return found[0] }
        guard found.isEmpty else {
            let names = found.prefix(3).map(\.runID).joined(separator: ", ")
            throw CommandFailure(
                .notFound, "'\(wanted)' could be \(names)" + (found.count > 3 ? " …" : ""))
        }
        throw CommandFailure(
            .notFound, "DAG '\(dag)' has no quality report of a run '\(wanted)'; `weir runs \(dag)` lists them")
    }

    private static func show(_ report: QualityReport, _ terminal: Terminal) {
        terminal.print("\(report.dagID) \(report.ds), run \(report.runID)")
        terminal.print(report.summary)
        var table = Table("STATUS", "CHECK", "FAILING", "OF", "DETAIL")
        table.colour = QualityCommand.colour
        func text(_ number: Int64?) -> String { number.map { "\($0)" } ?? "" }
        for check in report.inOrder {
            table.rows.append([
                check.status.rawValue, check.name, text(check.failing), text(check.total), check.detail,
            ])
        }
        terminal.write(table.text(terminal))
        for check in report.inOrder where !check.samples.isEmpty {
            terminal.print("\nsome rows that fail \(check.name):")
            for sample in check.samples {
                let members = sample.object?.members ?? []
                terminal.print(
                    "  "
                        + members.map { Table.oneLine("\($0.key)=\($0.node.string ?? "NULL")") }
                        .joined(separator: "  "))
            }
        }
    }
}

import JSONText
import Observability
import SchedulerCore

/// `weir next`: when a DAG runs next.
enum NextCommand {
    static let spec = CommandSpec(
        name: "next", summary: "show when a DAG runs next",
        positionals: [.init(name: "DAG", values: .dag, help: "id of the DAG")],
        options: [
            .value("--count", short: "-n", "N", values: .number, "so many runs (5)"),
            .value("--after", "TIME", values: .date, "those that are due later than this; now when left out"),
            CommandSpec.json,
        ],
        examples: [("weir next alpr_daily -n 3", "the next three intervals and when they are due")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let (_, dag) = try session.dag(arguments.required(0))
        let count = try arguments.integer("--count", in: 1...100_000) ?? 5
        let after = try arguments.value("--after").map { text throws(CommandFailure) in
            try Dates.instant(text, "--after", dag.zone)
        }
        let now = Instant(microseconds: WallClock.now())
        let record = try session.record(dag.id)
        let runs = Schedules.upcoming(
            dag, after: after ?? now, firstLoad: record?.firstSeen ?? now, count: count)
        if record?.paused ?? dag.paused {
            session.terminal.error("\(dag.id) is paused: nothing of this runs until `weir unpause \(dag.id)`")
        }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            writer.array { writer in
                for run in runs {
                    writer.object {
                        $0.member("logical_date", "\(run.interval.start)")
                        $0.member("data_interval_start", "\(run.interval.start)")
                        $0.member("data_interval_end", "\(run.interval.end)")
                        $0.member("run_after", "\(run.runAfter)")
                    }
                }
            }
            session.terminal.print(writer.text)
            return .done
        }
        if runs.isEmpty {
            let ended = dag.timetable == nil ? "" : ", but its end has passed"
            session.terminal.error("\(dag.id): \(dag.meaning)\(ended)")
        }
        let isLocal = dag.zone.name != Zone.utc.name
        var table = Table(["LOGICAL DATE", "INTERVAL ENDS", "RUNS AT"] + (isLocal ? ["IN \(dag.zone.name)"] : []))
        for run in runs {
            let local = isLocal ? [dag.zone.text(of: run.runAfter)] : []
            table.rows.append(["\(run.interval.start)", "\(run.interval.end)", "\(run.runAfter)"] + local)
        }
        session.terminal.write(table.text(session.terminal))
        return .done
    }
}

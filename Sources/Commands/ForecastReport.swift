import JSONText
import SchedulerCore
import Simulation

/// How a forecast is told: rows of runs or tasks, then what it comes to.
struct ForecastReport {
    let forecast: Forecast
    let question: Forecast.Question

    func write(to terminal: Terminal, tasks: Bool, limit: Int) {
        terminal.print("\(question.dag.id): \(question.dag.meaning)")
        terminal.print("\(question.from) to \(question.to), \(assumed)")
        terminal.print("")
        let table = tasks ? taskTable : runTable
        var shown = table
        shown.rows = Array(table.rows.prefix(limit))
        if !shown.rows.isEmpty {
            terminal.write(shown.text(terminal))
            let rest = table.rows.count - shown.rows.count
            if rest > 0 { terminal.print("… and \(rest) more (--limit shows more, --json has all)") }
            terminal.print("")
        }
        for line in summary { terminal.print(line) }
    }

    // MARK: Rows

    private var runTable: Table {
        var table = Table("LOGICAL DATE", "DUE", "WAITED", "STARTED", "DONE", "TOOK", "STATE", "WHY IT WAITED")
        table.colour = Table.stateColour
        for row in forecast.runs {
            table.rows.append([
                "\(row.run.logicalDate)", "\(row.run.runAfter)", row.waited.map(Self.amount) ?? "",
                Self.time(row.run.startedAt), Self.time(row.run.endedAt),
                Self.amount(row.run.startedAt, row.run.endedAt), Self.state(row.run), row.reason ?? "",
            ])
        }
        return table
    }

    private var taskTable: Table {
        var table = Table("LOGICAL DATE", "TASK", "WAITED", "STARTED", "DONE", "TOOK", "STATE", "WHY")
        table.colour = Table.stateColour
        for row in forecast.runs {
            for task in row.tasks {
                let instance = task.instance
                table.rows.append([
                    "\(row.run.logicalDate)", instance.key.name, Self.amount(task.waited),
                    Self.time(instance.startedAt), Self.time(instance.endedAt),
                    Self.amount(instance.startedAt, instance.endedAt), instance.state.rawValue,
                    task.reason ?? instance.reason ?? "",
                ])
            }
        }
        return table
    }

    private static func state(_ run: Run) -> String {
        run.missedDeadline ? "\(run.state.rawValue), late" : run.state.rawValue
    }

    private static func time(_ instant: Instant?) -> String { instant.map { "\($0)" } ?? "" }

    private static func amount(_ amount: TimeAmount) -> String { amount == .zero ? "" : "\(amount)" }

    private static func amount(_ from: Instant?, _ to: Instant?) -> String {
        from.flatMap { from in to.map { "\($0 - from)" } } ?? ""
    }

    // MARK: Summary

    /// What tasks are assumed to take.
    private var assumed: String {
        let known = question.dag.tasks.compactMap { task in
            question.assumptions[task.id].map { "\(task.id) \($0.takes)" }
        }
        let rest = question.dag.tasks.count - known.count
        let others =
            rest == 0 ? [] : ["\(known.isEmpty ? "every task" : "every other task") \(question.otherwise.takes)"]
        let words = "assuming " + (known + others).joined(separator: ", ")
        guard !forecast.unknownOutputs.isEmpty else { return words }
        return words + "\nnothing is known of the outputs \(forecast.unknownOutputs.joined(separator: ", ")): "
            + "lists are taken to have one element, conditions to hold (--durations can tell)"
    }

    private var summary: [String] {
        var lines: [(String, String)] = []
        let states = RunState.allCases.compactMap { state in
            let count = forecast.runs.count { $0.run.state == state }
            return count == 0 ? nil : "\(count) \(state.rawValue)"
        }
        lines.append(("runs", states.isEmpty ? "none is due" : states.joined(separator: ", ")))
        lines += skipped.map { ("skipped", $0) }
        if let time = question.dag.expectBy, let first = forecast.missed.first {
            let count = forecast.missed.count
            let days = count == 1 ? "1 day has" : "\(count) days have"
            lines.append(("missed", "\(days) no success by \(time) (expect_by), the first is \(first)"))
        }
        lines.append(
            (
                "at once",
                "at most \(forecast.peakRuns) of \(question.dag.maxActiveRuns) runs, "
                    + "\(forecast.peakTasks) of \(question.parallelism) tasks"
            ))
        for (pool, most) in forecast.peakSlots.sorted(by: { $0.key < $1.key }) {
            lines.append(("pool \(pool)", "at most \(most) of \(forecast.slots[pool] ?? 0) slots"))
        }
        if let longest { lines.append(("waiting", longest)) }
        lines.append(("done", done))
        let left = forecast.openAtEnd
        if left > 0 {
            let verb = left == 1 ? "run is" : "runs are"
            let verdict = forecast.fallsBehind ? ": the DAG falls behind its schedule" : ""
            lines.append(("left over", "at \(question.to) \(left) \(verb) due and not done\(verdict)"))
        }
        let width = lines.map(\.0.count).max() ?? 0
        return lines.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
    }

    /// What gets no run, in one line for each reason.
    private var skipped: [String] {
        let spans = Dictionary(grouping: forecast.skips, by: \.reason)
        return [SkippedSpan.Reason.catchup, .overlap].compactMap { reason in
            guard let some = spans[reason], let first = some.first, let last = some.last else { return nil }
            let count = some.map(\.intervals).reduce(0, +)
            let what = some.count == 1 ? "" : " of those"
            return "\(count) interval\(count == 1 ? "" : "s")\(what) from \(first.from) to \(last.to): \(words(reason))"
        }
    }

    private func words(_ reason: SkippedSpan.Reason) -> String {
        switch reason {
        case .overlap: "earlier runs were still at work, and \"overlap\" is \"skip\""
        case .catchup:
            switch question.dag.catchup {
            case .none: "\"catchup\" is \"none\""
            case .latest: "\"catchup\" is \"latest\", so only the last missed interval is made up for"
            case .all: "\"catchup_window\" is \(question.dag.catchupWindow.map { "\($0)" } ?? "not set")"
            }
        }
    }

    private var longest: String? {
        let rows = forecast.runs.flatMap { row in row.tasks.map { (row, $0) } }
        guard let (row, task) = rows.max(by: { $0.1.waited < $1.1.waited }), task.waited > .zero else { return nil }
        let why = task.reason.map { ": \($0)" } ?? ""
        return "the longest is \(task.instance.key.name) of \(row.run.logicalDate), \(task.waited)\(why)"
    }

    private var done: String {
        let lateness = forecast.lateness
        var words: [String] = []
        if let last = forecast.runs.compactMap(\.run.endedAt).max(), let most = lateness.last {
            words.append("all by \(last)")
            words.append("\(lateness[lateness.count / 2]) after being due at the median, \(most) at most")
        }
        if let instant = forecast.givenUpAt {
            let open = forecast.runs.count { !$0.run.state.isFinal }
            if open > 0 {
                words = [
                    "never: at \(instant) \(open) run\(open == 1 ? " has" : "s have") not ended, and nothing more happens"
                ]
                if let why = forecast.runs.first(where: { !$0.run.state.isFinal }).flatMap(stuck) { words.append(why) }
            }
        }
        return words.isEmpty ? "at once" : words.joined(separator: "; ")
    }

    private func stuck(_ row: Forecast.ForecastRun) -> String? {
        if let reason = row.reason, row.run.state == .queued { return "\(row.run.logicalDate) waits: \(reason)" }
        guard let task = row.tasks.first(where: { !$0.instance.state.isFinal }) else { return nil }
        return
            "\(task.instance.key.name) of \(row.run.logicalDate) waits: \(task.reason ?? task.instance.state.rawValue)"
    }

    // MARK: JSON

    static func json(_ forecast: Forecast, _ question: Forecast.Question) -> String {
        var writer = JSONWriter(indented: true)
        writer.object { writer in
            writer.member("dag_id", question.dag.id)
            writer.member("from", "\(question.from)")
            writer.member("to", "\(question.to)")
            writer.key("runs")
            writer.array { writer in for row in forecast.runs { write(row, &writer) } }
            writer.key("skipped")
            writer.array { writer in
                for skip in forecast.skips {
                    writer.object {
                        $0.member("from", "\(skip.from)")
                        $0.member("to", "\(skip.to)")
                        $0.member("intervals", skip.intervals)
                        $0.member("reason", skip.reason.rawValue)
                    }
                }
            }
            writer.member("peak_runs", forecast.peakRuns)
            writer.member("peak_tasks", forecast.peakTasks)
            writer.key("pools")
            writer.array { writer in
                for (pool, most) in forecast.peakSlots.sorted(by: { $0.key < $1.key }) {
                    writer.object {
                        $0.member("name", pool)
                        $0.member("slots", forecast.slots[pool] ?? 0)
                        $0.member("peak", most)
                    }
                }
            }
            writer.member("missed", forecast.missed)
            writer.member("open_at_end", forecast.openAtEnd)
            writer.member("falls_behind", forecast.fallsBehind)
            writer.member("given_up_at", forecast.givenUpAt.map { "\($0)" })
        }
        return writer.text
    }

    private static func write(_ row: Forecast.ForecastRun, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("logical_date", "\(row.run.logicalDate)")
            writer.member("run_id", row.run.runID)
            writer.member("due", "\(row.run.runAfter)")
            writer.member("waited", row.waited?.seconds)
            writer.member("why_waited", row.reason)
            writer.member("start_date", row.run.startedAt.map { "\($0)" })
            writer.member("end_date", row.run.endedAt.map { "\($0)" })
            writer.member("state", row.run.state.rawValue)
            writer.member("missed_deadline", row.run.missedDeadline)
            writer.key("tasks")
            writer.array { writer in
                for task in row.tasks {
                    writer.object {
                        $0.member("task_id", task.instance.key.taskID)
                        $0.member("map_index", task.instance.key.mapIndex)
                        $0.member("state", task.instance.state.rawValue)
                        $0.member("try_number", task.instance.tryNumber)
                        $0.member("waited", task.waited.seconds)
                        $0.member("why_waited", task.reason)
                        $0.member("start_date", task.instance.startedAt.map { "\($0)" })
                        $0.member("end_date", task.instance.endedAt.map { "\($0)" })
                        $0.member("reason", task.instance.reason)
                    }
                }
            }
        }
    }
}

import Engine
import JSONText
import SchedulerCore

/// What a command did, or would do, to each of some runs. A run is changed as a whole or not at all; one that is refused
/// does not keep the others from being changed, and is told.
struct RunChanges {
    struct Entry {
        var run: Run
        /// The tasks that run again.
        var tasks: [String] = []
        /// Why nothing was done to this run.
        var failure: CommandFailure?
    }

    var entries: [Entry] = []

    /// Does something to each run; `change` gives the tasks that it was about.
    ///
    /// The failure of the first ends a command that is about one run; a broken connection ends any.
    init(_ runs: [Run], _ change: (Run) throws(CommandFailure) -> [String]) throws(CommandFailure) {
        for run in runs {
            var entry = Entry(run: run)
            do throws(CommandFailure) { entry.tasks = try change(run) } catch {
                if runs.count == 1 || error.status == .unavailable { throw error }
                entry.failure = error
            }
            entries.append(entry)
        }
    }

    var done: [Entry] { entries.filter { $0.failure == nil } }
    var runs: [Run] { done.map(\.run) }

    /// 1 when one was refused.
    var status: ExitCode { done.count == entries.count ? .done : .failed }

    /// A line for each run.
    func table(_ session: Session) -> String {
        var table = Table("RUN", "STATE", "TASKS")
        table.colour = Table.stateColour
        for entry in done {
            table.rows.append([entry.run.runID, entry.run.state.rawValue, entry.tasks.joined(separator: ", ")])
        }
        return table.text(session.terminal)
    }

    /// - Parameter wereChanged: false for a dry run.
    func showRefusals(_ session: Session, wereChanged: Bool = true) {
        for entry in entries {
            guard let failure = entry.failure else { continue }
            let isNamed = failure.message.contains("'\(entry.run.runID)'")
            session.terminal.error("weir: " + (isNamed ? "" : entry.run.runID + ": ") + failure.message)
        }
        if wereChanged, status != .done, !done.isEmpty {
            session.terminal.error(
                "weir: \(done.count) of \(entries.count) runs were changed; the others stay as they are")
        }
    }

    func json() -> String {
        var writer = JSONWriter(indented: true)
        writer.array { writer in
            for entry in entries {
                writer.object {
                    $0.member("dag_id", entry.run.dagID)
                    $0.member("run_id", entry.run.runID)
                    $0.member("task_ids", entry.tasks)
                    $0.member("error", entry.failure?.message)
                }
            }
        }
        return writer.text
    }

    /// "3 tasks", "1 run".
    static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}

import SchedulerCore
import Spawn

/// What failed in a run, and what a person may do about it.
extension RunReport {
    /// A task that failed.
    struct Failure {
        var name: String
        var state: String
        var tryNumber: Int
        var reason: String?
        /// The end of what it printed.
        var log: [String]
    }

    static let mostLogs = 3
    private static let lastLines = 10
    private static let longestLine = 300

    /// Those that failed and were not allowed to; of a retry those that are tried again. What only waited for them comes
    /// last.
    var failures: [Failure] {
        let isRetry = event == "retry" || event == "task_retry"
        let tasks = context.tasks.filter { task in
            isRetry ? task.state == "up_for_retry" : Self.isFailure(task) && !task.allowFailure
        }
        let ordered = tasks.filter { $0.state != "upstream_failed" } + tasks.filter { $0.state == "upstream_failed" }
        return ordered.enumerated().map { place, task in
            Failure(
                name: task.name, state: task.state, tryNumber: task.tryNumber, reason: task.reason,
                log: place < Self.mostLogs ? logEnd(task) : [])
        }
    }

    private func logEnd(_ task: TaskContext.Upstream) -> [String] {
        guard let attempt = task.attempt,
            let chunk = try? AttemptLog.tail(
                AttemptDirectory(path: File.parent(of: context.directory.path) + "/\(attempt)").log, limit: 8 << 10)
        else { return [] }
        return String(decoding: chunk.bytes, as: UTF8.self).split(separator: "\n").suffix(Self.lastLines).map {
            let line = Markup.oneLine(String($0))
            return line.count > Self.longestLine ? line.prefix(Self.longestLine) + "…" : line
        }
    }

    /// Commands that help, each with what for.
    var advice: [(command: String, why: String)] {
        let run = "\(context.dagID) \(context.runID)"
        if event == "missed" {
            return [
                ("weir runs \(context.dagID)", "what ran, and how it went"),
                ("weir trigger \(context.dagID)", "run it now"),
            ]
        }
        let first = failures.first { $0.state != "upstream_failed" }
        let look = first.map { ("weir logs \(run) \($0.name)", "all that it printed") }
        switch event {
        case "success": return []
        case "deadline": return [("weir tasks \(run)", "how far it is")]
        case "retry", "task_retry": return [look].compactMap(\.self)
        default:
            guard let look else { return [] }
            return [look, ("weir clear \(run) --failed", "run it again, once the cause is mended")]
        }
    }
}

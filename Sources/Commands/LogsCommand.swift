import Engine
import Glibc
import SchedulerCore
import Spawn
import Store

/// `weir logs`: what a task printed, try by try.
enum LogsCommand {
    static let spec = CommandSpec(
        name: "logs", summary: "show what a task printed",
        positionals: [
            .init(name: "DAG", help: "id of the DAG"),
            .init(name: "RUN", help: "id of the run, or its date where that is enough to tell it"),
            .init(name: "TASK", help: "id of the task; load[3] for one instance of a mapped task"),
        ],
        options: [
            .value("--try", "N", "only this try"), .flag("--follow", short: "-f", "go on until the task has ended"),
        ],
        examples: [("weir logs alpr_daily 2022-05-02 convert", "all tries of that task")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let reader = try session.existingReader()
        let run = try session.run(arguments.required(0), arguments.required(1), reader)
        let taskID = arguments.required(2)
        let tasks = try reader.taskInstances(ofRun: run.id)
        let task = try instance(taskID, tasks, run)
        let only = try arguments.integer("--try", in: 1...1_000_000)
        Interrupts.catchThem()
        var shown: Set<Int64> = []
        while true {
            let current = try reader.taskInstances(ofRun: run.id).first { $0.key == task.key } ?? task
            let attempts = try reader.attempts(of: task.key).filter { only == nil || $0.tryNumber == only }
            if attempts.isEmpty, !arguments.has("--follow") {
                let wanted = only.map { "no try \($0)" } ?? (current.state.isFinal ? "no log" : "no try yet")
                let reason = current.reason.map { ": \($0)" } ?? ""
                throw CommandFailure(
                    .notFound, "task '\(taskID)' is \(current.state.rawValue) and has \(wanted)\(reason)")
            }
            for attempt in attempts where !shown.contains(attempt.id) {
                shown.insert(attempt.id)
                try show(attempt, session, reader, follow: arguments.has("--follow"))
            }
            let isOver = current.state.isFinal && attempts.allSatisfy { shown.contains($0.id) }
            if !arguments.has("--follow") || isOver { return .done }
            if Interrupts.happened { return .interrupted }
            if session.terminal.outputFailure != nil { return .done }
            usleep(100_000)
        }
    }

    /// The instance that a name means: the task's own, or one of a mapped task.
    private static func instance(
        _ name: String, _ tasks: [TaskInstance], _ run: Run
    ) throws(CommandFailure) -> TaskInstance {
        if let task = tasks.first(where: { $0.key.name == name && $0.state != .removed }) { return task }
        let mapped = tasks.filter { $0.key.taskID == name && $0.key.mapIndex >= 0 }
        if let first = mapped.first {
            guard mapped.count > 1 else { return first }
            throw CommandFailure(
                .usage, "task '\(name)' has \(mapped.count) instances; name one, such as '\(first.key.name)'")
        }
        if let task = tasks.first(where: { $0.key.name == name }) { return task }
        let near = nearestName(to: name, among: tasks.map(\.key.name)).map { "; did you mean '\($0)'?" } ?? ""
        throw CommandFailure(.notFound, "run \(run.runID) has no task '\(name)'\(near)")
    }

    private static func show(
        _ attempt: Attempt, _ session: Session, _ reader: any StoreReader, follow: Bool
    ) throws {
        let reason = attempt.reason.map { ": \($0)" } ?? ""
        session.terminal.print(
            "==> try \(attempt.tryNumber) (attempt \(attempt.id)): \(attempt.state.rawValue)\(reason) <==")
        let path = AttemptDirectory(path: session.home.attempt(attempt.id)).log
        var offset: Int64 = 0
        while true {
            let isRunning = try reader.attempts(of: attempt.instance).first { $0.id == attempt.id }?.state == .running
            while File.exists(path) {
                let chunk = try AttemptLog.read(path, from: offset)
                session.terminal.write(chunk.bytes)
                offset = chunk.nextOffset
                if chunk.atEnd { break }
            }
            if !isRunning, attempt.startedAt != nil, !File.exists(path) {
                session.terminal.print("(what it printed is gone: removed as \"retention\" says, or by hand)")
            }
            if !follow || !isRunning || Interrupts.happened || session.terminal.outputFailure != nil { return }
            usleep(100_000)
        }
    }
}

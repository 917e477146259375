import Engine
import SchedulerCore
import Store

/// Why a run and its tasks are as they are.
struct RunReasons {
    private let session: Session
    private let reader: any StoreReader
    private let run: Run
    private let tasks: [TaskInstance]

    init(_ session: Session, _ reader: any StoreReader, _ run: Run) throws(CommandFailure) {
        self.session = session
        self.reader = reader
        self.run = run
        do throws(StoreError) { tasks = try reader.taskInstances(ofRun: run.id) } catch { throw CommandFailure(error) }
    }

    /// - Parameter task: nil: the run as a whole.
    func answer(task name: String?) throws(CommandFailure) -> WhyAnswer {
        let why = run.state.isFinal ? nil : try session.explanation(run, reader)
        var reasons: [WhyAnswer.Reason]
        if let name {
            let task = try instance(name, why)
            reasons =
                task.map { [reason($0, why)] + causes(of: $0) } ?? [
                    .init(subject: name, state: TaskState.none.rawValue, why: why?.run ?? "its run has not started")
                ]
        } else {
            reasons = [.init(subject: run.runID, state: run.state.rawValue, why: run.reason ?? why?.run)]
            let isTold: (TaskInstance) -> Bool = { [run] task in
                run.state.isFinal ? task.state == .failed : !task.state.isFinal || task.state == .failed
            }
            if run.state != .queued { reasons += tasks.filter(isTold).map { reason($0, why) } }
        }
        return WhyAnswer(dag: run.dagID, run: run, reasons: reasons, isOpen: !run.state.isFinal)
    }

    /// Nil for a task of a run whose instances are not made yet.
    private func instance(_ name: String, _ why: Explanation?) throws(CommandFailure) -> TaskInstance? {
        if tasks.isEmpty || run.state == .queued && !run.keepsFinished {
            let known = version()?.tasks.map(\.id) ?? []
            guard known.isEmpty || known.contains(name) else { throw TaskChoice.unknown(name, known, run) }
            return nil
        }
        return try TaskChoice.instance(name, tasks, run)
    }

    private func reason(_ task: TaskInstance, _ why: Explanation?) -> WhyAnswer.Reason {
        var reason = WhyAnswer.Reason(
            subject: task.key.name, state: task.state.rawValue,
            why: why?.run ?? why?.tasks[task.key.name] ?? task.reason)
        switch task.state {
        case .running:
            reason.why = task.reason ?? "try \(task.tryNumber) since \(task.startedAt.map { "\($0.seconds)" } ?? "now")"
        case .failed:
            reason.why =
                (task.reason ?? "it failed") + ", at try \(task.tryNumber) of \(max(task.maxTries, task.tryNumber))"
            reason.hint = "weir logs \(run.dagID) \(run.runID) '\(task.key.name)' shows what it printed"
            // While the run goes on, what comes of the failure is not decided yet.
            // Notifications are delivered again only when the run begins anew.
            if run.state.isFinal, !task.key.taskID.contains(":") {
                reason.hint? += "; weir retry \(run.dagID) \(run.runID) runs it again"
            }
        case .success: reason.why = task.reason ?? "it succeeded at try \(task.tryNumber)"
        case .skipped: reason.why = task.reason ?? "it skipped itself (exit 99)"
        default: break
        }
        return reason
    }

    /// The failed tasks because of which one did not run.
    private func causes(of task: TaskInstance) -> [WhyAnswer.Reason] {
        guard task.state == .upstreamFailed, let dag = version(),
            let index = dag.tasks.firstIndex(where: { $0.id == task.key.taskID })
        else { return [] }
        var before: Set<Int> = []
        var waiting = dag.tasks[index].upstream
        while let next = waiting.popLast() {
            if before.insert(next).inserted { waiting += dag.tasks[next].upstream }
        }
        let names = Set(before.map { dag.tasks[$0].id })
        return tasks.filter { $0.state == .failed && names.contains($0.key.taskID) }.map { reason($0, nil) }
    }

    private func version() -> DAG? { (try? reader.version(run.version)).flatMap { $0 }.flatMap { Session.parsed($0) } }
}

/// The task instance that a name means.
enum TaskChoice {
    /// The task's own, or one of a mapped task.
    static func instance(_ name: String, _ tasks: [TaskInstance], _ run: Run) throws(CommandFailure) -> TaskInstance {
        if let task = tasks.first(where: { $0.key.name == name && $0.state != .removed }) { return task }
        let mapped = tasks.filter { $0.key.taskID == name && $0.key.mapIndex >= 0 }
        if let first = mapped.first {
            guard mapped.count > 1 else { return first }
            throw CommandFailure(
                .usage, "task '\(name)' has \(mapped.count) instances; name one, such as '\(first.key.name)'")
        }
        if let task = tasks.first(where: { $0.key.name == name }) { return task }
        throw unknown(name, tasks.map(\.key.name), run)
    }

    static func unknown(_ name: String, _ known: [String], _ run: Run) -> CommandFailure {
        let near = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
        return CommandFailure(.notFound, "run \(run.runID) has no task '\(name)'\(near)")
    }
}

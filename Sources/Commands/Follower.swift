import Engine
import Glibc
import Observability
import SchedulerCore
import Store

/// Watches runs or a backfill in the store until they have ended. Progress goes to standard error.
final class Follower {
    private let session: Session
    private let access: EngineAccess
    /// The person asked for the end of what is followed.
    private var isCancelled: Bool
    /// The person does not want to wait any longer.
    private var hasLeft = false

    private static let pollMicroseconds: UInt32 = 50_000

    /// - Parameter cancelling: it is being cancelled already, so that Ctrl-C need not ask for it.
    init(session: Session, access: EngineAccess, cancelling: Bool = false) {
        self.session = session
        self.access = access
        isCancelled = cancelling
        Interrupts.catchThem(asking: session.terminal.canAsk && !cancelling)
    }

    // MARK: Runs

    /// The exit status of a run: 0 for a success, 1 for any other end.
    func follow(run: Run) throws(CommandFailure) -> ExitCode { try follow(runs: [run]) }

    /// Follows runs one after the other: 0 when all of them succeed. Tasks are shown when it is only one.
    ///
    /// - Parameter known: the states of tasks that are no news.
    func follow(runs: [Run], known: [String: TaskState] = [:]) throws(CommandFailure) -> ExitCode {
        let reader = try session.existingReader()
        var status = ExitCode.done
        for (number, run) in runs.enumerated() {
            switch try follow(run, showsTasks: runs.count == 1, known: known, rest: runs[number...], reader) {
            case .done: break
            case .interrupted:
                // The others are cancelled too; their ends are waited for.
                guard !hasLeft else { return .interrupted }
                status = .interrupted
            default: if status == .done { status = .failed }
            }
        }
        return status
    }

    private func follow(
        _ run: Run, showsTasks: Bool, known: [String: TaskState], rest: ArraySlice<Run>, _ reader: any StoreReader
    ) throws(CommandFailure) -> ExitCode {
        let wasCancelled = isCancelled
        var shown = known
        while true {
            let (current, tasks) = try query { () throws(StoreError) in
                guard let current = try reader.run(dag: run.dagID, runID: run.runID) else {
                    throw StoreError(.missing, "run \(run.runID) is gone from the store")
                }
                return (current, showsTasks ? try reader.taskInstances(ofRun: current.id) : [])
            }
            for task in tasks where shown[task.key.name] != task.state {
                let isNews =
                    task.state.isFinal && task.state != .removed || task.state == .running || task.state == .upForRetry
                shown[task.key.name] = task.state
                guard isNews else { continue }
                let reason = task.reason.map { " (\($0))" } ?? ""
                session.terminal.error("  \(task.key.name): \(task.state.rawValue)\(reason)")
            }
            if current.state.isFinal {
                tellEnd(current)
                if isCancelled, !wasCancelled { return .interrupted }
                return current.state == .success ? .done : .failed
            }
            let what = rest.count == 1 ? "run \(run.runID)" : "\(run.runID) and the \(rest.count - 1) runs after it"
            let cancels = rest.map { EngineCommand.cancelRun(dag: $0.dagID, runID: $0.runID) }
            if let left = try pause(what, cancels) { return left }
        }
    }

    private func tellEnd(_ run: Run) {
        let took = run.endedAt.flatMap { end in run.startedAt.map { Text.duration(end - $0) } }
        let outcome = Text.outcome(run.state.rawValue, run.reason)
        session.terminal.error("\(run.runID): \(outcome)\(took.map { ", in \($0)" } ?? "")")
        if run.state == .failed {
            session.terminal.error("weir logs \(run.dagID) \(run.runID) TASK shows what a task printed")
        }
    }

    // MARK: Backfills

    /// 0 when every run of it succeeded, and 1 when one did not.
    func follow(backfill id: Int64) throws(CommandFailure) -> ExitCode {
        let reader = try session.existingReader()
        var bar = ProgressBar(terminal: session.terminal, startedAt: WallClock.monotonic())
        while true {
            guard let progress = try query({ () throws(StoreError) in try reader.backfill(id) }) else {
                throw CommandFailure(.notFound, "backfill \(id) is gone from the store")
            }
            bar.show(progress, now: WallClock.monotonic())
            // What is killed of a cancelled one ends after it.
            if progress.backfill.state.isFinal, try isOver(id, reader) {
                bar.finish()
                let status = try end(progress, reader)
                return isCancelled ? .interrupted : status
            }
            if let left = try pause("backfill \(id)", [.cancelBackfill(id)], beforeAsking: { bar.finish() }) {
                return left
            }
        }
    }

    /// Whether nothing of a backfill that has ended runs any more: what is killed of a cancelled one ends after it.
    private func isOver(_ id: Int64, _ reader: any StoreReader) throws(CommandFailure) -> Bool {
        guard isCancelled else { return true }
        let unfinished = try query { () throws(StoreError) in
            try reader.runs(RunQuery(states: [.queued, .running], backfill: id, limit: 1_000_000))
        }
        return !unfinished.contains { $0.backfill == id }
    }

    private func end(_ progress: BackfillProgress, _ reader: any StoreReader) throws(CommandFailure) -> ExitCode {
        let backfill = progress.backfill
        let counts = RunState.allCases.compactMap { state in progress.runs[state].map { "\($0) \(state.rawValue)" } }
        let took = Text.duration((backfill.endedAt ?? backfill.createdAt) - backfill.createdAt)
        session.terminal.error(
            "backfill \(backfill.id): \(backfill.state.rawValue), \(counts.joined(separator: ", ")), in \(took)")
        guard backfill.state != .success else { return .done }
        let failed = try query { () throws(StoreError) in
            try reader.runs(RunQuery(states: [.failed], backfill: backfill.id, limit: 5))
        }
        for run in failed.reversed() { session.terminal.error("  \(run.runID): \(run.reason ?? run.state.rawValue)") }
        if !failed.isEmpty {
            session.terminal.error(
                "weir backfill … --reprocess failed runs the failed ones again, once they are mended")
        }
        return .failed
    }

    // MARK: Waiting

    /// Waits a moment; the exit status when the person wants to leave.
    ///
    /// Ctrl-C asks on a terminal whether to cancel; pressed again it leaves. Without a terminal it leaves at once.
    private func pause(
        _ what: String, _ cancels: [EngineCommand], beforeAsking: () -> Void = {}
    ) throws(CommandFailure) -> ExitCode? {
        usleep(Self.pollMicroseconds)
        try access.tend()
        guard Interrupts.happened else { return nil }
        beforeAsking()
        if session.terminal.canAsk, !isCancelled {
            switch session.terminal.ask("\nweir: cancel \(what) (Ctrl-C again leaves it running)?", heard: 1) {
            case true?:
                Interrupts.catchThem()
                isCancelled = true
                for command in cancels { try cancel(command) }
                return nil
            case false?:
                Interrupts.forget()
                return nil
            case nil: break
            }
        }
        hasLeft = true
        session.terminal.error("weir: \(access.farewell)")
        return .interrupted
    }

    /// What has ended meanwhile need not be cancelled.
    private func cancel(_ command: EngineCommand) throws(CommandFailure) {
        do throws(CommandFailure) { _ = try access.perform(command) } catch {
            guard error.status == .notFound || error.status == .failed else { throw error }
        }
    }

    private func query<Value>(_ body: () throws(StoreError) -> Value) throws(CommandFailure) -> Value {
        do throws(StoreError) { return try body() } catch { throw CommandFailure(error) }
    }
}

import Glibc
import Observability
import SchedulerCore
import Store

/// Watches a run or a backfill in the store until it has ended.
struct Follower {
    let session: Session
    let access: EngineAccess

    private static let pollMicroseconds: UInt32 = 50_000

    /// The exit status of a run; progress goes to standard error.
    func follow(run: Run) throws(CommandFailure) -> ExitCode {
        let reader = try session.existingReader()
        var shown: [String: TaskState] = [:]
        while true {
            let (current, tasks) = try query { () throws(StoreError) in
                guard let current = try reader.run(dag: run.dagID, runID: run.runID) else {
                    throw StoreError(.missing, "run \(run.runID) is gone from the store")
                }
                return (current, try reader.taskInstances(ofRun: current.id))
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
                let took = current.endedAt.flatMap { end in current.startedAt.map { Text.duration(end - $0) } }
                let words = [current.reason, took.map { "in \($0)" }].compactMap(\.self).joined(separator: ", ")
                session.terminal.error(
                    "\(current.runID): \(current.state.rawValue)\(words.isEmpty ? "" : ", " + words)")
                if current.state == .failed {
                    session.terminal.error("weir logs \(run.dagID) \(run.runID) TASK shows what a task printed")
                }
                return current.state == .success ? .done : .failed
            }
            if let left = try pause() { return left }
        }
    }

    func follow(backfill id: Int64) throws(CommandFailure) -> ExitCode {
        let reader = try session.existingReader()
        var bar = ProgressBar(terminal: session.terminal, startedAt: WallClock.monotonic())
        while true {
            guard let progress = try query({ () throws(StoreError) in try reader.backfill(id) }) else {
                throw CommandFailure(.notFound, "backfill \(id) is gone from the store")
            }
            bar.show(progress, now: WallClock.monotonic())
            if progress.backfill.state != .running {
                bar.finish()
                return try end(progress, reader)
            }
            if let left = try pause() {
                bar.finish()
                return left
            }
        }
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

    /// Waits a moment; the exit status when the person wants to leave.
    private func pause() throws(CommandFailure) -> ExitCode? {
        usleep(Self.pollMicroseconds)
        try access.tend()
        guard Interrupts.happened else { return nil }
        session.terminal.error("\nweir: \(access.farewell)")
        return .interrupted
    }

    private func query<Value>(_ body: () throws(StoreError) -> Value) throws(CommandFailure) -> Value {
        do throws(StoreError) { return try body() } catch { throw CommandFailure(error) }
    }
}

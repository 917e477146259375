import Engine
import Observability
import SchedulerCore
import Store

/// Why no run of a DAG starts, and when the next one does.
struct DAGReasons {
    private let session: Session
    private let hasEngine: Bool

    init(_ session: Session, hasEngine: Bool) {
        self.session = session
        self.hasEngine = hasEngine
    }

    func answer(_ id: String) throws(CommandFailure) -> WhyAnswer {
        let record = try session.record(id)
        var reasons: [WhyAnswer.Reason] = []
        let dag: DAG
        do throws(CommandFailure) { dag = try session.dag(id).dag } catch {
            // Known, but its file is broken or gone: what the store has of it tells more than that there is none.
            guard let record else { throw error }
            let reason = WhyAnswer.Reason(subject: id, state: "in error", why: try broken(record.file))
            return WhyAnswer(dag: id, reasons: [reason] + (try open(id)), isOpen: true)
        }
        let now = Instant(microseconds: WallClock.now())
        if record?.paused ?? dag.paused {
            reasons.append(
                .init(
                    subject: id, state: "paused", why: "its schedule makes no runs; `weir unpause \(id)` lets it go on")
            )
        } else if dag.timetable == nil {
            reasons.append(.init(subject: id, state: "active", why: dag.meaning))
        } else if let cursor = record?.cursor, let timetable = dag.timetable,
            let overdue = Self.overdue(dag, timetable, cursor, now)
        {
            reasons.append(.init(subject: id, state: "active", why: overdue))
        } else if let next = Schedules.upcoming(
            dag, after: now, firstLoad: record?.firstSeen ?? now, count: 1
        ).first {
            reasons.append(
                .init(
                    subject: id, state: "active",
                    why: "its next run, of \(next.interval.start) to \(next.interval.end), is due at \(next.runAfter)"))
        } else {
            reasons.append(.init(subject: id, state: "at its end", why: "the schedule's \"end\" has passed"))
        }
        return WhyAnswer(dag: id, reasons: reasons + (try open(id)), isOpen: true)
    }

    /// Why a file gives no DAG.
    private func broken(_ name: String) throws(CommandFailure) -> String {
        guard let file = try session.folder().files.first(where: { $0.file == name }), let error = file.errors.first
        else { return "its file \(name) is gone; what it has run stays" }
        return "\(name):\(error.line):\(error.column): \(error.message); its last good version goes on"
    }

    /// A run that is due and not made yet.
    private static func overdue(_ dag: DAG, _ timetable: Timetable, _ cursor: Instant, _ now: Instant) -> String? {
        let interval = timetable.interval(startingAt: cursor)
        let due = interval.end + dag.delay
        guard due <= now, dag.end.map({ interval.start <= $0 }) ?? true else { return nil }
        return "the run of \(interval.start) to \(interval.end) is due since \(due)"
    }

    /// The runs that wait, each with its reason, and those that run.
    private func open(_ id: String) throws(CommandFailure) -> [WhyAnswer.Reason] {
        guard let reader = try session.reader() else { return [] }
        let runs: [Run]
        do throws(StoreError) {
            runs = try reader.runs(RunQuery(dag: id, states: [.queued, .running], limit: Self.most)).reversed()
        } catch { throw CommandFailure(error) }
        var reasons: [WhyAnswer.Reason] = []
        for run in runs {
            var why: String? = "since \(run.startedAt.map { "\($0.seconds)" } ?? "now")"
            if run.state == .queued { why = try session.explanation(run, reader)?.run }
            reasons.append(.init(subject: run.runID, state: run.state.rawValue, why: why))
        }
        return reasons
    }

    /// So many runs are told of; a backfill can have thousands.
    private static let most = 10
}

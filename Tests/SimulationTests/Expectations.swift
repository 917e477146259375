import SchedulerCore
import Simulation

/// What `expect_by` owes, computed anew from what was committed: told of once a day, when it is true, and never forgotten.
struct Expectations {
    /// Days told of, by DAG.
    private var told: [String: Set<CivilDate>] = [:]
    private(set) var count = 0
    /// Ends of intervals of runs that have ever succeeded, by DAG: the latest.
    private var succeeded: [String: Instant] = [:]
    /// The last day that nothing is owed for, and later the last that was seen.
    private var settled: [String: CivilDate] = [:]
    private var failure: String?

    mutating func begin(_ dag: DAG, now: Instant) {
        guard let time = dag.expectBy, settled[dag.id] == nil else { return }
        settled[dag.id] = Self.lastDay(time, dag.zone, now)
    }

    private static func lastDay(_ time: ClockTime, _ zone: Zone, _ now: Instant) -> CivilDate {
        var day = zone.date(at: now).adding(days: 1)
        while time.instant(on: day, in: zone) > now { day = day.adding(days: -1) }
        return day
    }

    mutating func take(_ changes: [Change], dags: [String: DAG], now: Instant) {
        for case .insertRun(let run) in changes where run.type == .missed {
            guard let day = CivilDate(String(run.runID.dropFirst("missed__".count))), let dag = dags[run.dagID] else {
                failure = "\(run.runID) names no day"
                continue
            }
            count += 1
            if !told[run.dagID, default: []].insert(day).inserted { failure = "\(day) is told of twice" }
            guard let owed = Self.owed(dag, day), owed == run.interval.end else {
                failure = "\(day) owes nothing that ends at \(run.interval.end)"
                continue
            }
            if let end = succeeded[run.dagID], end >= owed { failure = "\(day) was not missed" }
        }
        for change in changes {
            let run: Run
            switch change {
            case .insertRun(let new): run = new
            case .updateRun(let new, _): run = new
            default: continue
            }
            guard run.state == .success, run.type != .manual || run.interval.end <= now else { continue }
            succeeded[run.dagID] = max(run.interval.end, succeeded[run.dagID] ?? run.interval.end)
        }
    }

    /// The end of the first interval whose run comes due in the day before a day's time; nil when there is none.
    private static func owed(_ dag: DAG, _ day: CivilDate) -> Instant? {
        guard let time = dag.expectBy, let timetable = dag.timetable, let start = dag.start else { return nil }
        let (from, to) = (time.instant(on: day.adding(days: -1), in: dag.zone), time.instant(on: day, in: dag.zone))
        var tick = timetable.alignNext(start)
        while tick < to, tick <= dag.end ?? .distantFuture {
            let end = timetable.next(after: tick)
            if end + dag.delay >= from { return end + dag.delay < to ? end : nil }
            tick = end
        }
        return nil
    }

    mutating func check(dags: [String: DAG], now: Instant) throws {
        if let failure { throw SimulationFailure("expect_by: \(failure)") }
        for (id, dag) in dags {
            guard let time = dag.expectBy, let last = settled[id] else { continue }
            let day = Self.lastDay(time, dag.zone, now)
            guard day > last else { continue }
            settled[id] = day
            guard let owed = Self.owed(dag, day), succeeded[id] ?? .distantPast < owed else { continue }
            guard told[id]?.contains(day) == true else { throw SimulationFailure("expect_by: \(day) is not told of") }
        }
    }
}

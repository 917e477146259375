import Observability
import SchedulerCore

/// When a DAG starts next.
enum Schedules {
    /// The next three runs, a line each: their intervals and when they are due. Nothing for a DAG that time does not start.
    static func next(_ dag: DAG, now: Instant, firstLoad: Instant? = nil) -> [String] {
        guard dag.timetable != nil else { return [] }
        let runs = upcoming(dag, after: now, firstLoad: firstLoad ?? now, count: 3)
        if runs.isEmpty { return ["next: never, its end has passed"] }
        return runs.map { "next: \($0.interval.start) to \($0.interval.end) at \($0.runAfter)" }
    }

    /// The intervals whose runs are due later than `after`.
    /// - Parameter firstLoad: when the DAG was first loaded, or now; nil when that is not asked for.
    static func upcoming(_ dag: DAG, after: Instant, firstLoad: Instant? = nil, count: Int) -> [(
        interval: DataInterval, runAfter: Instant
    )] {
        guard let timetable = dag.timetable else { return [] }
        let shifted = Instant(microseconds: after.microseconds - dag.delay.microseconds)
        // The first interval that ends later than this.
        var interval = timetable.interval(containing: shifted)
        // Without a start it is the first load: not before now for a DAG that was never loaded.
        if let start = dag.start ?? firstLoad, interval.start < start {
            interval = timetable.interval(startingAt: timetable.alignNext(start))
        }
        var found: [(interval: DataInterval, runAfter: Instant)] = []
        while found.count < count {
            if let end = dag.end, interval.start > end { break }
            // The calendar ends with the year 9999.
            guard interval.end < .distantFuture else { break }
            found.append((interval, interval.end + dag.delay))
            interval = timetable.interval(startingAt: interval.end)
        }
        return found
    }
}

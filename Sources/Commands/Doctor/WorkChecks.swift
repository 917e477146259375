import Engine
import Observability
import SQLiteStore
import SchedulerCore
import Spawn
import Store

/// Work that does not go on, and a clock that stands before what has happened already.
enum WorkChecks {
    /// An attempt is strange when it takes so many times as long as such tasks did, and at least ten minutes.
    private static let factor: Int64 = 10
    private static let shortest = TimeAmount(seconds: 600)
    /// So few runs say nothing about how long a task takes.
    private static let leastRuns = 3
    private static let recentRuns = 20
    /// A run of which nothing moves for so long is looked at.
    private static let quiet = TimeAmount(seconds: 86_400)
    /// What a clock may be behind by slewing.
    private static let slack = TimeAmount(seconds: 2)

    static func all(_ patient: Patient) -> [Finding] {
        let home = patient.session.home
        guard let reader = try? SQLiteReader(path: home.database) else { return [] }
        let now = Instant(microseconds: WallClock.now())
        do throws(StoreError) {
            let active = try reader.runs(RunQuery(states: [.running, .queued], limit: 10_000))
            return try [clock(reader, now)] + work(active, reader, home, now)
        } catch {
            return [.fail("work", error.message, "see `weir db check`")]
        }
    }

    private static func clock(_ reader: SQLiteReader, _ now: Instant) throws(StoreError) -> Finding {
        var newest = try reader.audit(limit: 1).map(\.at)
        for run in try reader.runs(RunQuery(limit: 100)) {
            newest += [run.createdAt, run.startedAt, run.endedAt].compactMap(\.self)
        }
        guard let latest = newest.max(), latest > now + slack else {
            return .ok("time", "later than all that has happened here")
        }
        return .fail(
            "time",
            "it is \(now.seconds), and something here happened at \(latest.seconds) already: the clock was set back",
            "set the clock right; schedules wait until its time is reached again")
    }

    private static func work(
        _ active: [Run], _ reader: SQLiteReader, _ home: Home, _ now: Instant
    ) throws(StoreError) -> [Finding] {
        var findings: [Finding] = []
        var usual: [String: [String: TimeAmount]] = [:]
        var attempts = 0
        for run in active where run.state == .running {
            let instances = try reader.taskInstances(ofRun: run.id)
            for instance in instances where instance.state == .running {
                attempts += 1
                if usual[run.dagID] == nil { usual[run.dagID] = try medians(run.dagID, reader) }
                findings += look(at: instance, of: run, usually: usual[run.dagID]?[instance.key.taskID], home, now)
            }
            let moves = instances.flatMap { [$0.startedAt, $0.endedAt].compactMap(\.self) }
            let last = (moves + [run.startedAt ?? run.createdAt]).max() ?? now
            if !instances.contains(where: { $0.state == .running || $0.state == .deferred || $0.state == .upForRetry }),
                last + quiet < now
            {
                findings.append(
                    .warn(
                        "work", "run \(run.runID) of \(run.dagID) has not moved since \(last.seconds)",
                        "`weir tasks \(run.dagID) \(run.runID)` says what its tasks wait for"))
            }
        }
        if findings.isEmpty {
            let runs = active.count
            findings.append(.ok("work", "\(attempts) attempts of \(runs) runs are on their way"))
        }
        return findings
    }

    private static func look(
        at instance: TaskInstance, of run: Run, usually median: TimeAmount?, _ home: Home, _ now: Instant
    ) -> [Finding] {
        let name = "\(run.dagID) \(run.runID) \(instance.key.name)"
        if let attempt = instance.attempt,
            !AttemptInspector.isCaredFor(AttemptDirectory(path: home.attempt(attempt)))
        {
            // One that has just been made has no supervisor yet.
            guard (instance.startedAt ?? now) + TimeAmount(seconds: 60) < now else { return [] }
            return [
                .fail(
                    "work", "\(name) counts as running, and its supervisor is gone",
                    "the next `weir daemon` finds out and starts it anew; a running one: `weir reload`, else restart it"
                )
            ]
        }
        guard let start = instance.startedAt, let median else { return [] }
        let runs = now - start
        guard runs > shortest, runs.microseconds / factor > median.microseconds else { return [] }
        return [
            .warn(
                "work", "\(name) runs for \(Text.duration(runs)); \(Text.duration(median)) is usual",
                "see `weir logs \(name)`; `weir cancel \(run.dagID) \(run.runID)` ends the run, \"timeout\" does so by itself"
            )
        ]
    }

    /// What each task took in the middle, lately; those with too few runs are left out.
    private static func medians(_ dag: String, _ reader: SQLiteReader) throws(StoreError) -> [String: TimeAmount] {
        var took: [String: [TimeAmount]] = [:]
        for run in try reader.runs(RunQuery(dag: dag, states: [.success], limit: recentRuns)) {
            for instance in try reader.taskInstances(ofRun: run.id) where instance.state == .success {
                if let duration = instance.duration { took[instance.key.taskID, default: []].append(duration) }
            }
        }
        return took.filter { $0.value.count >= leastRuns }.mapValues { $0.sorted()[$0.count / 2] }
    }
}

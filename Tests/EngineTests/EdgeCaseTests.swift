import Engine
import SchedulerCore
import Simulation
import Store
import Testing

/// Edge cases of schedules and state machines that other systems got wrong; docs/reliability.md lists all twenty with the
/// tests that stand for them.
@Suite struct EdgeCaseTests {
    private func at(_ text: String) throws -> Instant { try #require(Instant(rfc3339: text)) }

    private func world(_ now: String, _ fields: String, zone: String = "UTC") throws -> SchedulerWorld {
        let world = SchedulerWorld(now: try at(now))
        try world.load(text(fields, zone))
        return world
    }

    private func text(_ fields: String, _ zone: String = "UTC") -> String {
        """
        {"id": "d", "timezone": "\(zone)", \(fields),
         "tasks": [{"id": "a", "kind": "command", "with": {"command": ["true"]}}]}
        """
    }

    /// Lets time pass up to an instant, and every task succeed.
    private func live(_ world: SchedulerWorld, until end: String) throws {
        let end = try at(end)
        while true {
            if let attempt = world.live.keys.min() {
                try world.end(attempt)
            } else if try !world.advance(limit: end) {
                break
            }
        }
    }

    private func runs(_ world: SchedulerWorld) throws -> [Run] {
        try world.runs("d").sorted { $0.logicalDate < $1.logicalDate }
    }

    // MARK: 1 and 2, days that clocks change

    @Test(arguments: [
        ("0 0 * * *", "2024-03-29T23:30:00Z", "2024-04-02T12:00:00Z", [23, 24]),
        ("30 2 * * *", "2024-03-29T23:30:00Z", "2024-04-02T12:00:00Z", [23.5, 23.5, 24]),
        ("30 2 * * *", "2024-10-24T23:30:00Z", "2024-10-29T12:00:00Z", [24, 24, 25, 24]),
    ])
    func aFixedTimeHasOneRunADayAndContiguousIntervals(
        cron: String, from: String, to: String, hours: [Double]
    ) throws {
        let world = try world(from, #""schedule": "\#(cron)", "catchup": "none""#, zone: "Europe/Zurich")
        try live(world, until: to)
        let runs = try runs(world)
        for (before, after) in zip(runs, runs.dropFirst()) { #expect(before.interval.end == after.interval.start) }
        // 02:30 does not exist on 31 March: 03:00 summer time stands for it, half an hour after 01:30 winter time.
        let lengths = runs.map { ($0.interval.end - $0.interval.start).seconds / 3600 }
        #expect(Array(lengths.suffix(hours.count)) == hours, "\(lengths)")
        let zone = try #require(SystemZones.zone("Europe/Zurich"))
        let days = runs.map { zone.date(at: $0.logicalDate) }
        #expect(Set(days).count == days.count, "once a local day")
    }

    @Test func whatTheOverlapRepeatsAreTwoRunsWithTwoIDs() throws {
        let world = try world(
            "2024-10-26T22:30:00Z", #""schedule": "30 * * * *", "catchup": "none""#, zone: "Europe/Zurich")
        try live(world, until: "2024-10-27T03:45:00Z")
        let runs = try runs(world)
        #expect(
            runs.map(\.runID) == [
                "scheduled__2024-10-26T22:30:00Z", "scheduled__2024-10-26T23:30:00Z", "scheduled__2024-10-27T00:30:00Z",
                "scheduled__2024-10-27T01:30:00Z", "scheduled__2024-10-27T02:30:00Z",
            ])
        #expect(runs.allSatisfy { ($0.interval.end - $0.interval.start).seconds == 3600 })
    }

    // MARK: 4, months without a 31st

    @Test func thirtyOnesMakeSevenRunsAYearWhoseIntervalsSpanMonths() throws {
        let world = try world(
            "2023-01-31T12:00:00Z", #""schedule": "0 0 31 * *", "start": "2023-01-31", "catchup": true"#)
        try live(world, until: "2024-01-31T00:00:00Z")
        let runs = try runs(world)
        #expect(runs.count == 7)
        #expect(runs.first?.interval.end == (try at("2023-03-31T00:00:00Z")))
    }

    // MARK: 6, a clock that is set

    @Test(arguments: [600, -600, 7_200, -7_200, 2_592_000])
    func aClockThatIsSetDoublesAndLosesNothing(seconds: Int64) throws {
        let world = try world(
            "2024-05-01T10:30:00Z", #""schedule": "0 * * * *", "start": "2024-05-01T10:00:00Z", "catchup": true"#)
        try live(world, until: "2024-05-01T13:10:00Z")
        world.now = world.now + TimeAmount(seconds: seconds)
        try world.turn()
        let end = max(world.now, try at("2024-05-01T18:05:00Z"))
        try live(world, until: end.description)
        let dates = try runs(world).map(\.logicalDate)
        var expected: [Instant] = []
        var tick = try at("2024-05-01T10:00:00Z")
        while tick + TimeAmount(seconds: 3600) <= end {
            expected.append(tick)
            tick = tick + TimeAmount(seconds: 3600)
        }
        #expect(dates == expected)
    }

    @Test func theRunOfATickIsNotMadeAgainWhenTheClockGoesBackOverIt() throws {
        let world = try world("2024-05-01T23:59:00Z", #""schedule": "daily", "start": "2024-05-01", "catchup": "none""#)
        try live(world, until: "2024-05-02T00:00:00Z")
        #expect(try runs(world).count == 1)
        world.now = try at("2024-05-01T23:00:00Z")
        try world.turn()
        try world.restart()
        try live(world, until: "2024-05-02T01:00:00Z")
        #expect(try runs(world).count == 1)
    }

    // MARK: 7, downtime

    @Test(arguments: [
        ("true", "", ["02", "03", "04", "05", "06"]), ("false", "", ["06"]), ("\"none\"", "", []),
        ("true", #", "catchup_window": "72h""#, ["05", "06"]),
    ])
    func downtimeOverTicksFollowsThePolicy(catchup: String, window: String, days: [String]) throws {
        let world = try world("2024-05-02T12:00:00Z", #""schedule": "daily", "start": "2024-05-01", "catchup": "none""#)
        try world.load(text(#""schedule": "daily", "start": "2024-05-01", "catchup": \#(catchup)\#(window)"#))
        let before = Set(try runs(world).map(\.runID))
        world.now = try at("2024-05-07T12:00:00Z")
        try world.restart()
        try live(world, until: "2024-05-07T13:00:00Z")
        let first = try at("2024-05-02T00:00:00Z")
        let made = try world.runs("d").filter { !before.contains($0.runID) && $0.logicalDate >= first }
        #expect(made.map(\.runID) == days.map { "scheduled__2024-05-\($0)T00:00:00Z" }, "oldest first")
    }

    @Test func aStartBetweenATickAndItsDelayRunsTheIntervalThatIsDue() throws {
        let world = try world(
            "2024-05-02T12:00:00Z", #""schedule": "daily", "start": "2024-05-01", "catchup": false, "delay": "90m""#)
        try live(world, until: "2024-05-02T12:00:00Z")
        world.now = try at("2024-05-04T00:30:00Z")
        try world.restart()
        try live(world, until: "2024-05-04T01:00:00Z")
        #expect(try runs(world).map(\.runID) == ["01", "02"].map { "scheduled__2024-05-\($0)T00:00:00Z" })
        try live(world, until: "2024-05-04T01:30:00Z")
        #expect(try runs(world).last?.runID == "scheduled__2024-05-03T00:00:00Z")
    }

    @Test func aWindowThatIsShorterThanAnIntervalLosesNone() throws {
        let fields = #""schedule": "daily", "start": "2024-05-01", "catchup": true, "catchup_window": "12h""#
        let world = try world("2024-05-03T15:00:00Z", fields)
        try live(world, until: "2024-05-04T00:00:00Z")
        #expect(
            try runs(world).map(\.runID) == ["scheduled__2024-05-03T00:00:00Z"], "the one that is open at the start")
    }

    // MARK: 14, a schedule that changes

    @Test(arguments: ["weekly", "0 6 * * *", "hourly"])
    func aChangedScheduleNeitherFloodsNorLeavesAGap(schedule: String) throws {
        let world = try world(
            "2024-05-01T12:00:00Z", #""schedule": "daily", "start": "2024-04-28", "catchup": "none""#)
        try live(world, until: "2024-05-03T12:00:00Z")
        let before = try runs(world)
        try world.request(.setPaused(dag: "d", paused: true))
        try world.load(text(#""schedule": "\#(schedule)", "start": "2024-04-28", "catchup": true"#))
        world.now = try at("2024-05-04T12:00:00Z")
        try world.request(.setPaused(dag: "d", paused: false))
        try live(world, until: "2024-05-13T00:00:00Z")
        let all = try runs(world)
        #expect(before.allSatisfy { all.contains($0) }, "what ran stays as it was")
        let later = all.filter { !before.contains($0) }
        let last = try #require(before.last)
        let first = try #require(later.first)
        #expect(first.interval.start <= last.interval.end, "no gap")
        for (one, next) in zip(later, later.dropFirst()) { #expect(one.interval.end == next.interval.start) }
        let most = schedule == "hourly" ? 10 * 24 : 10
        #expect(later.count <= most, "\(later.count) runs are a flood")
    }

    // MARK: 15, ten thousand tasks

    @Test func aDAGOfTenThousandTasksIsCheckedAndRun() throws {
        let tasks = (0..<10_000).map { number in
            let after = number < 100 ? "" : "\"t\(number - 100)\", \"t\(number - 99)\""
            return #"{"id": "t\#(number)", "kind": "command", "with": {"command": ["true"]}, "after": [\#(after)]}"#
        }
        let world = SchedulerWorld(parallelism: 100)
        try world.load("{\"id\": \"d\", \"max_active_tasks\": 1000, \"tasks\": [\(tasks.joined(separator: ","))]}")
        try world.request(.trigger(dag: "d", date: nil, params: [:]))
        #expect(world.live.count == 100)
        #expect(try world.runs("d").first?.state == .running)
    }

    // MARK: 18, trigger rules

    /// Every rule over every mix of two upstreams, against the table of docs/dag-files.md told in another way.
    @Test(arguments: TriggerRule.allCases) func aRuleDecidesEveryMix(rule: TriggerRule) {
        let states: [TaskState] = [.none, .running, .success, .failed, .skipped, .upstreamFailed, .removed]
        for first in states {
            for second in states {
                var counts = UpstreamCounts(total: 2)
                for state in [first, second] where state.isFinal { counts.add(state, allowFailure: false) }
                let mix = [first, second]
                #expect(rule.decide(counts) == Self.expected(rule, mix), "\(rule.rawValue) of \(mix)")
            }
        }
    }

    private static func expected(_ rule: TriggerRule, _ mix: [TaskState]) -> TriggerDecision {
        func any(_ states: TaskState...) -> Bool { mix.contains { states.contains($0) } }
        func all(_ states: TaskState...) -> Bool { mix.allSatisfy { states.contains($0) } }
        let done = mix.allSatisfy(\.isFinal)
        switch rule {
        case .always: return .run
        case .allDone: return done ? .run : .wait
        case .allSuccess:
            return any(.failed, .upstreamFailed)
                ? .end(.upstreamFailed) : any(.skipped) ? .end(.skipped) : done ? .run : .wait
        case .allFailed: return any(.success, .skipped) ? .end(.skipped) : done ? .run : .wait
        case .allSkipped: return any(.success, .failed, .upstreamFailed) ? .end(.skipped) : done ? .run : .wait
        case .allDoneMinOneSuccess:
            if any(.skipped) { return .end(.skipped) }
            return !done ? .wait : any(.success) ? .run : .end(.upstreamFailed)
        case .oneSuccess:
            if any(.success) { return .run }
            return !done ? .wait : all(.skipped) ? .end(.skipped) : .end(.upstreamFailed)
        case .oneFailed: return any(.failed, .upstreamFailed) ? .run : done ? .end(.skipped) : .wait
        case .oneDone: return any(.success, .failed) ? .run : done ? .end(.skipped) : .wait
        case .noneFailed: return any(.failed, .upstreamFailed) ? .end(.upstreamFailed) : done ? .run : .wait
        case .noneFailedMinOneSuccess:
            if any(.failed, .upstreamFailed) { return .end(.upstreamFailed) }
            return !done ? .wait : all(.skipped) ? .end(.skipped) : .run
        case .noneSkipped: return any(.skipped) ? .end(.skipped) : done ? .run : .wait
        }
    }

    @Test func aFailureCountsOnlyWhenItsRetriesAreUsedUp() throws {
        let world = SchedulerWorld()
        try world.load(
            """
            {"id": "d", "tasks": [
              {"id": "a", "kind": "command", "with": {"command": ["true"]}, "retries": 1, "retry_delay": "60s"},
              {"id": "b", "kind": "command", "with": {"command": ["true"]}, "after": ["a"], "trigger_rule": "one_failed"}]}
            """)
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else { return }
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        #expect(try world.states(run) == ["a": .upForRetry, "b": .none])
        #expect(try world.advance())
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        #expect(try world.states(run)["b"] == .running)
    }

    // MARK: 19, backfills

    private func backfill(_ world: SchedulerWorld, _ from: String, _ to: String, reverse: Bool = false) throws -> Int64
    {
        let (from, to) = (try at(from), try at(to))
        let request = BackfillRequest(dag: "d", from: from, to: to, reverse: reverse)
        let existing = try world.store.intervalRuns(dag: "d", from: from, to: to)
        guard case .backfill(let id?, _) = try world.request(.backfill(request, existing: existing)) else {
            throw CommandError(.invalid, "the backfill was refused")
        }
        return id
    }

    @Test func aBackfillGoesOnAfterARestartInTheMiddle() throws {
        let world = try world(
            "2024-06-01T12:00:00Z",
            #""schedule": "daily", "start": "2020-01-01", "catchup": "none", "max_active_runs": 1"#)
        let id = try backfill(world, "2024-03-25T00:00:00Z", "2024-04-05T00:00:00Z", reverse: true)
        for _ in 1...5 {
            try world.end(try #require(world.live.keys.min()))
            try world.restart()
        }
        while let attempt = world.live.keys.min() { try world.end(attempt) }
        #expect(try world.store.backfill(id)?.backfill.state == .success)
        #expect(try world.runs("d").count == 12)
        #expect(world.started.count == 12, "each once")
        let order = world.started.map(\.run.logicalDate)
        #expect(order == order.sorted(by: >), "newest first")
    }

    @Test func aBackfillOverAChangeOfClocksHasARunForEachLocalDay() throws {
        let world = try world(
            "2024-06-01T12:00:00Z", #""schedule": "daily", "start": "2020-01-01", "catchup": "none""#,
            zone: "Europe/Zurich")
        _ = try backfill(world, "2024-03-29T23:00:00Z", "2024-04-01T22:00:00Z")
        let zone = try #require(SystemZones.zone("Europe/Zurich"))
        #expect(
            try runs(world).map { zone.date(at: $0.logicalDate).description } == [
                "2024-03-30", "2024-03-31", "2024-04-01", "2024-04-02",
            ])
    }

    @Test func fiveYearsOfDaysAreMadeAtOnceAndTheScheduleGoesFirst() throws {
        let world = try world(
            "2024-06-01T23:59:00Z",
            #""schedule": "daily", "start": "2018-01-01", "catchup": "none", "max_active_tasks": 2"#)
        _ = try backfill(world, "2019-01-01T00:00:00Z", "2023-12-31T00:00:00Z")
        #expect(try world.runs("d").count == 1826)
        #expect(try world.advance(), "midnight comes")
        #expect(world.live.count == 2)
        try world.end(try #require(world.live.keys.min()))
        #expect(world.live.values.contains { $0.run.type == .scheduled }, "the live run is not starved")
    }

    // MARK: 20, races

    @Test func aLateResultOfAnOldAttemptChangesNothing() throws {
        let world = try world("2024-05-01T12:00:00Z", #""tags": []"#)
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else { return }
        let first = try #require(world.attempt(of: "a"))
        try world.lose(first)
        let second = try #require(world.attempt(of: "a"))
        // Its supervisor is said to be dead; should a result come all the same, it counts for nothing.
        try world.turn([.attemptEnded(first, AttemptEnd(outcome: .exited, exitCode: 1))])
        #expect(try world.instance("a", run).state == .running)
        #expect(try world.instance("a", run).attempt == second)
        try world.end(second)
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func aTaskThatAShutdownEndedIsLostAndRunsAgain() throws {
        let world = try world("2024-05-01T12:00:00Z", #""tags": []"#)
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else { return }
        let first = try #require(world.attempt(of: "a"))
        try world.end(first, killedFromOutside: true)
        #expect(try world.store.attempts(of: TaskInstanceKey(run: run.id, taskID: "a")).first?.state == .lost)
        try world.end(try #require(world.attempt(of: "a")))
        #expect(try world.instance("a", run).tryNumber == 1, "no try is used up")
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func aCancelDuringTheWaitForARetryEndsIt() throws {
        let world = SchedulerWorld()
        try world.load(
            """
            {"id": "d", "tasks": [{"id": "a", "kind": "command", "with": {"command": ["true"]}, "retries": 3,
             "retry_delay": "1h"}]}
            """)
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else { return }
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        try world.request(.cancelRun(dag: "d", runID: run.runID))
        #expect(try world.runs("d").first?.state == .cancelled)
        _ = try world.advance()
        #expect(world.live.isEmpty)
    }

    @Test func aTaskThatEndsByItselfWhileItIsCancelledIsCancelled() throws {
        let world = try world("2024-05-01T12:00:00Z", #""tags": []"#)
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else { return }
        let attempt = try #require(world.attempt(of: "a"))
        try world.request(.cancelRun(dag: "d", runID: run.runID))
        try world.end(attempt, heedsKill: false)
        #expect(try world.instance("a", run).state == .cancelled)
        #expect(try world.runs("d").first?.state == .cancelled)
    }
}

import SchedulerCore
import Simulation
import Store
import Testing

@Suite struct SchedulerTests {
    private func chain(_ fields: String = "", _ a: String = "", _ b: String = "", dagFields: String = "") -> String {
        """
        {"id": "d"\(dagFields), "tasks": [
          {"id": "a", "kind": "command", "with": {"command": ["true"]}\(a)},
          {"id": "b", "kind": "command", "with": {"command": ["true"]}, "after": ["a"]\(b)}]\(fields)}
        """
    }

    private func trigger(_ world: SchedulerWorld, _ params: [String: String] = [:]) throws -> Run {
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else {
            throw CommandError(.invalid, "the trigger was refused")
        }
        return run
    }

    @Test func aChainRunsInOrderAndTheRunSucceeds() throws {
        let world = SchedulerWorld()
        try world.load(chain())
        let run = try trigger(world)
        #expect(world.started.map(\.taskID) == ["a"])
        try world.end(try #require(world.attempt(of: "a")))
        #expect(world.started.map(\.taskID) == ["a", "b"])
        try world.end(try #require(world.attempt(of: "b")))
        #expect(try world.runs("d").map(\.state) == [.success])
        #expect(run.runID.hasPrefix("manual__"))
    }

    @Test func theResultAndTheStartOfWhatItFreesAreOneCommit() throws {
        let world = SchedulerWorld()
        try world.load(chain())
        _ = try trigger(world)
        let attempt = try #require(world.attempt(of: "a"))
        // The turn is lost after its commit: had the start of b been a second commit, b would not be running.
        try world.end(attempt, crash: .beforeEffects)
        #expect(try world.states(try #require(try world.runs("d").first)) == ["a": .success, "b": .running])
    }

    @Test func aTaskThatFailsTwiceIsTriedThreeTimes() throws {
        let world = SchedulerWorld()
        try world.load(chain("", ", \"retries\": 2, \"retry_delay\": \"60s\""))
        let run = try trigger(world)
        for number in 1...2 {
            let before = world.now
            try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
            let instance = try world.instance("a", run)
            #expect(instance.state == .upForRetry)
            #expect(instance.tryNumber == number)
            let wait = try #require(instance.nextTryAt) - before
            #expect(wait >= TimeAmount(seconds: 60) && wait <= TimeAmount(seconds: 66))
            #expect(world.attempt(of: "a") == nil, "it waits for its delay")
            #expect(try world.advance())
        }
        try world.end(try #require(world.attempt(of: "a")))
        try world.end(try #require(world.attempt(of: "b")))
        let attempts = try world.store.attempts(of: TaskInstanceKey(run: run.id, taskID: "a"))
        #expect(attempts.map(\.tryNumber) == [1, 2, 3])
        #expect(attempts.map(\.state) == [.failed, .failed, .success])
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func retriesBackOffUpToTheirMaximum() throws {
        let world = SchedulerWorld()
        let fields = """
            , "retries": 4, "retry_delay": "10s", "retry_backoff": 2, "max_retry_delay": "30s"
            """
        try world.load(chain("", fields))
        let run = try trigger(world)
        for expected: Int64 in [10, 20, 30, 30] {
            try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
            let wait = try #require(try world.instance("a", run).nextTryAt) - world.now
            #expect(wait >= TimeAmount(seconds: expected))
            #expect(wait.seconds <= Double(expected) * 1.1 + 0.001)
            _ = try world.advance()
        }
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        #expect(try world.states(run) == ["a": .failed, "b": .upstreamFailed])
    }

    @Test func theClockSetBackDoesNotLengthenARetry() throws {
        let world = SchedulerWorld()
        try world.load(chain("", ", \"retries\": 1, \"retry_delay\": \"60s\""))
        let run = try trigger(world)
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        world.now = Instant(microseconds: world.now.microseconds - 7_200_000_000)
        try world.turn()
        let wait = try #require(try world.instance("a", run).nextTryAt) - world.now
        #expect(wait <= TimeAmount(seconds: 67))
    }

    @Test(arguments: [(98, TaskState.failed), (99, .skipped)])
    func exitCodesWithAMeaning(code: Int, state: TaskState) throws {
        let world = SchedulerWorld()
        try world.load(chain("", ", \"retries\": 5"))
        let run = try trigger(world)
        try world.end(try #require(world.attempt(of: "a")), exitCode: code)
        #expect(try world.states(run)["a"] == state)
        #expect(try world.runs("d").first?.state == (code == 98 ? .failed : .success))
    }

    @Test func aFailureFailsTheRunThoughTheLastTaskSucceeds() throws {
        let world = SchedulerWorld()
        try world.load(chain("", "", ", \"trigger_rule\": \"all_done\""))
        _ = try trigger(world)
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        try world.end(try #require(world.attempt(of: "b")))
        let run = try #require(try world.runs("d").first)
        #expect(run.state == .failed)
        #expect(run.reason == "failed: a (exit 1)")
    }

    @Test func aFailedRunSaysWhatFailedAndWhyAndNotWhatDidNotRun() throws {
        let world = SchedulerWorld()
        let tasks = ["a", "b", "c", "e"].map { #"{"id": "\#($0)", "kind": "command", "with": {"command": ["x"]}}"# }
        try world.load(
            #"{"id": "d", "tasks": [\#(tasks.joined(separator: ", ")), {"id": "f", "kind": "command", "after": ["a"], "#
                + #""with": {"command": ["x"]}}]}"#)
        _ = try trigger(world)
        for (task, code) in [("b", 2), ("a", 3), ("c", 4), ("e", 5)] {
            try world.end(try #require(world.attempt(of: task)), exitCode: code)
        }
        #expect(try world.runs("d").first?.reason == "failed: a, b, c and 1 more (a: exit 3)")
    }

    @Test func anAllowedFailureCountsAsASuccess() throws {
        let world = SchedulerWorld()
        try world.load(chain("", ", \"allow_failure\": true"))
        let run = try trigger(world)
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        try world.end(try #require(world.attempt(of: "b")))
        #expect(try world.states(run) == ["a": .failed, "b": .success])
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func anAllowedFailureStaysAllowedAfterARestart() throws {
        let world = SchedulerWorld()
        try world.load(
            """
            {"id": "d", "tasks": [
              {"id": "a", "kind": "command", "with": {"command": ["true"]}, "allow_failure": true},
              {"id": "b", "kind": "command", "with": {"command": ["true"]}},
              {"id": "c", "kind": "command", "with": {"command": ["true"]}, "after": ["a", "b"]}]}
            """)
        _ = try trigger(world)
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        try world.restart()
        try world.end(try #require(world.attempt(of: "b")))
        try world.end(try #require(world.attempt(of: "c")))
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func aLostAttemptUsesNoRetryUntilItIsLostTooOften() throws {
        let world = SchedulerWorld()
        try world.load(chain())
        let run = try trigger(world)
        for _ in 1...3 {
            try world.lose(try #require(world.attempt(of: "a")))
            #expect(try world.instance("a", run).state == .running)
            #expect(try world.instance("a", run).tryNumber == 1)
        }
        try world.lose(try #require(world.attempt(of: "a")))
        #expect(try world.instance("a", run).state == .failed)
    }

    @Test func aCrashBetweenCommitAndSpawnRevokesAndDoesNotDouble() throws {
        let world = SchedulerWorld()
        try world.load(chain())
        try world.request(.trigger(dag: "d", date: nil, params: [:]), crash: .beforeEffects)
        let run = try #require(try world.runs("d").first)
        #expect(world.live.count == 1)
        let attempts = try world.store.attempts(of: TaskInstanceKey(run: run.id, taskID: "a"))
        #expect(attempts.map(\.state) == [.revoked, .running])
        #expect(attempts.map(\.tryNumber) == [1, 1])
    }

    @Test func cancelKillsWhatRunsAndEndsTheRest() throws {
        let world = SchedulerWorld()
        try world.load(chain())
        let run = try trigger(world)
        let attempt = try #require(world.attempt(of: "a"))
        try world.request(.cancelRun(dag: "d", runID: run.runID))
        #expect(world.killed == [attempt])
        #expect(try world.runs("d").first?.state == .running, "it ends only when nothing of it is running")
        // The daemon dies before the kill took effect: it is repeated.
        try world.restart()
        #expect(world.killed == [attempt])
        try world.end(attempt)
        #expect(try world.states(run) == ["a": .cancelled, "b": .cancelled])
        #expect(try world.runs("d").first?.state == .cancelled)
    }

    @Test func limitsHold() throws {
        let world = SchedulerWorld(parallelism: 3)
        let list = (0..<6).map { "{\"id\": \"t\($0)\", \"kind\": \"command\", \"with\": {\"command\": [\"true\"]}}" }
        try world.load("{\"id\": \"d\", \"max_active_tasks\": 2, \"tasks\": [\(list.joined(separator: ","))]}")
        _ = try trigger(world)
        #expect(world.live.count == 2)
        try world.load(
            "{\"id\": \"e\", \"tasks\": [\(list.joined(separator: ","))]}", file: "e.json")
        try world.request(.trigger(dag: "e", date: nil, params: [:]))
        #expect(world.live.count == 3, "a DAG at its limit does not hide another one")
        while let attempt = world.live.keys.min() { try world.end(attempt) }
        #expect(try world.runs("d").first?.state == .success)
        #expect(try world.runs("e").first?.state == .success)
    }

    @Test func priorityAndAgeDecideTheOrder() throws {
        let world = SchedulerWorld(parallelism: 1)
        try world.load(
            """
            {"id": "d", "tasks": [
              {"id": "low", "kind": "command", "with": {"command": ["true"]}},
              {"id": "high", "kind": "command", "with": {"command": ["true"]}, "priority": 5}]}
            """)
        _ = try trigger(world)
        while let attempt = world.live.keys.min() { try world.end(attempt) }
        #expect(world.started.map(\.taskID) == ["high", "low"])
    }

    // MARK: Schedules

    private let daily = ", \"schedule\": \"daily\", \"start\": \"2024-01-01\""

    private func at(_ text: String) throws -> Instant { try #require(Instant(rfc3339: text)) }

    @Test(arguments: [
        ("true", ["2024-01-01", "2024-01-02", "2024-01-03"]), ("false", ["2024-01-03"]), ("\"none\"", []),
    ])
    func catchup(mode: String, dates: [String]) throws {
        let world = SchedulerWorld(now: try at("2024-01-04T15:00:00Z"))
        try world.load(chain(dagFields: daily + ", \"catchup\": \(mode)"))
        #expect(try world.runs("d").map(\.runID) == dates.map { "scheduled__\($0)T00:00:00Z" })
        // The open interval comes due at midnight in every mode.
        #expect(try world.advance())
        #expect(world.now == (try at("2024-01-05T00:00:00Z")))
        #expect(try world.runs("d").last?.runID == "scheduled__2024-01-04T00:00:00Z")
    }

    /// An interval that has ended and waits for its delay is not missed.
    @Test func withoutCatchupWhatIsNotDueYetStillComes() throws {
        let world = SchedulerWorld()
        world.now = Instant(seconds: 1_700_000_000 / 86_400 * 86_400 + 3_600)
        try world.load(
            #"{"id":"d","schedule":"daily","start":"2023-11-01","catchup":"none","delay":"2h","tasks":["#
                + #"{"id":"a","kind":"command","with":{"command":["true"]}}]}"#)
        #expect(try world.runs("d").isEmpty)
        #expect(try world.advance())
        #expect(try world.runs("d").map { "\($0.logicalDate)" } == ["2023-11-13T00:00:00Z"])
    }

    @Test func aLongCatchUpMakesFewRunsAhead() throws {
        let world = SchedulerWorld(now: try at("2024-12-31T15:00:00Z"))
        try world.load(chain(dagFields: daily + ", \"catchup\": true, \"max_active_runs\": 2"))
        #expect(try world.runs("d").count <= 2 + 3)
        var steps = 0
        while let attempt = world.live.keys.min(), steps < 2_000 {
            try world.end(attempt)
            steps += 1
        }
        let runs = try world.runs("d")
        #expect(runs.count == 365)
        #expect(runs.allSatisfy { $0.state == .success })
        #expect(runs.map(\.logicalDate) == runs.map(\.logicalDate).sorted())
    }

    @Test func afterDowntimeOnlyTheLatestIntervalRuns() throws {
        let world = SchedulerWorld(now: try at("2024-01-04T15:00:00Z"))
        try world.load(chain(dagFields: daily + ", \"catchup\": false"))
        world.now = try at("2024-01-20T01:00:00Z")
        try world.restart()
        #expect(
            try world.runs("d").map(\.logicalDate) == [try at("2024-01-03T00:00:00Z"), try at("2024-01-19T00:00:00Z")])
        let skips = try world.store.audit(limit: 10).filter { $0.action == "skip" }
        #expect(skips.count == 2, "what was skipped is recorded: before the first load, and while it was down")
    }

    @Test func aPausedDAGMakesNoRunsButCanBeTriggered() throws {
        let world = SchedulerWorld(now: try at("2024-01-04T15:00:00Z"))
        try world.load(chain(dagFields: daily + ", \"paused\": true"))
        #expect(try world.advance() == false)
        let run = try trigger(world)
        #expect(run.logicalDate == (try at("2024-01-03T00:00:00Z")), "the last complete interval")
        try world.request(.setPaused(dag: "d", paused: false))
        #expect(try world.runs("d").map(\.type) == [.manual, .scheduled])
    }

    @Test func theScheduleRespectsMaxActiveRuns() throws {
        let world = SchedulerWorld(now: try at("2024-01-10T00:00:00Z"))
        try world.load(chain(dagFields: daily + ", \"catchup\": true, \"max_active_runs\": 1"))
        #expect(try world.runs("d").count { $0.state == .running } == 1)
        #expect(world.live.count == 1)
    }

    @Test func maxActiveRunsHoldsAfterARestart() throws {
        let world = SchedulerWorld(now: try at("2024-01-10T00:00:00Z"))
        try world.load(chain(dagFields: daily + ", \"catchup\": true, \"max_active_runs\": 2"))
        try world.restart()
        #expect(try world.runs("d").count { $0.state == .running } == 2)
        #expect(world.live.count == 2)
    }

    // MARK: Backfills

    private func backfill(
        _ world: SchedulerWorld, _ from: String, _ to: String, _ reprocess: Reprocess = .none, dryRun: Bool = false
    ) throws -> SchedulerReply? {
        let (from, to) = (try at(from + "T00:00:00Z"), try at(to + "T00:00:00Z"))
        let request = BackfillRequest(dag: "d", from: from, to: to, reprocess: reprocess, dryRun: dryRun)
        return try world.request(
            .backfill(request, existing: try world.store.intervalRuns(dag: "d", from: from, to: to)))
    }

    private func endAll(_ world: SchedulerWorld, failing: Set<String> = []) throws {
        while let attempt = world.live.keys.min() {
            let launch = world.live[attempt]
            try world.end(attempt, exitCode: failing.contains(launch?.ds ?? "") ? 1 : 0)
        }
    }

    private func pausedDaily() throws -> SchedulerWorld {
        let world = SchedulerWorld(now: try at("2024-02-01T15:00:00Z"))
        try world.load(chain(dagFields: daily + ", \"paused\": true"))
        return world
    }

    @Test func aBackfillRunsEachIntervalOnce() throws {
        let world = try pausedDaily()
        guard case .backfill(let id?, let plan) = try backfill(world, "2024-01-10", "2024-01-12") else {
            Issue.record("refused")
            return
        }
        #expect(plan.map(\.runID) == ["10", "11", "12"].map { "backfill__2024-01-\($0)T00:00:00Z" })
        try endAll(world)
        let progress = try #require(try world.store.backfill(id))
        #expect(progress.backfill.state == .success)
        #expect(progress.runs == [.success: 3])
    }

    @Test func twoBackfillsAtOnceShareTheirRuns() throws {
        let world = try pausedDaily()
        _ = try backfill(world, "2024-01-10", "2024-01-12")
        guard case .backfill(let second?, let plan) = try backfill(world, "2024-01-11", "2024-01-13") else {
            Issue.record("refused")
            return
        }
        #expect(plan.map(\.disposition) == [.followed, .followed, .created])
        try endAll(world)
        #expect(try world.runs("d").count == 4)
        #expect(try world.store.backfill(second)?.backfill.state == .success)
    }

    @Test func reprocessDecidesWhatRunsAgain() throws {
        let world = try pausedDaily()
        _ = try backfill(world, "2024-01-10", "2024-01-12")
        try endAll(world, failing: ["2024-01-11"])
        #expect(try world.runs("d").map(\.state) == [.success, .failed, .success])

        guard case .backfill(nil, let kept) = try backfill(world, "2024-01-10", "2024-01-12") else {
            Issue.record("nothing is to be done")
            return
        }
        #expect(kept.map(\.disposition) == [.kept, .kept, .kept])

        guard case .backfill(_?, let failed) = try backfill(world, "2024-01-10", "2024-01-12", .failed) else {
            Issue.record("refused")
            return
        }
        #expect(failed.map(\.disposition) == [.kept, .rerun, .kept])
        try endAll(world)
        let runs = try world.runs("d")
        #expect(runs.map(\.state) == [.success, .success, .success])
        #expect(runs.count == 3, "a rerun is the same run")
        #expect(try world.instance("a", runs[1]).tryNumber == 2, "tries go on counting")

        guard case .backfill(_?, let all) = try backfill(world, "2024-01-10", "2024-01-12", .completed) else {
            Issue.record("refused")
            return
        }
        #expect(all.map(\.disposition) == [.rerun, .rerun, .rerun])
        try endAll(world)
        #expect(try world.runs("d").allSatisfy { $0.state == .success })
    }

    @Test func aRerunSurvivesACrashAtEveryStep() throws {
        for crash in [SchedulerWorld.Crash.beforeCommit, .beforeEffects, .afterEffects] {
            let world = try pausedDaily()
            _ = try backfill(world, "2024-01-10", "2024-01-10")
            try endAll(world)
            let day = try at("2024-01-10T00:00:00Z")
            let request = BackfillRequest(dag: "d", from: day, to: day, reprocess: .completed)
            try world.request(
                .backfill(request, existing: try world.store.intervalRuns(dag: "d", from: day, to: day)), crash: crash)
            try endAll(world)
            let attempts = try world.store.attempts(of: TaskInstanceKey(run: 1, taskID: "a"))
            #expect(attempts.count { $0.state == .success } == (crash == .beforeCommit ? 1 : 2))
            #expect(try world.runs("d").map(\.state) == [.success])
        }
    }

    @Test func theSchedulePassesOverABackfilledInterval() throws {
        let world = SchedulerWorld(now: try at("2024-01-10T15:00:00Z"))
        try world.load(chain(dagFields: daily + ", \"paused\": true"))
        _ = try backfill(world, "2024-01-08", "2024-01-09")
        try endAll(world)
        try world.restart()
        try world.request(.setPaused(dag: "d", paused: false))
        #expect(try world.runs("d").map(\.type) == [.backfill, .backfill])
    }

    @Test func cancellingABackfillCancelsItsRuns() throws {
        let world = try pausedDaily()
        guard case .backfill(let id?, _) = try backfill(world, "2024-01-01", "2024-01-30") else {
            Issue.record("refused")
            return
        }
        try world.request(.cancelBackfill(id, stored: nil))
        try endAll(world)
        #expect(try world.runs("d").allSatisfy { $0.state == .cancelled })
        #expect(try world.store.backfill(id)?.backfill.state == .cancelled)
    }

    @Test(arguments: [
        ("2023-12-30", "2024-01-02", "starts at 2024-01-01T00:00:00Z"), ("2024-01-05", "2024-01-04", "empty"),
        ("2024-03-01", "2024-03-02", "not yet over"),
    ])
    func aBackfillOutsideTheBoundsIsRefused(from: String, to: String, words: String) throws {
        let world = try pausedDaily()
        guard case .refused(let error) = try backfill(world, from, to) else {
            Issue.record("taken")
            return
        }
        #expect(error.message.contains(words), "\(error.message)")
    }
}

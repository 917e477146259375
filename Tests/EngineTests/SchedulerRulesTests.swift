import JSONText
import SchedulerCore
import Simulation
import Store
import Testing

/// Pools, sensors, the past, limits of a run's length, notifications, lost attempts, starts by events.
@Suite struct SchedulerRulesTests {
    private let world = SchedulerWorld()

    private func task(_ id: String, _ more: String = "") -> String {
        "{\"id\": \"\(id)\", \"kind\": \"command\", \"with\": {\"command\": [\"true\"]}\(more.isEmpty ? "" : ", " + more)}"
    }

    private func load(_ tasks: [String], _ more: String = "") throws {
        try world.load(
            "{\"id\": \"d\", \(more.isEmpty ? "" : more + ",") \"tasks\": [\(tasks.joined(separator: ","))]}")
    }

    @discardableResult
    private func trigger() throws -> Run {
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else {
            throw SimulationFailure("not triggered")
        }
        return run
    }

    private func end(_ task: String, run: Run? = nil, exitCode: Int = 0, outputs: String? = nil) throws {
        let attempt = try #require(world.attempt(of: task, run: run?.runID), "\(task) does not run")
        try world.end(attempt, exitCode: exitCode, outputs: outputs)
    }

    private var running: Set<String> { Set(world.live.values.map(\.taskID)) }

    private func why(_ task: String, _ run: Run) -> String? {
        world.scheduler.whyNotRunning(dag: "d", runID: run.runID, task: task)
    }

    // MARK: Pools

    @Test func aPoolHoldsBackWhatHasNoSlot() throws {
        try world.request(.setPool(Pool(name: "p", slots: 3)))
        try load([
            task("a", #""pool": "p", "pool_slots": 2, "priority": 3"#),
            task("b", #""pool": "p", "pool_slots": 2, "priority": 2"#),
            task("c", #""pool": "p""#), task("free"),
        ])
        let run = try trigger()
        #expect(running == ["a", "free"], "c would fit, and does not pass by b, which is ahead")
        #expect(why("b", run) == "pool p is full (2 of 3); needs 2 slots")
        #expect(world.scheduler.poolUses.first { $0.name == "p" } == PoolUse(name: "p", slots: 3, used: 2, waiting: 2))
        #expect(world.scheduler.poolUses.map(\.name) == ["default", "p"])
        try world.restart()
        #expect(why("c", run) == "pool p is full (2 of 3)")
        try end("a")
        #expect(running == ["b", "c", "free"])
    }

    @Test func aTaskThatNeedsMoreThanThereIsHoldsNobodyBack() throws {
        try world.request(.setPool(Pool(name: "p", slots: 1)))
        try load([task("big", #""pool": "p", "pool_slots": 2, "priority": 9"#), task("small", #""pool": "p""#)])
        let run = try trigger()
        #expect(running == ["small"])
        #expect(why("big", run) == "needs 2 slots of pool p, which has 1")
        try world.request(.setPool(Pool(name: "p", slots: 3)))
        #expect(running == ["small", "big"])
    }

    @Test func whatIsSaidOfAPoolIsRenewedWithIt() throws {
        try load([task("a", #""pool": "nope""#)])
        let run = try trigger()
        try world.request(.setPool(Pool(name: "nope", slots: 0)))
        #expect(try world.instance("a", run).reason == "needs 1 slot of pool nope, which has 0")
        try world.request(.removePool(name: "nope"))
        #expect(try world.instance("a", run).reason?.hasPrefix("there is no pool 'nope'") == true)
        // Nothing is started any more, but the pool is there.
        try world.turn([.limits(parallelism: 16, isDraining: true)])
        try world.request(.setPool(Pool(name: "nope", slots: 1)))
        #expect(try world.instance("a", run).state == .queued)
        #expect(try world.instance("a", run).reason == nil)
    }

    @Test func aRunByHandIsAboutATimeThatCanBeTold() throws {
        try load([task("a")])
        for date in [Instant(rfc3339: "9999-12-31T23:59:59Z"), Instant(rfc3339: "1970-01-01T00:00:00Z")] {
            guard case .run = try world.request(.trigger(dag: "d", date: date, params: [:])) else {
                Issue.record("\(String(describing: date)) is refused")
                continue
            }
        }
        let before = try world.runs("d").count
        for date in [Instant(seconds: -1), Instant(seconds: 253_402_300_800)] {
            guard case .refused(let error) = try world.request(.trigger(dag: "d", date: date, params: [:])) else {
                Issue.record("\(date) is taken")
                continue
            }
            #expect(error.code == .invalid && error.message.contains("1970 to 9999"))
        }
        #expect(try world.runs("d").count == before)
    }

    @Test func aPoolThatIsNotThereIsWaitedFor() throws {
        try load([task("a", #""pool": "nope""#)])
        let run = try trigger()
        #expect(running.isEmpty)
        #expect(why("a", run) == "there is no pool 'nope'; `weir pools set nope SLOTS` makes it")
        #expect(try world.instance("a", run).reason == why("a", run), "it is told where the task is shown")
        #expect(world.scheduler.poolUses == [PoolUse(name: "nope", slots: 0, used: 0, waiting: 1, stuck: 1)])
        try world.request(.setPool(Pool(name: "nope", slots: 1)))
        #expect(running == ["a"])
        try end("a")
        try world.request(.removePool(name: "nope"))
        guard case .refused(let error) = try world.request(.removePool(name: "nope")) else {
            Issue.record("removed twice")
            return
        }
        #expect(error.code == .notFound)
    }

    // MARK: Sensors

    @Test func aSensorLooksAgainWithoutASlotOrATry() throws {
        try load([task("s", #""poll_interval": "1m", "poll_timeout": "150s""#)])
        let run = try trigger()
        let begin = world.now
        try end("s", exitCode: 97)
        #expect(try world.instance("s", run).state == .deferred)
        #expect(running.isEmpty)
        #expect(why("s", run)?.hasPrefix("not yet, looks again at ") == true)
        try world.restart()
        #expect(try world.advance())
        #expect(world.now == begin + TimeAmount(seconds: 60))
        #expect(try world.instance("s", run).tryNumber == 1, "a look is no try")
        try end("s", exitCode: 97)
        #expect(try world.advance())
        try end("s", exitCode: 97)
        #expect(try world.advance())
        #expect(world.now == begin + TimeAmount(seconds: 150), "the last look is at the end of its patience")
        try end("s", exitCode: 97)
        #expect(try world.instance("s", run).state == .failed)
        #expect(try world.instance("s", run).reason == "waited 2m30s in vain")
    }

    @Test func exit97OfAnyOtherTaskIsAFailure() throws {
        try load([task("a")])
        let run = try trigger()
        try end("a", exitCode: 97)
        let instance = try world.instance("a", run)
        #expect(
            instance.state == .failed && instance.reason?.contains("where the task has a \"poll_interval\"") == true)
    }

    // MARK: The past

    private let daily = #""schedule": "daily", "start": "2023-11-10", "catchup": true, "max_active_runs": 3"#

    @Test func aTaskWaitsForItselfInTheRunBefore() throws {
        try load([task("a", #""depends_on_past": true"#), task("b")], daily)
        let runs = try world.runs("d").filter { $0.state == .running }
        #expect(runs.count == 3)
        #expect(
            Set(world.live.values.filter { $0.taskID == "a" }.map(\.run.id)) == [runs[0].id], "the first has no past")
        #expect(why("a", runs[1]) == "depends_on_past: a of \(runs[0].runID) has not succeeded")
        try end("a", run: runs[0], exitCode: 1)
        #expect(world.attempt(of: "a") == nil, "a failure holds back all after it")
        try end("b", run: runs[0])
        #expect(try world.runs("d").first?.state == .failed)
        try world.restart()
        #expect(why("a", runs[1]) == "depends_on_past: a of \(runs[0].runID) has not succeeded")
        try world.clear(ClearRequest(dag: "d", runID: runs[0].runID, tasks: ["a"]))
        try end("b", run: runs[2])
        try end("b", run: runs[1])
        while world.attempt(of: "a", run: runs[0].runID) == nil { try #require(try world.advance()) }
        try end("a", run: runs[0])
        #expect(world.attempt(of: "a", run: runs[1].runID) != nil, "it succeeded in the end")
        try world.end(try #require(world.attempt(of: "a", run: runs[1].runID)), exitCode: 99)
        #expect(world.attempt(of: "a", run: runs[2].runID) != nil, "skipped is as good")
    }

    @Test func aRunThatABackfillMakesIsThePastOfTheOneAfterIt() throws {
        let past = #""depends_on_past": true"#
        try load(
            [task("a", past), task("b", "\"after\": [\"a\"], \(past)")],
            #""schedule": "daily", "start": "2023-11-10", "catchup": false"#)
        let run = try #require(try world.runs("d").first)
        #expect(running == ["a"], "there is nothing before the only run")
        let day = try #require(Instant(rfc3339: "2023-11-12T00:00:00Z"))
        let request = BackfillRequest(dag: "d", from: day, to: day, reprocess: .failed)
        try world.request(.backfill(request, existing: []))
        let before = try #require(try world.runs("d").last)
        try end("a", run: run)
        #expect(why("b", run) == "depends_on_past: b of \(before.runID) has not succeeded")
        try end("a", run: before)
        try end("b", run: before)
        try end("b", run: run)
        #expect(try world.runs("d").map(\.state) == [.success, .success])
    }

    @Test func anElementThatIsGoneHoldsNothingBack() throws {
        try load(
            [
                task("list"),
                task("each", #""after": ["list"], "for_each": "{{ outputs.list.n }}", "depends_on_past": true"#),
            ], daily)
        let runs = try world.runs("d")
        try end("list", run: runs[0], outputs: #"{"n": [1, 2]}"#)
        try end("list", run: runs[1], outputs: #"{"n": [1]}"#)
        func attempt(_ index: Int, _ run: Run) -> Int64? {
            world.attempt(of: "each", run: run.runID, mapIndex: index)
        }
        let killed = try #require(attempt(1, runs[0]))
        try world.end(try #require(attempt(0, runs[0])))
        try world.clear(ClearRequest(dag: "d", runID: runs[0].runID, tasks: ["list"]))
        try end("list", run: runs[0], outputs: #"{"n": [1]}"#)
        try world.end(try #require(attempt(0, runs[0])))
        #expect(attempt(0, runs[1]) == nil, "an element of the run before still runs")
        try world.end(killed)
        #expect(attempt(0, runs[1]) != nil)
    }

    @Test func aTaskThatIsGoneHoldsNothingBack() throws {
        try load([task("a", #""depends_on_past": true"#), task("b")], daily)
        let runs = try world.runs("d")
        try end("a", run: runs[0], exitCode: 1)
        try end("b", run: runs[0])
        #expect(why("a", runs[1]) == "depends_on_past: a of \(runs[0].runID) has not succeeded")
        try load([task("b")], daily)
        try world.clear(ClearRequest(dag: "d", runID: runs[0].runID, tasks: ["b"], latest: true))
        try end("b", run: runs[0])
        try end("a", run: runs[1])
    }

    @Test func aBackfillAgainstThePastIsRefused() throws {
        try load([task("a", #""depends_on_past": true"#)], daily)
        let from = try #require(Instant(rfc3339: "2023-11-10T00:00:00Z"))
        func refusal(_ reprocess: Reprocess, reverse: Bool) throws -> String? {
            let request = BackfillRequest(dag: "d", from: from, to: from, reprocess: reprocess, reverse: reverse)
            guard case .refused(let error) = try world.request(.backfill(request, existing: [])) else { return nil }
            return error.message
        }
        #expect(try refusal(.failed, reverse: true)?.contains("cannot run in reverse") == true)
        #expect(try refusal(.none, reverse: false)?.contains("use --reprocess failed") == true)
        #expect(try refusal(.failed, reverse: false) == nil)
    }

    // MARK: Limits of a run's length

    @Test func aRunThatIsTooLongIsEnded() throws {
        try load(
            [task("a"), task("b", #""after": ["a"]"#), task("r", #""retries": 3, "retry_delay": "10h""#)],
            #""run_timeout": "1h""#)
        let run = try trigger()
        try end("r", exitCode: 1)
        #expect(try world.advance())
        #expect(world.now == run.createdAt + TimeAmount(seconds: 3600))
        #expect(world.killed.count == 1)
        try world.restart()
        #expect(world.killed.count == 1, "a restart repeats the kill")
        #expect(try world.runs("d").first?.state == .running, "it ends with its last attempt")
        try end("a")
        let ended = try #require(try world.runs("d").first)
        #expect(ended.state == .failed)
        #expect(ended.reason == "the run was longer than its run_timeout of 1h")
        #expect(try world.states(run) == ["a": .failed, "b": .skipped, "r": .failed])
        try world.clear(ClearRequest(dag: "d", runID: run.runID))
        for name in ["r", "a", "b"] { try end(name) }
        #expect(try world.runs("d").first?.state == .success, "cleared, it has its whole time again")
    }

    @Test func aMissedDeadlineIsToldOnce() throws {
        try load(
            [task("a")], #""deadline": "10m", "on_deadline": [{"kind": "command", "with": {"command": ["true"]}}]"#)
        let run = try trigger()
        #expect(try world.advance())
        #expect(running == ["a", "on_deadline:1"])
        try world.restart()
        #expect(try !world.advance())
        try end("on_deadline:1")
        try end("a")
        let ended = try #require(try world.runs("d").first)
        #expect(ended.state == .success && ended.missedDeadline)
        #expect(
            try world.store.audit(limit: 10).filter { $0.action == "deadline" }.map(\.subject) == ["d/\(run.runID)"])
    }

    // MARK: Notifications

    @Test func theMomentOfANotification() throws {
        let hook = #"[{"kind": "command", "with": {"command": ["true"]}}]"#
        try load(
            [task("a", "\"on_failure\": \(hook)"), task("b", #""after": ["a"], "trigger_rule": "all_done""#)],
            "\"on_failure\": \(hook), \"on_success\": \(hook)")
        let run = try trigger()
        try end("a", exitCode: 1)
        #expect(running == ["a:on_failure:1", "b"])
        try end("b")
        #expect(try world.runs("d").first?.state == .running, "the run waits for what tells of it")
        try end("a:on_failure:1", exitCode: 98)
        #expect(running == ["on_failure:1"])
        try world.restart()
        try end("on_failure:1", exitCode: 98)
        let ended = try #require(try world.runs("d").first)
        #expect(ended.state == .failed)
        #expect(
            ended.reason == "failed: a (exit 1); not delivered: on_failure:1 and 1 more (exit 98)",
            "a notification has no say")
        try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["a"]))
        try end("a")
        try end("b")
        #expect(running == ["on_success:1"])
        try end("on_success:1")
        #expect(try world.runs("d").first?.state == .success)
    }

    @Test func aNotificationThatIsDueAgainHasAllItsTries() throws {
        try load([task("a")], #""on_failure": [{"kind": "command", "with": {"command": ["true"]}}]"#)
        let run = try trigger()
        for _ in 1...2 {
            try end("a", exitCode: 1)
            for _ in 1...Retries.ofNotifications.count {
                try end("on_failure:1", exitCode: 1)
                #expect(try world.instance("on_failure:1", run).state == .upForRetry)
                #expect(try world.advance())
            }
            try end("on_failure:1", exitCode: 1)
            #expect(try world.instance("on_failure:1", run).state == .failed)
            try world.clear(ClearRequest(dag: "d", runID: run.runID))
        }
    }

    @Test func aRetryIsToldOnceARunAndOnceATask() throws {
        let hook = #"[{"kind": "command", "with": {"command": ["tell", "{{ run.event }}", "{{ run.reason }}"]}}]"#
        try load(
            [
                task("a", #""retries": 2, "retry_delay": "1m", "on_retry": "# + hook),
                task("b", #""retries": 1, "retry_delay": "1m""#),
            ], "\"on_retry\": \(hook)")
        let run = try trigger()
        try end("a", exitCode: 1)
        #expect(running == ["b", "on_retry:1", "a:on_retry:1"])
        let words = world.started.compactMap {
            $0.taskID.hasSuffix("on_retry:1") ? $0.with["command"]?.array?[1].string : nil
        }
        #expect(words == ["retry", "task_retry"])
        let env = Dictionary(
            try #require(world.started.last).env.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        #expect(env["WEIR_RUN_EVENT"] == "task_retry" && env["WEIR_RUN_TASK"] == "a" && env["WEIR_RUN_FAILED"] == "")
        #expect(world.started.first?.env.contains { $0.name == "WEIR_RUN_EVENT" } == false)
        #expect(world.started.last?.notice?.reason?.contains("retry 1 of 2") ?? false)
        try end("on_retry:1", exitCode: 1)
        #expect(running == ["b", "a:on_retry:1"], "what fails of a notification is told to nobody")
        try end("b", exitCode: 1)
        try end("a:on_retry:1")
        while world.attempt(of: "a") == nil { #expect(try world.advance()) }
        try end("a", exitCode: 1)
        #expect(world.started.filter { $0.taskID == "a:on_retry:1" }.count == 1)
        #expect(world.started.filter { $0.taskID == "on_retry:1" }.map(\.firstTry).allSatisfy { $0 == 1 })
        #expect(try world.instance("on_retry:1", run).tryNumber == 2 || running.contains("on_retry:1"))
    }

    /// What names a notification: one number for all tries of it, another once it is due anew.
    @Test func aNotificationThatIsDueAnewHasAnotherNumber() throws {
        try load([task("a")], #""on_failure": [{"kind": "command", "with": {"command": ["true"]}}]"#)
        let run = try trigger()
        func numbers() -> [Int] { world.started.filter { $0.taskID == "on_failure:1" }.map(\.firstTry) }
        try end("a", exitCode: 1)
        try world.lose(try #require(world.attempt(of: "on_failure:1")))
        try world.restart()
        try end("on_failure:1", exitCode: 1)
        #expect(try world.advance())
        try end("on_failure:1")
        #expect(numbers() == [1, 1, 1])
        try world.clear(ClearRequest(dag: "d", runID: run.runID))
        try end("a", exitCode: 1)
        #expect(numbers() == [1, 1, 1, 3])
    }

    @Test func aNotificationDoesNotWaitForThePlacesOfTasks() throws {
        try load(
            [
                task("a", #""priority": 1, "on_failure": [{"kind": "command", "with": {"command": ["true"]}}]"#),
                task("b"),
            ],
            #""max_active_tasks": 1"#)
        try trigger()
        try end("a", exitCode: 1)
        #expect(running == ["b", "a:on_failure:1"])
        try world.restart()
        try end("a:on_failure:1")
        #expect(running == ["b"])
    }

    @Test func aPauseThatSomebodyAskedForIsHeeded() throws {
        try load([task("a", #""retries": 3, "retry_delay": "1m""#)])
        let run = try trigger()
        for (asked, waits) in [(600, 600), (1, 60), (1_000_000, 3600)] as [(Int64, Int64)] {
            try end("a", exitCode: 1, outputs: "{\"retry_after\": \(asked)}")
            try world.restart()
            let wait = try #require(try world.instance("a", run).nextTryAt) - world.now
            #expect(wait >= TimeAmount(seconds: waits) && wait <= TimeAmount(seconds: waits + 6), "\(asked)")
            #expect(try world.advance())
        }
    }

    // MARK: Lost attempts

    @Test func onlyLossesInARowAreTooMany() throws {
        try load([task("a", #""retries": 1, "retry_delay": "1m""#)])
        let run = try trigger()
        for _ in 1...3 { try world.lose(try #require(world.attempt(of: "a"))) }
        try end("a", exitCode: 1)
        #expect(try world.advance())
        for _ in 1...3 { try world.lose(try #require(world.attempt(of: "a"))) }
        #expect(try world.instance("a", run).state == .running, "it ran to its end in between")
        try world.lose(try #require(world.attempt(of: "a")))
        #expect(try world.instance("a", run).state == .failed)
    }

    @Test func aTaskThatMustNotRunTwiceFailsWhenItIsLost() throws {
        try load([task("a", #""on_lost": "fail", "retries": 5"#)])
        let run = try trigger()
        try world.lose(try #require(world.attempt(of: "a")))
        #expect(try world.instance("a", run).state == .failed)
        #expect(try world.instance("a", run).reason == "lost, and on_lost is fail: test")
    }

    // MARK: Overlap

    @Test func aTickThatFindsTheRunBeforeStillActiveIsSkipped() throws {
        try load(
            [task("a")],
            #""schedule": "daily", "start": "2023-11-13", "catchup": true, "max_active_runs": 1, "overlap": "skip""#)
        #expect(try world.runs("d").count == 1)
        #expect(try world.advance())
        #expect(try world.advance())
        #expect(try world.runs("d").count == 1, "two ticks came, and were skipped")
        let skipped = try world.store.audit(limit: 10).filter { $0.action == "skip" }.map(\.details)
        #expect(skipped.count == 2 && skipped.allSatisfy { $0.contains("\"reason\":\"overlap\"") })
        try end("a")
        #expect(try world.advance())
        #expect(try world.runs("d").count == 2)
    }

    @Test func whatIsCaughtUpOverlapsNothing() throws {
        try load(
            [task("a")],
            #""schedule": "daily", "start": "2023-11-10", "catchup": true, "max_active_runs": 1, "overlap": "skip""#)
        for _ in 1...4 { try end("a") }
        #expect(try world.runs("d").map(\.logicalDate.description) == (10...13).map { "2023-11-\($0)T00:00:00Z" })
    }

    // MARK: Starts by events

    @Test func aDatasetStartsWhatWaitsForIt() throws {
        try load([task("make")])
        try world.load(
            #"{"id": "e", "schedule": {"datasets": ["x", "y"]}, "max_active_runs": 1, "tasks": [\#(task("use"))]}"#,
            file: "e.json")
        let first = world.now
        try trigger()
        try end("make", outputs: #"{"datasets": ["x", "z"]}"#)
        #expect(try world.runs("e").isEmpty, "y is missing")
        try world.restart()
        world.now = world.now + TimeAmount(seconds: 60)
        try trigger()
        try end("make", outputs: #"{"datasets": ["y"]}"#)
        let run = try #require(try world.runs("e").first)
        #expect(run.type == .triggered && run.state == .running)
        #expect(run.interval == DataInterval(start: first, end: world.now))
        // While it runs, both arrive twice: one run more, and not two.
        for _ in 0..<2 {
            world.now = world.now + TimeAmount(seconds: 60)
            try trigger()
            try end("make", outputs: #"{"datasets": ["x", "y"]}"#)
        }
        #expect(try world.runs("e").map(\.state) == [.running, .queued])
        #expect(try world.runs("e").last?.interval.start == run.interval.end)
        try end("use")
        #expect(
            try world.runs("e").map(\.state) == [.success, .running, .queued], "the second arrival came while it waited"
        )
    }

    @Test func filesStartARun() throws {
        try world.load(#"{"id": "f", "schedule": {"files": {"folder": "in"}}, "tasks": [\#(task("a"))]}"#)
        let first = world.now
        world.now = world.now + TimeAmount(seconds: 60)
        let newest = world.now - TimeAmount(seconds: 10)
        try world.turn([.filesArrived(dag: "f", arrival(newest))])
        try world.turn([.filesArrived(dag: "f", arrival(newest))])
        let runs = try world.runs("f")
        #expect(runs.map(\.interval) == [DataInterval(start: first, end: newest)], "what was told is not told again")
        try world.request(.setPaused(dag: "f", paused: true))
        try world.turn([.filesArrived(dag: "f", arrival(world.now))])
        #expect(try world.runs("f").count == 1)
    }

    private func arrival(
        _ upTo: Instant, files: Int = 1, bytes: Int64 = 100, oldest: Instant? = nil, since: Instant = .distantPast
    ) -> FileArrival {
        FileArrival(since: since, upTo: upTo, files: files, bytes: bytes, oldest: oldest ?? upTo)
    }

    /// Enough files, enough bytes, or one that has waited long enough.
    @Test func aBatchStartsARunWhenThereIsEnoughOfIt() throws {
        try world.load(
            #"""
            {"id": "f", "max_active_runs": 9, "schedule": {"files": {"folder": "in",
             "batch": {"files": 3, "bytes": "1KB", "age": "1m"}}}, "tasks": [\#(task("a"))]}
            """#)
        func offer(files: Int = 1, bytes: Int64 = 100, waited: Int64 = 0, stale: Bool = false) throws -> Int {
            world.now = world.now + TimeAmount(seconds: 600)
            let progress = try #require(world.scheduler.fileProgress("f"))
            let arrival = arrival(
                world.now, files: files, bytes: bytes, oldest: world.now - TimeAmount(seconds: waited),
                since: stale ? progress.started - TimeAmount(seconds: 1) : progress.started)
            let before = try world.runs("f").count
            try world.turn([.filesArrived(dag: "f", arrival)])
            return try world.runs("f").count - before
        }
        #expect(try offer(files: 2, bytes: 999, waited: 59) == 0)
        #expect(try offer(files: 3) == 1)
        #expect(try offer(files: 2, bytes: 1000) == 1)
        #expect(try offer(files: 1, waited: 60) == 1)
        #expect(try offer(files: 1, waited: 59) == 0)
        #expect(try offer(files: 9, bytes: 9999, waited: 600, stale: true) == 0, "counted before the last start")
    }

    /// What has arrived is new until a run has succeeded with it, and starts no second run meanwhile.
    @Test func progressWithFilesIsWhatARunHasSucceededWith() throws {
        try world.load(#"{"id": "f", "schedule": {"files": {"folder": "in"}}, "tasks": [\#(task("a"))]}"#)
        let first = world.now
        #expect(world.scheduler.fileProgress("f") == FileProgress(started: first, done: first))
        world.now = world.now + TimeAmount(seconds: 60)
        let newest = world.now
        try world.turn([.filesArrived(dag: "f", arrival(newest))])
        #expect(world.scheduler.fileProgress("f") == FileProgress(started: newest, done: first))
        try end("a")
        #expect(world.scheduler.fileProgress("f") == FileProgress(started: newest, done: newest))
        #expect(world.scheduler.fileProgress("nope") == nil)
    }
}

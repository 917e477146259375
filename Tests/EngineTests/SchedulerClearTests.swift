import SchedulerCore
import Simulation
import Store
import Testing

/// Clearing and marking, on runs that run and on runs that have ended.
@Suite struct SchedulerClearTests {
    /// a -> b -> c, and d beside them.
    private static let text = """
        {"id": "d", "tasks": [
          {"id": "a", "kind": "command", "with": {"command": ["true"]}, "retries": 1, "retry_delay": "60s"},
          {"id": "b", "kind": "command", "with": {"command": ["true"]}, "after": ["a"]},
          {"id": "c", "kind": "command", "with": {"command": ["true"]}, "after": ["b"]},
          {"id": "d", "kind": "command", "with": {"command": ["true"]}}]}
        """
    private let world: SchedulerWorld
    private let run: Run

    init() throws {
        world = SchedulerWorld()
        try world.load(Self.text)
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else {
            throw CommandError(.invalid, "the trigger was refused")
        }
        self.run = run
    }

    private func end(_ task: String, _ code: Int = 0) throws {
        try world.end(try #require(world.attempt(of: task), "\(task) does not run"), exitCode: code)
    }

    private func request(_ tasks: [String], _ change: (inout ClearRequest) -> Void = { _ in }) -> ClearRequest {
        var request = ClearRequest(dag: "d", runID: run.runID, tasks: tasks)
        change(&request)
        return request
    }

    private func names(_ reply: SchedulerReply?) throws -> [String] {
        guard case .tasks(let names) = reply else { throw CommandError(.invalid, "\(String(describing: reply))") }
        return names
    }

    private func refusal(_ reply: SchedulerReply?) -> String? {
        if case .refused(let error) = reply { error.message } else { nil }
    }

    private func state() throws -> RunState { try #require(try world.runs("d").first).state }

    /// b fails, so c cannot run, and the run has failed.
    private func fail() throws {
        try end("a")
        try end("b", 98)
        try end("d")
        #expect(try state() == .failed)
    }

    @Test func whatFailedRunsAgainWithAllThatWaitedForIt() throws {
        try fail()
        #expect(try names(world.clear(request([]) { $0.onlyFailed = true })) == ["b", "c"])
        #expect(try world.states(run) == ["a": .success, "b": .running, "c": .none, "d": .success])
        try end("b")
        try end("c")
        #expect(try state() == .success)
        #expect(world.started.map(\.taskID).sorted() == ["a", "b", "b", "c", "d"], "a and d did not run again")
        #expect(try world.store.attempts(of: TaskInstanceKey(run: run.id, taskID: "b")).count == 2, "its history stays")
    }

    @Test func whatWaitsForAnotherTryNeedNotWait() throws {
        try end("a", 1)
        #expect(try world.states(run)["a"] == .upForRetry)
        #expect(try names(world.clear(request(["a"]) { ($0.onlyFailed, $0.downstream) = (true, false) })) == ["a"])
        #expect(try world.states(run)["a"] == .running)
        try end("a", 1)
        #expect(try world.states(run)["a"] == .upForRetry, "with all its tries")
    }

    /// What a person cancelled and then asks for again is meant.
    @Test func whatWasCancelledCountsAsFailed() throws {
        try end("a")
        try world.request(.cancelRun(dag: "d", runID: run.runID))
        for task in ["b", "d"] { try end(task, 143) }
        #expect(try state() == .cancelled)
        #expect(try names(world.clear(request([]) { $0.onlyFailed = true })) == ["b", "c", "d"])
        #expect(try world.states(run)["a"] == .success)
    }

    @Test func aTaskIsClearedWithThoseAfterItUnlessToldOtherwise() throws {
        for task in ["a", "b", "c", "d"] { try end(task) }
        #expect(try state() == .success)
        #expect(try names(world.clear(request(["b"]) { $0.dryRun = true })) == ["b", "c"])
        #expect(try names(world.clear(request(["b"]) { ($0.downstream, $0.dryRun) = (false, true) })) == ["b"])
        #expect(try names(world.clear(request(["b"]) { ($0.upstream, $0.dryRun) = (true, true) })) == ["a", "b", "c"])
        #expect(try state() == .success, "a dry run changes nothing")
        #expect(try names(world.clear(request([]))) == ["a", "b", "c", "d"])
        for task in ["a", "b", "c", "d"] { try end(task) }
        #expect(try state() == .success)
    }

    @Test func aClearedTaskHasAllItsTriesAgain() throws {
        try end("a", 1)
        #expect(try world.advance())
        try end("a", 1)
        try end("d")
        #expect(try state() == .failed)
        try world.clear(request(["a"]))
        try end("a", 1)
        #expect(try world.instance("a", run).state == .upForRetry)
        #expect(try world.instance("a", run).tryNumber == 3, "tries go on counting")
        #expect(try world.advance())
        try end("a")
        try end("b")
        try end("c")
        #expect(try state() == .success)
    }

    @Test func aClearedTaskWaitsNoLongerThanAtItsFirstTries() throws {
        let world = SchedulerWorld()
        try world.load(
            """
            {"id": "d", "tasks": [{"id": "a", "kind": "command", "with": {"command": ["true"]}, "retries": 2,
             "retry_delay": "60s", "retry_backoff": 10}]}
            """)
        guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else { return }
        for life in 1...2 {
            for (retry, delay) in [(1, 60.0), (2, 600)] {
                try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
                let instance = try world.instance("a", run)
                let wait = (try #require(instance.nextTryAt) - world.now).seconds
                #expect((delay...delay * 1.1).contains(wait), "\(wait) s before retry \(retry) of life \(life)")
                #expect(instance.reason?.hasPrefix("retry \(retry) of 2 at ") == true)
                #expect(try world.advance())
            }
            try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
            if life == 1 { try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["a"])) }
        }
        #expect(try world.runs("d").first?.state == .failed)
    }

    @Test func aRunningTaskIsKilledAndBeginsAnewOnceItHasEnded() throws {
        let first = try #require(world.attempt(of: "a"))
        try world.clear(request(["a"]))
        #expect(world.killed == [first])
        #expect(try world.instance("a", run).state == .running, "until it has ended")
        try world.end(first)
        let second = try #require(world.attempt(of: "a"))
        #expect(second != first)
        #expect(try world.instance("a", run).maxTries == 3)
        try world.end(second)
        for task in ["b", "c", "d"] { try end(task) }
        #expect(try state() == .success)
    }

    @Test func aClearOfARunningRunTakesBackWhatHasEnded() throws {
        try end("a")
        let running = try #require(world.attempt(of: "b"))
        try world.clear(request(["a"]))
        #expect(try world.states(run) == ["a": .running, "b": .running, "c": .none, "d": .running])
        try end("a")
        #expect(try world.instance("b", run).state == .running, "the old b still ends")
        try world.end(running)
        try end("b")
        try end("c")
        try end("d")
        #expect(try state() == .success)
        #expect(world.started.map(\.taskID).sorted() == ["a", "a", "b", "b", "c", "d"])
    }

    @Test(arguments: MarkState.allCases) func aRunningTaskTakesItsMarkOnceItHasEnded(mark: MarkState) throws {
        let attempt = try #require(world.attempt(of: "a"))
        #expect(try names(world.mark(run, "a", mark)) == ["a"])
        try world.end(attempt)
        #expect(try world.instance("a", run).state.rawValue == mark.rawValue)
        #expect(try world.instance("a", run).reason == "marked \(mark.rawValue) by test")
        let next: [MarkState: TaskState] = [.success: .running, .failed: .upstreamFailed, .skipped: .skipped]
        #expect(try world.instance("b", run).state == next[mark])
    }

    @Test func aMarkOfAnEndedTaskLetsThoseGoOnThatWaitedForIt() throws {
        try fail()
        #expect(try names(world.mark(run, "b", .success)) == ["b", "c"])
        #expect(try world.states(run) == ["a": .success, "b": .success, "c": .running, "d": .success])
        try end("c")
        #expect(try state() == .success)
    }

    @Test func aMarkLetsThoseGoOnThatWereSkippedForIt() throws {
        try end("a", 99)
        #expect(try world.states(run) == ["a": .skipped, "b": .skipped, "c": .skipped, "d": .running])
        #expect(try names(world.mark(run, "a", .success)) == ["a", "b", "c"])
        for task in ["b", "c", "d"] { try end(task) }
        #expect(try state() == .success)
    }

    @Test func theLastFailureMarkedGreenMakesTheRunGreen() throws {
        for task in ["a", "b", "d"] { try end(task) }
        try end("c", 98)
        #expect(try state() == .failed)
        try world.mark(run, "c", .success)
        #expect(try state() == .success)
        try world.mark(run, "c", .failed)
        #expect(try state() == .failed)
    }

    @Test func aRunInWhichNothingRanAgainHasTakenAsLongAsBefore() throws {
        for task in ["a", "b", "d"] { try end(task) }
        try end("c", 98)
        func now() throws -> Run { try #require(try world.runs("d").first { $0.id == run.id }) }
        let before = try now()
        world.now = world.now + TimeAmount(seconds: 3600)
        try world.mark(run, "c", .success)
        let after = try now()
        #expect(after.state == .success && after.startedAt == before.startedAt && after.endedAt == before.endedAt)
        try world.clear(request(["c"]))
        try end("c")
        #expect(try now().startedAt != before.startedAt, "something ran again")
    }

    /// The decision is in the store: a daemon that dies before the kill, or after it, comes back and kills again.
    @Test(arguments: [SchedulerWorld.Crash.beforeEffects, .afterEffects])
    func aDecisionAboutARunningTaskSurvivesACrash(crash: SchedulerWorld.Crash) throws {
        for (number, mark) in [nil, MarkState.failed].enumerated() {
            let world = SchedulerWorld()
            try world.load(Self.text)
            guard case .run(let run) = try world.request(.trigger(dag: "d", date: nil, params: [:])) else { continue }
            let attempt = try #require(world.attempt(of: "a"))
            if let mark {
                try world.mark(run, "a", mark, crash: crash)
            } else {
                try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["a"]), crash: crash)
            }
            #expect(world.killed.contains(attempt), "case \(number): the kill is repeated")
            try world.end(attempt)
            let states: [TaskState] = [.running, .failed]
            #expect(try world.instance("a", run).state == states[number])
        }
    }

    @Test func whatCannotBeClearedIsRefusedWithTheReason() throws {
        #expect(refusal(try world.clear(request(["x"])))?.contains("has no task 'x'") == true)
        #expect(refusal(try world.clear(request(["c"])))?.contains("none of these tasks has started") == true)
        #expect(refusal(try world.clear(request([]) { $0.latest = true }))?.contains("is running") == true)
        let unknown = ClearRequest(dag: "d", runID: "nope")
        #expect(refusal(try world.clear(unknown))?.contains("has no run 'nope'") == true)
        try world.request(.cancelRun(dag: "d", runID: run.runID))
        #expect(refusal(try world.clear(request(["a"])))?.contains("is being cancelled") == true)
        #expect(refusal(try world.mark(run, "a", .success))?.contains("is being cancelled") == true)
    }

    @Test func aRunTakesTheLatestVersionWhenAsked() throws {
        try fail()
        let mended = Self.text.replacing("\"id\": \"c\"", with: "\"id\": \"e\"")
        try world.load(mended)
        #expect(
            try names(world.clear(request([]) { ($0.onlyFailed, $0.latest) = (true, true) })) == ["b"],
            "e is new and runs anyway")
        try end("b")
        try end("e")
        let states = try world.states(run)
        #expect(states == ["a": .success, "b": .success, "c": .removed, "d": .success, "e": .success])
        #expect(try state() == .success)
    }

    @Test func clearedRunsHoldTheLimitOfActiveRuns() throws {
        let world = SchedulerWorld()
        try world.load(
            #"{"id": "d", "max_active_runs": 1, "tasks": [{"id": "a", "kind": "command", "with": {"command": ["true"]}}]}"#
        )
        for _ in 1...3 {
            world.now = world.now + TimeAmount(seconds: 1)
            try world.request(.trigger(dag: "d", date: nil, params: [:]))
            try world.end(try #require(world.attempt(of: "a")))
        }
        for run in try world.runs("d") { try world.clear(ClearRequest(dag: "d", runID: run.runID)) }
        #expect(try world.runs("d").count { $0.state == .running } == 1)
        for _ in 1...3 { try world.end(try #require(world.attempt(of: "a"))) }
        #expect(try world.runs("d").allSatisfy { $0.state == .success })
    }

    /// Two more runs, the second of which waits for a place.
    private func cancelUnbegun(_ world: SchedulerWorld) throws -> Run {
        try world.load(
            Self.text.replacing("\"id\": \"d\", \"tasks\"", with: "\"id\": \"d\", \"max_active_runs\": 1, \"tasks\""))
        for _ in 1...2 {
            world.now = world.now + TimeAmount(seconds: 1)
            try world.request(.trigger(dag: "d", date: nil, params: [:]))
        }
        let waiting = try #require(try world.runs("d").last)
        try world.request(.cancelRun(dag: "d", runID: waiting.runID))
        try world.request(.cancelRun(dag: "d", runID: try #require(try world.runs("d").first).runID))
        for task in ["a", "d"] { try world.end(try #require(world.attempt(of: task))) }
        let stored = try #require(try world.runs("d").last)
        #expect(stored.state == .cancelled && stored.startedAt == nil)
        return stored
    }

    @Test func aRunThatWasCancelledBeforeItStartedRunsAsAWhole() throws {
        let world = SchedulerWorld()
        let run = try cancelUnbegun(world)
        let all = ["a", "b", "c", "d"]
        var request = ClearRequest(dag: "d", runID: run.runID, onlyFailed: true, dryRun: true)
        #expect(try names(world.clear(request)) == all)
        #expect(try world.runs("d").last?.state == .cancelled, "it was only asked")
        let named = refusal(try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["a"])))
        #expect(named?.contains("all its tasks run or none") == true)
        let marked = refusal(try world.mark(run, "a", .success))
        #expect(
            marked?.contains("was cancelled before it started, so it has no tasks to mark; `weir retry d \(run.runID)`")
                == true)
        request.dryRun = false
        #expect(try names(world.clear(request)) == all)
        try world.restart()
        for task in ["a", "b", "c", "d"] {
            try world.end(try #require(world.attempt(of: task), "\(task) does not run"))
        }
        #expect(try world.runs("d").last?.state == .success)
        #expect(try world.states(run) == ["a": .success, "b": .success, "c": .success, "d": .success])
    }
}

import SchedulerCore
import Simulation
import Store
import Testing

/// Backfills as a whole: paused and resumed, of some tasks only, and what is said of those that have ended.
@Suite struct SchedulerBackfillTests {
    private let chain = """
        {"id": "d", "schedule": "daily", "start": "2024-01-01", "catchup": "none", "tasks": [
          {"id": "a", "kind": "command", "with": {"command": ["true"]}},
          {"id": "each", "kind": "command", "after": ["a"], "for_each": [1, 2], "with": {"command": ["true"]}},
          {"id": "b", "kind": "command", "after": ["each"], "with": {"command": ["true"]}},
          {"id": "c", "kind": "command", "after": ["b"], "with": {"command": ["true"]}}]}
        """

    private func at(_ text: String) throws -> Instant { try #require(Instant(rfc3339: text)) }

    private func world() throws -> SchedulerWorld {
        let world = SchedulerWorld(now: try at("2024-02-01T15:00:00Z"), runsSchedules: false)
        try world.load(chain)
        return world
    }

    @discardableResult
    private func backfill(
        _ world: SchedulerWorld, days: Int = 1, _ reprocess: Reprocess = .none, tasks: [String] = [],
        maxActive: Int? = nil
    ) throws -> Int64 {
        let (from, to) = (try at("2024-01-10T00:00:00Z"), try at("2024-01-\(9 + days)T00:00:00Z"))
        let request = BackfillRequest(
            dag: "d", from: from, to: to, reprocess: reprocess, maxActive: maxActive, tasks: tasks)
        let existing = try world.store.intervalRuns(dag: "d", from: from, to: to)
        switch try world.request(.backfill(request, existing: existing)) {
        case .backfill(let id?, _): return id
        case .refused(let error): throw error
        default: throw CommandError(.invalid, "nothing to do")
        }
    }

    private func pause(_ world: SchedulerWorld, _ id: Int64, _ paused: Bool) throws -> SchedulerReply? {
        try world.request(.pauseBackfill(id, paused: paused, stored: try world.store.backfillRecord(id)))
    }

    /// Ends all that runs, and returns the tasks in the order of their starts.
    @discardableResult
    private func endAll(_ world: SchedulerWorld, failing: String? = nil) throws -> [String] {
        var names: [String] = []
        while let attempt = world.live.keys.min() {
            let task = world.live[attempt]?.taskID ?? ""
            names.append(task)
            try world.end(attempt, exitCode: task == failing ? 1 : 0)
        }
        return names
    }

    // MARK: Pausing

    @Test func aPausedBackfillFinishesWhatRunsAndStartsNoMore() throws {
        let world = try world()
        let id = try backfill(world, days: 5, tasks: ["a"], maxActive: 2)
        #expect(world.live.count == 2)
        _ = try pause(world, id, true)
        try endAll(world)
        #expect(try world.store.backfill(id)?.runs == [.success: 2, .queued: 3])
        #expect(try world.store.backfillRecord(id)?.paused == true)
        let waiting = try #require(try world.runs("d").first { $0.state == .queued })
        let why = "backfill \(id) is paused; `weir backfills resume \(id)` lets it go on"
        #expect(world.scheduler.explain(dag: "d", runID: waiting.runID)?.run == why)

        try world.restart()
        try world.turn()
        #expect(world.live.isEmpty, "a restart does not wake it")
        _ = try pause(world, id, false)
        #expect(world.live.count == 2)
        try endAll(world)
        #expect(try world.store.backfill(id)?.runs == [.success: 5])
        #expect(try world.store.backfillRecord(id)?.state == .success)
    }

    @Test func aPausedBackfillWhoseLastRunEndsIsDoneAndNotPaused() throws {
        let world = try world()
        let id = try backfill(world, tasks: ["a"])
        _ = try pause(world, id, true)
        try endAll(world)
        let record = try #require(try world.store.backfillRecord(id))
        #expect(record.state == .success && !record.paused)
    }

    @Test func whatHasEndedCannotBeSteeredAndSaysSo() throws {
        let world = try world()
        let id = try backfill(world, tasks: ["a"])
        try endAll(world)
        let stored = try world.store.backfillRecord(id)
        let requests: [SchedulerRequest] = [
            .pauseBackfill(id, paused: true, stored: stored), .pauseBackfill(id, paused: false, stored: stored),
            .cancelBackfill(id, stored: stored),
        ]
        for request in requests {
            guard case .refused(let error) = try world.request(request) else {
                Issue.record("taken: \(request)")
                continue
            }
            #expect(error == CommandError(.conflict, "backfill 1 has ended already: success"))
        }
        guard case .refused(let error) = try world.request(.cancelBackfill(7, stored: nil)) else { return }
        #expect(error.code == .notFound)
    }

    // MARK: Some tasks only

    @Test func onlyTheNamedTasksOfANewRunRun() throws {
        let world = try world()
        try backfill(world, tasks: ["c", "each"])
        #expect(try endAll(world) == ["c", "each", "each"], "c does not wait for b, which is not there")
        let run = try #require(try world.runs("d").first)
        #expect(run.state == .success)
        let states = try world.states(run)
        #expect(states["a"] == .removed && states["b"] == .removed)
        #expect(states["c"] == .success && states["each[1]"] == .success)
        #expect(try world.store.backfillRecord(1)?.tasks == ["each", "c"], "in the order of the DAG")
    }

    @Test func tasksThatAreLeftOutKeepHowTheyEnded() throws {
        let world = try world()
        try backfill(world)
        try endAll(world, failing: "b")
        let run = try #require(try world.runs("d").first)
        try backfill(world, .failed, tasks: ["b"])
        #expect(try endAll(world) == ["b"])
        #expect(try world.states(run)["c"] == .upstreamFailed, "it was not asked for")
        try backfill(world, .completed, tasks: ["c", "b"])
        #expect(try endAll(world) == ["b", "c"])
        #expect(try world.runs("d").map(\.state) == [.success])
        #expect(try world.instance("a", run).tryNumber == 1)
    }

    @Test(arguments: [true, false]) func aWholeRerunBringsBackWhatWasLeftOut(byClear: Bool) throws {
        let world = try world()
        try backfill(world, tasks: ["c"])
        try endAll(world)
        let run = try #require(try world.runs("d").first)
        if byClear {
            try world.clear(ClearRequest(dag: "d", runID: run.runID))
        } else {
            try backfill(world, .completed)
        }
        try world.restart()
        #expect(try endAll(world) == ["a", "each", "each", "b", "c"])
    }

    @Test func aTaskThatIsClearedDoesNotBringBackTheOthers() throws {
        let world = try world()
        try backfill(world, tasks: ["a", "c"])
        try endAll(world)
        let run = try #require(try world.runs("d").first)
        try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["a"]))
        try world.restart()
        #expect(try endAll(world) == ["a", "c"])
        try world.clear(ClearRequest(dag: "d", runID: run.runID, tasks: ["b"], downstream: false))
        #expect(try endAll(world) == ["b"], "named, it runs")
    }

    @Test func aRestartBeforeTheStartKeepsTheChoice() throws {
        let world = try world()
        try backfill(world, days: 2, tasks: ["b"], maxActive: 1)
        try world.restart()
        #expect(try endAll(world) == ["b", "b"])
    }

    @Test func anUnknownTaskIsRefused() throws {
        let world = try world()
        #expect(throws: CommandError(.notFound, "DAG 'd' has no task 'eac'; did you mean 'each'?")) {
            try backfill(world, tasks: ["a", "eac"])
        }
    }

    // MARK: How long

    @Test func theTimeLeftComesFromMeasuredDurations() throws {
        let world = try world()
        let id = try backfill(world, days: 5, tasks: ["a"], maxActive: 2)
        #expect(try world.store.backfill(id)?.timeLeft == nil, "nothing is known yet")
        let first = world.live.keys.sorted()
        world.now = world.now + TimeAmount(seconds: 10)
        try world.end(first[0])
        world.now = world.now + TimeAmount(seconds: 10)
        try world.end(first[1])
        let progress = try #require(try world.store.backfill(id))
        #expect(progress.meanDuration == TimeAmount(seconds: 15), "10 s and 20 s")
        #expect(progress.timeLeft == TimeAmount(microseconds: 22_500_000), "three runs, two at once")
    }
}

import SchedulerCore
import Simulation
import Store
import Testing

/// Queues that must never forget what stands in them.
@Suite struct SchedulerQueueTests {
    private func task(_ id: String, after: [String] = [], shell: String = "true") -> String {
        let names = after.map { "\"\($0)\"" }.joined(separator: ",")
        return "{\"id\": \"\(id)\", \"kind\": \"command\", \"after\": [\(names)], \"with\": {\"shell\": \"\(shell)\"}}"
    }

    private func dag(_ tasks: String..., fields: String) -> String {
        "{\"id\": \"d\", \(fields), \"tasks\": [\(tasks.joined(separator: ","))]}"
    }

    @discardableResult
    private func trigger(_ world: SchedulerWorld) throws -> Run {
        let reply = try world.request(.trigger(dag: "d", date: nil, params: [:]))
        guard case .run(let run) = reply else { throw CommandError(.invalid, "the trigger was refused") }
        return run
    }

    // MARK: A machine that cannot start anything

    @Test func aShortageOfTheMachineIsNoTryAndHoldsTheQueue() throws {
        let world = SchedulerWorld()
        try world.load(dag(task("a"), task("b"), fields: "\"tags\": []"))
        let run = try trigger(world)
        var holds: [Double] = []
        for _ in 1...7 {
            let before = world.now
            for attempt in world.live.keys.sorted() { try world.postpone(attempt) }
            #expect(world.live.isEmpty, "nothing is started while the machine is short of something")
            #expect(world.scheduler.startsHeldBecause == "no room")
            #expect(try world.instance("a", run).state == .queued)
            #expect(try world.instance("a", run).tryNumber == 0)
            #expect(try world.advance())
            holds.append((world.now - before).seconds)
        }
        #expect(holds == [1, 2, 4, 8, 16, 30, 30])
        #expect(world.scheduler.startsHeldBecause == nil)
        for task in ["a", "b"] { try world.end(try #require(world.attempt(of: task))) }
        #expect(try world.runs("d").first?.state == .success)
        #expect(try world.instance("a", run).tryNumber == 1)
    }

    @Test func theClockSetBackDoesNotLengthenTheHold() throws {
        let world = SchedulerWorld()
        try world.load(dag(task("a"), fields: "\"tags\": []"))
        try trigger(world)
        try world.postpone(try #require(world.attempt(of: "a")))
        world.now = world.now - TimeAmount(seconds: 7_200)
        let before = world.now
        try world.turn()
        #expect(world.scheduler.startsHeldBecause == "no room")
        #expect(try world.advance())
        #expect((world.now - before).seconds == 1)
        #expect(world.attempt(of: "a") != nil)
    }

    @Test func whatIsPostponedObeysTheDecisionAboutIt() throws {
        let world = SchedulerWorld()
        try world.load(dag(task("a"), fields: "\"tags\": []"))
        let run = try trigger(world)
        try world.request(.cancelRun(dag: "d", runID: run.runID))
        try world.postpone(try #require(world.attempt(of: "a")))
        #expect(try world.runs("d").first?.state == .cancelled)
    }

    // MARK: max_active_tasks

    @Test func aTaskThatCannotBeRenderedGivesItsPlaceOn() throws {
        let world = SchedulerWorld()
        let bad = "echo {{ outputs.a.nothing }}"
        try world.load(
            dag(
                task("a"), task("x", after: ["a"]), task("bad", after: ["a"], shell: bad), task("c", after: ["a"]),
                fields: "\"max_active_tasks\": 1"))
        let run = try trigger(world)
        try world.end(try #require(world.attempt(of: "a")))
        // x takes the one place; bad and c stand behind it.
        try world.end(try #require(world.attempt(of: "x")))
        #expect(try world.states(run)["bad"] == .failed)
        try world.end(try #require(world.attempt(of: "c"), "c was forgotten"))
        #expect(try world.runs("d").first?.state == .failed)
    }

    @Test func aTaskThatIsCancelledGivesItsPlaceOn() throws {
        let world = SchedulerWorld()
        try world.load(dag(task("a"), fields: "\"max_active_tasks\": 1"))
        try trigger(world)
        world.now = world.now + TimeAmount(seconds: 1)
        let second = try trigger(world)
        world.now = world.now + TimeAmount(seconds: 1)
        let third = try trigger(world)
        // In one turn the first run's task frees the place for the second run's, and that run is cancelled.
        let cancel = SchedulerEvent.request(
            ticket: 900, .cancelRun(dag: "d", runID: second.runID), actor: "test")
        try world.end(try #require(world.attempt(of: "a")), also: [cancel])
        try world.end(try #require(world.attempt(of: "a", run: third.runID), "the third run was forgotten"))
        #expect(try world.runs("d").map(\.state) == [.success, .cancelled, .success])
    }

    @Test func aHigherLimitOfTasksCountsAtOnce() throws {
        let world = SchedulerWorld()
        let tasks = (task("a"), task("b"), task("c"))
        try world.load(dag(tasks.0, tasks.1, tasks.2, fields: "\"max_active_tasks\": 1"))
        try trigger(world)
        #expect(world.live.count == 1)
        try world.load(dag(tasks.0, tasks.1, tasks.2, fields: "\"max_active_tasks\": 3"))
        #expect(world.live.count == 3)
    }

    @Test func aLowerLimitOfTasksLosesNone() throws {
        let world = SchedulerWorld()
        let tasks = (task("a"), task("b"), task("c"))
        try world.load(dag(tasks.0, tasks.1, tasks.2, fields: "\"max_active_tasks\": 2"))
        try trigger(world)
        try world.load(dag(tasks.0, tasks.1, tasks.2, fields: "\"max_active_tasks\": 1"))
        for name in ["a", "b", "c"] { try world.end(try #require(world.attempt(of: name))) }
        #expect(try world.runs("d").first?.state == .success)
    }

    // MARK: Backfills

    private let day = Instant(seconds: 1_699_056_000)  // 2023-11-04
    private let daily = "\"schedule\": \"daily\", \"start\": \"2023-11-01\""

    private func backfillWorld() throws -> SchedulerWorld {
        let world = SchedulerWorld(runsSchedules: false)
        try world.load(dag(task("a"), fields: daily))
        return world
    }

    private func backfill(
        _ world: SchedulerWorld, days: Int64 = 1, _ reprocess: Reprocess = .none, maxActive: Int? = nil
    ) throws -> SchedulerRequest {
        let to = day + TimeAmount(seconds: (days - 1) * 86_400)
        return .backfill(
            BackfillRequest(dag: "d", from: day, to: to, reprocess: reprocess, maxActive: maxActive),
            existing: try world.store.intervalRuns(dag: "d", from: day, to: to))
    }

    @Test func aBackfillSeesARunThatEndedInItsOwnTurn() throws {
        let world = try backfillWorld()
        try world.request(try backfill(world))
        let attempt = try #require(world.attempt(of: "a"))
        // The store still says that the run is running.
        let request = SchedulerEvent.request(ticket: 900, try backfill(world), actor: "test")
        try world.end(attempt, also: [request])
        guard case .backfill(let id, let plan) = world.replies[900] else { throw CommandError(.invalid, "no plan") }
        #expect(plan.map(\.disposition) == [.kept])
        #expect(id == nil, "a backfill that has nothing to wait for never ends")
    }

    @Test func aBackfillRunsARunAgainThatEndedInItsOwnTurn() throws {
        let world = try backfillWorld()
        try world.request(try backfill(world))
        let attempt = try #require(world.attempt(of: "a"))
        let request = SchedulerEvent.request(ticket: 900, try backfill(world, .completed), actor: "test")
        try world.end(attempt, also: [request])
        try world.end(try #require(world.attempt(of: "a")))
        #expect(try world.store.backfill(2)?.backfill.state == .success)
        #expect(try world.runs("d").map(\.state) == [.success])
    }

    @Test func aRestartDoesNotMakeABackfillWaitForARunThatAnotherTookOver() throws {
        let world = try backfillWorld()
        try world.request(try backfill(world, days: 2, maxActive: 1))
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        // The second backfill runs the first day again while the first one is at its second day.
        try world.request(try backfill(world, .failed))
        try world.restart()
        try world.end(try #require(world.attempt(of: "a", run: "backfill__2023-11-05T00:00:00Z")))
        #expect(try world.store.backfill(1)?.backfill.state != .running)
        #expect(try world.store.backfill(2)?.backfill.state == .running)
        try world.end(try #require(world.attempt(of: "a", run: "backfill__2023-11-04T00:00:00Z")))
        #expect(try world.store.backfill(2)?.backfill.state == .success)
    }

    @Test func aFailureBeforeARestartFailsTheBackfill() throws {
        let world = try backfillWorld()
        try world.request(try backfill(world, days: 2, maxActive: 1))
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        try world.restart()
        try world.end(try #require(world.attempt(of: "a")))
        #expect(try world.store.backfill(1)?.backfill.state == .failed)
    }

    // MARK: Cost

    /// Work that grows with the square of the number of waiting runs takes minutes here instead of a moment.
    @Test func manyTriggersAndCancelsCostNoMoreThanTheirNumber() throws {
        let world = SchedulerWorld(parallelism: 1)
        try world.load(dag(task("a"), fields: "\"max_active_runs\": 1"))
        // Only the Scheduler: the in-memory store looks at every run when one is made.
        let scheduler = world.scheduler
        let count = 5_000
        for ticket in 0..<count {
            let now = world.now + TimeAmount(microseconds: Int64(ticket))
            scheduler.handle(.request(ticket: ticket, .trigger(dag: "d", date: nil, params: [:]), actor: ""), now: now)
        }
        let names = scheduler.endTurn(now: world.now).effects.compactMap { effect -> String? in
            if case .reply(_, .run(let run)) = effect { run.runID } else { nil }
        }
        #expect(Set(names).count == count)
        for name in names {
            scheduler.handle(.request(ticket: 0, .cancelRun(dag: "d", runID: name), actor: ""), now: world.now)
        }
        _ = scheduler.endTurn(now: world.now)
        #expect(scheduler.queuedRunCount == 0)
    }
}

import SchedulerCore
import Simulation
import Testing

/// Limits that change while tasks run.
@Suite struct SchedulerLimitTests {
    private func world(parallelism: Int) throws -> SchedulerWorld {
        let world = SchedulerWorld(parallelism: parallelism)
        let tasks = ["a", "b", "c"].map {
            "{\"id\": \"\($0)\", \"kind\": \"command\", \"with\": {\"shell\": \"true\"}}"
        }
        try world.load("{\"id\": \"d\", \"tasks\": [\(tasks.joined(separator: ","))]}")
        _ = try world.request(.trigger(dag: "d", date: nil, params: [:]))
        return world
    }

    private func end(_ task: String, _ world: SchedulerWorld) throws {
        try world.end(try #require(world.attempt(of: task)))
    }

    @Test func moreAttemptsStartAtOnce() throws {
        let world = try world(parallelism: 1)
        #expect(world.started.map(\.taskID) == ["a"])
        try world.turn([.limits(parallelism: 2, isDraining: false)])
        #expect(world.started.map(\.taskID) == ["a", "b"])
    }

    @Test func withALowerLimitNothingStartsUntilEnoughHaveEnded() throws {
        let world = try world(parallelism: 2)
        try world.turn([.limits(parallelism: 1, isDraining: false)])
        #expect(world.live.count == 2, "what runs goes on")
        try end("a", world)
        #expect(world.started.count == 2)
        try end("b", world)
        #expect(world.started.map(\.taskID) == ["a", "b", "c"])
    }

    @Test func drainingStartsNothingAndStillCommitsWhatEnds() throws {
        let world = try world(parallelism: 2)
        try world.turn([.limits(parallelism: 2, isDraining: true)])
        try end("a", world)
        try end("b", world)
        #expect(world.started.count == 2)
        #expect(world.scheduler.runningAttemptCount == 0)
        #expect(world.scheduler.queuedTaskCount == 1)
        try world.turn([.limits(parallelism: 2, isDraining: false)])
        try end("c", world)
        #expect(try world.runs("d").first?.state == .success)
    }
}

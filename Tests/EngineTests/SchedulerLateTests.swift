import SchedulerCore
import Simulation
import Store
import Testing

/// Late data: a run finds data of other days, and exactly those that were processed without it run once more.
@Suite struct SchedulerLateTests {
    private let world = SchedulerWorld()
    private static let day: Int64 = 86_400
    private static let start = Instant(seconds: 1_700_000_000 / day * day)

    /// Three days have run; the fourth runs now.
    private func world(_ more: String = "", tasks: String = "") throws {
        world.now = Self.start + TimeAmount(seconds: 3 * Self.day + 60)
        try world.load(
            #"{"id":"d","schedule":"daily","start":"\#(day(0))","catchup":true,"max_active_runs":1,\#(more)"tasks":["#
                + #"{"id":"load","kind":"command","with":{"command":["x"]}},{"id":"convert","kind":"command","with":{"command":["x"]},"after":["load"]}\#(tasks)]}"#
        )
        for _ in 0..<3 { try finishRun(generation: 1) }
        #expect(try world.runs("d").map(\.state) == [.success, .success, .success])
        world.now = Self.start + TimeAmount(seconds: 4 * Self.day)
        try world.turn()
    }

    private func day(_ number: Int64) -> String {
        String("\(Self.start + TimeAmount(seconds: number * Self.day))".prefix(10))
    }

    private func finishRun(generation: Int64) throws {
        try end("load")
        try end("convert", #"{"consumed":\#(generation)}"#)
    }

    private func end(_ task: String, _ outputs: String? = nil, crash: SchedulerWorld.Crash = .none) throws {
        let attempt = try #require(world.attempt(of: task), "\(task) does not run")
        try world.end(attempt, outputs: outputs, crash: crash)
    }

    private func late(_ days: (Int64, Int64)...) -> String {
        "{\"reprocess\":{\(days.map { "\"\(day($0.0))\":\($0.1)" }.joined(separator: ","))}}"
    }

    private var states: [RunState] { get throws { try world.runs("d").map(\.state) } }
    private var reprocessed: Int { world.store.audits("reprocess") }

    @Test func exactlyTheLateDaysRunAgainOnceEach() throws {
        try world()
        try end("load", late((0, 2), (2, 5)))
        #expect(try states == [.queued, .success, .queued, .running])
        try end("convert", #"{"consumed":1}"#)
        // One after the other: the DAG has room for one run.
        #expect(try states == [.running, .success, .queued, .success])
        try end("load", late((2, 5)))
        try end("convert", #"{"consumed":2}"#)
        try finishRun(generation: 5)
        #expect(try states == [.success, .success, .success, .success])
        #expect(world.live.isEmpty)
        #expect(try world.store.dags()[0].record.late.isEmpty)
        #expect(reprocessed == 2)
    }

    @Test func whatHasBeenConsumedIsNotRepeated() throws {
        try world()
        try end("load", late((0, 1), (1, 0)))
        #expect(try states == [.success, .success, .success, .running])
        #expect(try world.store.dags()[0].record.late.isEmpty)
    }

    @Test func aRunOfTheDayThatIsUnderWayIsRepeatedOnlyWhenItMissesTheData() throws {
        world.now = Self.start + TimeAmount(seconds: 2 * Self.day)
        try world.load(
            #"{"id":"d","schedule":"daily","start":"\#(day(0))","catchup":true,"tasks":["#
                + #"{"id":"load","kind":"command","with":{"command":["x"]}},{"id":"convert","kind":"command","with":{"command":["x"]},"after":["load"]}]}"#
        )
        let runs = try world.runs("d")
        func attempt(_ task: String, _ run: Int) throws -> Int64 {
            try #require(world.attempt(of: task, run: runs[run].runID))
        }
        // The second day's run finds data for the first, whose load has ended and whose convert has not.
        try world.end(try attempt("load", 0))
        try world.end(try attempt("load", 1), outputs: late((0, 7)))
        #expect(try !world.store.dags()[0].record.late.isEmpty)
        try world.end(try attempt("convert", 0), outputs: #"{"consumed":7}"#)
        #expect(try states == [.success, .running])
        #expect(try world.store.dags()[0].record.late.isEmpty, "it took the data in")
        try world.end(try attempt("convert", 1), outputs: late((0, 8)))
        #expect(try states == [.running, .success], "this came too late for it")
    }

    @Test(arguments: [SchedulerWorld.Crash.none, .beforeCommit, .beforeEffects, .afterEffects])
    func noCrashLosesOrDoublesIt(crash: SchedulerWorld.Crash) throws {
        try world()
        try end("load", late((1, 2)), crash: crash)
        try world.turn()
        #expect(try states == [.success, .queued, .success, .running])
        try world.restart()
        try end("convert", #"{"consumed":1}"#)
        try world.restart()
        try finishRun(generation: 2)
        #expect(try states == [.success, .success, .success, .success])
        #expect(reprocessed == 1)
    }

    @Test func aPausedDAGDoesItWhenItGoesOn() throws {
        try world()
        try world.request(.setPaused(dag: "d", paused: true))
        try end("load", late((1, 2)))
        try end("convert")
        #expect(try states == [.success, .success, .success, .success])
        try world.restart()
        try world.request(.setPaused(dag: "d", paused: false))
        #expect(try states == [.success, .running, .success, .success])
    }

    @Test func aDayThatHasNoRunGetsOneAndOthersAreLeftAlone() throws {
        world.now = Self.start + TimeAmount(seconds: 3 * Self.day)
        try world.load(
            #"{"id":"d","schedule":"daily","start":"\#(day(0))","end":"\#(day(8))","tasks":["#
                + #"{"id":"load","kind":"command","with":{"command":["x"]}}]}"#)
        #expect(try world.runs("d").map(\.logicalDate) == [Self.start + TimeAmount(seconds: 2 * Self.day)])
        // Skipped by catchup; before the start, not yet due, after the end, no date: nothing of them is made.
        try end(
            "load", late((0, 1), (-1, 1), (3, 1), (9, 1)).replacing("}}", with: ",\"soon\":1,\"2022-05-01\":\"x\"}}"))
        #expect(
            try Set(world.runs("d").map(\.logicalDate)) == [Self.start, Self.start + TimeAmount(seconds: 2 * Self.day)])
        #expect(try world.store.dags()[0].record.late.isEmpty)
    }

    @Test func whatAPersonCancelledStaysCancelled() throws {
        try world()
        let run = try #require(try world.runs("d").last)
        try world.request(.cancelRun(dag: "d", runID: run.runID))
        try world.end(try #require(world.attempt(of: "load")))
        world.now = Self.start + TimeAmount(seconds: 5 * Self.day)
        try world.turn()
        try end("load", late((3, 4)))
        #expect(try states == [.success, .success, .success, .cancelled, .running])
        #expect(try world.store.dags()[0].record.late.isEmpty)
    }
}

extension InMemoryStore {
    /// How many entries of the audit log have this action.
    func audits(_ action: String) -> Int { ((try? audit(limit: 10_000)) ?? []).count { $0.action == action } }
}

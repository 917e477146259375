import JSONText
import SchedulerCore
import Simulation
import Store
import Testing

/// `expect_by`: a day without a run that succeeded is told of, once.
@Suite struct SchedulerExpectTests {
    /// 2023-11-14T22:13:20Z.
    private let world = SchedulerWorld()

    private func load(_ more: String = "", time: String = "08:00", file: String = "dag.json") throws {
        try world.load(
            """
            {"id": "d", \(more.isEmpty ? "\"schedule\": \"daily\"" : more), "expect_by": "\(time)",
             "on_missed": [{"kind": "command", "with": {"command": ["tell", "{{ run.event }}", "{{ ds }}", "{{ run.reason }}"]}}],
             "tasks": [{"id": "a", "kind": "command", "with": {"command": ["true"]}}]}
            """, file: file)
    }

    /// Lets all come that comes by then.
    private func pass(to text: String) throws {
        let time = try #require(Instant(rfc3339: text))
        while try world.advance(limit: time) {}
        world.now = max(world.now, time)
        try world.turn()
    }

    private func endTasks() throws {
        while let attempt = world.attempt(of: "a") { try world.end(attempt) }
    }

    private func tell() throws {
        try world.end(try #require(world.attempt(of: "on_missed:1"), "nothing is told"))
    }

    private var told: [String] { world.started.filter { $0.taskID == "on_missed:1" }.map(\.run.runID) }

    private func missed() throws -> [Run] { try world.runs("d").filter { $0.type == .missed } }

    // MARK: Days

    @Test func aDayWithoutASuccessIsToldOnce() throws {
        try load()
        try pass(to: "2023-11-16T07:59:59Z")
        #expect(told == [], "the day that had begun when it was loaded is no whole interval")
        try pass(to: "2023-11-16T08:00:00Z")
        #expect(told == ["missed__2023-11-16"])
        let launch = try #require(world.started.last)
        let words = try #require(launch.with["command"]?.array).compactMap(\.string)
        #expect(
            words == [
                "tell", "missed", "2023-11-15",
                "no run had succeeded by 2023-11-16 08:00 (UTC); expected was the run about 2023-11-15T00:00:00+00:00, "
                    + "scheduled__2023-11-15T00:00:00Z, which is running",
            ])
        try world.restart()
        try tell()
        try pass(to: "2023-11-16T23:00:00Z")
        try world.restart()
        #expect(told == ["missed__2023-11-16"])
        let run = try #require(try missed().first)
        #expect(run.state == .failed && run.reason == words[3], "it counts as no success of anybody")
        try pass(to: "2023-11-17T09:00:00Z")
        #expect(told == ["missed__2023-11-16", "missed__2023-11-17"], "the run of yesterday still hangs")
    }

    @Test func aSuccessInTimeIsSilence() throws {
        try load()
        for day in 16...20 {
            try pass(to: "2023-11-\(day)T07:00:00Z")
            try endTasks()
        }
        try pass(to: "2023-11-20T09:00:00Z")
        #expect(told == [])
        try pass(to: "2023-11-21T08:00:00Z")
        #expect(told == ["missed__2023-11-21"])
        try endTasks()
        try tell()
        try pass(to: "2023-11-22T07:30:00Z")
        #expect(told.count == 1, "what came late yesterday does not speak for today")
        try pass(to: "2023-11-22T08:30:00Z")
        #expect(told == ["missed__2023-11-21", "missed__2023-11-22"])
    }

    @Test func aFailureIsNoSuccessAndARunByHandIs() throws {
        try load()
        try pass(to: "2023-11-16T07:00:00Z")
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        try world.request(.trigger(dag: "d", date: nil, params: [:]))
        try endTasks()
        try pass(to: "2023-11-16T09:00:00Z")
        #expect(told == [])
        try pass(to: "2023-11-17T07:00:00Z")
        try world.end(try #require(world.attempt(of: "a")), exitCode: 1)
        // Another day, and one that is to come, are not what is expected.
        for date in ["2023-11-01T00:00:00Z", "2030-01-01T00:00:00Z"] {
            try world.request(.trigger(dag: "d", date: Instant(rfc3339: date), params: [:]))
            try endTasks()
        }
        try pass(to: "2023-11-17T09:00:00Z")
        #expect(told == ["missed__2023-11-17"])
    }

    @Test func aWeekIsAskedAboutOnTheDayThatItIsDue() throws {
        try load("\"schedule\": \"weekly\"")
        try pass(to: "2023-12-05T00:00:00Z")
        #expect(told == ["missed__2023-11-26", "missed__2023-12-03"], "Sundays")
    }

    @Test func ofManyRunsADayOneIsEnough() throws {
        try load("\"schedule\": \"hourly\", \"max_active_runs\": 1000, \"catchup\": true")
        try pass(to: "2023-11-15T02:30:00Z")
        try endTasks()
        try pass(to: "2023-11-15T08:00:00Z")
        #expect(told == [])
        try pass(to: "2023-11-16T08:00:00Z")
        #expect(told == ["missed__2023-11-16"], "although tasks that hang have all places of the machine")
    }

    @Test func aDelayIsPartOfWhatIsDue() throws {
        try load("\"schedule\": \"daily\", \"delay\": \"9h\"")
        try pass(to: "2023-11-16T08:30:00Z")
        #expect(told == [], "it is due at nine only")
        try pass(to: "2023-11-17T08:30:00Z")
        #expect(told == ["missed__2023-11-17"])
        #expect(try missed().first?.logicalDate == Instant(rfc3339: "2023-11-15T00:00:00Z"))
    }

    @Test func nothingIsOwedBeforeTheStartAndAfterTheEnd() throws {
        try load("\"schedule\": \"daily\", \"start\": \"2023-11-20\", \"end\": \"2023-11-21\"")
        try pass(to: "2023-11-30T00:00:00Z")
        #expect(told == ["missed__2023-11-21", "missed__2023-11-22"])
    }

    @Test func whatTimeDoesNotStartIsAskedAboutEachDay() throws {
        try load("\"schedule\": {\"files\": {\"folder\": \"in\"}}")
        try pass(to: "2023-11-15T08:00:00Z")
        #expect(told == ["missed__2023-11-15"])
        try tell()
        try pass(to: "2023-11-15T20:00:00Z")
        try world.turn([
            .filesArrived(
                dag: "d", FileArrival(since: .distantPast, upTo: world.now, files: 1, bytes: 1, oldest: world.now))
        ])
        try endTasks()
        try pass(to: "2023-11-16T08:00:00Z")
        #expect(told.count == 1, "yesterday evening is since yesterday at eight")
        try pass(to: "2023-11-17T08:00:00Z")
        #expect(told == ["missed__2023-11-15", "missed__2023-11-17"])
    }

    // MARK: Clocks that change

    @Test(arguments: [
        // The clocks go from two to three; from three back to two.
        ("2024-03-29T12:00:00Z", "2024-03-31", "2024-03-31T01:00:00Z"),
        ("2024-10-25T12:00:00Z", "2024-10-27", "2024-10-27T00:30:00Z"),
    ])
    func theDayWhenClocksChange(begin: String, day: String, told at: String) throws {
        world.now = try #require(Instant(rfc3339: begin))
        try load("\"schedule\": \"0 1 * * *\", \"timezone\": \"Europe/Zurich\"", time: "02:30")
        let moment = try #require(Instant(rfc3339: at))
        try pass(to: "\(moment - TimeAmount(seconds: 1))")
        #expect(!told.contains("missed__\(day)"))
        try pass(to: at)
        #expect(told.filter { $0 == "missed__\(day)" }.count == 1)
        try pass(to: "\(moment + TimeAmount(seconds: 7200))")
        #expect(told.filter { $0 == "missed__\(day)" }.count == 1, "02:30 comes twice, the day once")
        try pass(to: "\(moment + TimeAmount(seconds: 86_400 * 2))")
        #expect(Set(told).count == told.count)
    }

    @Test func aClockThatGoesBackTellsNothingTwice() throws {
        try load()
        try pass(to: "2023-11-16T08:00:00Z")
        try tell()
        world.now = try #require(Instant(rfc3339: "2023-11-16T06:00:00Z"))
        try world.turn()
        try world.restart()
        try pass(to: "2023-11-16T12:00:00Z")
        #expect(told == ["missed__2023-11-16"])
    }

    // MARK: Nobody is there at that time

    @Test func aDaemonThatWasDownTellsWhenItComes() throws {
        try load()
        try pass(to: "2023-11-16T07:00:00Z")
        world.now = try #require(Instant(rfc3339: "2023-11-16T11:00:00Z"))
        try world.restart()
        #expect(told == ["missed__2023-11-16"])
        try tell()
        world.now = try #require(Instant(rfc3339: "2023-11-20T05:00:00Z"))
        try world.restart()
        #expect(told == ["missed__2023-11-16", "missed__2023-11-19"], "the last day speaks for all")
    }

    @Test func aPausedDAGIsToldOfAndSaysSo() throws {
        try load()
        try world.request(.setPaused(dag: "d", paused: true))
        try pass(to: "2023-11-16T08:00:00Z")
        #expect(told == ["missed__2023-11-16"])
        let reason = try #require(try missed().first?.reason)
        #expect(reason.hasSuffix("the DAG is paused: `weir unpause d`"), "\(reason)")
    }

    @Test(arguments: [SimulatedWorld.Crash.beforeCommit, .beforeEffects, .afterEffects])
    func aCrashNeitherLosesNorDoubles(crash: SimulatedWorld.Crash) throws {
        try load()
        try pass(to: "2023-11-16T07:59:00Z")
        world.now = try #require(Instant(rfc3339: "2023-11-16T08:00:00Z"))
        try world.turn(crash: crash)
        try world.turn()
        #expect(try missed().map(\.runID) == ["missed__2023-11-16"])
        try tell()
        #expect(try missed().first?.state == .failed)
        #expect(Set(world.started.filter { $0.taskID == "on_missed:1" }.map(\.firstTry)) == [1])
    }

    // MARK: Files that change

    @Test func aDAGThatComesOwesNothingForTheTimeBefore() throws {
        world.now = try #require(Instant(rfc3339: "2023-11-16T10:00:00Z"))
        try load("\"schedule\": \"daily\", \"start\": \"2023-11-01\", \"catchup\": \"none\"")
        try pass(to: "2023-11-17T07:00:00Z")
        #expect(told == [])
        try pass(to: "2023-11-17T08:00:00Z")
        #expect(told == ["missed__2023-11-17"])
        try tell()
        try load("\"schedule\": \"daily\", \"start\": \"2023-11-01\"", time: "09:00")
        try pass(to: "2023-11-17T23:00:00Z")
        #expect(told.count == 1, "another time, the same day")
        try world.turn([.dagRemoved(id: "d")])
        try pass(to: "2023-11-25T08:00:00Z")
        #expect(told.count == 1, "nobody expects anything of it")
        try load("\"schedule\": \"daily\", \"start\": \"2023-11-01\"")
        #expect(told.count == 1)
        try pass(to: "2023-11-26T08:00:00Z")
        #expect(told.last == "missed__2023-11-26")
    }

    @Test func whatHangsDoesNotHoldItBack() throws {
        try load("\"schedule\": \"daily\", \"max_active_runs\": 1, \"max_active_tasks\": 1")
        try pass(to: "2023-11-16T08:00:00Z")
        #expect(world.attempt(of: "a") != nil && told == ["missed__2023-11-16"])
        try tell()
        try endTasks()
        try pass(to: "2023-11-17T01:00:00Z")
        #expect(world.attempt(of: "a") != nil, "it has taken nobody's place, and given none back")
        #expect(try world.runs("d").filter { $0.state == .running }.count == 1)
    }

    @Test func whatCouldNotBeDeliveredIsTold() throws {
        try load()
        try pass(to: "2023-11-16T08:00:00Z")
        try world.end(try #require(world.attempt(of: "on_missed:1")), exitCode: 98)
        let reason = try #require(try missed().first?.reason)
        #expect(reason.hasSuffix("; not delivered: on_missed:1 (exit 98)"), "\(reason)")
    }
}

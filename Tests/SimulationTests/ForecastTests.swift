import SchedulerCore
import Store
import Testing

@testable import Simulation

/// What `weir simulate` foretells.
@Suite struct ForecastTests {
    private static let task = #""kind":"command","with":{"command":["x"]}"#

    /// - Parameter tasks: ids, each after the one before.
    private func dag(_ fields: String, chain tasks: [String] = ["a", "b"], extra: [String: String] = [:]) throws -> DAG
    {
        let texts = tasks.enumerated().map { index, id in
            let after = index == 0 ? "" : #","after":["\#(tasks[index - 1])"]"#
            return #"{"id":"\#(id)"\#(after)\#(extra[id].map { "," + $0 } ?? ""),\#(Self.task)}"#
        }
        let text = #"{"id":"d",\#(fields),"tasks":[\#(texts.joined(separator: ","))]}"#
        let (dag, diagnostics) = DAGParser.parse(Array(text.utf8), context: Player.context)
        return try #require(dag, "\(diagnostics)")
    }

    private func instant(_ text: String) throws -> Instant { try #require(Instant.parse(text, in: .utc)).instant }

    private func forecast(
        _ dag: DAG, from: String = "2026-01-01", to: String = "2026-01-03", parallelism: Int = 16, pools: [Pool] = [],
        minutes: Int64 = 10, _ assumptions: [String: Forecast.Assumption] = [:]
    ) throws -> Forecast {
        try Forecast.make(
            Forecast.Question(
                dag: dag, from: try instant(from), to: try instant(to), parallelism: parallelism, pools: pools,
                assumptions: assumptions, otherwise: .init(takes: TimeAmount(seconds: minutes * 60))))
    }

    private func minutes(_ count: Int64) -> TimeAmount { TimeAmount(seconds: count * 60) }

    @Test func runsAreThoseOfTheSchedule() throws {
        let dag = try dag(#""schedule":"30 2 * * *","timezone":"Europe/Zurich","delay":"1h""#)
        let forecast = try forecast(dag, from: "2026-03-25", to: "2026-04-02")
        var expected: [Instant] = []
        let timetable = try #require(dag.timetable)
        var tick = timetable.next(after: timetable.alignNext(try instant("2026-03-25")))
        while tick + minutes(60) < (try instant("2026-04-02")) {
            expected.append(tick + minutes(60))
            tick = timetable.next(after: tick)
        }
        #expect(forecast.runs.map(\.run.runAfter) == expected)
        #expect(forecast.runs.allSatisfy { $0.run.state == .success && $0.waited == .zero && $0.reason == nil })
        #expect(forecast.runs.allSatisfy { $0.run.endedAt == $0.run.runAfter + minutes(20) })
        #expect(forecast.peakRuns == 1)
        #expect(forecast.openAtEnd == 0)
        #expect(!forecast.fallsBehind)
        #expect(forecast.skips.isEmpty)
        #expect(forecast.givenUpAt == nil)
    }

    @Test func whatCatchupPassesOverIsTold() throws {
        let latest = try forecast(try dag(#""schedule":"daily","start":"2025-12-01""#))
        #expect(latest.runs.map(\.run.logicalDate) == [try instant("2025-12-31"), try instant("2026-01-01")])
        #expect(
            latest.skips == [
                .init(from: try instant("2025-12-01"), to: try instant("2025-12-31"), intervals: 30, reason: .catchup)
            ])
        let all = try forecast(try dag(#""schedule":"daily","start":"2025-12-01","catchup":true,"max_active_runs":1"#))
        #expect(all.skips.isEmpty)
        #expect(all.runs.count == 32)
        #expect(all.runs[0].reason == "it was due before the simulation begins")
        #expect(all.runs[1].reason == "max_active_runs is reached (1 of 1)")
        #expect(all.runs[30].run.startedAt == (try instant("2026-01-01")) + minutes(600))
    }

    @Test func overlappingRunsWaitOrAreSkipped() throws {
        let fields = #""schedule":"hourly","max_active_runs":1"#
        let queued = try forecast(try dag(fields), to: "2026-01-01T12:00:00Z", minutes: 40)
        #expect(queued.runs.count == 11)
        #expect(queued.runs.map(\.waited) == (0..<11).map { minutes($0 * 20) })
        #expect(queued.fallsBehind)
        #expect(queued.openAtEnd == 3)
        let skipping = try forecast(try dag(fields + #","overlap":"skip""#), to: "2026-01-01T12:00:00Z", minutes: 40)
        #expect(skipping.runs.count == 6)
        #expect(skipping.skips.count == 5)
        #expect(skipping.skips.allSatisfy { $0.reason == .overlap && $0.intervals == 1 })
        #expect(!skipping.fallsBehind)
    }

    @Test func tasksWaitForSlotsAndSayForWhich() throws {
        let dag = try dag(
            #""schedule":"daily""#, chain: ["a", "b"],
            extra: ["b": #""for_each":"{{ outputs.a.files }}","pool":"p","pool_slots":2"#])
        let assumptions = ["a": Forecast.Assumption(takes: .zero, outputs: #"{"files":[1,2,3]}"#)]
        let forecast = try forecast(dag, pools: [Pool(name: "p", slots: 4)], assumptions)
        let run = try #require(forecast.runs.first)
        #expect(run.tasks.map(\.instance.key.name) == ["a", "b[0]", "b[1]", "b[2]"])
        #expect(run.tasks.map(\.waited) == [.zero, .zero, .zero, minutes(10)])
        #expect(run.tasks.map(\.reason) == [nil, nil, nil, "pool p is full (4 of 4); needs 2 slots"])
        #expect(forecast.peakSlots == ["default": 1, "p": 4])
        #expect(forecast.slots == ["default": 128, "p": 4])
        #expect(forecast.peakTasks == 2)
        #expect(run.run.endedAt == run.run.runAfter + minutes(20))
    }

    @Test func outputsOfWhichNothingIsKnownAreMadeUp() throws {
        let dag = try dag(
            #""schedule":"daily""#, chain: ["a", "b", "c"],
            extra: [
                "b": #""for_each":"{{ outputs.a.files }}""#,
                "c": #""when":"outputs.a.n > 3","env":{"X":"{{ outputs.a.name }}"}"#,
            ])
        let unknown = try forecast(dag)
        #expect(unknown.unknownOutputs == ["a.files", "a.n", "a.name"])
        #expect(unknown.runs.map(\.run.state) == [.success])
        #expect(unknown.runs[0].tasks.map(\.instance.key.name) == ["a", "b[0]", "c"])
        #expect(unknown.runs[0].tasks.map(\.instance.state) == [.success, .success, .success])
        let known = try forecast(
            dag, ["a": .init(takes: .zero, outputs: #"{"files":[1,2],"n":2,"name":"x"}"#)])
        #expect(known.unknownOutputs.isEmpty)
        #expect(known.runs[0].tasks.map(\.instance.state) == [.success, .success, .success, .skipped])
    }

    @Test func whatOnlyTakesLongerThanTheSpanDoesNotFallBehind() throws {
        let dag = try dag(#""schedule":{"every":"10m"},"max_active_runs":16"#, chain: ["a"])
        let forecast = try forecast(dag, to: "2026-01-01T00:35:00Z", minutes: 25)
        #expect(forecast.openAtEnd == 2)
        #expect(forecast.waitingAtEnd == 0)
        #expect(!forecast.fallsBehind)
    }

    @Test func spansThatAreTooLongAreRefusedAtOnce() throws {
        #expect(throws: ForecastError.self) {
            try forecast(try dag(#""schedule":"* * * * *""#), from: "2000-01-01", to: "9999-01-01")
        }
    }

    @Test func limitsEndWhatTakesTooLong() throws {
        let retried = try dag(
            #""schedule":"daily""#, extra: ["a": #""timeout":"5m","retries":1,"retry_delay":"1m""#])
        let run = try #require(try forecast(retried).runs.first)
        #expect(run.run.state == .failed)
        #expect(run.tasks[0].instance.tryNumber == 2)
        #expect(run.tasks[1].instance.state == .upstreamFailed)
        let expired = try forecast(try dag(#""schedule":"daily","run_timeout":"15m","deadline":"12m""#))
        #expect(expired.runs.map(\.run.state) == [.failed])
        #expect(expired.runs[0].run.missedDeadline)
        #expect(expired.runs[0].run.endedAt == expired.runs[0].run.runAfter + minutes(15))
    }

    @Test func whatNeverEndsIsGivenUp() throws {
        let stuck = try dag(
            #""schedule":"hourly","overlap":"skip","max_active_runs":1"#, extra: ["b": #""pool":"nowhere""#])
        let forecast = try forecast(stuck)
        #expect(forecast.givenUpAt != nil)
        #expect(forecast.runs.map(\.run.state) == [.running])
        #expect(
            forecast.runs[0].tasks[1].reason
                == "there is no pool 'nowhere'; `weir pools set nowhere SLOTS` makes it")
    }

    @Test func questionsWithoutAnswerAreRefused() throws {
        #expect(throws: ForecastError(message: "DAG 'd' has no schedule by time, so there is nothing to foresee")) {
            try forecast(try dag(#""schedule":null"#))
        }
        #expect(throws: ForecastError.self) { try forecast(try dag(#""schedule":"daily""#), to: "2025-01-01") }
    }

    @Test func aPausedDAGIsSimulatedAsIfItWereNot() throws {
        #expect(try forecast(try dag(#""schedule":"daily","paused":true"#)).runs.count == 1)
    }

    @Test func daysWithoutASuccessAreForetoldAndAreNoRuns() throws {
        let fields =
            #""schedule":"daily","expect_by":"08:00","on_missed":[{"kind":"command","with":{"command":["x"]}}]"#
        let forecast = try forecast(try dag(fields, chain: ["a"]), to: "2026-01-04", minutes: 500)
        #expect(forecast.missed == ["missed__2026-01-02", "missed__2026-01-03"], "500 minutes are past eight")
        #expect(forecast.runs.count == 2 && forecast.peakRuns == 1)
        #expect(try self.forecast(try dag(fields, chain: ["a"]), to: "2026-01-04").missed == [])
        // A pool that nobody made holds it for ever: that there is a day tomorrow does not keep the forecast going.
        let stuck = try self.forecast(try dag(fields, chain: ["a"], extra: ["a": #""pool":"nowhere""#]))
        #expect(stuck.givenUpAt != nil && stuck.openAtEnd > 0)
    }
}

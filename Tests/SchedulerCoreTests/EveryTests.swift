import SchedulerCore
import Testing

struct EveryTests {
    private func every(_ amount: String, from start: String, _ zone: String = "Europe/Zurich") throws -> Timetable {
        Timetable(
            every: try #require(TimeAmount(parsing: amount)), from: try instant(start),
            zone: try #require(SystemZones.zone(zone)))
    }

    static let ticks: [(every: String, from: String, after: String, expected: [String])] = [
        (
            "15m", "2022-05-01T00:00:00Z", "2022-05-01T00:00:00Z", ["2022-05-01T00:15:00Z", "2022-05-01T00:30:00Z"]
        ),
        // Before the start too.
        (
            "15m", "2022-05-01T00:05:00Z", "2022-04-30T23:40:00Z",
            ["2022-04-30T23:50:00Z", "2022-05-01T00:05:00Z", "2022-05-01T00:20:00Z"]
        ),
        ("7h", "1970-01-01T00:00:00Z", "1969-12-31T00:00:00Z", ["1969-12-31T03:00:00Z", "1969-12-31T10:00:00Z"]),
        // 24 hours of elapsed time, whatever the clocks do on 31 March and 27 October.
        ("1d", "2024-03-30T01:30:00Z", "2024-03-30T01:30:00Z", ["2024-03-31T01:30:00Z", "2024-04-01T01:30:00Z"]),
        ("1h", "2024-10-26T23:30:00Z", "2024-10-27T00:00:00Z", ["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"]),
        // Ticks that are no whole seconds.
        (
            "1s500ms", "2022-05-01T00:00:00.000001Z", "2022-05-01T00:00:00Z",
            ["2022-05-01T00:00:00.000001Z", "2022-05-01T00:00:01.500001Z", "2022-05-01T00:00:03.000001Z"]
        ),
    ]

    @Test(arguments: ticks) func countsFromTheStart(every: String, from: String, after: String, expected: [String])
        throws
    {
        let timetable = try self.every(every, from: from)
        var time = try instant(after)
        for text in expected {
            let tick = timetable.next(after: time)
            #expect(tick.description == text)
            #expect(timetable.next(after: tick - TimeAmount(microseconds: 1)) == tick)
            #expect(timetable.previous(before: tick + TimeAmount(microseconds: 1)) == tick)
            #expect(timetable.isTick(tick))
            #expect(!timetable.isTick(tick + TimeAmount(microseconds: 1)))
            if text != expected.first { #expect(timetable.previous(before: tick) == time) }
            time = tick
        }
    }

    /// Against plain multiplication, also with lengths and starts that are not round.
    @Test func ticksAreMultiplesOfTheLength() throws {
        let seed: UInt64 = 15
        var random = Steps(seed: seed)
        for round in 0..<2000 {
            let every = Int64.random(in: 1...(round.isMultiple(of: 2) ? 5_000_000 : 900_000_000_000), using: &random)
            let start = Int64.random(in: -4_000_000_000_000_000...4_000_000_000_000_000, using: &random)
            let number = Int64.random(in: -1_000_000...1_000_000, using: &random) / (round.isMultiple(of: 2) ? 1 : 100)
            let within = Int64.random(in: 0..<every, using: &random)
            let timetable = Timetable(
                every: TimeAmount(microseconds: every), from: Instant(microseconds: start), zone: .utc)
            let tick = Instant(microseconds: start + number * every)
            let following = Instant(microseconds: start + (number + 1) * every)
            let time = tick + TimeAmount(microseconds: within)
            let context = "seed \(seed), round \(round)"
            #expect(timetable.interval(containing: time) == DataInterval(start: tick, end: following), "\(context)")
            #expect(timetable.previous(before: following) == tick, "\(context)")
            #expect(timetable.alignNext(time) == (within == 0 ? tick : following), "\(context)")
            #expect(timetable.lastCompleteInterval(before: time).end == tick, "\(context)")
        }
    }

    @Test func saysWhatItMeans() throws {
        let timetable = try every("90m", from: "2022-05-01T00:00:00Z")
        #expect(timetable.name == "every 1h30m")
        #expect(timetable.meaning == "every 1h30m, counted from 2022-05-01T02:00:00+02:00 Europe/Zurich")
    }

    @Test func neverComesWithoutALength() {
        for microseconds in [0, -1, Int64.min] {
            let timetable = Timetable(
                every: TimeAmount(microseconds: microseconds), from: Instant(seconds: 0), zone: .utc)
            #expect(timetable.next(after: Instant(seconds: 0)) == .distantFuture)
            #expect(timetable.previous(before: Instant(seconds: 0)) == .distantPast)
        }
    }
}

/// Where the calendar ends, for schedules of every kind.
struct CalendarEndTests {
    private static func timetables() throws -> [Timetable] {
        let zones = [
            Zone.utc, try #require(SystemZones.zone("Pacific/Apia")), try #require(SystemZones.zone("America/Adak")),
        ]
        return try zones.flatMap { zone in
            let starts = [Instant.distantPast, .distantFuture, Instant(microseconds: 1)]
            let lengths: [Int64] = [1, 7, 3_600_000_000, 300_000_000_000_000_000, .max]
            let crons = ["* * * * *", "0 */5 * * *", "30 2 * * *", "0 0 29 2 *", "0 0 31 12 *"]
            return Timetable.presets.compactMap { Timetable(preset: $0, zone: zone) }
                + (try crons.map { Timetable(cron: try CronExpression($0), zone: zone) })
                + starts.flatMap { start in
                    lengths.map { Timetable(every: TimeAmount(microseconds: $0), from: start, zone: zone) }
                }
        }
    }

    @Test func noTickIsOutsideOfTheYears() throws {
        let first = try instant("0000-01-01T00:00:00Z")
        let last = try instant("9999-12-31T23:59:59.999999Z")
        for timetable in try Self.timetables() {
            let context = "\(timetable.name) in \(timetable.zone.name)"
            #expect(timetable.next(after: .distantFuture) == .distantFuture, "\(context)")
            #expect(timetable.next(after: last) == .distantFuture, "\(context)")
            #expect(timetable.previous(before: .distantPast) == .distantPast, "\(context)")
            #expect(timetable.previous(before: first) == .distantPast, "\(context)")
            let lowest = timetable.next(after: .distantPast)
            let highest = timetable.previous(before: .distantFuture)
            // A length of more than ten thousand years may have no tick in them.
            guard lowest != .distantFuture else {
                #expect(highest == .distantPast, "\(context)")
                continue
            }
            #expect(lowest >= first && highest <= last && lowest <= highest, "\(context)")
            #expect(timetable.isTick(lowest) && timetable.isTick(highest), "\(context)")
            #expect(timetable.previous(before: lowest) == .distantPast, "\(context)")
            #expect(timetable.next(after: highest) == .distantFuture, "\(context)")
        }
    }
}

import Testing

@testable import SchedulerCore

/// Random expressions in many zones over fifty-five years, against a matcher that looks at every minute: around each change
/// of the clocks, and in spans at random.
struct CronBruteForceTests {
    /// From 1985 to 2040, in minutes since 1970.
    private static let years = 7_889_760..<36_816_480
    private static let seed: UInt64 = 20_240_331
    private static let randomSpans = 90
    private static let spanMinutes = 2 * 1440
    /// In each zone; with thirty of them a hundred thousand and more in all.
    private static let leastTicks = 3_500

    @Test(arguments: SystemZones.usual) func ticksAreThoseOfTheMatcher(name: String) throws {
        let zone = try #require(SystemZones.zone(name))
        var random = Steps(seed: name.utf8.reduce(Self.seed) { $0 &* 31 &+ UInt64($1) })
        var compared = 0
        for span in spans(zone, &random) {
            let walk = MinuteWalk(zone, start: span.start, count: Self.spanMinutes)
            for _ in 0..<2 {
                let near = walk.readings[max(0, span.near - walk.first)]
                let cron = RandomCron(near: near, &random)
                // Such as 30 February: refused, and never a tick.
                guard let expression = try? CronExpression(cron.text) else { continue }
                let expected = cron.matcher.ticks(walk).map { Instant(seconds: Int64($0) * 60) }
                let timetable = Timetable(cron: expression, zone: zone)
                let start = Instant(seconds: Int64(walk.start) * 60)
                let end = Instant(seconds: Int64(walk.end) * 60)
                let wrong = difference(timetable, from: start, to: end, expected, &random)
                #expect(wrong == nil, "seed \(Self.seed): \"\(cron.text)\" in \(name) from \(start)")
                compared += expected.count
            }
        }
        #expect(compared >= Self.leastTicks)
        #expect(SystemZones.usual.count >= 30)
    }

    /// Spans with a change of the clocks in them, all there are, and spans anywhere.
    private func spans(_ zone: Zone, _ random: inout Steps) -> [(start: Int, near: Int)] {
        var spans: [(Int, Int)] = []
        func add(_ minute: Int, _ random: inout Steps) {
            spans.append((minute - Int.random(in: 60...(Self.spanMinutes - 600), using: &random), minute))
        }
        var time = Int64(Self.years.lowerBound) * 60
        while true {
            time = zone.period(at: time).end
            guard time < Int64(Self.years.upperBound) * 60 else { break }
            add(Int(time / 60), &random)
        }
        for _ in 0..<Self.randomSpans { add(Int.random(in: Self.years, using: &random), &random) }
        return spans
    }

    /// The first thing that is not as expected: ticks forward by their intervals, backward, and from instants between them.
    private func difference(
        _ timetable: Timetable, from start: Instant, to end: Instant, _ expected: [Instant], _ random: inout Steps
    ) -> String? {
        let least = TimeAmount(microseconds: 1)
        var tick = timetable.next(after: start - least)
        var before = timetable.previous(before: tick)
        if before >= start { return "\(before) is before the first, \(tick)" }
        for wanted in expected {
            if tick != wanted { return "\(tick) instead of \(wanted)" }
            if timetable.previous(before: tick) != before { return "not \(before) before \(tick)" }
            before = tick
            tick = timetable.interval(startingAt: tick).end
        }
        if tick < end { return "\(tick) is one too many" }
        if timetable.previous(before: end) != before { return "not \(before) before the end" }
        for _ in 0..<4 {
            let time = Instant(
                microseconds: Int64.random(in: start.microseconds..<end.microseconds, using: &random))
            if timetable.next(after: time) != expected.first(where: { $0 > time }) ?? tick {
                return "another after \(time)"
            }
            if let last = expected.last(where: { $0 <= time }), timetable.alignPrevious(time) != last {
                return "not \(last) as the last by \(time)"
            }
        }
        return nil
    }
}

/// A fixed time of the day comes once for each local date, over half a century.
struct CronDailyTests {
    @Test(arguments: [
        ("Europe/Zurich", 2, 30, 0), ("America/Sao_Paulo", 0, 0, 0), ("Australia/Lord_Howe", 2, 15, 0),
        ("Africa/Casablanca", 2, 59, 0), ("Antarctica/Troll", 1, 1, 0), ("Asia/Gaza", 0, 30, 0),
        ("Pacific/Apia", 12, 0, 0),
        // Clocks left out a whole date; midnight of it and of the following one are one instant.
        ("Pacific/Apia", 0, 0, 1), ("Pacific/Kwajalein", 0, 0, 1),
    ])
    func oneTickForEachLocalDate(name: String, hour: Int, minute: Int, merged: Int) throws {
        let zone = try #require(SystemZones.zone(name))
        let timetable = Timetable(cron: try CronExpression("\(minute) \(hour) * * *"), zone: zone)
        // Dates from 1990-01-01 to 2039-12-31.
        let dates = 7305..<25_567
        var tick = timetable.next(after: Instant(seconds: Int64(dates.lowerBound - 1) * 86_400))
        var same = 0
        var ticks = 0
        var before = Instant.distantPast
        for date in dates {
            let expected = Instant(seconds: firstReached(date * 86_400 + hour * 3600 + minute * 60, zone))
            if expected == before {
                same += 1
                continue
            }
            while ticks == 0, tick < expected { tick = timetable.next(after: tick) }
            try #require(tick == expected, "date \(date) after 1970-01-01")
            before = tick
            ticks += 1
            tick = timetable.next(after: tick)
        }
        #expect(same == merged)
        #expect(ticks + same == dates.count)
    }

    /// The first time at which clocks show a reading, or have jumped over it.
    private func firstReached(_ reading: Int, _ zone: Zone) -> Int64 {
        func shown(_ time: Int) -> Int { time + zone.offset(at: Instant(seconds: Int64(time))).seconds }
        let day = 26 * 3600
        let exact = [reading - day, reading, reading + day].map { reading - (shown($0) - $0) }
            .filter { shown($0) == reading }.min()
        if let exact { return Int64(exact) }
        var (low, high) = (reading - day, reading + day)
        while high - low > 1 {
            let middle = (low + high) / 2
            if shown(middle) < reading { low = middle } else { high = middle }
        }
        return Int64(high)
    }
}

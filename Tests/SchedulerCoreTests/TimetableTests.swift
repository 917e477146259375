import SchedulerCore
import Testing

struct TimetableTests {
    private func timetable(_ preset: String, _ zone: String = "UTC") throws -> Timetable {
        let zone = try #require(SystemZones.zone(zone))
        return try #require(Timetable(preset: preset, zone: zone))
    }

    /// The ticks after an instant, as many as are expected.
    static let ticks: [(preset: String, zone: String, after: String, expected: [String])] = [
        ("daily", "UTC", "2022-05-01T12:00:00Z", ["2022-05-02T00:00:00Z", "2022-05-03T00:00:00Z"]),
        ("daily", "UTC", "2022-05-02T00:00:00Z", ["2022-05-03T00:00:00Z"]),
        ("@weekly", "UTC", "2022-05-02T00:00:00Z", ["2022-05-08T00:00:00Z", "2022-05-15T00:00:00Z"]),
        ("monthly", "UTC", "2024-01-31T00:00:00Z", ["2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"]),
        ("quarterly", "UTC", "2024-01-01T00:00:00Z", ["2024-04-01T00:00:00Z", "2024-07-01T00:00:00Z"]),
        ("@yearly", "UTC", "2024-01-01T00:00:00Z", ["2025-01-01T00:00:00Z"]),
        ("monthly", "UTC", "1969-11-30T23:59:59.999999Z", ["1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z"]),
        // A day of 23 hours and one of 25.
        (
            "daily", "Europe/Zurich", "2024-03-30T00:00:00Z",
            ["2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z", "2024-04-01T22:00:00Z"]
        ),
        ("daily", "Europe/Zurich", "2024-10-26T22:00:00Z", ["2024-10-27T23:00:00Z", "2024-10-28T23:00:00Z"]),
        // Midnight does not exist.
        (
            "daily", "America/Sao_Paulo", "2018-11-03T00:00:00Z",
            ["2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]
        ),
        // Midnight occurs twice: the first counts, and once.
        (
            "daily", "America/St_Johns", "2010-11-07T00:00:00Z",
            ["2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"]
        ),
        ("daily", "America/St_Johns", "2010-11-07T02:30:00Z", ["2010-11-08T03:30:00Z"]),
        ("daily", "America/St_Johns", "2010-11-07T03:10:00Z", ["2010-11-08T03:30:00Z"]),
        // A whole date does not exist: its tick and the next date's are one.
        (
            "daily", "Pacific/Apia", "2011-12-29T00:00:00Z",
            ["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"]
        ),
        // The gap has no hour, the overlap has it twice.
        (
            "hourly", "Europe/Zurich", "2024-03-30T23:30:00Z",
            ["2024-03-31T00:00:00Z", "2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z"]
        ),
        (
            "hourly", "Europe/Zurich", "2024-10-26T23:30:00Z",
            ["2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z"]
        ),
        // Local :00 is not UTC's; half an hour is skipped in one, repeated in the other.
        ("hourly", "Asia/Kolkata", "2024-05-02T00:00:00Z", ["2024-05-02T00:30:00Z", "2024-05-02T01:30:00Z"]),
        (
            "hourly", "Australia/Lord_Howe", "2024-10-05T14:30:00Z",
            ["2024-10-05T16:00:00Z", "2024-10-05T17:00:00Z"]
        ),
        (
            "hourly", "Australia/Lord_Howe", "2024-04-06T13:30:00Z",
            ["2024-04-06T14:00:00Z", "2024-04-06T15:30:00Z"]
        ),
    ]

    @Test(arguments: ticks)
    func findsTheTicks(preset: String, zone: String, after: String, expected: [String]) throws {
        let timetable = try timetable(preset, zone)
        var time = try instant(after)
        for text in expected {
            let tick = timetable.next(after: time)
            #expect(tick.description == text)
            #expect(timetable.isTick(tick))
            #expect(!timetable.isTick(tick + TimeAmount(microseconds: 1)))
            time = tick
        }
        for text in expected.reversed() {
            #expect(timetable.previous(before: time + TimeAmount(microseconds: 1)).description == text)
            time = time - TimeAmount(microseconds: 1)
            time = timetable.previous(before: time)
        }
    }

    @Test(arguments: [
        ("30 6 * * *", "UTC", "2022-05-20", "2022-05-20T06:30:00Z"),
        ("0 0 * * *", "UTC", "2022-05-20", "2022-05-20T00:00:00Z"),
        ("30 * * * *", "UTC", "2022-05-20", "2022-05-20T00:30:00Z"),
        ("0 6 * * 1", "UTC", "2022-05-23", "2022-05-23T06:00:00Z"),
        ("0 6 * * 1", "UTC", "2022-05-24", "2022-05-23T06:00:00Z"),
        ("59 23 * * *", "UTC", "2022-05-20", "2022-05-20T23:59:00Z"),
        ("30 6 * * *", "Pacific/Auckland", "2022-05-20", "2022-05-19T18:30:00Z"),
        // The day begins at 01:00, and there is its tick.
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
    ])
    func aDateMeansTheIntervalThatStartsOnIt(cron: String, zone: String, date: String, expected: String) throws {
        let zone = try #require(SystemZones.zone(zone))
        let timetable = Timetable(cron: try CronExpression(cron), zone: zone)
        let interval = timetable.interval(of: try #require(CivilDate(date)))
        #expect(interval.start.description == expected)
        #expect(timetable.isTick(interval.start) && interval.end == timetable.next(after: interval.start))
    }

    /// Against a walk minute by minute: a day's tick is when the clocks first show its date or a later one, an hour's is
    /// every minute at which they show :00.
    @Test(arguments: [
        ("Europe/Zurich", "2024-03-28T00:00:00Z"), ("Europe/Zurich", "2024-10-24T00:00:00Z"),
        ("America/Sao_Paulo", "2018-11-01T00:00:00Z"), ("America/Sao_Paulo", "2019-02-14T00:00:00Z"),
        ("Australia/Lord_Howe", "2024-10-03T00:00:00Z"), ("Australia/Lord_Howe", "2024-04-04T00:00:00Z"),
        ("America/St_Johns", "2010-11-04T00:00:00Z"), ("America/St_Johns", "2010-03-11T00:00:00Z"),
        ("Pacific/Apia", "2011-12-27T00:00:00Z"), ("Asia/Kolkata", "2024-05-01T00:00:00Z"),
        ("Asia/Kathmandu", "1985-12-30T00:00:00Z"), ("Africa/Casablanca", "2024-03-08T00:00:00Z"),
    ])
    func agreesWithAWalkMinuteByMinute(name: String, from: String) throws {
        let zone = try #require(SystemZones.zone(name))
        let start = try instant(from)
        let minutes = Int64(6 * 24 * 60)
        var days: [Instant] = []
        var hours: [Instant] = []
        var latest = zone.date(at: start)
        for minute in 1...minutes {
            let time = Instant(seconds: start.wholeSeconds + minute * 60)
            let reading = zone.civil(at: time)
            if reading.date > latest {
                latest = reading.date
                days.append(time)
            }
            if reading.minute == 0 { hours.append(time) }
        }
        let end = Instant(seconds: start.wholeSeconds + minutes * 60)
        for (preset, expected) in [("daily", days), ("hourly", hours)] {
            let timetable = try timetable(preset, name)
            var found: [Instant] = []
            var tick = timetable.next(after: start)
            while tick <= end {
                found.append(tick)
                tick = timetable.next(after: tick)
            }
            #expect(found == expected)
            var back: [Instant] = []
            tick = timetable.previous(before: end + TimeAmount(microseconds: 1))
            while tick > start {
                back.append(tick)
                tick = timetable.previous(before: tick)
            }
            #expect(back.reversed() == expected)
        }
    }

    @Test(arguments: Timetable.presets, ["UTC", "Europe/Zurich", "America/Sao_Paulo", "Australia/Lord_Howe"])
    func intervalsAreContiguous(preset: String, zone: String) throws {
        let timetable = try timetable(preset, zone)
        var interval = timetable.interval(containing: try instant("2018-10-30T05:17:00Z"))
        #expect(interval.start <= (try instant("2018-10-30T05:17:00Z")))
        #expect(interval.end > (try instant("2018-10-30T05:17:00Z")))
        for _ in 0..<400 {
            try #require(interval.start < interval.end)
            try #require(timetable.previous(before: interval.end) == interval.start)
            try #require(timetable.alignNext(interval.start) == interval.start)
            try #require(timetable.alignPrevious(interval.start) == interval.start)
            let inside = interval.start + TimeAmount(seconds: 61)
            try #require(timetable.alignPrevious(inside) == interval.start)
            try #require(timetable.alignNext(inside) == interval.end)
            try #require(timetable.interval(containing: inside) == interval)
            try #require(
                timetable.interval(containing: interval.end - TimeAmount(microseconds: 1)) == interval)
            // Complete at its very end, not before.
            try #require(timetable.lastCompleteInterval(before: interval.end) == interval)
            try #require(
                timetable.lastCompleteInterval(before: interval.end - TimeAmount(microseconds: 1)).end
                    == interval.start)
            interval = timetable.interval(startingAt: interval.end)
        }
    }

    /// Clocks were set back over midnight: they show 6 November again, after the tick of the 7th.
    @Test func aTickStaysWhenTheClocksGoBackBehindIt() throws {
        let timetable = try timetable("daily", "America/St_Johns")
        let later = try instant("2010-11-07T03:10:00Z")
        #expect(timetable.zone.date(at: later).description == "2010-11-06")
        #expect(timetable.previous(before: later).description == "2010-11-07T02:30:00Z")
        #expect(timetable.interval(containing: later).end.description == "2010-11-08T03:30:00Z")
    }

    @Test func endsAtTheEndsOfTheCalendar() throws {
        for preset in Timetable.presets {
            let timetable = try timetable(preset, "Europe/Zurich")
            #expect(timetable.next(after: .distantFuture) == .distantFuture)
            #expect(timetable.previous(before: .distantPast) == .distantPast)
            #expect(timetable.next(after: .distantPast) > .distantPast)
            #expect(timetable.previous(before: .distantFuture) < .distantFuture)
            #expect(!timetable.isTick(try instant("2022-05-02T00:00:01Z")))
        }
    }

    @Test(arguments: [
        ("hourly", "every hour at minute 0 Europe/Zurich"), ("daily", "every day at 00:00 Europe/Zurich"),
        ("weekly", "every Sunday at 00:00 Europe/Zurich"),
        ("monthly", "on day 1 of every month at 00:00 Europe/Zurich"),
        ("quarterly", "on day 1 of January, April, July and October at 00:00 Europe/Zurich"),
        ("yearly", "on 1 January at 00:00 Europe/Zurich"),
    ])
    func saysWhatItMeans(preset: String, meaning: String) throws {
        let timetable = try timetable("@" + preset, "Europe/Zurich")
        #expect(timetable.meaning == meaning)
        #expect(timetable.name == preset)
    }

    @Test(arguments: ["", "@", "Daily", "@@daily", "0 0 * * *", "fortnightly"])
    func knowsOnlyThePresets(text: String) {
        #expect(Timetable(preset: text, zone: .utc) == nil)
    }
}

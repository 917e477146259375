import SchedulerCore
import Testing

struct CronTests {
    private func timetable(_ cron: String, _ zone: String = "UTC") throws -> Timetable {
        Timetable(cron: try CronExpression(cron), zone: try #require(SystemZones.zone(zone)))
    }

    private func ticks(_ cron: String, _ zone: String, after: String, _ count: Int) throws -> [String] {
        let timetable = try timetable(cron, zone)
        var time = try instant(after)
        return (0..<count).map { _ in
            time = timetable.next(after: time)
            return timetable.zone.text(of: time)
        }
    }

    /// SEMANTICS 3.2 with Weir's rule: a time in the gap happens at the first instant after it, one in the overlap at its
    /// first occurrence; with `*` hours what is skipped does not happen and what is repeated happens twice.
    static let transitions: [(cron: String, zone: String, after: String, expected: [String])] = [
        (
            "30 2 * * *", "Europe/Zurich", "2024-03-30T00:00:00Z",
            ["2024-03-30T02:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00"]
        ),
        (
            "30 2 * * *", "Europe/Zurich", "2024-10-26T00:00:00Z",
            ["2024-10-26T02:30:00+02:00", "2024-10-27T02:30:00+02:00", "2024-10-28T02:30:00+01:00"]
        ),
        (
            "0 2,3 * * *", "Europe/Zurich", "2024-03-30T12:00:00Z",
            ["2024-03-31T03:00:00+02:00", "2024-04-01T02:00:00+02:00", "2024-04-01T03:00:00+02:00"]
        ),
        (
            "15,45 2 * * *", "Europe/Zurich", "2024-03-30T12:00:00Z",
            ["2024-03-31T03:00:00+02:00", "2024-04-01T02:15:00+02:00", "2024-04-01T02:45:00+02:00"]
        ),
        (
            "30 * * * *", "Europe/Zurich", "2024-03-30T23:45:00Z",
            ["2024-03-31T01:30:00+01:00", "2024-03-31T03:30:00+02:00"]
        ),
        (
            "30 * * * *", "Europe/Zurich", "2024-10-26T23:00:00Z",
            [
                "2024-10-27T01:30:00+02:00", "2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00",
                "2024-10-27T03:30:00+01:00",
            ]
        ),
        (
            "*/30 * * * *", "Europe/Zurich", "2024-03-31T00:30:00Z",
            ["2024-03-31T03:00:00+02:00", "2024-03-31T03:30:00+02:00"]
        ),
        (
            "0 */2 * * *", "Europe/Zurich", "2024-03-30T22:30:00Z",
            ["2024-03-31T00:00:00+01:00", "2024-03-31T04:00:00+02:00"]
        ),
        (
            "0 */2 * * *", "Europe/Zurich", "2024-10-26T22:30:00Z",
            ["2024-10-27T02:00:00+02:00", "2024-10-27T02:00:00+01:00", "2024-10-27T04:00:00+01:00"]
        ),
        (
            "0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z",
            ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"]
        ),
        (
            "30 2 * * *", "Australia/Lord_Howe", "2024-10-05T12:00:00Z",
            ["2024-10-06T02:30:00+11:00", "2024-10-07T02:30:00+11:00"]
        ),
        (
            "15 2 * * *", "Australia/Lord_Howe", "2024-10-05T12:00:00Z",
            ["2024-10-06T02:30:00+11:00", "2024-10-07T02:15:00+11:00"]
        ),
        (
            "0 * * * *", "Asia/Kolkata", "2024-05-02T00:00:00Z",
            ["2024-05-02T06:00:00+05:30", "2024-05-02T07:00:00+05:30"]
        ),
    ]

    @Test(arguments: transitions)
    func transitionsOfAZone(cron: String, zone: String, after: String, expected: [String]) throws {
        #expect(try ticks(cron, zone, after: after, expected.count) == expected)
    }

    static let calendar: [(cron: String, after: String, expected: [String])] = [
        ("0 0 31 * *", "2022-01-31T00:00:00Z", ["2022-03-31", "2022-05-31", "2022-07-31"]),
        ("0 0 29 2 *", "2096-02-29T00:00:00Z", ["2104-02-29", "2108-02-29"]),
        ("0 0 L * *", "2024-01-31T00:00:00Z", ["2024-02-29", "2024-03-31", "2024-04-30"]),
        ("0 0 15,L 2 *", "2023-01-01T00:00:00Z", ["2023-02-15", "2023-02-28", "2024-02-15"]),
        // Either day when both are restricted, as in cronie; both when one begins with a star.
        ("0 0 1 * 1", "2024-01-01T00:00:00Z", ["2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29", "2024-02-01"]),
        ("0 0 */2 * 1", "2024-01-01T00:00:00Z", ["2024-01-15", "2024-01-29", "2024-02-05"]),
        ("0 0 * * mon#2", "2024-01-01T00:00:00Z", ["2024-01-08", "2024-02-12", "2024-03-11"]),
        ("0 0 * * FRI#5", "2024-01-01T00:00:00Z", ["2024-03-29", "2024-05-31", "2024-08-30"]),
        ("0 0 13 * fri", "2024-09-01T00:00:00Z", ["2024-09-06", "2024-09-13"]),
        ("0 0 * * 7", "2024-01-01T00:00:00Z", ["2024-01-07", "2024-01-14"]),
        ("0 0 * * 5-7", "2024-01-01T00:00:00Z", ["2024-01-05", "2024-01-06", "2024-01-07", "2024-01-12"]),
        ("0 0 1 jan,JUL *", "2024-01-01T00:00:00Z", ["2024-07-01", "2025-01-01"]),
        ("0 0 1 */5 *", "2024-01-01T00:00:00Z", ["2024-06-01", "2024-11-01", "2025-01-01"]),
    ]

    @Test(arguments: calendar) func daysOfACalendar(cron: String, after: String, expected: [String]) throws {
        let found = try ticks(cron, "UTC", after: after, expected.count)
        #expect(found == expected.map { $0 + "T00:00:00+00:00" })
    }

    @Test(arguments: [
        ("", "\"\" has 0 fields; cron has 5: minute hour day month weekday"),
        ("* * * *", "\"* * * *\" has 4 fields; cron has 5: minute hour day month weekday"),
        ("0 0 0 * * *", "\"0 0 0 * * *\" has 6 fields; cron has 5: minute hour day month weekday"),
        ("60 * * * *", "\"60 * * * *\": 60 is no minute; it is 0 to 59"),
        ("* 24 * * *", "\"* 24 * * *\": 24 is no hour; it is 0 to 23"),
        ("* * 0 * *", "\"* * 0 * *\": 0 is no day of the month; it is 1 to 31"),
        ("* * * 13 *", "\"* * * 13 *\": 13 is no month; it is 1 to 12"),
        ("* * * * 8", "\"* * * * 8\": 8 is no day of the week; it is 0 to 7"),
        ("*/0 * * * *", "\"*/0 * * * *\": \"*/0\": a step is a number from 1 to 59"),
        ("5/10 * * * *", "\"5/10 * * * *\": \"5/10\": a step needs a range; write 5-59/10"),
        ("* 22-2 * * *", "\"* 22-2 * * *\": \"22-2\" runs backwards; write 22-23,0-2"),
        ("* * * * mno", "\"* * * * mno\": \"mno\" is no day of the week; did you mean \"mon\"?"),
        ("* * * * mon#6", "\"* * * * mon#6\": \"mon#6\": after \"#\" comes 1 to 5, as in mon#2 for the second Monday"),
        ("* * 3#2 * *", "\"* * 3#2 * *\": \"#\" only goes with the day of the week, as in mon#2"),
        ("* * L L *", "\"* * L L *\": \"L\" is no month"),
        ("1,,2 * * * *", "\"1,,2 * * * *\": \"\" is no minute"),
        ("0 0 30 2 *", "\"0 0 30 2 *\" never happens: no such day is in these months"),
        ("0 0 31 4,6,9,11 *", "\"0 0 31 4,6,9,11 *\" never happens: no such day is in these months"),
        ("-1 * * * *", "\"-1 * * * *\": \"\" is no minute"),
    ])
    func whatCannotBeReadIsTold(text: String, message: String) {
        let problem = #expect(throws: CronExpression.Problem.self) { try CronExpression(text) }
        #expect(problem?.message == message)
    }

    @Test(arguments: [
        ("* * * * *", "every minute"), ("*/15 * * * *", "every 15 minutes"), ("0 * * * *", "every hour at minute 0"),
        ("5,35 * * * *", "every hour at minute 5 and 35"), ("30 2 * * *", "every day at 02:30"),
        ("0 6,18 * * *", "every day at 06:00 and 18:00"), ("0 0 1 * 1", "at 00:00 on day 1 of the month or on Monday"),
        ("0 0 */10 * 1", "at 00:00 on day 1, 11, 21 and 31 of the month if it is Monday"),
        ("0 9 * * mon-fri", "at 09:00 on Monday, Tuesday, Wednesday, Thursday and Friday"),
        ("0 0 L * *", "at 00:00 on day the last of the month"),
        ("0 0 * * mon#2", "at 00:00 on the second Monday"),
        ("0 12 24 12 *", "at 12:00 on day 24 of the month in December"),
        ("*/10 8-17 * * *", "at minute 0, 10, 20, 30, 40 and 50 of hour 8, 9, 10, 11, 12, 13, 14, 15, 16 and 17"),
        ("0 0 * 1,7 *", "at 00:00 in January and July"),
    ])
    func theMeaningIsToldInWords(text: String, meaning: String) throws {
        #expect(try CronExpression(text).meaning == meaning)
    }
}

/// Random expressions against a matcher that looks at every minute.
struct CronMatcherTests {
    private struct Generator {
        var state: UInt64

        init(seed: UInt64) {
            state = seed
        }

        mutating func next(_ range: ClosedRange<Int>) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return range.lowerBound + Int((state >> 33) % UInt64(range.count))
        }

        mutating func field(_ bounds: ClosedRange<Int>, starIn: Int) -> (text: String, values: Set<Int>, isStar: Bool) {
            switch next(0...starIn) {
            case 0...(starIn / 2): return ("*", Set(bounds), true)
            case starIn / 2 + 1:
                let step = next(1...max(1, bounds.upperBound / 2))
                return ("*/\(step)", Set(stride(from: bounds.lowerBound, through: bounds.upperBound, by: step)), true)
            default:
                var values: Set<Int> = []
                var parts: [String] = []
                for _ in 0...next(0...2) {
                    let low = next(bounds)
                    let high = next(low...bounds.upperBound)
                    if next(0...1) == 0 {
                        parts.append("\(low)")
                        values.insert(low)
                    } else {
                        let step = next(1...4)
                        parts.append("\(low)-\(high)/\(step)")
                        values.formUnion(stride(from: low, through: high, by: step))
                    }
                }
                return (parts.joined(separator: ","), values, false)
            }
        }
    }

    /// What an expression matches, told in another way than the one that is tested.
    private struct Oracle {
        var text: String
        var minutes: Set<Int>
        var hours: Set<Int>
        var days: Set<Int>
        var months: Set<Int>
        var weekdays: Set<Int>
        var hourIsStar: Bool
        var either: Bool

        init(_ random: inout Generator) {
            let minute = random.field(0...59, starIn: 3)
            let hour = random.field(0...23, starIn: 3)
            let day = random.field(1...28, starIn: 5)
            let month = random.field(1...12, starIn: 9)
            let weekday = random.field(0...6, starIn: 5)
            text = [minute, hour, day, month, weekday].map(\.text).joined(separator: " ")
            minutes = minute.values
            hours = hour.values
            // "*" and "*/n" of the field that is tested go up to 31.
            days = day.text == "*" ? Set(1...31) : day.values
            if day.text.hasPrefix("*/"), let step = Int(day.text.dropFirst(2)) {
                days = Set(stride(from: 1, through: 31, by: step))
            }
            months = month.values
            weekdays = weekday.values
            hourIsStar = hour.isStar
            either = !day.isStar && !weekday.isStar
        }

        func matches(_ time: CivilDateTime) -> Bool {
            guard time.second == 0, minutes.contains(time.minute), hours.contains(time.hour),
                months.contains(time.date.month)
            else { return false }
            let day = days.contains(time.date.day)
            let weekday = weekdays.contains(time.date.weekday)
            return either ? day || weekday : day && weekday
        }

        /// Every tick in a span of minutes, found minute by minute.
        func ticks(from start: Instant, minutes count: Int, _ zone: Zone) -> [Instant] {
            var found: Set<Instant> = []
            if hourIsStar {
                for minute in 0..<count {
                    let instant = start + TimeAmount(seconds: Int64(minute) * 60)
                    if matches(zone.civil(at: instant)) { found.insert(instant) }
                }
            } else {
                // Readings from a day before to a day after, so that none whose instant lies in the span is missed.
                let first = zone.civil(at: start).date.adding(days: -1)
                for minute in 0..<(count + 4 * 1440) {
                    let date = first.adding(days: minute / 1440)
                    guard let time = CivilDateTime(date: date, hour: minute / 60 % 24, minute: minute % 60),
                        matches(time)
                    else { continue }
                    found.insert(zone.firstInstant(of: time))
                }
            }
            let end = start + TimeAmount(seconds: Int64(count) * 60)
            return found.filter { $0 >= start && $0 < end }.sorted()
        }
    }

    /// Spans around transitions of all sorts, and one without any.
    static let spans: [(zone: String, start: String)] = [
        ("UTC", "2024-02-27T00:00:00Z"), ("Europe/Zurich", "2024-03-30T00:00:00Z"),
        ("Europe/Zurich", "2024-10-26T00:00:00Z"), ("Australia/Lord_Howe", "2024-10-05T00:00:00Z"),
        ("Australia/Lord_Howe", "2024-04-06T00:00:00Z"), ("America/Sao_Paulo", "2018-11-03T00:00:00Z"),
        ("America/St_Johns", "2010-11-06T00:00:00Z"), ("Pacific/Apia", "2011-12-29T00:00:00Z"),
        ("Asia/Kathmandu", "1985-12-31T00:00:00Z"), ("America/New_York", "2024-03-09T00:00:00Z"),
        ("Africa/Casablanca", "2024-03-09T00:00:00Z"), ("Pacific/Kwajalein", "1993-08-20T00:00:00Z"),
    ]

    @Test(arguments: spans) func ticksAreThoseOfTheMatcher(zone: String, start: String) throws {
        let zone = try #require(SystemZones.zone(zone))
        let start = try instant(start)
        let minutes = 3 * 1440
        let end = start + TimeAmount(seconds: Int64(minutes) * 60)
        for seed in UInt64(1)...40 {
            var random = Generator(seed: seed)
            let oracle = Oracle(&random)
            // Such as 30 February: refused, and never a tick.
            guard let cron = try? CronExpression(oracle.text) else { continue }
            let timetable = Timetable(cron: cron, zone: zone)
            let expected = oracle.ticks(from: start, minutes: minutes, zone)
            var forward: [Instant] = []
            var time = start - TimeAmount(microseconds: 1)
            while forward.count <= expected.count {
                time = timetable.next(after: time)
                if time >= end { break }
                forward.append(time)
            }
            #expect(forward == expected, "seed \(seed): \(oracle.text) in \(zone.name)")
            var backward: [Instant] = []
            time = end
            while backward.count <= expected.count {
                time = timetable.previous(before: time)
                if time < start { break }
                backward.append(time)
            }
            #expect(backward == expected.reversed(), "seed \(seed): \(oracle.text) in \(zone.name), backwards")
        }
    }
}

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
            "0 2 * * *", "Europe/Zurich", "2024-03-30T12:00:00Z",
            ["2024-03-31T03:00:00+02:00", "2024-04-01T02:00:00+02:00"]
        ),
        (
            "0 3 * * *", "Europe/Zurich", "2024-03-30T12:00:00Z",
            ["2024-03-31T03:00:00+02:00", "2024-04-01T03:00:00+02:00"]
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
            "*/30 * * * *", "Europe/Zurich", "2024-03-31T00:00:00Z",
            ["2024-03-31T01:30:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T03:30:00+02:00"]
        ),
        (
            "*/30 * * * *", "Europe/Zurich", "2024-10-26T23:30:00Z",
            [
                "2024-10-27T02:00:00+02:00", "2024-10-27T02:30:00+02:00", "2024-10-27T02:00:00+01:00",
                "2024-10-27T02:30:00+01:00", "2024-10-27T03:00:00+01:00",
            ]
        ),
        (
            "0 */2 * * *", "Europe/Zurich", "2024-03-30T22:30:00Z",
            ["2024-03-31T00:00:00+01:00", "2024-03-31T04:00:00+02:00"]
        ),
        (
            "0 */2 * * *", "Europe/Zurich", "2024-10-26T20:30:00Z",
            [
                "2024-10-27T00:00:00+02:00", "2024-10-27T02:00:00+02:00", "2024-10-27T02:00:00+01:00",
                "2024-10-27T04:00:00+01:00",
            ]
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
        // A fifth Sunday in February on an odd day: the 29th, which 2100 does not have.
        ("0 0 */2 2 sun#5", "2088-01-01T00:00:00Z", ["2088-02-29", "2128-02-29"]),
        ("0 0 */27 2 mon#4", "2024-01-01T00:00:00Z", ["2028-02-28", "2033-02-28"]),
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
        ("0 0 */30 * mon#2", "\"0 0 */30 * mon#2\" never happens: no such day is in these months"),
        ("0 0 */15 2 sun#4", "\"0 0 */15 2 sun#4\" never happens: no such day is in these months"),
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
        ("0 0 L * *", "at 00:00 on the last day of the month"),
        ("0 0 15,L * *", "at 00:00 on day 15 and the last day of the month"), ("0 0 1-31 * mon", "every day at 00:00"),
        ("0 0 1 * 0-6", "every day at 00:00"), ("0 0 * * mon#2", "at 00:00 on the second Monday"),
        ("0 12 24 12 *", "at 12:00 on day 24 of the month in December"),
        ("*/10 8-17 * * *", "at minute 0, 10, 20, 30, 40 and 50 of hour 8, 9, 10, 11, 12, 13, 14, 15, 16 and 17"),
        ("0 0 * 1,7 *", "at 00:00 in January and July"),
    ])
    func theMeaningIsToldInWords(text: String, meaning: String) throws {
        #expect(try CronExpression(text).meaning == meaning)
    }
}

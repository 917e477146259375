import SchedulerCore
import Testing

struct TimeTextTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2022-05-02T00:00:00Z", 1_651_449_600_000_000),
        ("2022-05-02T02:00:00+02:00", 1_651_449_600_000_000), ("2022-05-01T19:30:00-04:30", 1_651_449_600_000_000),
        ("2022-05-02T00:00:00.5Z", 1_651_449_600_500_000), ("2022-05-02t00:00:00.000001z", 1_651_449_600_000_001),
        ("2022-05-02T00:00:00.123456789Z", 1_651_449_600_123_456), ("1969-12-31T23:59:59.999999Z", -1),
        ("2000-02-29T12:00:00Z", 951_825_600_000_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000_000),
    ])
    func readsRFC3339(text: String, microseconds: Int64) {
        #expect(Instant(rfc3339: text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2022-05-02", "2022-05-02T00:00Z", "2022-05-02T00:00:00", "2022-05-02 00:00:00Z", "2022-5-2T00:00:00Z",
        "2022-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2022-13-01T00:00:00Z", "2022-00-01T00:00:00Z",
        "2022-05-00T00:00:00Z", "2022-05-02T24:00:00Z", "2022-05-02T00:60:00Z", "2016-12-31T23:59:60Z",
        "2022-05-02T00:00:00.Z", "2022-05-02T00:00:00.1234567890Z", "2022-05-02T00:00:00+2:00",
        "2022-05-02T00:00:00+24:00", "2022-05-02T00:00:00+02:60", "2022-05-02T00:00:00+0200", "2022-05-02T00:00:00ZZ",
        " 2022-05-02T00:00:00Z", "+2022-05-02T00:00:00Z", "２022-05-02T00:00:00Z",
    ])
    func refusesWhatIsNotRFC3339(text: String) {
        #expect(Instant(rfc3339: text) == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (1_651_449_600_500_000, "2022-05-02T00:00:00.500000Z"), (1, "1970-01-01T00:00:00.000001Z"),
    ])
    func writesRFC3339(microseconds: Int64, text: String) {
        #expect(Instant(microseconds: microseconds).description == text)
    }

    @Test func everyInstantComesBackFromItsText() {
        var generator = Steps(seed: 7)
        for _ in 0..<2000 {
            // Years 0 to 9999.
            let value = Int64.random(in: -62_167_219_200_000_000...253_402_300_799_999_999, using: &generator)
            let instant = Instant(microseconds: value)
            #expect(Instant(rfc3339: instant.description) == instant)
        }
    }

    @Test func endsOfTheRangeHaveATextAndDoNotTrap() {
        #expect(Instant.distantFuture.description == "294247-01-10T04:00:54.775807Z")
        #expect(Instant.distantPast.description.hasPrefix("-290308-"))
        #expect(Instant.distantFuture + TimeAmount(seconds: 1) == .distantFuture)
        #expect(Instant.distantPast - TimeAmount(seconds: 1) == .distantPast)
        #expect((Instant.distantFuture - Instant.distantPast).microseconds == .max)
        #expect((Instant.distantPast - Instant.distantFuture).microseconds == .min)
    }

    @Test func civilDatesCountEveryDayOnce() throws {
        let first = try #require(CivilDate(year: 0, month: 1, day: 1))
        var (year, month, day, weekday) = (0, 1, 1, first.weekday)
        for days in first.daysSinceEpoch..<(first.daysSinceEpoch + 146_097 * 2) {
            let date = CivilDate(daysSinceEpoch: days)
            try #require(date == CivilDate(year: year, month: month, day: day))
            try #require(date.daysSinceEpoch == days && date.weekday == weekday)
            weekday = (weekday + 1) % 7
            day += 1
            if day > CivilDate.daysInMonth(year: year, month: month) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
        #expect(CivilDate("2022-05-02")?.weekday == 1)
        #expect(CivilDate("2024-02-29")?.adding(days: 1).description == "2024-03-01")
        #expect(CivilDate("2022-05-02")?.compact == "20220502")
        #expect(CivilDate("2022-05-02x") == nil)
        #expect(CivilDate(year: 10_000, month: 1, day: 1) == nil)
    }

    @Test(arguments: [
        ("90s", 90_000_000, "1m30s"), ("15m", 900_000_000, "15m"), ("2h", 7_200_000_000, "2h"),
        ("7d", 604_800_000_000, "7d"), ("1h30m", 5_400_000_000, "1h30m"), ("500ms", 500_000, "500ms"), ("0s", 0, "0s"),
        ("1d2h3m4s5ms6us", 93_784_005_006, "1d2h3m4s5ms6us"), ("36h", 129_600_000_000, "1d12h"),
    ])
    func amountsReadAndWrite(text: String, microseconds: Int64, written: String) {
        #expect(TimeAmount(parsing: text)?.microseconds == microseconds)
        #expect(TimeAmount(microseconds: microseconds).description == written)
        #expect(TimeAmount(parsing: written)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "90", "s", "-5s", "+5s", "1.5h", "5 m", "5S", "30m1h", "1h1h", "5min", "1w", "106751992d",
        "99999999999999999999s", "1h ", "９s",
    ])
    func amountsRefuseOtherTexts(text: String) {
        #expect(TimeAmount(parsing: text) == nil)
    }

    @Test func amountsHaveATextAtTheEndsOfTheirRange() {
        #expect(TimeAmount(microseconds: -1_500_000).description == "-1s500ms")
        #expect(TimeAmount(microseconds: .min).description == "-106751991d4h54s775ms808us")
    }
}

/// A small deterministic source of random numbers (SplitMix64).
struct Steps: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

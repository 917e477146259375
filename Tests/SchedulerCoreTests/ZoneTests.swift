import SchedulerCore
import Testing

struct ZoneTests {
    static let offsets: [(zone: String, time: String, seconds: Int, abbreviation: String)] = [
        ("Europe/Zurich", "1850-01-01T00:00:00Z", 2048, "LMT"),
        ("Europe/Zurich", "1890-01-01T00:00:00Z", 1786, "BMT"),
        ("Europe/Zurich", "1941-06-01T00:00:00Z", 7200, "CEST"),
        ("Europe/Zurich", "1976-07-01T00:00:00Z", 3600, "CET"),
        ("Europe/Zurich", "2024-03-31T00:59:59Z", 3600, "CET"),
        ("Europe/Zurich", "2024-03-31T01:00:00Z", 7200, "CEST"),
        ("Europe/Zurich", "2024-10-27T00:59:59Z", 7200, "CEST"),
        ("Europe/Zurich", "2024-10-27T01:00:00Z", 3600, "CET"),
        ("Europe/Zurich", "2060-03-28T00:59:59Z", 3600, "CET"),
        ("Europe/Zurich", "2060-03-28T01:00:00Z", 7200, "CEST"),
        ("Europe/Zurich", "2060-10-31T00:59:59Z", 7200, "CEST"),
        ("Europe/Zurich", "2060-10-31T01:00:00Z", 3600, "CET"),
        ("America/Sao_Paulo", "2018-11-04T02:59:59Z", -10800, "-03"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z", -7200, "-02"),
        ("America/Sao_Paulo", "2019-02-17T02:00:00Z", -10800, "-03"),
        ("Australia/Lord_Howe", "2024-10-05T15:29:59Z", 37800, "+1030"),
        ("Australia/Lord_Howe", "2024-10-05T15:30:00Z", 39600, "+11"),
        ("Australia/Lord_Howe", "2060-01-01T00:00:00Z", 39600, "+11"),
        ("Asia/Kolkata", "1943-01-01T00:00:00Z", 23400, "+0630"),
        ("Asia/Kolkata", "2024-01-01T00:00:00Z", 19800, "IST"),
        ("Europe/Dublin", "2060-01-15T00:00:00Z", 0, "GMT"),
        ("Europe/Dublin", "2060-07-15T00:00:00Z", 3600, "IST"),
        ("Pacific/Apia", "2011-12-30T09:59:59Z", -36000, "-10"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", 50400, "+14"),
        ("UTC", "1900-01-01T00:00:00Z", 0, "UTC"),
        ("UTC", "2100-01-01T00:00:00Z", 0, "UTC"),
    ]

    @Test(arguments: offsets)
    func knowsTheOffset(name: String, time: String, seconds: Int, abbreviation: String) throws {
        let offset = try #require(SystemZones.zone(name)).offset(at: try instant(time))
        #expect(offset.seconds == seconds)
        #expect(offset.abbreviation == abbreviation)
    }

    static let readings: [(zone: String, reading: String, first: String, kind: String)] = [
        ("Europe/Zurich", "2024-03-31T01:59:59", "2024-03-31T00:59:59Z", "unique"),
        ("Europe/Zurich", "2024-03-31T02:00", "2024-03-31T01:00:00Z", "gap"),
        ("Europe/Zurich", "2024-03-31T02:30", "2024-03-31T01:00:00Z", "gap"),
        ("Europe/Zurich", "2024-03-31T03:00", "2024-03-31T01:00:00Z", "unique"),
        ("Europe/Zurich", "2024-10-27T02:30", "2024-10-27T00:30:00Z", "ambiguous 2024-10-27T01:30:00Z"),
        ("Europe/Zurich", "2024-10-27T03:00", "2024-10-27T02:00:00Z", "unique"),
        ("Europe/Zurich", "2060-03-28T02:30", "2060-03-28T01:00:00Z", "gap"),
        ("Europe/Zurich", "2060-10-31T02:00", "2060-10-31T00:00:00Z", "ambiguous 2060-10-31T01:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "gap"),
        ("Australia/Lord_Howe", "2024-10-06T02:15", "2024-10-05T15:30:00Z", "gap"),
        ("Australia/Lord_Howe", "2024-04-07T01:45", "2024-04-06T14:45:00Z", "ambiguous 2024-04-06T15:15:00Z"),
        ("Asia/Kolkata", "2024-05-02T05:30", "2024-05-02T00:00:00Z", "unique"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z", "gap"),
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "ambiguous 2010-11-07T03:30:00Z"),
        ("UTC", "2022-05-02T10:00:00.25", "2022-05-02T10:00:00.250000Z", "unique"),
    ]

    @Test(arguments: readings)
    func findsTheInstantsOfAReading(name: String, text: String, first: String, kind: String) throws {
        let zone = try #require(SystemZones.zone(name))
        let first = try instant(first)
        let parsed = try #require(Instant.parse(text, in: zone))
        #expect(parsed.instant == first)
        #expect(parsed.isDateOnly == !text.contains("T"))
        // Read in UTC the text gives the reading itself.
        let inUTC = try #require(Instant.parse(text, in: .utc))
        let reading = Zone.utc.civil(at: inUTC.instant)
        switch zone.instants(of: reading) {
        case .unique(let instant): #expect((instant, "unique") == (first, kind))
        case .gap(let after): #expect((after, "gap") == (first, kind))
        case .ambiguous(let one, let two): #expect((one, "ambiguous \(two)") == (first, kind))
        }
    }

    /// Every instant is among those of its own reading, and no reading has an instant that shows another.
    @Test(arguments: [
        ("Europe/Zurich", "1977-01-01T00:00:00Z"), ("Europe/Zurich", "2036-06-01T00:00:00Z"),
        ("Australia/Lord_Howe", "2024-01-01T00:00:00Z"), ("Africa/Casablanca", "2024-01-01T00:00:00Z"),
        ("America/St_Johns", "2010-01-01T00:00:00Z"), ("Pacific/Apia", "2011-06-01T00:00:00Z"),
        ("Europe/Dublin", "2050-01-01T00:00:00Z"),
    ])
    func readingsAndInstantsAgree(name: String, from: String) throws {
        let zone = try #require(SystemZones.zone(name))
        var time = try instant(from)
        for _ in 0..<(400 * 24 * 2) {
            let reading = zone.civil(at: time)
            switch zone.instants(of: reading) {
            case .unique(let instant): try #require(instant == time)
            case .ambiguous(let one, let two):
                try #require(one < two && (one == time || two == time))
                try #require(zone.civil(at: one) == reading && zone.civil(at: two) == reading)
            case .gap: Issue.record("\(reading) is shown at \(time)")
            }
            time = time + TimeAmount(seconds: 1800)
        }
    }

    @Test func parsesDatesAsPeopleWriteThem() throws {
        let zone = try #require(SystemZones.zone("Europe/Zurich"))
        #expect(Instant.parse("2022-05-02", in: zone)?.instant == (try instant("2022-05-01T22:00:00Z")))
        #expect(Instant.parse("2022-05-02T00:00:00Z", in: zone)?.instant == (try instant("2022-05-02T00:00:00Z")))
        #expect(Instant.parse("2022-05-02T00:00:00+05:30", in: zone)?.instant == (try instant("2022-05-01T18:30:00Z")))
        // In UTC these are of the years -1 and 10000, which RFC 3339 cannot write.
        #expect(Instant.parse("0000-01-01", in: zone) == nil && Instant.parse("0000-01-01", in: .utc) != nil)
        #expect(Instant.parse("0000-01-01T00:00:00+00:01", in: .utc) == nil)
        #expect(Instant(rfc3339: "9999-12-31T23:59:59-00:01") == nil)
        #expect(Instant(rfc3339: "9999-12-31T23:59:59.999999Z") != nil)
        for text in ["", "yesterday", "2022-05", "2022-05-02T", "2022-05-02T10", "2022-05-02T10:00Z", "2022-02-30"] {
            #expect(Instant.parse(text, in: zone) == nil)
        }
        #expect(zone.text(of: try instant("2022-05-01T22:00:00Z")) == "2022-05-02T00:00:00+02:00")
        #expect(zone.date(at: try instant("2022-05-01T22:00:00Z")).description == "2022-05-02")
    }

    @Test func daysBeginAndEndWhereTheClocksSay() throws {
        let saoPaulo = try #require(SystemZones.zone("America/Sao_Paulo"))
        let date = try #require(CivilDate("2018-11-04"))
        #expect(saoPaulo.startOfDay(date) == (try instant("2018-11-04T03:00:00Z")))
        #expect(saoPaulo.endOfDay(date) == (try instant("2018-11-05T01:59:59.999999Z")))
    }

    // MARK: The file format

    @Test(arguments: [
        // Text of the rule, an instant, and the offset there.
        ("CET-1CEST,M3.5.0,M10.5.0/3", "2024-07-01T00:00:00Z", 7200),
        ("<+0530>-5:30", "2024-07-01T00:00:00Z", 19800),
        ("IST-1GMT0,M10.5.0,M3.5.0/1", "2024-12-01T00:00:00Z", 0),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2060-03-28T00:59:59Z", -7200),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2060-03-28T01:00:00Z", -3600),
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", "2060-03-26T23:59:59Z", 7200),
        ("EET-2EEST,M3.4.4/50,M10.4.4/50", "2060-03-27T00:00:00Z", 10800),
        ("XXX3EDT4,0/0,J365/23", "2024-12-31T23:30:00Z", -14400),
        ("AAA0BBB,J60/0,J61/0", "2024-03-01T12:00:00Z", 3600),
        ("AAA0BBB,J59/0,J60/0", "2024-02-28T12:00:00Z", 3600),
        ("AAA0BBB,J59/0,J60/0", "2024-02-29T12:00:00Z", 3600),
        ("AAA0BBB,J59/0,J60/0", "2024-03-01T12:00:00Z", 0),
        ("AAA0BBB,59/0,60/0", "2024-02-29T12:00:00Z", 3600),
        ("AAA0BBB,59/0,60/0", "2024-03-01T12:00:00Z", 0),
    ])
    func followsTheRuleAfterTheLastChange(footer: String, time: String, seconds: Int) throws {
        let zone = try #require(Zone(name: "X", tzif: TZifFile(footer: footer).bytes))
        #expect(zone.offset(at: try instant(time)).seconds == seconds)
    }

    @Test(arguments: [
        "CET", "-1", "CE-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "CET-1CEST,366,5", "CET-25", "CET-1:60", "<CET-1", "CET-1 ",
        "CET-1CEST,M3.5.0/168,M10.5.0",
    ])
    func refusesAWrongRule(footer: String) {
        #expect(Zone(name: "X", tzif: TZifFile(footer: footer).bytes) == nil)
    }

    @Test func readsVersionOneWithoutARule() throws {
        var file = TZifFile(version: 0, changes: [(1000, 1)], types: [(3600, 0, 0), (7200, 1, 4)], names: "ONE\0TWO\0")
        let zone = try #require(Zone(name: "X", tzif: file.bytes))
        #expect(zone.offset(at: Instant(seconds: 999)) == (3600, "ONE"))
        #expect(zone.offset(at: Instant(seconds: 1000)) == (7200, "TWO"))
        #expect(zone.offset(at: .distantFuture) == (7200, "TWO"))
        #expect(zone.offset(at: .distantPast) == (3600, "ONE"))
        file.version = UInt8(ascii: "3")
        file.footer = ""
        #expect(Zone(name: "X", tzif: file.bytes)?.offset(at: Instant(seconds: 5000)).seconds == 7200)
    }

    @Test func refusesMalformedFiles() {
        let good = TZifFile(changes: [(1000, 1)], types: [(0, 0, 0), (7200, 1, 0)], footer: "UTC0")
        #expect(Zone(name: "X", tzif: good.bytes) != nil)
        // No prefix of a file is a file.
        for count in 0..<good.bytes.count { #expect(Zone(name: "X", tzif: Array(good.bytes.prefix(count))) == nil) }

        func refused(_ change: (inout TZifFile) -> Void) -> Bool {
            var file = good
            change(&file)
            return Zone(name: "X", tzif: file.bytes) == nil
        }
        #expect(refused { $0.changes = [(1000, 2)] })
        #expect(refused { $0.changes = [(1000, 1), (1000, 0)] })
        #expect(refused { $0.changes = [(.min, 1)] })
        #expect(refused { $0.types[1].offset = 26 * 3600 })
        #expect(refused { $0.types[1].offset = .min })
        #expect(refused { $0.types[1].isSummer = 2 })
        #expect(refused { $0.types[1].name = 4 })
        #expect(refused { $0.names = "UTC" })
        #expect(refused { $0.types = [] })
        #expect(refused { $0.leapSeconds = 1 })
        #expect(Zone(name: "X", tzif: Array("TZif".utf8) + [UInt8](repeating: 0xFF, count: 60)) == nil)
    }

    /// Files with bytes flipped at random are refused or read, and never bring the program down.
    @Test func survivesDamagedFiles() throws {
        let good = try #require(SystemZones.bytes("Europe/Zurich"))
        var generator = Steps(seed: 11)
        for _ in 0..<300 {
            var bytes = good
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let zone = Zone(name: "X", tzif: bytes) else { continue }
            for seconds in [Int64(-3_000_000_000), 0, 1_700_000_000, 4_000_000_000] {
                _ = zone.instants(of: zone.civil(at: Instant(seconds: seconds)))
            }
        }
    }
}

extension Instant: CustomStringConvertible {
    /// RFC 3339 in UTC: `2022-05-02T00:00:00Z`, with six digits of a fraction when it is not zero.
    public var description: String {
        let (seconds, microsecond) = microseconds.floorDivided(by: 1_000_000)
        return CivilDateTime(secondsAsUTC: seconds, microsecond: Int(microsecond)).text(ending: "Z")
    }

    /// The years 0 to 9999 in UTC: RFC 3339 has four digits for them, so nothing else can be written.
    private static let writable = Instant(seconds: -62_167_219_200)..<Instant(seconds: 253_402_300_800)

    /// Reads RFC 3339 with `Z` or an offset and up to nine digits of a fraction, of which six count. Nil for other texts, and
    /// for what would be of another year in UTC than four digits can say.
    public init?(rfc3339 text: String) {
        guard let (reading, offset) = Self.scan(text), let reading, let offset else { return nil }
        self.init(reading, offset: offset)
        guard Self.writable.contains(self) else { return nil }
    }

    /// Reads a date or time as people write it: `2022-05-02`, `2022-05-02T10:00`, `2022-05-02T10:00:00` as shown by
    /// clocks in the zone, or RFC 3339, which says its own zone.
    ///
    /// A reading that the zone's clocks skip gives the first instant after the gap, one that they show twice the first.
    /// - Returns: Nil when the text is of none of these forms, or the year in UTC is not 0 to 9999. `isDateOnly` tells that the whole local day may be meant,
    ///   of which `instant` is the start.
    public static func parse(_ text: String, in zone: Zone) -> (instant: Instant, isDateOnly: Bool)? {
        let found: (instant: Instant, isDateOnly: Bool)
        if let date = CivilDate(text) {
            found = (zone.startOfDay(date), true)
        } else if let (reading, offset) = scan(text), let reading {
            found = (offset.map { Instant(reading, offset: $0) } ?? zone.firstInstant(of: reading), false)
        } else {
            return nil
        }
        return writable.contains(found.instant) ? found : nil
    }

    private init(_ reading: CivilDateTime, offset: Int) {
        self.init(microseconds: (reading.secondsAsUTC - Int64(offset)) * 1_000_000 + Int64(reading.microsecond))
    }

    /// A date and time, and the seconds east of UTC when the text has a zone; then seconds of the minute are required.
    private static func scan(_ text: String) -> (CivilDateTime?, offset: Int?)? {
        var scanner = TextScanner(text)
        guard let date = CivilDate(scanning: &scanner),
            scanner.take(UInt8(ascii: "T")) || scanner.take(UInt8(ascii: "t")),
            let hour = scanner.digits(2, 2), scanner.take(UInt8(ascii: ":")), let minute = scanner.digits(2, 2)
        else { return nil }
        var second: Int?
        var microsecond = 0
        if scanner.take(UInt8(ascii: ":")) {
            second = scanner.digits(2, 2)
            guard second != nil else { return nil }
            if scanner.take(UInt8(ascii: ".")) {
                let start = scanner.index
                guard var fraction = scanner.digits(1, 9) else { return nil }
                for _ in (scanner.index - start)..<9 { fraction *= 10 }
                microsecond = fraction / 1000
            }
        }
        let reading = CivilDateTime(
            date: date, hour: hour, minute: minute, second: second ?? 0, microsecond: microsecond)
        if scanner.isAtEnd { return (reading, nil) }
        guard second != nil, let offset = scanOffset(&scanner), scanner.isAtEnd else { return nil }
        return (reading, offset)
    }

    private static func scanOffset(_ scanner: inout TextScanner) -> Int? {
        if scanner.take(UInt8(ascii: "Z")) || scanner.take(UInt8(ascii: "z")) { return 0 }
        let sign = scanner.take(UInt8(ascii: "-")) ? -1 : scanner.take(UInt8(ascii: "+")) ? 1 : 0
        guard sign != 0, let hours = scanner.digits(2, 2), hours < 24, scanner.take(UInt8(ascii: ":")),
            let minutes = scanner.digits(2, 2), minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}

/// A reading of a calendar and a clock on the wall, without a zone.
public struct CivilDateTime: Sendable, Hashable, Comparable {
    public let date: CivilDate
    public let hour: Int
    public let minute: Int
    public let second: Int
    public let microsecond: Int

    /// Nil when a part is out of its range. A leap second (60) is out of range: POSIX time does not count them.
    public init?(date: CivilDate, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0) {
        guard (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second),
            (0..<1_000_000).contains(microsecond)
        else { return nil }
        self.date = date
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
    }

    /// Midnight of a date.
    public init(_ date: CivilDate) {
        self.date = date
        hour = 0
        minute = 0
        second = 0
        microsecond = 0
    }

    /// The reading of a clock that shows UTC, so many seconds and microseconds after 1970.
    init(secondsAsUTC seconds: Int64, microsecond: Int = 0) {
        let (days, secondOfDay) = Int(seconds).floorDivided(by: 86_400)
        date = CivilDate(daysSinceEpoch: days)
        hour = secondOfDay / 3600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
        self.microsecond = microsecond
    }

    /// Seconds since 1970 of a clock that shows UTC and this reading.
    var secondsAsUTC: Int64 { Int64(date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second) }

    public static func < (a: CivilDateTime, b: CivilDateTime) -> Bool {
        (a.secondsAsUTC, a.microsecond) < (b.secondsAsUTC, b.microsecond)
    }
}

extension CivilDateTime: CustomStringConvertible {
    /// `2022-05-02T10:00:00`, with six digits of a fraction when it is not zero.
    public var description: String { text(ending: "") }

    /// Digit by digit into one buffer: lists have thousands of instants.
    func text(ending: String) -> String {
        let year = padded(date.year, 4)
        return String(unsafeUninitializedCapacity: year.utf8.count + 22 + ending.utf8.count) { buffer in
            var count = 0
            func put(_ text: String) {
                for byte in text.utf8 {
                    buffer[count] = byte
                    count += 1
                }
            }
            func put(_ separator: Unicode.Scalar, _ number: Int, digits: Int) {
                buffer[count] = UInt8(ascii: separator)
                var rest = number
                for place in stride(from: count + digits, to: count, by: -1) {
                    buffer[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                count += digits + 1
            }
            put(year)
            put("-", date.month, digits: 2)
            put("-", date.day, digits: 2)
            put("T", hour, digits: 2)
            put(":", minute, digits: 2)
            put(":", second, digits: 2)
            if microsecond != 0 { put(".", microsecond, digits: 6) }
            put(ending)
            return count
        }
    }
}

/// A date of the proleptic Gregorian calendar, without a zone.
public struct CivilDate: Sendable, Hashable, Comparable {
    public let year: Int
    /// 1 to 12.
    public let month: Int
    /// 1 to the month's length.
    public let day: Int

    /// Nil when there is no such date, or the year is not in 0...9999, the years that RFC 3339 can write.
    public init?(year: Int, month: Int, day: Int) {
        guard (0...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= Self.daysInMonth(year: year, month: month)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date so many days after 1970-01-01. `days` within ±200,000,000, more than any `Instant` can reach.
    public init(daysSinceEpoch days: Int) {
        // Years are counted from 1 March, so that the leap day is the last of its year; an era is 400 years.
        let (era, dayOfEra) = (days + 719_468).floorDivided(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// The first day of a month. Months past 12 or before 1 run on into the neighbouring years.
    public static func firstOfMonth(year: Int, month: Int) -> CivilDate {
        let (years, monthOffset) = (month - 1).floorDivided(by: 12)
        return CivilDate(daysSinceEpoch: days(year: year + years, month: monthOffset + 1, day: 1))
    }

    /// Days since 1970-01-01, negative before it.
    public var daysSinceEpoch: Int { Self.days(year: year, month: month, day: day) }

    /// 0 is Sunday, 6 is Saturday.
    public var weekday: Int { (daysSinceEpoch + 4).floorDivided(by: 7).remainder }

    public func adding(days: Int) -> CivilDate { CivilDate(daysSinceEpoch: daysSinceEpoch + days) }

    public static func isLeapYear(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    /// - Parameter month: 1 to 12.
    public static func daysInMonth(year: Int, month: Int) -> Int {
        switch month {
        case 2: isLeapYear(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    public static func < (a: CivilDate, b: CivilDate) -> Bool {
        (a.year, a.month, a.day) < (b.year, b.month, b.day)
    }

    /// Days from 1970-01-01 to a date of any year. A day past the month's end counts on into the following months.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let (era, yearOfEra) = (month <= 2 ? year - 1 : year).floorDivided(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension CivilDate: CustomStringConvertible {
    /// `2022-05-02`, the form of `ds`.
    public var description: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }
    /// `20220502`, the form of `ds_nodash`.
    public var compact: String { padded(year, 4) + padded(month, 2) + padded(day, 2) }
}

extension CivilDate {
    /// Reads `2022-05-02`; nil for any other text.
    public init?(_ text: String) {
        var scanner = TextScanner(text)
        self.init(scanning: &scanner)
        guard scanner.isAtEnd else { return nil }
    }

    init?(scanning scanner: inout TextScanner) {
        guard let year = scanner.digits(4, 4), scanner.take(UInt8(ascii: "-")),
            let month = scanner.digits(2, 2), scanner.take(UInt8(ascii: "-")), let day = scanner.digits(2, 2)
        else { return nil }
        self.init(year: year, month: month, day: day)
    }
}

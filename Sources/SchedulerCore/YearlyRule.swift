/// The POSIX TZ string at the end of a zone file, which holds for the time after the last change of its table
/// (RFC 8536, 3.3; POSIX.1-2017, 8.3, with the extended hours of version 3).
struct YearlyRule: Sendable, Hashable {
    /// A day of any year, and a time of that day.
    struct Day: Sendable, Hashable {
        enum Form: Sendable, Hashable {
            /// `Jn`, 1 to 365, never counting 29 February.
            case ofCommonYear(Int)
            /// `n`, 0 to 365, counting 29 February.
            case ofYear(Int)
            /// `Mm.w.d`: weekday `d` (0 is Sunday) of week `w` of month `m`; week 5 is the last.
            case ofMonth(month: Int, week: Int, weekday: Int)
        }

        var form: Form
        /// Seconds after midnight by the clock that holds before the change; may be negative or past the day.
        var time: Int
    }

    private struct Summer: Sendable, Hashable {
        var type: ZoneRules.LocalType
        var begin: Day
        var end: Day
    }

    private let standard: ZoneRules.LocalType
    private let summer: Summer?

    // MARK: Use

    func period(at time: Int64) -> ZoneRules.Period {
        guard let summer else { return ZoneRules.Period(start: .min, end: .max, standard) }
        let year = CivilDateTime(secondsAsUTC: time).date.year
        var current = (start: Int64.min, isSummer: false)
        var end = Int64.max
        func consider(_ change: Int64, isSummer: Bool) {
            if change > time {
                end = min(end, change)
            } else if change > current.start || change == current.start && isSummer {
                // Where summer time ends and begins at one instant it never ends: the beginning counts.
                current = (change, isSummer)
            }
        }
        // A change may lie a week outside its year, by its hours; so two years on each side always enclose `time`.
        for year in (year - 2)...(year + 2) {
            consider(Self.seconds(of: summer.begin, year: year) - Int64(standard.offset), isSummer: true)
            consider(Self.seconds(of: summer.end, year: year) - Int64(summer.type.offset), isSummer: false)
        }
        return ZoneRules.Period(start: current.start, end: end, current.isSummer ? summer.type : standard)
    }

    /// The change's reading of the clock as if it showed UTC.
    private static func seconds(of day: Day, year: Int) -> Int64 {
        let days: Int
        switch day.form {
        case .ofCommonYear(let number):
            days =
                CivilDate.days(year: year, month: 1, day: number)
                + (CivilDate.isLeapYear(year) && number >= 60 ? 1 : 0)
        case .ofYear(let number):
            days = CivilDate.days(year: year, month: 1, day: number + 1)
        case .ofMonth(let month, let week, let weekday):
            let first = CivilDate.days(year: year, month: month, day: 1)
            // 1970-01-01 was a Thursday.
            let toWeekday = (weekday - first - 4).floorDivided(by: 7).remainder
            var dayIndex = toWeekday + (week - 1) * 7
            if dayIndex >= CivilDate.daysInMonth(year: year, month: month) { dayIndex -= 7 }
            days = first + dayIndex
        }
        return Int64(days * 86_400 + day.time)
    }

    // MARK: Reading

    /// Reads `CET-1CEST,M3.5.0,M10.5.0/3` or `<+0530>-5:30`; nil for anything else.
    init?(_ text: String) {
        var scanner = TextScanner(text)
        guard let name = Self.name(&scanner), let west = Self.time(&scanner, hours: 24) else { return nil }
        standard = ZoneRules.LocalType(offset: -west, abbreviation: name)
        if scanner.isAtEnd {
            summer = nil
            return
        }
        guard let summerName = Self.name(&scanner) else { return nil }
        var offset = standard.offset + 3600
        if scanner.next != UInt8(ascii: ",") {
            guard let west = Self.time(&scanner, hours: 24) else { return nil }
            offset = -west
        }
        guard scanner.take(UInt8(ascii: ",")), let begin = Self.day(&scanner),
            scanner.take(UInt8(ascii: ",")), let end = Self.day(&scanner), scanner.isAtEnd
        else { return nil }
        summer = Summer(
            type: ZoneRules.LocalType(offset: offset, abbreviation: summerName), begin: begin, end: end)
    }

    private static func name(_ scanner: inout TextScanner) -> String? {
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
        let name: String
        if scanner.take(UInt8(ascii: "<")) {
            name = scanner.run {
                isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
            }
            guard scanner.take(UInt8(ascii: ">")) else { return nil }
        } else {
            name = scanner.run(while: isLetter)
        }
        return name.utf8.count >= 3 ? name : nil
    }

    /// `[+|-]h[h[h]][:mm[:ss]]` in seconds.
    private static func time(_ scanner: inout TextScanner, hours limit: Int) -> Int? {
        let sign = scanner.take(UInt8(ascii: "-")) ? -1 : 1
        if sign == 1 { _ = scanner.take(UInt8(ascii: "+")) }
        guard let hours = scanner.digits(1, 3), hours <= limit else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] where scanner.take(UInt8(ascii: ":")) {
            guard let count = scanner.digits(2, 2), count < 60 else { return nil }
            seconds += count * unit
        }
        return sign * seconds
    }

    private static func day(_ scanner: inout TextScanner) -> Day? {
        let form: Day.Form
        if scanner.take(UInt8(ascii: "J")) {
            guard let number = scanner.digits(1, 3), (1...365).contains(number) else { return nil }
            form = .ofCommonYear(number)
        } else if scanner.take(UInt8(ascii: "M")) {
            guard let month = scanner.digits(1, 2), (1...12).contains(month), scanner.take(UInt8(ascii: ".")),
                let week = scanner.digits(1, 1), (1...5).contains(week), scanner.take(UInt8(ascii: ".")),
                let weekday = scanner.digits(1, 1), (0...6).contains(weekday)
            else { return nil }
            form = .ofMonth(month: month, week: week, weekday: weekday)
        } else {
            guard let number = scanner.digits(1, 3), (0...365).contains(number) else { return nil }
            form = .ofYear(number)
        }
        guard scanner.take(UInt8(ascii: "/")) else { return Day(form: form, time: 7200) }
        guard let time = time(&scanner, hours: 167) else { return nil }
        return Day(form: form, time: time)
    }
}

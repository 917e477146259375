/// A cron expression of five fields (crontab(5) of cronie): names, ranges, steps, lists, `L` for the last day of the month
/// and `#` for the nth weekday of a month.
///
/// When neither day field begins with `*` a day matches that matches either; otherwise both must match.
public struct CronExpression: Sendable, Hashable {
    /// Why an expression cannot be used; one line.
    public struct Problem: Error, Sendable, Hashable { public var message: String }

    public let text: String
    let minute: CronField
    let hour: CronField
    let day: CronField
    let month: CronField
    let weekday: CronField

    public init(_ text: String) throws(Problem) {
        let fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard fields.count == 5 else {
            throw Problem(message: "\"\(text)\" has \(fields.count) fields; cron has 5: minute hour day month weekday")
        }
        self.text = fields.joined(separator: " ")
        do throws(CronField.Problem) {
            minute = try CronField(fields[0], .minute)
            hour = try CronField(fields[1], .hour)
            day = try CronField(fields[2], .day)
            month = try CronField(fields[3], .month)
            weekday = try CronField(fields[4], .weekday)
        } catch {
            throw Problem(message: "\"\(text)\": \(error.message)")
        }
        guard canMatch else { throw Problem(message: "\"\(text)\" never happens: no such day is in these months") }
    }

    /// Whether either of the day fields is enough.
    var eitherDay: Bool { !day.isStar && !weekday.isStar }

    /// Whether any date fits at all; 29 February does, 30 February and a second Monday on the 31st do not.
    private var canMatch: Bool {
        // Either day is enough, and every weekday comes up to five times in any month, in February of some years.
        if eitherDay { return true }
        return (1...12).contains { month in
            let longest = month == 2 ? 29 : CivilDate.daysInMonth(year: 2001, month: month)
            return self.month.contains(month)
                && (1...longest).contains { day in
                    // In the 400 years after which the calendar repeats each date of a year falls on every weekday.
                    let isLast = day == longest || month == 2 && day == 28
                    return (self.day.contains(day) || self.day.hasLastDay && isLast)
                        && (weekday.values != 0 || weekday.hasNth((day + 6) / 7))
                }
        }
    }

    // MARK: Dates

    func matches(_ date: CivilDate) -> Bool {
        guard month.contains(date.month) else { return false }
        let byDay =
            day.contains(date.day)
            || day.hasLastDay && date.day == CivilDate.daysInMonth(year: date.year, month: date.month)
        // Both stars: no look at the calendar is needed.
        if day.isStar, weekday.isStar, byDay, weekday.values == 0x7F { return true }
        let weekday = date.weekday
        let byWeekday =
            self.weekday.contains(weekday)
            || self.weekday.nthWeekdays & 1 << UInt64(weekday * 8 + (date.day - 1) / 7 + 1) != 0
        return eitherDay ? byDay || byWeekday : byDay && byWeekday
    }

    // MARK: Readings of the clock, as seconds since 1970 of a clock that shows UTC

    /// The first matching reading after another; nil when the calendar ends before it.
    func reading(after seconds: Int64) -> Int64? {
        let (minutes, _) = seconds.floorDivided(by: 60)
        let (day, minuteOfDay) = Int(minutes + 1).floorDivided(by: 1440)
        if let time = time(notBefore: minuteOfDay), matches(CivilDate(daysSinceEpoch: day)) {
            return Int64(day * 1440 + time) * 60
        }
        guard let next = date(after: day), let time = time(notBefore: 0) else { return nil }
        return Int64(next * 1440 + time) * 60
    }

    /// The last matching reading that is not after another; nil when the calendar begins after it.
    func reading(notAfter seconds: Int64) -> Int64? {
        let (minutes, _) = seconds.floorDivided(by: 60)
        let (day, minuteOfDay) = Int(minutes).floorDivided(by: 1440)
        if let time = time(notAfter: minuteOfDay), matches(CivilDate(daysSinceEpoch: day)) {
            return Int64(day * 1440 + time) * 60
        }
        guard let before = date(before: day), let time = time(notAfter: 1439) else { return nil }
        return Int64(before * 1440 + time) * 60
    }

    private func time(notBefore minuteOfDay: Int) -> Int? {
        guard minuteOfDay < 1440, let hour = hour.next(notBelow: minuteOfDay / 60) else { return nil }
        if hour == minuteOfDay / 60, let minute = minute.next(notBelow: minuteOfDay % 60) { return hour * 60 + minute }
        let later = hour == minuteOfDay / 60 ? self.hour.next(notBelow: hour + 1) : hour
        guard let later, let minute = minute.next(notBelow: 0) else { return nil }
        return later * 60 + minute
    }

    private func time(notAfter minuteOfDay: Int) -> Int? {
        guard let hour = hour.previous(notAbove: minuteOfDay / 60) else { return nil }
        if hour == minuteOfDay / 60, let minute = minute.previous(notAbove: minuteOfDay % 60) {
            return hour * 60 + minute
        }
        let earlier = hour == minuteOfDay / 60 ? self.hour.previous(notAbove: hour - 1) : hour
        guard let earlier, let minute = minute.previous(notAbove: 59) else { return nil }
        return earlier * 60 + minute
    }

    /// The years that are searched; a date that fits comes every 40 years at the latest (a weekday that is 29 February).
    private static let searchedYears = -1...10_000

    private func date(after day: Int) -> Int? {
        var date = CivilDate(daysSinceEpoch: day + 1)
        while Self.searchedYears.contains(date.year) {
            if !month.contains(date.month) {
                date = CivilDate.firstOfMonth(year: date.year, month: date.month + 1)
            } else if matches(date) {
                return date.daysSinceEpoch
            } else {
                date = date.adding(days: 1)
            }
        }
        return nil
    }

    private func date(before day: Int) -> Int? {
        var date = CivilDate(daysSinceEpoch: day - 1)
        while Self.searchedYears.contains(date.year) {
            if !month.contains(date.month) {
                date = CivilDate.firstOfMonth(year: date.year, month: date.month).adding(days: -1)
            } else if matches(date) {
                return date.daysSinceEpoch
            } else {
                date = date.adding(days: -1)
            }
        }
        return nil
    }
}

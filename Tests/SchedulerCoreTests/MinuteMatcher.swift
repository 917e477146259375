import SchedulerCore

/// What a cron expression matches, told in another way than the one that is tested: a table of what each field allows, a
/// calendar counted day by day, and a walk over every minute.
struct MinuteMatcher {
    var minutes: Set<Int> = []
    var hours: Set<Int> = []
    var days: Set<Int> = []
    var lastDay = false
    var months: Set<Int> = []
    var weekdays: Set<Int> = []
    /// Weekday and number within the month.
    var nth: (weekday: Int, number: Int)?
    var hourIsStar = false
    /// One of the day fields is enough.
    var either = false

    private func matches(_ day: CountedDays.Day) -> Bool {
        guard months.contains(day.month) else { return false }
        let byDay = days.contains(day.day) || lastDay && day.isLast
        let byWeekday =
            weekdays.contains(day.weekday)
            || nth.map { $0.weekday == day.weekday && $0.number == (day.day + 6) / 7 } ?? false
        return either ? byDay || byWeekday : byDay && byWeekday
    }

    /// Which of the local minutes of some days match, by the minute's number since 1970.
    private func table(_ range: ClosedRange<Int>) -> (first: Int, isMatch: [Bool]) {
        let none = [Bool](repeating: false, count: 1440)
        var clock = none
        for hour in hours { for minute in minutes { clock[hour * 60 + minute] = true } }
        let first = range.lowerBound / 1440
        var all: [Bool] = []
        for day in first...(range.upperBound / 1440) { all += matches(CountedDays.all[day]) ? clock : none }
        return (first * 1440, all)
    }

    /// Every tick from the walk's start to its end, in minutes since 1970.
    func ticks(_ walk: MinuteWalk) -> [Int] {
        let (first, isMatch) = table(walk.lowest...walk.highest)
        var found: [Int] = []
        var latest = walk.readings[0]
        for index in walk.readings.indices {
            let reading = walk.readings[index]
            let matched: Bool
            if hourIsStar {
                matched = isMatch[reading - first]
            } else if reading <= latest {
                // Shown before; or the very first.
                matched = false
            } else if reading == latest + 1 {
                matched = isMatch[reading - first]
            } else {
                // Clocks jumped: what they left out is due now.
                matched = isMatch[(latest + 1 - first)...(reading - first)].contains(true)
            }
            latest = max(latest, reading)
            if matched, index >= MinuteWalk.lead { found.append(walk.first + index) }
        }
        return found
    }
}

/// What clocks show at each real minute of a span and of a day before it, in which they may have been set back.
struct MinuteWalk {
    /// Minutes that are walked before the span, to know what clocks have shown.
    static let lead = 27 * 60

    /// The first minute walked, since 1970 in UTC.
    let first: Int
    /// The local minute since 1970 at each minute.
    let readings: [Int]

    let lowest: Int
    let highest: Int

    var start: Int { first + Self.lead }
    var end: Int { first + readings.count }

    init(_ zone: Zone, start: Int, count: Int) {
        func offset(_ minute: Int) -> Int { zone.offset(at: Instant(seconds: Int64(minute) * 60)).seconds / 60 }
        first = start - Self.lead
        var readings: [Int] = []
        let end = start + count
        var minute = first
        var before = offset(minute)
        while minute < end {
            let next = min(end, minute + 15)
            let after = offset(next)
            // Only where a quarter of an hour begins and ends alike is it taken as a whole.
            for each in minute..<next { readings.append(each + (before == after ? before : offset(each))) }
            minute = next
            before = after
        }
        self.readings = readings
        lowest = readings.min() ?? 0
        highest = readings.max() ?? 0
    }
}

/// The days from 1970 to 2049, counted one after the other.
enum CountedDays {
    struct Day {
        var month: Int
        var day: Int
        /// 0 is Sunday.
        var weekday: Int
        /// Of its month.
        var isLast: Bool
    }

    static let all: [Day] = {
        var days: [Day] = []
        // A Thursday.
        var weekday = 4
        for year in 1970..<2050 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            for (month, length) in lengths.enumerated() {
                for day in 1...length {
                    days.append(Day(month: month + 1, day: day, weekday: weekday, isLast: day == length))
                    weekday = (weekday + 1) % 7
                }
            }
        }
        return days
    }()
}

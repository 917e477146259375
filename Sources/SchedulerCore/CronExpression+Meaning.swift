extension CronExpression {
    /// The expression in words: `every day at 02:30`, `at 08:00 on day 1 of the month or on Monday`.
    public var meaning: String {
        let time = times
        let date = dates
        if date.isEmpty { return time.isClock ? "every day \(time.words)" : time.words }
        return "\(time.words) \(date)"
    }

    private static let fullClock = 4

    /// When on a matching day, and whether that is a plain list of clock times.
    private var times: (words: String, isClock: Bool) {
        let minutes = minute.all
        let hours = hour.all
        if minutes.count == 60, hours.count == 24 { return ("every minute", false) }
        if hours.count == 24 {
            if let step = step(minutes, 60) { return ("every \(step) minutes", false) }
            return ("every hour at minute \(list(minutes.map(String.init)))", false)
        }
        if minutes.count * hours.count <= Self.fullClock {
            let clock = hours.flatMap { hour in minutes.map { "\(padded(hour, 2)):\(padded($0, 2))" } }
            return ("at \(list(clock))", true)
        }
        let every = minutes.count == 60 ? "every minute" : "at minute \(list(minutes.map(String.init)))"
        return ("\(every) of hour \(list(hours.map(String.init)))", false)
    }

    private var dates: String {
        var parts: [String] = []
        let everyDay = day.values == 0xFFFF_FFFE && !day.hasLastDay
        let everyWeekday = weekday.values == 0x7F && weekday.nthWeekdays == 0
        // Where either field is enough, one that matches always leaves nothing to the other.
        let isAnyDay = eitherDay && (everyDay || everyWeekday)
        if !everyDay, !isAnyDay {
            let numbers = day.all.map(String.init)
            let days = (numbers.isEmpty ? [] : ["day \(list(numbers))"]) + (day.hasLastDay ? ["the last day"] : [])
            parts.append("on \(days.joined(separator: " and ")) of the month")
        }
        if !everyWeekday, !isAnyDay {
            let names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
            let ordinals = ["", "first", "second", "third", "fourth", "fifth"]
            var days = weekday.all.map { names[$0] }
            for weekday in 0..<7 {
                for nth in 1...5 where self.weekday.nthWeekdays & 1 << UInt64(weekday * 8 + nth) != 0 {
                    days.append("the \(ordinals[nth]) \(names[weekday])")
                }
            }
            parts.append((parts.isEmpty || eitherDay ? "on " : "") + list(days))
        }
        let words = parts.joined(separator: eitherDay ? " or " : " if it is ")
        guard month.values != 0x1FFE else { return words }
        let names = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November",
            "December",
        ]
        let months = "in \(list(month.all.map { names[$0 - 1] }))"
        return words.isEmpty ? months : "\(words) \(months)"
    }

    /// The distance of values that begin at 0 and fill a span evenly; nil for any others.
    private func step(_ values: [Int], _ span: Int) -> Int? {
        guard values.first == 0, values.count > 1, span.isMultiple(of: values.count) else { return nil }
        let step = span / values.count
        return values.enumerated().allSatisfy { $0.element == $0.offset * step } ? step : nil
    }

    private func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }
}

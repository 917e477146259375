extension CronExpression {
    /// What the expression does that its writer may not have meant: where it is short of days, and how its two day fields
    /// go together (crontab(5) of cronie).
    var warnings: [(code: DiagnosticCode, message: String)] {
        if eitherDay { return [(.eitherDay, eitherDayMessage)] }
        return [bothDaysMessage.map { (.bothDays, $0) }, shortMonthsMessage.map { (.skippedMonths, $0) }]
            .compactMap(\.self)
    }

    private var isEveryDay: Bool { day.values == 0xFFFF_FFFE }
    private var isEveryWeekday: Bool { weekday.values == 0x7F }

    private var eitherDayMessage: String {
        if isEveryDay || isEveryWeekday {
            return "\"\(text)\" matches every day: either day field is enough, and one of them matches always; "
                + "write \"*\" for that one"
        }
        return "\"\(text)\" matches a day that fits either day field: \(meaning); "
            + "write \"*\" for one of them when only the other counts"
    }

    /// `*/2` looks as if it restricted the days by itself.
    private var bothDaysMessage: String? {
        let fields = text.split(separator: " ")
        let starred: (field: Substring, all: String)
        if day.isStar, !isEveryDay, !weekday.isStar, !isEveryWeekday {
            starred = (fields[2], "1-31")
        } else if weekday.isStar, !isEveryWeekday, !day.isStar, !isEveryDay {
            starred = (fields[4], "0-6")
        } else {
            return nil
        }
        let mended = starred.all + starred.field.dropFirst()
        return "\"\(starred.field)\" begins with \"*\", so a day must fit both day fields: \(meaning); "
            + "write \"\(mended)\" when either is enough"
    }

    /// Days that not every month has.
    private var shortMonthsMessage: String? {
        guard !day.isStar, !day.hasLastDay, let first = day.next(notBelow: 1), first > 28 else { return nil }
        let months = month.all
        if first == 29 {
            // Who names February and nothing else means the leap day.
            guard months.contains(2), months.count > 1 else { return nil }
            return "\"\(text)\" runs in February only in leap years; \"L\" is the last day of the month"
        }
        let fit = months.filter { CivilDate.daysInMonth(year: 2000, month: $0) >= first }
        guard fit.count < months.count else { return nil }
        let all = months.count == 12 ? "the \(fit.count)" : "\(fit.count) of its \(months.count)"
        return "\"\(text)\" runs only in \(all) months that have a \(first == 31 ? "31st" : "30th"); "
            + "\"L\" is the last day of the month"
    }
}

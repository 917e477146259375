/// A date as text, by the signs of strftime(3) that do not depend on a language, or are English.
struct DateFormat: Sendable, Hashable {
    struct Problem: Error, Sendable, Hashable { var message: String }

    let text: String

    private static let signs = "YmdHMSjybBaAezsfGVu%"
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    init(_ text: String) throws(Problem) {
        self.text = text
        var rest = Substring(text)
        while let percent = rest.firstIndex(of: "%") {
            let after = rest.index(after: percent)
            guard after < rest.endIndex, Self.signs.contains(rest[after]) else {
                let sign = after < rest.endIndex ? "%\(rest[after])" : "%"
                throw Problem(
                    message: "\"\(sign)\" has no meaning in a format; there are %"
                        + Self.signs.map(String.init).joined(separator: " %"))
            }
            rest = rest[rest.index(after: after)...]
        }
    }

    func text(_ time: CivilDateTime, _ instant: Instant, _ zone: Zone) -> String {
        var result = ""
        var isSign = false
        for character in text {
            if isSign {
                result += Self.part(character, time, instant, zone)
                isSign = false
            } else if character == "%" {
                isSign = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    private static func part(_ sign: Character, _ time: CivilDateTime, _ instant: Instant, _ zone: Zone) -> String {
        let date = time.date
        switch sign {
        case "Y": return padded(date.year, 4)
        case "m": return padded(date.month, 2)
        case "d": return padded(date.day, 2)
        case "e": return date.day < 10 ? " \(date.day)" : "\(date.day)"
        case "H": return padded(time.hour, 2)
        case "M": return padded(time.minute, 2)
        case "S": return padded(time.second, 2)
        case "f": return padded(time.microsecond, 6)
        case "j": return padded(dayOfYear(date), 3)
        case "y": return padded(date.year.floorDivided(by: 100).remainder, 2)
        case "b": return String(months[date.month - 1].prefix(3))
        case "B": return months[date.month - 1]
        case "a": return String(weekdays[date.weekday].prefix(3))
        case "A": return weekdays[date.weekday]
        case "u": return "\(isoWeekday(date))"
        case "G": return padded(isoWeek(date).year, 4)
        case "V": return padded(isoWeek(date).week, 2)
        case "s": return "\(instant.microseconds.floorDivided(by: 1_000_000).quotient)"
        case "z":
            let offset = zone.offset(at: instant).seconds
            let minutes = Int(offset.magnitude / 60)
            return (offset < 0 ? "-" : "+") + padded(minutes / 60, 2) + padded(minutes % 60, 2)
        default: return "%"
        }
    }

    private static func dayOfYear(_ date: CivilDate) -> Int {
        date.daysSinceEpoch - CivilDate.firstOfMonth(year: date.year, month: 1).daysSinceEpoch + 1
    }

    private static func isoWeekday(_ date: CivilDate) -> Int { date.weekday == 0 ? 7 : date.weekday }

    /// The week by ISO 8601: that of the year in which its Thursday lies.
    private static func isoWeek(_ date: CivilDate) -> (year: Int, week: Int) {
        let thursday = date.adding(days: 4 - isoWeekday(date))
        return (thursday.year, (dayOfYear(thursday) - 1) / 7 + 1)
    }
}

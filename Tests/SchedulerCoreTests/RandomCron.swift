/// A cron expression at random, as a text and as what it matches; likely to match around a given local minute.
struct RandomCron {
    let text: String
    let matcher: MinuteMatcher

    init(near localMinute: Int, _ random: inout Steps) {
        let near = CountedDays.all[localMinute / 1440]
        let hourNear = localMinute / 60 % 24
        let minute = Self.minute(&random)
        let hour = Self.hour(hourNear, &random)
        let month = Self.field(1...12, near.month, star: 80, &random)
        var day = Self.field(1...31, near.day, star: 55, &random)
        var weekday = Self.field(0...6, near.weekday, star: 55, &random)
        var matcher = MinuteMatcher()
        if Self.chance(6, &random) {
            day = ("L", [], false)
            matcher.lastDay = true
        }
        if Self.chance(8, &random) {
            let number = Self.chance(70, &random) ? (near.day + 6) / 7 : Int.random(in: 1...5, using: &random)
            let names = ["sun", "MON", "tue", "Wed", "thu", "fri", "sat"]
            weekday = ("\(names[near.weekday])#\(number)", [], false)
            matcher.nth = (near.weekday, number)
        }
        matcher.minutes = minute.values
        matcher.hours = hour.values
        matcher.hourIsStar = hour.isStar
        matcher.days = day.values
        matcher.months = month.values
        matcher.weekdays = weekday.values
        matcher.either = !day.isStar && !weekday.isStar
        text = [minute.text, hour.text, day.text, month.text, weekday.text].joined(separator: " ")
        self.matcher = matcher
    }

    private typealias Field = (text: String, values: Set<Int>, isStar: Bool)

    private static func chance(_ percent: Int, _ random: inout Steps) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }

    /// Mostly few minutes of an hour, so that many different expressions are compared in the time.
    private static func minute(_ random: inout Steps) -> Field {
        if chance(4, &random) { return ("*", Set(0...59), true) }
        if chance(15, &random) { return steps(0...59, Int.random(in: 7...59, using: &random)) }
        return list(0...59, Int.random(in: 0...59, using: &random), parts: 2, &random)
    }

    private static func hour(_ near: Int, _ random: inout Steps) -> Field {
        if chance(20, &random) { return ("*", Set(0...23), true) }
        if chance(20, &random) { return steps(0...23, Int.random(in: 1...12, using: &random)) }
        if chance(50, &random) {
            let hour = (near + Int.random(in: -2...2, using: &random) + 24) % 24
            return ("\(hour)", [hour], false)
        }
        return list(0...23, near, parts: 3, &random)
    }

    private static func field(_ bounds: ClosedRange<Int>, _ near: Int, star: Int, _ random: inout Steps) -> Field {
        if chance(star, &random) { return ("*", Set(bounds), true) }
        if chance(25, &random) { return steps(bounds, Int.random(in: 1...(bounds.upperBound / 2), using: &random)) }
        return list(bounds, near, parts: 2, &random)
    }

    private static func steps(_ bounds: ClosedRange<Int>, _ step: Int) -> Field {
        ("*/\(step)", Set(stride(from: bounds.lowerBound, through: bounds.upperBound, by: step)), true)
    }

    /// Single values and ranges, the first of which most often has the near value in it.
    private static func list(_ bounds: ClosedRange<Int>, _ near: Int, parts: Int, _ random: inout Steps) -> Field {
        var values: Set<Int> = []
        var texts: [String] = []
        for part in 0..<Int.random(in: 1...parts, using: &random) {
            let value = part == 0 && chance(80, &random) ? near : Int.random(in: bounds, using: &random)
            if chance(65, &random) {
                texts.append("\(value)")
                values.insert(value)
            } else {
                let high = Int.random(in: value...bounds.upperBound, using: &random)
                let step = Int.random(in: 1...9, using: &random)
                texts.append(step == 1 ? "\(value)-\(high)" : "\(value)-\(high)/\(step)")
                values.formUnion(stride(from: value, through: high, by: step))
            }
        }
        return (texts.joined(separator: ","), values, false)
    }
}

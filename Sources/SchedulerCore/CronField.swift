/// One of the five fields of a cron expression, as the set of values that it matches.
struct CronField: Sendable, Hashable {
    /// What a field counts, its bounds, and the names that stand for numbers.
    enum Kind: CaseIterable, Sendable {
        case minute, hour, day, month, weekday

        var word: String {
            switch self {
            case .minute: "minute"
            case .hour: "hour"
            case .day: "day of the month"
            case .month: "month"
            case .weekday: "day of the week"
            }
        }

        var bounds: ClosedRange<Int> {
            switch self {
            case .minute: 0...59
            case .hour: 0...23
            case .day: 1...31
            case .month: 1...12
            // 7 is Sunday too.
            case .weekday: 0...7
            }
        }

        var names: [String] {
            switch self {
            case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
            case .weekday: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
            default: []
            }
        }
    }

    /// Why a field cannot be read; one line.
    struct Problem: Error { var message: String }

    /// Bit `n` stands for the value `n`.
    private(set) var values: UInt64 = 0
    /// Whether the text begins with `*`: in a day field it then restricts nothing by itself (cronie, entry.c).
    private(set) var isStar = false
    /// The last day of the month (`L`).
    private(set) var hasLastDay = false
    /// The nth weekdays of a month (`mon#2`), each as weekday * 8 + n.
    private(set) var nthWeekdays: UInt64 = 0

    init(_ text: Substring, _ kind: Kind) throws(Problem) {
        isStar = text.hasPrefix("*")
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { try read(part, kind) }
        if kind == .weekday, values & 1 << 7 != 0 { values = values & ~(1 << 7) | 1 }
    }

    func contains(_ value: Int) -> Bool { values & 1 << UInt64(value) != 0 }

    /// The smallest value that is not below another; nil when there is none.
    func next(notBelow value: Int) -> Int? {
        let rest = value > 63 ? 0 : values >> UInt64(value)
        return rest == 0 ? nil : value + rest.trailingZeroBitCount
    }

    /// The largest value that is not above another; nil when there is none.
    func previous(notAbove value: Int) -> Int? {
        guard value >= 0 else { return nil }
        let rest = values & (value >= 63 ? .max : (1 << UInt64(value + 1)) - 1)
        return rest == 0 ? nil : 63 - rest.leadingZeroBitCount
    }

    /// Whether a weekday is wanted as the nth of its month.
    func hasNth(_ number: Int) -> Bool {
        (0..<7).contains { nthWeekdays & 1 << UInt64($0 * 8 + number) != 0 }
    }

    var all: [Int] { (0..<64).filter(contains) }

    private mutating func read(_ part: Substring, _ kind: Kind) throws(Problem) {
        let bounds = kind.bounds
        if kind == .day, part == "L" || part == "l" {
            hasLastDay = true
            return
        }
        if let mark = part.firstIndex(of: "#") {
            guard kind == .weekday else {
                throw Problem(message: "\"#\" only goes with the day of the week, as in mon#2")
            }
            let weekday = try value(part[..<mark], kind) % 7
            guard let nth = Int(part[part.index(after: mark)...]), (1...5).contains(nth) else {
                throw Problem(message: "\"\(part)\": after \"#\" comes 1 to 5, as in mon#2 for the second Monday")
            }
            nthWeekdays |= 1 << UInt64(weekday * 8 + nth)
            return
        }
        let pieces = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var step = 1
        if pieces.count == 2 {
            guard let given = Int(pieces[1]), given >= 1, given <= bounds.upperBound else {
                throw Problem(message: "\"\(part)\": a step is a number from 1 to \(bounds.upperBound)")
            }
            step = given
        }
        let range = pieces[0]
        let ends = range.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let low: Int
        let high: Int
        if range == "*" {
            low = bounds.lowerBound
            // As a range of all days Sunday counts once.
            high = kind == .weekday ? 6 : bounds.upperBound
        } else if ends.count == 2 {
            low = try value(ends[0], kind)
            high = try value(ends[1], kind)
            guard low <= high else {
                throw Problem(
                    message:
                        "\"\(range)\" runs backwards; write \(ends[0])-\(bounds.upperBound),\(bounds.lowerBound)-\(ends[1])"
                )
            }
        } else {
            low = try value(range, kind)
            high = low
            if pieces.count == 2 {
                throw Problem(message: "\"\(part)\": a step needs a range; write \(range)-\(bounds.upperBound)/\(step)")
            }
        }
        for value in stride(from: low, through: high, by: step) { values |= 1 << UInt64(value) }
    }

    private func value(_ text: Substring, _ kind: Kind) throws(Problem) -> Int {
        if let index = kind.names.firstIndex(of: text.lowercased()) { return kind == .month ? index + 1 : index }
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) } && text.utf8.count <= 4
        if isNumber, let number = Int(text) {
            if kind.bounds.contains(number) { return number }
            throw Problem(
                message: "\(number) is no \(kind.word); it is \(kind.bounds.lowerBound) to \(kind.bounds.upperBound)")
        }
        let near = nearestName(to: text.lowercased(), among: kind.names).map { "; did you mean \"\($0)\"?" } ?? ""
        throw Problem(message: "\"\(text)\" is no \(kind.word)\(near)")
    }
}

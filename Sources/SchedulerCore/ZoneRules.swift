/// The offsets of a zone over time: a table of changes, and a rule for the time after the last.
struct ZoneRules: Sendable, Hashable {
    /// One kind of local time.
    struct LocalType: Sendable, Hashable {
        /// Seconds east of UTC.
        var offset: Int
        var abbreviation: String
    }

    /// A span `[start, end)` in seconds since 1970 with one offset; `Int64.min` and `.max` stand for no bound.
    struct Period: Sendable, Hashable {
        var start: Int64
        var end: Int64
        var offset: Int
        var abbreviation: String

        init(start: Int64, end: Int64, _ type: LocalType) {
            self.start = start
            self.end = end
            offset = type.offset
            abbreviation = type.abbreviation
        }
    }

    /// More than any offset of a zone may be (RFC 8536, 3.2: less than 26 hours), in seconds.
    static let largestOffset: Int64 = 26 * 3600

    /// Ascending times of change, in seconds since 1970, within ±2^60.
    private let changes: [Int64]
    /// The type that begins with each change.
    private let typeAfter: [LocalType]
    /// The type before the first change.
    private let typeBefore: LocalType
    private let rule: YearlyRule?

    init(changes: [Int64], typeAfter: [LocalType], typeBefore: LocalType, rule: YearlyRule?) {
        self.changes = changes
        self.typeAfter = typeAfter
        self.typeBefore = typeBefore
        self.rule = rule
    }

    static func fixed(offset: Int, abbreviation: String) -> ZoneRules {
        ZoneRules(
            changes: [], typeAfter: [], typeBefore: LocalType(offset: offset, abbreviation: abbreviation), rule: nil)
    }

    func period(at time: Int64) -> Period {
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= time { low = middle + 1 } else { high = middle }
        }
        if low < changes.count {
            return Period(
                start: low == 0 ? .min : changes[low - 1], end: changes[low], low == 0 ? typeBefore : typeAfter[low - 1]
            )
        }
        let lastChange = changes.last ?? .min
        guard let rule else {
            return Period(start: lastChange, end: .max, typeAfter.last ?? typeBefore)
        }
        var period = rule.period(at: time)
        period.start = max(period.start, lastChange)
        return period
    }
}

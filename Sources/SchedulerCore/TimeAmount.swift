/// A length of time in microseconds; never a calendar length (a day of a schedule is not always 24 hours).
public struct TimeAmount: Sendable, Hashable, Comparable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }
    public init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

    public static let zero = TimeAmount(microseconds: 0)

    public var seconds: Double { Double(microseconds) / 1_000_000 }

    public static func < (a: TimeAmount, b: TimeAmount) -> Bool { a.microseconds < b.microseconds }

    /// The units of the written form, longest first. A `d` is 24 hours.
    private static let units: [(name: String, microseconds: Int64)] = [
        ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1),
    ]

    /// Reads `90s`, `15m`, `2h`, `7d`, `1h30m`, `500ms`: whole numbers with units, longer units first, each at most once.
    /// Nil for any other text, and for what does not fit in 64 bits of microseconds.
    public init?(parsing text: String) {
        var scanner = TextScanner(text)
        var total: Int64 = 0
        var used = 0
        guard !scanner.isAtEnd else { return nil }
        while !scanner.isAtEnd {
            guard let count = scanner.digits(1, 19) else { return nil }
            let name = scanner.run { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
            guard let unit = Self.units[used...].firstIndex(where: { $0.name == name }) else { return nil }
            used = unit + 1
            let (part, tooMuch) = Int64(count).multipliedReportingOverflow(by: Self.units[unit].microseconds)
            let (sum, tooMuchInAll) = total.addingReportingOverflow(part)
            guard !tooMuch, !tooMuchInAll else { return nil }
            total = sum
        }
        self.init(microseconds: total)
    }
}

extension TimeAmount: CustomStringConvertible {
    /// The form that `init(parsing:)` reads, such as `1h30m`; `0s` for nothing, and a minus sign before a negative amount.
    public var description: String {
        var rest = microseconds.magnitude
        var text = microseconds < 0 ? "-" : ""
        for unit in Self.units {
            let (count, remainder) = rest.quotientAndRemainder(dividingBy: UInt64(unit.microseconds))
            if count > 0 { text += "\(count)\(unit.name)" }
            rest = remainder
        }
        return text.isEmpty ? "0s" : text
    }
}

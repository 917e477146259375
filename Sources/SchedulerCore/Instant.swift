/// A point in time: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
public struct Instant: Sendable, Hashable, Comparable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }
    public init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

    public static let distantFuture = Instant(microseconds: .max)
    public static let distantPast = Instant(microseconds: .min)

    /// Whole seconds since 1970, rounded towards the past.
    public var wholeSeconds: Int64 { microseconds.floorDivided(by: 1_000_000).quotient }

    public static func < (a: Instant, b: Instant) -> Bool { a.microseconds < b.microseconds }
    /// Stops at the ends of the range instead of trapping.
    public static func + (instant: Instant, amount: TimeAmount) -> Instant {
        let (sum, overflow) = instant.microseconds.addingReportingOverflow(amount.microseconds)
        return overflow ? Instant(microseconds: amount.microseconds > 0 ? .max : .min) : Instant(microseconds: sum)
    }
    /// Stops at the ends of the range instead of trapping.
    public static func - (instant: Instant, amount: TimeAmount) -> Instant {
        let (sum, overflow) = instant.microseconds.subtractingReportingOverflow(amount.microseconds)
        return overflow ? Instant(microseconds: amount.microseconds > 0 ? .min : .max) : Instant(microseconds: sum)
    }
    /// Stops at the ends of the range instead of trapping.
    public static func - (later: Instant, earlier: Instant) -> TimeAmount {
        let (span, overflow) = later.microseconds.subtractingReportingOverflow(earlier.microseconds)
        return TimeAmount(microseconds: overflow ? (later > earlier ? .max : .min) : span)
    }
}

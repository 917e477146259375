/// A point in time: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
public struct Instant: Sendable, Hashable, Comparable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }
    public init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

    public static let distantFuture = Instant(microseconds: .max)

    public static func < (a: Instant, b: Instant) -> Bool { a.microseconds < b.microseconds }
    /// Stops at the ends of the range instead of trapping.
    public static func + (instant: Instant, amount: TimeAmount) -> Instant {
        let (sum, overflow) = instant.microseconds.addingReportingOverflow(amount.microseconds)
        return overflow ? Instant(microseconds: amount.microseconds > 0 ? .max : .min) : Instant(microseconds: sum)
    }
    public static func - (later: Instant, earlier: Instant) -> TimeAmount {
        TimeAmount(microseconds: later.microseconds - earlier.microseconds)
    }
}

/// A length of time in microseconds; never a calendar length (a day of a schedule is not always 24 hours).
public struct TimeAmount: Sendable, Hashable, Comparable {
    public var microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }
    public init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

    public static let zero = TimeAmount(microseconds: 0)

    public var seconds: Double { Double(microseconds) / 1_000_000 }

    public static func < (a: TimeAmount, b: TimeAmount) -> Bool { a.microseconds < b.microseconds }
}

/// The half-open span `[start, end)` of time that a run is about. Empty for a run of a DAG without a schedule.
public struct DataInterval: Sendable, Hashable {
    public var start: Instant
    public var end: Instant

    public init(start: Instant, end: Instant) {
        self.start = start
        self.end = end
    }
}

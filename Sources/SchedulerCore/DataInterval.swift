/// The half-open span `[start, end)` of time that a run is about. Empty for a run of a DAG without a schedule.
public struct DataInterval: Sendable, Hashable {
    public var start: Instant
    public var end: Instant

    public init(start: Instant, end: Instant) {
        self.start = start
        self.end = end
    }

    /// Whether it lies within the years 1970 to 9999: RFC 3339 has no words for later ones.
    public var isTellable: Bool {
        start >= Instant(microseconds: 0) && end <= Instant(microseconds: 253_402_300_799_999_999)
    }
}

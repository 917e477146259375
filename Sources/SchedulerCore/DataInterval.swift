/// The half-open span `[start, end)` of time that a run is about. Empty for a run of a DAG without a schedule.
public struct DataInterval: Sendable, Hashable {
    public var start: Instant
    public var end: Instant

    public init(start: Instant, end: Instant) {
        self.start = start
        self.end = end
    }
}

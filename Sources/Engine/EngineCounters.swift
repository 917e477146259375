/// What the engine's loop has done since it started; for benchmarks and for those who wonder.
public struct EngineCounters: Sendable, Hashable {
    /// Turns that took at least one event.
    public var turns: Int64 = 0
    public var events: Int64 = 0
    /// Transactions that wrote something.
    public var commits: Int64 = 0
    /// Time in those turns, commits included, microseconds.
    public var turnMicroseconds: Int64 = 0
    public var longestTurnMicroseconds: Int64 = 0

    public init() {}
}

import SchedulerCore

/// What of an answer is wanted: how many rows, of which days.
public struct QueryBounds: Sendable, Hashable {
    /// Most rows; nil for all.
    public var limit: Int? = 100
    /// Rows that are left out first.
    public var offset = 0
    /// Days of partitions, both included; nil for no bound.
    public var from: String?
    public var to: String?

    public init() {}

    /// More rows than any lake has; the sum of two is still a number.
    private static let mostRows = 1_000_000_000_000

    /// Refuses what cannot be meant.
    func check() throws(CatalogueProblem) {
        for (name, number) in [("limit", limit ?? 0), ("offset", offset)]
        where !(0...Self.mostRows).contains(number) {
            throw CatalogueProblem(.badValue, "the \(name) is \(number); it must be from 0 to \(Self.mostRows)")
        }
        for day in [from, to].compactMap(\.self) where CivilDate(day) == nil {
            throw CatalogueProblem(.badValue, "'\(day)' is no day; write it as 2022-05-02")
        }
        if let from, let to, from > to { throw CatalogueProblem(.badValue, "no day lies from \(from) to \(to)") }
    }

    /// With one row more than the limit, which tells whether there are more.
    var sql: String {
        (limit.map { "\nLIMIT \($0 + 1)" } ?? "") + (offset > 0 ? "\nOFFSET \(offset)" : "")
    }
}

import SchedulerCore

extension RunQuery {
    /// Where a run stands in the order of the answer.
    public func place(_ run: Run) -> (Int64, Int64) { (order.value(run), run.id) }

    /// Whether one place comes before another one in the answer.
    public func isInOrder(_ one: (Int64, Int64), _ other: (Int64, Int64)) -> Bool {
        isRising ? one < other : one > other
    }
}

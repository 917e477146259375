import JSONText

/// An order to run a range of past intervals, as a person gives it.
public struct BackfillRequest: Sendable {
    public var dag: String
    /// First and last logical date, inclusive.
    public var from: Instant
    public var to: Instant
    public var reprocess: Reprocess
    /// Nil: the DAG's `max_active_runs`.
    public var maxActive: Int?
    public var reverse: Bool
    public var params: [String: JSONNode]
    /// Only say what would be done.
    public var dryRun: Bool

    public init(
        dag: String, from: Instant, to: Instant, reprocess: Reprocess = .none, maxActive: Int? = nil,
        reverse: Bool = false, params: [String: JSONNode] = [:], dryRun: Bool = false
    ) {
        self.dag = dag
        self.from = from
        self.to = to
        self.reprocess = reprocess
        self.maxActive = maxActive
        self.reverse = reverse
        self.params = params
        self.dryRun = dryRun
    }
}

/// What a backfill does, or would do, about one interval.
public struct BackfillPlanEntry: Sendable, Hashable {
    public var logicalDate: Instant
    public var interval: DataInterval
    public var runID: String
    public var disposition: BackfillEntry.Disposition

    public init(
        logicalDate: Instant, interval: DataInterval, runID: String, disposition: BackfillEntry.Disposition
    ) {
        self.logicalDate = logicalDate
        self.interval = interval
        self.runID = runID
        self.disposition = disposition
    }
}

/// Why a command was refused.
public struct CommandError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// No such DAG, run or backfill.
        case notFound = "not_found"
        /// The request makes no sense: a bad parameter, a range outside the bounds.
        case invalid
        /// It meets something that is in the way: the run has ended already.
        case conflict
        /// The engine is stopping, or its store does not work.
        case unavailable
        /// The engine that was asked is stopping, or gone: nothing was done, and the next one can be asked.
        case stopping
    }

    public var code: Code
    /// One line: what is wrong and what to do instead.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

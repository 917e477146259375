import JSONText

/// Intervals for which the schedule makes no run, as the audit log keeps them under the action `skip`.
public struct SkippedSpan: Sendable, Hashable {
    public enum Reason: String, Sendable, Hashable {
        /// They came due while the DAG was not live, and `catchup` does not make up for them.
        case catchup
        /// Earlier runs were still at work, and `overlap` is `skip`.
        case overlap
    }

    /// Start of the first interval, and end of the last one.
    public var from: Instant
    public var to: Instant
    public var reason: Reason

    static let action = "skip"

    init(from: Instant, to: Instant, reason: Reason) {
        self.from = from
        self.to = to
        self.reason = reason
    }

    /// Reads an entry of the audit log; nil when it tells of something else.
    public init?(_ entry: AuditEntry) {
        guard entry.action == Self.action, let details = try? JSONDocument(parsing: entry.details).root,
            let from = details["from"]?.string.flatMap({ Instant.parse($0, in: .utc)?.instant }),
            let to = details["to"]?.string.flatMap({ Instant.parse($0, in: .utc)?.instant }),
            let reason = details["reason"]?.string.flatMap({ Reason(rawValue: $0) })
        else { return nil }
        self.init(from: from, to: to, reason: reason)
    }

    func entry(dag: String, at now: Instant) -> AuditEntry {
        AuditEntry(
            at: now, actor: "scheduler", action: Self.action, subject: dag,
            details: "{\"from\":\"\(from)\",\"to\":\"\(to)\",\"reason\":\"\(reason.rawValue)\"}")
    }
}

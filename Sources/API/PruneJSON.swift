import JSONText
import SchedulerCore

/// How much was removed, as JSON.
public enum PruneJSON {
    public static func write(_ summary: PruneSummary, to writer: inout JSONWriter) {
        writer.object {
            $0.member("runs", summary.runs)
            $0.member("attempts", summary.attempts)
            $0.member("versions", summary.versions)
            $0.member("backfills", summary.backfills)
            $0.member("audit_entries", summary.auditEntries)
            $0.member("orphans", summary.orphans)
            $0.member("complete", summary.isComplete)
        }
    }

    static func read(_ node: JSONNode) -> PruneSummary? {
        func whole(_ key: String) -> Int? { node[key]?.integer.flatMap { Int(exactly: $0) } }
        guard let runs = whole("runs"), let attempts = whole("attempts"), let versions = whole("versions"),
            let backfills = whole("backfills"), let entries = whole("audit_entries"), let orphans = whole("orphans"),
            let isComplete = node["complete"]?.bool
        else { return nil }
        var summary = PruneSummary()
        summary.runs = runs
        summary.attempts = attempts
        summary.versions = versions
        summary.backfills = backfills
        summary.auditEntries = entries
        summary.orphans = orphans
        summary.isComplete = isComplete
        return summary
    }
}

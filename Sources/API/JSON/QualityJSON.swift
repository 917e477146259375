import JSONText
import SchedulerCore
import TaskKinds

/// What quality checks found, as JSON.
public enum QualityJSON {
    /// The checks of some reports, oldest first, in the order of the latest ones.
    public static func names(_ reports: [QualityReport]) -> [String] {
        var names: [String] = []
        for report in reports.reversed() {
            for check in report.checks where !names.contains(check.name) { names.append(check.name) }
        }
        return names
    }

    /// A check and what it found on each day.
    public static func write(_ name: String, _ reports: [QualityReport], to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("check", name)
            writer.member("dataset", reports.lazy.compactMap { $0.check(name)?.dataset }.last)
            writer.key("days")
            writer.array { writer in
                for report in reports {
                    guard let check = report.check(name) else { continue }
                    writer.object {
                        $0.member("ds", report.ds)
                        $0.member("run_id", report.runID)
                        $0.member("severity", check.severity.rawValue)
                        $0.member("status", check.status.rawValue)
                        $0.member("failing", check.failing)
                        $0.member("total", check.total)
                        $0.member("metric", check.metric)
                        $0.member("detail", check.detail)
                    }
                }
            }
        }
    }

    static let check = NamedSchema(
        name: "QualityCheckHistory", help: "a check and what it found on each day",
        fields: [
            .required("check", .string()), .required("dataset", .nullable(.string())),
            .required(
                "days",
                .array(
                    .object([
                        .required("ds", .day), .required("run_id", .string()), .required("severity", .string()),
                        .required("status", .string(), "pass, warn, fail or not_evaluated"),
                        .required("failing", .nullable(.integer()), "rows"), .required("total", .nullable(.integer())),
                        .required("metric", .nullable(.number), "what it measured"), .required("detail", .string()),
                    ]))),
        ])

    static let report = NamedSchema(
        name: "QualityReport", help: "what the checks of a run found",
        fields: [
            .required("dag_id", .string()), .required("run_id", .string()), .required("ds", .day),
            .required("at", .instant), .required("counts", .anything),
            .required("rows", .map(.integer()), "of each dataset"),
            .required("drift", .map(.integer()), "fields that the schema does not know, and in how many records"),
            .required("numbers", .array(.map(.anything))),
            .required("checks", .array(.map(.anything)), "with some of the rows that fail"),
        ])

    /// A DAG that has reports.
    static func write(_ dag: String, _ days: [String], _ last: QualityReport?, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("dag_id", dag)
            writer.member("days", days.count)
            writer.member("first_day", days.first)
            writer.member("last_day", days.last)
            writer.member("last_run_id", last?.runID)
            writer.key("last_counts")
            writer.object { writer in
                for status in ["pass", "warn", "fail", "not_evaluated"] {
                    writer.member(status, last?.checks.count { $0.status.rawValue == status } ?? 0)
                }
            }
        }
    }

    static let summary = NamedSchema(
        name: "QualitySummary", help: "a DAG that has quality reports",
        fields: [
            .required("dag_id", .string()), .required("days", .integer()), .required("first_day", .nullable(.day)),
            .required("last_day", .nullable(.day)), .required("last_run_id", .nullable(.string())),
            .required("last_counts", .map(.integer()), "checks of the last report by how they went"),
        ])
}

import JSONText
import SchedulerCore
import Store

/// A backfill as JSON.
public enum BackfillJSON {
    public static func write(_ progress: BackfillProgress, runs: [Run]? = nil, to writer: inout JSONWriter) {
        let backfill = progress.backfill
        writer.object { writer in
            writer.member("backfill_id", backfill.id)
            writer.member("dag_id", backfill.dagID)
            writer.member("from", "\(backfill.from)")
            writer.member("to", "\(backfill.to)")
            writer.member("reprocess", backfill.reprocess.rawValue)
            writer.member("reverse", backfill.reverse)
            writer.member("max_active", backfill.maxActive)
            writer.member("task_ids", backfill.tasks)
            writer.member("state", backfill.state.rawValue)
            writer.member("paused", backfill.paused)
            writer.member("created_at", "\(backfill.createdAt)")
            writer.member("end_date", backfill.endedAt.map { "\($0)" })
            writer.member("total", progress.total)
            writer.member("ended", progress.ended)
            writer.key("states")
            writer.object { for state in RunState.allCases { $0.member(state.rawValue, progress.runs[state] ?? 0) } }
            writer.key("actions")
            writer.object {
                for action in BackfillEntry.Disposition.allCases {
                    $0.member(action.rawValue, progress.dispositions[action] ?? 0)
                }
            }
            writer.member("mean_duration", progress.meanDuration?.seconds)
            writer.member("seconds_left", backfill.state.isFinal ? nil : progress.timeLeft?.seconds)
            guard let runs else { return }
            writer.key("runs")
            writer.array { writer in for run in runs { RunJSON.write(run, to: &writer) } }
        }
    }

    static let schema = NamedSchema(
        name: "Backfill", help: "an order to run a range of past intervals, and how far it is",
        fields: [
            .required("backfill_id", .integer()), .required("dag_id", .string()), .required("from", .instant),
            .required("to", .instant), .required("reprocess", .words(of: Reprocess.self)),
            .required("reverse", .boolean),
            .required("max_active", .integer()), .required("task_ids", .array(.string()), "empty: all tasks"),
            .required("state", .words(of: BackfillState.self)), .required("paused", .boolean),
            .required("created_at", .instant), .required("end_date", .nullable(.instant)),
            .required("total", .integer()), .required("ended", .integer()),
            .required("states", .map(.integer()), "how many runs are in each state"),
            .required("actions", .map(.integer()), "how its intervals were met"),
            .required("mean_duration", .nullable(.number), "seconds"), .required("seconds_left", .nullable(.number)),
        ])
}

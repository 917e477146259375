import JSONText
import SchedulerCore

/// A run as JSON: what scripts may rely on, and a few fields more.
public enum RunJSON {
    public static func write(_ run: Run, to writer: inout JSONWriter) {
        writer.object {
            $0.member("dag_id", run.dagID)
            $0.member("run_id", run.runID)
            $0.member("run_type", run.type.rawValue)
            $0.member("dag_version", run.version)
            $0.member("state", run.state.rawValue)
            $0.member("logical_date", "\(run.logicalDate)")
            $0.member("data_interval_start", "\(run.interval.start)")
            $0.member("data_interval_end", "\(run.interval.end)")
            $0.member("run_after", "\(run.runAfter)")
            $0.member("start_date", run.startedAt.map { "\($0)" })
            $0.member("end_date", run.endedAt.map { "\($0)" })
            $0.member("reason", run.reason)
            $0.key("params")
            $0.raw(run.params)
        }
    }

    /// What a client needs of a run that it has just asked for; what only the store needs (row ids, the time
    /// of creation) does not travel.
    static func read(_ node: JSONNode) -> Run? {
        guard let dag = node["dag_id"]?.string, let runID = node["run_id"]?.string,
            let type = node["run_type"]?.string.flatMap(RunType.init),
            let state = node["state"]?.string.flatMap(RunState.init), let date = node.instant("logical_date"),
            let start = node.instant("data_interval_start"), let end = node.instant("data_interval_end"),
            let after = node.instant("run_after")
        else { return nil }
        return Run(
            id: 0, dagID: dag, runID: runID, type: type, state: state, version: node["dag_version"]?.integer ?? 0,
            logicalDate: date,
            interval: DataInterval(start: start, end: end), runAfter: after, createdAt: after,
            startedAt: node.instant("start_date"), endedAt: node.instant("end_date"),
            params: node["params"].map(text) ?? "{}", reason: node["reason"]?.string)
    }

    private static func text(_ node: JSONNode) -> String {
        var writer = JSONWriter()
        writer.node(node)
        return writer.text
    }

    static let schema = NamedSchema(
        name: "Run", help: "one execution of a DAG for one data interval",
        fields: [
            .required("dag_id", .string()), .required("run_id", .string()),
            .required("run_type", .words(of: RunType.self)), .required("state", .words(of: RunState.self)),
            .required("dag_version", .integer()),
            .required("logical_date", .instant, "the name of the interval: its start"),
            .required("data_interval_start", .instant), .required("data_interval_end", .instant),
            .required("run_after", .instant, "not started before this"),
            .required("start_date", .nullable(.instant)), .required("end_date", .nullable(.instant)),
            .required("reason", .nullable(.string()), "why it ended as it did"),
            .required("params", .map(.anything)),
        ])
}

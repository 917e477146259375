import JSONText
import SchedulerCore
import Store

/// A DAG as the store knows it, as JSON.
enum DAGJSON {
    static func write(_ summary: DAGSummary, to writer: inout JSONWriter) {
        let record = summary.record
        writer.object {
            $0.member("dag_id", record.id)
            $0.member("file", record.file)
            $0.member("version", record.version)
            $0.member("paused", record.paused)
            $0.member("active", record.active)
            $0.member("first_seen", "\(record.firstSeen)")
            $0.member("next_interval_start", record.cursor.map { "\($0)" })
            $0.member("active_runs", summary.activeRuns)
            $0.key("last_run")
            if let run = summary.lastRun { RunJSON.write(run, to: &$0) } else { $0.null() }
        }
    }

    static let schema = NamedSchema(
        name: "DAG", help: "a DAG",
        fields: [
            .required("dag_id", .string()), .required("file", .string(), "relative to the DAG folder"),
            .required("version", .integer(), "the version that new runs get"), .required("paused", .boolean),
            .required("active", .boolean, "false once its file is gone"), .required("first_seen", .instant),
            .required(
                "next_interval_start", .nullable(.instant),
                "start of the next interval that the schedule makes a run for"),
            .required("active_runs", .integer()), .required("last_run", .nullable(.named(RunJSON.schema))),
        ])
}

/// A version of a DAG as JSON.
enum VersionJSON {
    /// - Parameter withText: also its text, as a JSON value.
    static func write(_ version: DAGVersionRecord, withText: Bool, to writer: inout JSONWriter) {
        writer.object {
            $0.member("version", version.id)
            $0.member("dag_id", version.dagID)
            $0.member("sha256", version.sha256)
            $0.member("loaded_at", "\(version.loadedAt)")
            if withText { $0.member("text", version.text) }
        }
    }

    private static let fields: [Field] = [
        .required("version", .integer()), .required("dag_id", .string()), .required("sha256", .string()),
        .required("loaded_at", .instant),
    ]

    static let schema = NamedSchema(name: "DAGVersion", help: "one content of a DAG's file", fields: fields)
    static let textSchema = NamedSchema(
        name: "DAGVersionText", help: "one content of a DAG's file, with its text",
        fields: fields + [.required("text", .string(), "the file as it was")])
}

/// Errors in a file of the DAG folder as JSON.
enum FileErrorsJSON {
    static func write(_ file: String, _ errors: [FileError], since: Instant, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("file", file)
            writer.member("since", "\(since)")
            writer.key("errors")
            writer.array { writer in
                for error in errors {
                    writer.object {
                        $0.member("line", error.line)
                        $0.member("column", error.column)
                        $0.member("path", error.path)
                        $0.member("code", error.code)
                        $0.member("message", error.message)
                    }
                }
            }
        }
    }

    static let schema = NamedSchema(
        name: "DAGFileErrors", help: "what is wrong with a file of the DAG folder",
        fields: [
            .required("file", .string()), .required("since", .instant),
            .required(
                "errors",
                .array(
                    .object([
                        .required("line", .integer()), .required("column", .integer()), .required("path", .string()),
                        .required("code", .string()), .required("message", .string()),
                    ]))),
        ])
}

/// A pool as JSON.
enum PoolJSON {
    static func write(_ pool: Pool, to writer: inout JSONWriter) {
        writer.object {
            $0.member("name", pool.name)
            $0.member("slots", pool.slots)
            $0.member("description", pool.description)
        }
    }

    static let schema = NamedSchema(
        name: "Pool", help: "a named number of slots that tasks share",
        fields: [.required("name", .string()), .required("slots", .integer()), .required("description", .string())])
}

/// An entry of the audit log as JSON.
enum AuditJSON {
    static func write(_ entry: AuditEntry, to writer: inout JSONWriter) {
        writer.object {
            $0.member("at", "\(entry.at)")
            $0.member("actor", entry.actor)
            $0.member("action", entry.action)
            $0.member("subject", entry.subject)
            $0.member("details", entry.details)
        }
    }

    static let schema = NamedSchema(
        name: "AuditEntry", help: "something that somebody did",
        fields: [
            .required("at", .instant), .required("actor", .string()), .required("action", .string()),
            .required("subject", .string()), .required("details", .string()),
        ])
}

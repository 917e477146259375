import JSONText
import SchedulerCore
import Store

/// A DAG as the store knows it, as JSON.
enum DAGJSON {
    /// - Parameters:
    ///   - dag: what its file says; nil when that is not valid any more.
    ///   - recent: its last runs; nil: not asked for.
    static func write(_ summary: DAGSummary, _ dag: DAG?, recent: [RecentRun]? = nil, to writer: inout JSONWriter) {
        let record = summary.record
        writer.object {
            $0.member("dag_id", record.id)
            $0.member("file", record.file)
            $0.member("description", dag?.description ?? "")
            $0.member("owner", dag?.owner ?? "")
            $0.member("tags", dag?.tags ?? [])
            $0.member("schedule", dag?.timetable?.name)
            $0.member("schedule_in_words", dag?.meaning ?? "")
            $0.member("timezone", dag?.zone.name ?? "UTC")
            $0.member("version", record.version)
            $0.member("paused", record.paused)
            $0.member("active", record.active)
            $0.member("first_seen", "\(record.firstSeen)")
            $0.member("next_interval_start", record.cursor.map { "\($0)" })
            $0.member(
                "next_run_after", record.cursor.flatMap { dag?.due(intervalStart: $0) }.map { "\($0)" })
            $0.member("active_runs", summary.activeRuns)
            $0.key("last_run")
            if let run = summary.lastRun { RunJSON.write(run, to: &$0) } else { $0.null() }
            $0.key("latest_run")
            if let run = summary.latestRun { RunJSON.write(run, to: &$0) } else { $0.null() }
            $0.member("failed_runs", summary.failedRuns)
            $0.key("last_failure")
            if let run = summary.lastFailure { RunJSON.write(run, to: &$0) } else { $0.null() }
            guard let recent else { return }
            $0.key("recent_runs")
            $0.array { writer in
                for run in recent {
                    writer.object {
                        $0.member("run_id", run.runID)
                        $0.member("state", run.state.rawValue)
                        $0.member("logical_date", "\(run.logicalDate)")
                        $0.member(
                            "duration", run.startedAt.flatMap { start in run.endedAt.map { ($0 - start).seconds } })
                    }
                }
            }
        }
    }

    static let schema = NamedSchema(
        name: "DAG", help: "a DAG",
        fields: [
            .required("dag_id", .string()), .required("file", .string(), "relative to the DAG folder"),
            .required("description", .string()), .required("owner", .string()),
            .required("tags", .array(.string())),
            .required("schedule", .nullable(.string()), "as the file has it; null: time starts no runs"),
            .required("schedule_in_words", .string()), .required("timezone", .string()),
            .required("version", .integer(), "the version that new runs get"), .required("paused", .boolean),
            .required("active", .boolean, "false once its file is gone"), .required("first_seen", .instant),
            .required(
                "next_interval_start", .nullable(.instant),
                "start of the next interval that the schedule makes a run for"),
            .required("next_run_after", .nullable(.instant), "when the run of that interval is due"),
            .required("active_runs", .integer()),
            .required("last_run", .nullable(.named(RunJSON.schema)), "the one of the latest logical date"),
            .required("latest_run", .nullable(.named(RunJSON.schema)), "the one that was made last"),
            .required(
                "failed_runs", .integer(),
                "runs that failed and stand so: not run again, and no later success for the same logical date"
            ),
            .required("last_failure", .nullable(.named(RunJSON.schema)), "the one of those that ended last"),
            .optional(
                "recent_runs",
                .array(
                    .object([
                        .required("run_id", .string()), .required("state", .words(of: RunState.self)),
                        .required("logical_date", .instant),
                        .required("duration", .nullable(.number), "seconds; null before the end"),
                    ])), "the last runs, newest first, where they were asked for"),
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

/// What a version of a DAG is made of, as JSON.
enum StructureJSON {
    static func write(_ dag: DAG, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("tasks")
            writer.array { writer in
                for task in dag.tasks {
                    writer.object {
                        $0.member("task_id", task.id)
                        $0.member("kind", task.kind)
                        $0.member("description", task.description)
                        $0.member("upstream", task.upstream.map { dag.tasks[$0].id })
                        $0.member("trigger_rule", task.triggerRule.rawValue)
                        $0.member("retries", task.retries)
                        $0.member("timeout", task.timeout?.seconds)
                        $0.member("pool", task.pool)
                        $0.member("is_mapped", task.mapping != nil)
                        $0.member("allow_failure", task.allowFailure)
                    }
                }
            }
            writer.key("params")
            writer.array { writer in
                for parameter in dag.params {
                    writer.object {
                        $0.member("name", parameter.name)
                        $0.member("type", parameter.type.rawValue)
                        $0.member("description", parameter.description)
                        $0.key("default")
                        if let value = parameter.defaultValue { $0.node(value) } else { $0.null() }
                        $0.member("is_required", parameter.defaultValue == nil)
                        $0.key("allowed")
                        $0.array { writer in for value in parameter.allowed { writer.node(value) } }
                    }
                }
            }
        }
    }

    static let schema = NamedSchema(
        name: "DAGStructure", help: "the tasks and parameters of a version of a DAG",
        fields: [
            .required(
                "tasks",
                .array(
                    .object([
                        .required("task_id", .string()), .required("kind", .string()),
                        .required("description", .string()), .required("upstream", .array(.string())),
                        .required("trigger_rule", .words(of: TriggerRule.self)), .required("retries", .integer()),
                        .required("timeout", .nullable(.number), "seconds"), .required("pool", .string()),
                        .required("is_mapped", .boolean), .required("allow_failure", .boolean),
                    ]))),
            .required(
                "params",
                .array(
                    .object([
                        .required("name", .string()), .required("type", .string()),
                        .required("description", .string()), .required("default", .anything),
                        .required("is_required", .boolean, "it must be given for each run"),
                        .required("allowed", .array(.anything), "empty: any value of the type"),
                    ]))),
        ])
}

/// Where the tasks of a DAG stand in its drawing, as JSON.
enum GraphJSON {
    static func write(_ drawing: GraphLayout.Drawing, _ dag: DAG, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("width", drawing.size.x)
            writer.member("height", drawing.size.y)
            writer.key("nodes")
            writer.array { writer in
                for (task, node) in zip(dag.tasks, drawing.nodes) {
                    writer.object {
                        $0.member("task_id", task.id)
                        $0.member("x", node.at.x)
                        $0.member("y", node.at.y)
                        $0.member("width", node.size.x)
                        $0.member("height", node.size.y)
                    }
                }
            }
            writer.key("edges")
            writer.array { writer in
                for edge in drawing.edges where dag.tasks.indices.contains(max(edge.from, edge.to)) {
                    writer.object { writer in
                        writer.member("from", dag.tasks[edge.from].id)
                        writer.member("to", dag.tasks[edge.to].id)
                        writer.key("points")
                        writer.array { writer in
                            for point in edge.points {
                                writer.object {
                                    $0.member("x", point.x)
                                    $0.member("y", point.y)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private static let point: [Field] = [.required("x", .number), .required("y", .number)]

    static let schema = NamedSchema(
        name: "DAGGraph", help: "a drawing of a DAG: points (1/72 inch) from the upper left corner",
        fields: [
            .required("width", .number), .required("height", .number),
            .required(
                "nodes",
                .array(
                    .object(
                        [.required("task_id", .string())] + point + [
                            .required("width", .number), .required("height", .number),
                        ])), "x and y are the middle"),
            .required(
                "edges",
                .array(
                    .object([
                        .required("from", .string()), .required("to", .string()),
                        .required("points", .array(.object(point)), "of a cubic B-spline, as SVG's C takes them"),
                    ]))),
        ])
}

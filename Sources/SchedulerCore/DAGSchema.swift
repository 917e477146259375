import JSONText

/// The JSON Schema (2020-12) of DAG files, for editors: docs/dag.schema.json, which `weir schema` prints.
///
/// It is made of the lists of keys by which files are read and of what the task kinds declare. A schema cannot see all that
/// `DAGParser` sees (cycles, unknown tasks, zones, dates that do not exist); what it refuses, the parser refuses too.
public enum DAGSchema {
    /// The whole file.
    public static func text(kinds: [KindSpec]) -> String {
        var writer = JSONWriter(indented: true)
        writer.node(schema(kinds).node)
        return writer.text + "\n"
    }

    static func schema(_ kinds: [KindSpec]) -> SchemaValue {
        let dag = SchemaValue.object(DAGParser.keys, self.dag, required: ["id", "tasks"])
        let head: SchemaValue = [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "DAG file of Weir",
            "description": "One DAG: tasks, what they wait for, and when they run. docs/dag-files.md explains it.",
        ]
        return head.joined(dag).adding(["$defs": definitions(kinds)])
    }

    private static func definitions(_ kinds: [KindSpec]) -> SchemaValue {
        var all: [(String, SchemaValue)] = [
            ("task", task(kinds)),
            ("env", env),
            ("limits", limits),
            ("for_each", forEach),
            ("schedule", schedule),
            ("parameter", parameter),
            ("notifications", ["type": "array", "items": .reference("notification")]),
            ("notification", notification(kinds)),
            ("template", .template),
        ]
        all += kinds.map { ("with.\($0.name)", parameters(of: $0)) }
        return SchemaValue(members: all)
    }

    /// The keys of a DAG.
    static let dag: [String: SchemaValue] = [
        "$schema": .text.saying("where this schema lies, for editors; Weir does not read it"),
        "id": .id.saying("its name: 1 to 128 of A-Z a-z 0-9 _ . -; no other file may have it"),
        "description": .text.saying("for people"),
        "owner": .text.saying("for people"),
        "tags": .list(.text).saying("for people"),
        "schedule": .reference("schedule").saying("when it runs; null: only when triggered", default: .null),
        "timezone": .text.saying("IANA name of the zone in which its days begin", default: "UTC"),
        "start": dateOrNull.saying("first logical date; when it was first loaded, if left out"),
        "end": dateOrNull.saying("last logical date, inclusive"),
        "catchup": .rule(["enum": [true, "all", false, "latest", "none"]]).saying(
            "which missed intervals get a run: all of them (true), the latest one (false), or none", default: false),
        "catchup_window": .duration(positive: true, orNull: true).saying(
            "how far back catching up goes", default: .null),
        "delay": .duration().saying("a run waits so long after its interval's end", default: "0s"),
        "max_active_runs": .integer(1, 10_000).saying("scheduled and manual runs at once", default: 16),
        "max_active_tasks": .integer(1, 10_000).saying("tasks of this DAG at once", default: 16),
        "overlap": .words(DAG.Overlap.self).saying(
            "a tick that finds max_active_runs runs active makes a run that waits (queue) or none (skip)",
            default: "queue"),
        "depends_on_past": dependsOnPast.saying("depends_on_past of every task that does not say it", default: false),
        "run_timeout": .duration(positive: true, orNull: true).saying(
            "a run that takes longer, counted from its start, is ended as failed", default: .null),
        "deadline": .duration(positive: true, orNull: true).saying(
            "a run that is not done so long after its start is told once, by on_deadline; it goes on", default: .null),
        "expect_by": .anyOf([["type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"], ["type": "null"]])
            .saying(
                "by this time of each day, in the DAG's zone, a run must have succeeded; else on_missed tells it",
                default: .null),
        "params": .rule([
            "type": "object", "propertyNames": variableName, "additionalProperties": .reference("parameter"),
        ]).saying("values that a trigger or a backfill may set: {{ params.NAME }}, WEIR_PARAM_NAME"),
        "defaults": .object(TaskSettings.keys, settings).saying("what tasks that do not say it themselves take"),
        "env": .reference("env").saying("environment of every task; values are templates"),
        "paused": .flag.saying("whether it is paused when it is first loaded", default: false),
        "on_failure": .reference("notifications").saying("sent when a run has failed"),
        "on_success": .reference("notifications").saying("sent when a run has succeeded"),
        "on_deadline": .reference("notifications").saying("sent when a run is not done at its deadline"),
        "on_retry": .reference("notifications").saying(
            "sent when a task of a run is going to be tried again, once a run"),
        "on_missed": .reference("notifications").saying("sent when no run had succeeded by expect_by, once a day"),
        "tasks": .rule(["type": "array", "minItems": 1, "items": .reference("task")]).saying(
            "the tasks, in the order in which they are shown"),
    ]

    private static let dateOrNull: SchemaValue = .anyOf([.date, ["type": "null"]])
    static let dependsOnPast: SchemaValue = .flag

    /// `isVariableName`.
    static let variableName: SchemaValue = ["pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$"]

    static let env: SchemaValue = [
        "type": "object",
        "propertyNames": ["pattern": "^(?!WEIR_)[A-Za-z_][A-Za-z0-9_]{0,127}$"],
        "additionalProperties": ["type": "string", "pattern": "^[^\\u0000]*$"],
    ]

    /// The keys of one of `params`.
    static let parameterFields: [String: SchemaValue] = [
        "type": .rule(["enum": SchemaValue(ParameterReader.types.map(\.rawValue))]).saying("any type when left out"),
        "default": SchemaValue.anything.saying("without one, each run must be given the parameter"),
        "enum": .rule(["type": "array", "minItems": 1]).saying("the only values that it may have"),
        "minimum": .rule(["type": "number"]).saying("the smallest number that it may be"),
        "maximum": .rule(["type": "number"]).saying("the largest number that it may be"),
        "pattern": .text.saying("a regular expression that the text must match"),
        "description": .text.saying("for people"),
    ]

    private static var parameter: SchemaValue {
        let byType = ParameterReader.types.map { type in
            SchemaValue.when(
                "type", is: type.rawValue,
                [
                    "properties": [
                        "default": ["type": "\(type.rawValue)"], "enum": ["items": ["type": "\(type.rawValue)"]],
                    ]
                ])
        }
        let textual: SchemaValue = ["properties": ["type": ["const": "string"]], "required": ["type"]]
        let numeric: SchemaValue = ["properties": ["type": ["enum": ["integer", "number"]]], "required": ["type"]]
        return SchemaValue.object(ParameterReader.keys, parameterFields).adding([
            "dependentSchemas": ["minimum": numeric, "maximum": numeric, "pattern": textual],
            "allOf": SchemaValue(byType),
        ])
    }
}

/// The forms of `schedule`.
extension DAGSchema {
    static let fileFields: [String: SchemaValue] = [
        "folder": plainText.saying("folder that is watched; a relative one counts from WEIR_HOME"),
        "pattern": .rule([
            "type": "string", "pattern": #"^(?!(.*/)?\.{0,2}(/|$))[^/]+(/[^/]+){0,7}$"#,
        ]).saying(
            "names that count, with * and ? as in the shell; \"*/*.json\" for those one folder below", default: "*"),
        "settle": .duration().saying("a file that was not changed for so long is complete", default: "10s"),
        "every": .duration(positive: true).saying("how often the folder is looked at", default: "10s"),
        "batch": .object(ScheduleReader.batchKeys, batchFields).saying(
            "how much must have arrived: whichever is reached first; without it a file is enough"),
    ]

    private static let batchFields: [String: SchemaValue] = [
        "files": .integer(1, 1_000_000_000).saying("so many files"),
        "bytes": .memory.saying("so much together, such as \"64MiB\""),
        "age": .duration(positive: true).saying("so long since the oldest of them arrived", default: "1m"),
    ]

    /// What stands below each form's own key.
    static let scheduleFields: [String: SchemaValue] = [
        "cron": .cron.saying("minute hour day month weekday, as in crontab(5): \"30 2 * * *\""),
        "timezone": .text.saying("IANA name of the expression's zone; the DAG's when left out"),
        "every": .duration(positive: true).saying(
            "at least 1s; counted from \"start\", without one from 1970-01-01T00:00:00Z"),
        "files": .object(ScheduleReader.fileKeys, fileFields, required: ["folder"]).saying(
            "starts a run when files arrive in a folder"),
        "datasets": .rule(["type": "array", "minItems": 1, "uniqueItems": true, "items": plainText]).saying(
            "starts a run when each of these was published since the last start"),
    ]

    /// No template: nothing is there yet that could fill it.
    private static let plainText: SchemaValue = ["type": "string", "minLength": 1, "not": .template]

    static var schedule: SchemaValue {
        let presets = Timetable.presets.flatMap { [$0, "@" + $0] }
        let forms = ScheduleReader.forms.map { form in
            SchemaValue.object(form == "cron" ? [form, "timezone"] : [form], scheduleFields, required: [form])
        }
        return .anyOf(
            [
                SchemaValue(members: [("type", "null")]).saying("only when triggered"),
                SchemaValue(members: [("enum", SchemaValue(presets))]).saying("a preset; a week begins on Sunday"),
                .cron.saying("a cron expression: minute hour day month weekday"),
            ] + forms)
    }
}

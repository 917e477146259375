import JSONText

/// Tasks and notifications.
extension DAGSchema {
    /// The keys that a task and `defaults` share.
    static let settings: [String: SchemaValue] = [
        "trigger_rule": .words(TriggerRule.self).saying(
            "which states of the tasks in \"after\" let it run", default: "all_success"),
        "retries": .integer(0, 1000).saying("tries after the first", default: 0),
        "retry_delay": .duration().saying("before the first retry", default: "5m"),
        "retry_backoff": .rule(["type": "number", "minimum": 1, "maximum": 100]).saying(
            "factor from one retry's delay to the next; 2 doubles it", default: 1),
        "max_retry_delay": .duration(orNull: true).saying("no retry waits longer", default: .null),
        "timeout": .duration(positive: true, orNull: true).saying(
            "then an attempt is killed with all that it started; it may be retried", default: .null),
        "priority": .integer(-1000, 1000).saying("higher starts first when there is not room for all", default: 0),
        "pool": .id.saying("the pool whose slots its attempts take", default: "\(Pool.defaultName)"),
        "pool_slots": .integer(1, 10_000).saying("how many slots of its pool each attempt takes", default: 1),
        "depends_on_past": dependsOnPast.saying(
            "wait until the same task of the run of the interval before has succeeded or was skipped", default: false),
        "on_lost": .words(OnLost.self).saying(
            "after an attempt of which nobody knows how it ended: another one (retry), or the task has failed (fail)",
            default: "retry"),
        "poll_interval": .duration(positive: true, orNull: true).saying(
            "makes the task a sensor: exit status 97 means \"not yet\", and it looks again so much later",
            default: .null),
        "poll_timeout": .duration(positive: true).saying(
            "a sensor that has waited so long in all has failed", default: "7d"),
        "allow_failure": .flag.saying(
            "its failure counts as a success for the run and for the tasks after it", default: false),
        "env": .reference("env").saying("added to the DAG's environment; values are templates"),
        "limits": .reference("limits").saying("what the task may use"),
        "cwd": .folder.saying("folder in which it runs; a relative one counts from WEIR_HOME, which is the default"),
        "umask": .umask.saying("permissions that its new files do not get, in octal", default: "022"),
    ]

    /// The keys that only a task has.
    static let taskOnly: [String: SchemaValue] = [
        "id": .id.saying("its name within the DAG: 1 to 128 of A-Z a-z 0-9 _ . -"),
        "kind": .text.saying("what it does; decides what \"with\" takes"),
        "after": .list(.id).saying("the tasks directly before it"),
        "with": .rule(["type": "object"]).saying("the parameters of its kind; texts in it are templates"),
        "description": .text.saying("for people"),
        "for_each": .reference("for_each").saying(
            "one instance of the task for each element of a list", default: .null),
        "when": .rule(["type": ["string", "null"]]).saying(
            "a condition on params and outputs; when it is false the task is skipped"),
        "on_failure": .reference("notifications").saying("sent when the task has failed for good"),
        "on_retry": .reference("notifications").saying("sent when the task is going to be tried again, once a run"),
    ]

    static let limitFields: [String: SchemaValue] = [
        "memory": .memory.saying("at least 1MiB; of the whole tree where cgroups can hold it: \"512MB\", \"2GiB\""),
        "cpu_time": .duration(positive: true).saying("processor time of each process"),
        "open_files": .integer(16, 1_048_576).saying("open files of each process"),
    ]

    static let limits: SchemaValue = .object(TaskLimits.keys, limitFields)

    static let forEachFields: [String: SchemaValue] = [
        "in": listOrTemplate.saying("the list, or one template that gives it: \"{{ outputs.list.files }}\""),
        "limit": .integer(1, MappingReader.longest).saying("a longer list is an error", default: 1000),
        "max_active": .integer(1, 10_000).saying("at most so many instances of a run at once"),
    ]

    private static let listOrTemplate: SchemaValue = .anyOf([["type": "array"], .soleTemplate])

    static let forEach: SchemaValue = .anyOf([
        ["type": "null"],
        ["type": "array", "maxItems": SchemaValue(integerLiteral: Int64(Mapping.defaultLimit))],
        .soleTemplate,
        .object(MappingReader.keys, forEachFields, required: ["in"]),
    ])

    static func task(_ kinds: [KindSpec]) -> SchemaValue {
        var fields = settings.merging(taskOnly) { $1 }
        fields["kind"] = kindNames(kinds).saying("what it does; decides what \"with\" takes")
        return SchemaValue.object(TaskDraft.keys, fields, required: ["id", "kind"]).adding(["allOf": withOfKind(kinds)])
    }

    static let notificationFields: [String: SchemaValue] = [
        "with": .rule(["type": "object"]).saying("the parameters of its kind; texts in it are templates"),
        "timeout": .duration(positive: true).saying("then a try of it is killed", default: "10m"),
        "retries": .integer(0, 1000).saying(
            "tries after the first, when a later one may succeed",
            default: SchemaValue(integerLiteral: Int64(Retries.ofNotifications.count))),
        "retry_delay": .duration().saying(
            "before the first retry; it doubles with each", default: "\(Retries.ofNotifications.delay)"),
    ]

    /// What the kind `notify` takes, or a small task of any kind.
    static func notification(_ kinds: [KindSpec]) -> SchemaValue {
        var fields = notificationFields
        fields["kind"] = kindNames(kinds).saying("any kind of task; notify when left out")
        let small = SchemaValue.object(HookReader.keys, fields).adding(["allOf": withOfKind(kinds)])
        let usual = kinds.contains { $0.name == HookReader.usualKind }
        return [
            "type": "object",
            "if": ["required": ["kind"]],
            "then": small,
            "else": usual ? .reference("with.\(HookReader.usualKind)") : false,
        ]
    }

    private static func kindNames(_ kinds: [KindSpec]) -> SchemaValue {
        ["enum": SchemaValue(kinds.map(\.name))]
    }

    private static func withOfKind(_ kinds: [KindSpec]) -> SchemaValue {
        SchemaValue(
            kinds.map { kind in
                let with: SchemaValue = ["properties": ["with": .reference("with.\(kind.name)")]]
                let needsSome = !kind.exactlyOneOf.isEmpty || kind.parameters.contains(where: \.required)
                return .when("kind", is: kind.name, needsSome ? with.adding(["required": ["with"]]) : with)
            })
    }

    /// What a kind takes in `with`. Wherever a value is no text anyway, a template may stand for it.
    static func parameters(of kind: KindSpec) -> SchemaValue {
        let schemas = Dictionary(
            kind.parameters.map { ($0.name, schema($0)) }, uniquingKeysWith: { first, _ in first })
        let object = SchemaValue.object(
            kind.parameters.map(\.name), schemas, required: kind.parameters.filter(\.required).map(\.name))
        let groups = kind.exactlyOneOf.map { group -> SchemaValue in
            ["oneOf": SchemaValue(group.map { ["required": ["\($0)"]] })]
        }
        let companions = kind.parameters.filter { $0.goesWith.count == 1 }
        let dependent =
            companions.isEmpty
            ? object
            : object.adding([
                "dependentRequired": SchemaValue(members: companions.map { ($0.name, SchemaValue($0.goesWith)) })
            ])
        let described = dependent.saying("kind \(kind.name): \(kind.summary)")
        return groups.isEmpty ? described : described.adding(["allOf": SchemaValue(groups)])
    }

    private static func schema(_ parameter: KindParameter) -> SchemaValue {
        var schema = schema(parameter.type)
        if !parameter.allowed.isEmpty {
            schema = .anyOf([["enum": SchemaValue(parameter.allowed)], .reference("template")])
        } else if parameter.type == .array, let element = parameter.element {
            schema = .anyOf([
                ["type": "array", "minItems": 1, "items": self.schema(element)], .reference("template"),
            ])
        }
        guard let value = parameter.defaultValue else { return schema.saying(parameter.help) }
        return schema.saying(parameter.help, default: standard(value, parameter.type))
    }

    private static func standard(_ text: String, _ type: ValueType) -> SchemaValue {
        switch type {
        case .boolean: SchemaValue(booleanLiteral: text == "true")
        case .integer: Int64(text).map { SchemaValue(integerLiteral: $0) } ?? "\(text)"
        default: "\(text)"
        }
    }

    private static func schema(_ type: ValueType) -> SchemaValue {
        switch type {
        case .any: .anything
        case .string: .text
        case .duration: .anyOf([.duration(), .reference("template")])
        case .url: .anyOf([["type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"], .reference("template")])
        default: .anyOf([["type": "\(type.rawValue)"], .reference("template")])
        }
    }
}

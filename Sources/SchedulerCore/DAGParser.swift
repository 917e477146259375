import JSONText

/// What a DAG file is checked against besides itself.
public struct DAGValidationContext: Sendable {
    public var kinds: [KindSpec]
    /// Finds a time zone by its IANA name; nil when there is none.
    public var zone: @Sendable (String) -> Zone?
    /// What time it is, to warn of bounds that are to come or have passed; nil: no such warnings.
    public var now: Instant?
    /// What templates may name of the configuration; nil: there is none to look it up in.
    public var names: ConfiguredNames?

    public init(
        kinds: [KindSpec], now: Instant? = nil, names: ConfiguredNames? = nil,
        zone: @escaping @Sendable (String) -> Zone?
    ) {
        self.names = names
        self.now = now
        self.kinds = kinds
        self.zone = zone
    }
}

/// The names behind `env.` and `secret.` that the configuration has.
public struct ConfiguredNames: Sendable, Hashable {
    public var environment: [String]
    public var secrets: [String]

    public init(environment: [String] = [], secrets: [String] = []) {
        self.environment = environment
        self.secrets = secrets
    }
}

/// Reads DAG files.
public enum DAGParser {
    static let keys = [
        "$schema", "id", "description", "owner", "tags", "schedule", "timezone", "start", "end", "catchup",
        "catchup_window", "delay", "max_active_runs", "max_active_tasks", "overlap", "depends_on_past", "run_timeout",
        "deadline", "expect_by", "params", "defaults", "env", "paused", "on_failure", "on_success", "on_deadline",
        "on_retry", "on_missed", "tasks",
    ]

    /// Reads a DAG file and finds everything that is wrong with it in one pass.
    ///
    /// - Returns: The DAG, nil when there is an error among the diagnostics; and these in the order of the file.
    public static func parse(
        _ bytes: [UInt8], context: DAGValidationContext
    ) -> (dag: DAG?, diagnostics: [Diagnostic]) {
        let problems = DiagnosticCollector(bytes: bytes)
        let document: JSONDocument
        do {
            document = try JSONDocument(parsing: bytes)
        } catch {
            problems.error(.jsonSyntax, at: error.offset, "$", "not valid JSON: the text \(error.message)")
            return (nil, problems.diagnostics())
        }
        for duplicate in document.duplicateKeys {
            problems.error(
                .duplicateKey, at: duplicate.offset, path(toKeyAt: duplicate.offset, in: document.root),
                "key \"\(duplicate.key)\" is there already, on line \(problems.line(at: duplicate.firstOffset))")
        }
        let reader = ObjectReader(document.root, path: "$", what: "a DAG", problems: problems)
        let dag = reader.map { read($0, context: context) }
        if let reader, let dag, !problems.hasErrors { DAGWarnings(reader: reader, dag: dag, context: context).check() }
        return (problems.hasErrors ? nil : dag, problems.diagnostics())
    }

    private static func read(_ reader: ObjectReader, context: DAGValidationContext) -> DAG {
        reader.refuseUnknownKeys(keys, of: "a DAG")
        let id = reader.id(of: "a DAG") ?? ""
        _ = reader.string("$schema")
        let zone = readZone(reader, context)
        let (start, end) = readBounds(reader, zone)
        let params = ParameterReader.read(reader)
        let schedule = ScheduleReader(zone: zone, start: start, context: context).read(reader)
        if schedule.startsRuns { requireDefaults(of: params, reader) }
        if schedule.startedBy != nil { warnOfCalendarKeys(reader) }
        let defaults = readDefaults(reader)
        let env = reader.environment("env") ?? []
        let list = TaskListReader(
            dag: reader, kinds: context.kinds, params: params, defaults: defaults, dagEnv: env,
            dependsOnPast: reader.bool("depends_on_past") ?? false, names: context.names
        ).read()
        return DAG(
            id: id, description: reader.string("description") ?? "", owner: reader.string("owner") ?? "",
            tags: reader.strings("tags")?.map(\.text) ?? [], timetable: schedule.timetable,
            startedBy: schedule.startedBy, zone: zone, start: start, end: end, catchup: readCatchup(reader) ?? .latest,
            catchupWindow: reader.duration("catchup_window", positive: true, orNull: true) ?? nil,
            delay: (reader.duration("delay") ?? nil) ?? .zero,
            maxActiveRuns: reader.integer("max_active_runs", 1...10_000) ?? 16,
            maxActiveTasks: reader.integer("max_active_tasks", 1...10_000) ?? 16,
            overlap: reader.word("overlap", DAG.Overlap.self, what: "way to treat an overlap") ?? .queue,
            runTimeout: reader.duration("run_timeout", positive: true, orNull: true) ?? nil,
            deadline: reader.duration("deadline", positive: true, orNull: true) ?? nil,
            expectBy: readExpectBy(reader), params: params, env: env.map(\.entry),
            paused: reader.bool("paused") ?? false, tasks: list.tasks, hooks: list.hooks,
            specs: list.tasks + list.hooks.map(\.spec))
    }

    /// What only says something about intervals of a timetable.
    private static func warnOfCalendarKeys(_ reader: ObjectReader) {
        for key in ["catchup", "catchup_window", "delay", "overlap"] where reader[key] != nil {
            reader.problems.warning(
                .uselessKey, at: reader.keyOffset(key), reader.path(key),
                "\"\(key)\" has no effect: what starts this DAG is not time")
        }
    }

    /// Nobody is there to give the parameters of a run that the schedule makes.
    private static func requireDefaults(of params: [Parameter], _ reader: ObjectReader) {
        for param in params where param.defaultValue == nil {
            guard let node = reader["params"]?[param.name] else { continue }
            reader.problems.error(
                .missingDefault, at: node.offset, jsonPath(reader.path("params"), param.name),
                "parameter \"\(param.name)\" has no \"default\", which the runs of a schedule need")
        }
    }

    // MARK: Fields

    static func readZone(_ reader: ObjectReader, _ context: DAGValidationContext) -> Zone {
        guard let name = reader.string("timezone") else { return .utc }
        if let zone = context.zone(name) { return zone }
        reader.error(
            .unknownZone, "timezone",
            "there is no time zone \"\(name)\"; use a name such as \"UTC\" or \"Europe/Zurich\"")
        return .utc
    }

    private static func readExpectBy(_ reader: ObjectReader) -> ClockTime? {
        guard reader["expect_by"]?.isNull != true, let text = reader.string("expect_by") else { return nil }
        if let time = ClockTime(text) { return time }
        reader.error(
            .badValue, "expect_by", "\"\(text)\" is no time of a day; write it as \"08:00\", from 00:00 to 23:59")
        return nil
    }

    private static func readBounds(_ reader: ObjectReader, _ zone: Zone) -> (start: Instant?, end: Instant?) {
        func text(_ key: String) -> String? { reader[key]?.isNull == true ? nil : reader.string(key) }
        func instant(_ text: String, _ key: String) -> Instant? {
            if let (instant, _) = Instant.parse(text, in: zone) { return instant }
            reader.error(
                .badDate, key,
                "\"\(text)\" is no date; write it as \"2022-05-02\", \"2022-05-02T10:00\" or \"2022-05-02T10:00:00Z\"")
            return nil
        }
        let start = text("start").flatMap { instant($0, "start") }
        // A date without a time means the whole local day.
        let end = text("end").flatMap { text in
            CivilDate(text).map(zone.endOfDay) ?? instant(text, "end")
        }
        if let start, let end, start > end { reader.error(.startAfterEnd, "end", "\"end\" is before \"start\"") }
        return (start, end)
    }

    private static func readCatchup(_ reader: ObjectReader) -> DAG.Catchup? {
        guard let node = reader["catchup"] else { return nil }
        switch node.value {
        case .bool(true), .string("all"): return .all
        case .bool(false), .string("latest"): return .latest
        case .string("none"): return DAG.Catchup.none
        default:
            let code: DiagnosticCode = node.string == nil ? .wrongType : .badValue
            reader.error(code, "catchup", "\"catchup\" must be true, false, \"all\", \"latest\" or \"none\"")
            return nil
        }
    }

    private static func readDefaults(_ reader: ObjectReader) -> TaskSettings? {
        guard let node = reader["defaults"],
            let defaults = ObjectReader(
                node, path: reader.path("defaults"), what: "\"defaults\"", problems: reader.problems)
        else { return nil }
        defaults.refuseUnknownKeys(TaskSettings.keys, of: "\"defaults\"")
        return TaskSettings(defaults)
    }

    // MARK: Places

    /// The JSON path of the member whose key stands at an offset.
    private static func path(toKeyAt offset: Int, in root: JSONNode) -> String {
        var node = root
        var path = "$"
        while true {
            switch node.value {
            case .object(let object):
                guard let member = last(of: object.members, notAfter: offset, at: \.keyOffset) else { return path }
                path = jsonPath(path, object.members[member].key)
                if object.members[member].keyOffset == offset { return path }
                node = object.members[member].node
            case .array(let nodes):
                guard let index = last(of: nodes, notAfter: offset, at: \.offset) else { return path }
                path += "[\(index)]"
                node = nodes[index]
            default: return path
            }
        }
    }

    private static func last<T>(of elements: [T], notAfter offset: Int, at position: KeyPath<T, Int>) -> Int? {
        var low = 0
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if elements[middle][keyPath: position] <= offset { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}

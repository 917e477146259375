import JSONText

extension TaskSpec {
    /// As long as a sensor of Airflow waits: a week.
    static let defaultPollTimeout = TimeAmount(seconds: 7 * 86_400)
}

/// The fields of a task that `defaults` may also hold. Nil: not set here.
struct TaskSettings {
    static let keys = [
        "trigger_rule", "retries", "retry_delay", "retry_backoff", "max_retry_delay", "timeout", "priority",
        "pool", "pool_slots", "depends_on_past", "on_lost", "poll_interval", "poll_timeout", "allow_failure", "env",
        "limits", "cwd", "umask",
    ]

    let triggerRule: TriggerRule?
    let retries: Int?
    let retryDelay: TimeAmount?
    let retryBackoff: Double?
    /// `.some(nil)`: set to no limit.
    let maxRetryDelay: TimeAmount??
    let timeout: TimeAmount??
    let priority: Int?
    let pool: String?
    let poolSlots: Int?
    let dependsOnPast: Bool?
    let onLost: OnLost?
    let pollInterval: TimeAmount??
    let pollTimeout: TimeAmount?
    let allowFailure: Bool?
    let env: [(entry: EnvironmentEntry, node: JSONNode, path: String)]?
    let limits: TaskLimits?
    let workingDirectory: String?
    let umask: Int?

    init(_ reader: ObjectReader) {
        triggerRule = reader.word("trigger_rule", TriggerRule.self, what: "trigger rule")
        retries = reader.integer("retries", 0...1000)
        retryDelay = reader.duration("retry_delay") ?? nil
        retryBackoff = reader.number("retry_backoff", 1...100)
        maxRetryDelay = reader.duration("max_retry_delay", orNull: true)
        timeout = reader.duration("timeout", positive: true, orNull: true)
        priority = reader.integer("priority", -1000...1000)
        pool = reader.id("pool", of: "a pool")
        poolSlots = reader.integer("pool_slots", 1...10_000)
        dependsOnPast = reader.bool("depends_on_past")
        onLost = reader.word("on_lost", OnLost.self, what: "way to treat a lost attempt")
        pollInterval = reader.duration("poll_interval", positive: true, orNull: true)
        pollTimeout = reader.duration("poll_timeout", positive: true) ?? nil
        allowFailure = reader.bool("allow_failure")
        env = reader.environment("env")
        limits = reader.limits("limits")
        workingDirectory = reader.string("cwd")
        umask = reader.umask("umask")
        if workingDirectory?.isEmpty == true || workingDirectory?.utf8.contains(0) == true {
            reader.error(.badValue, "cwd", "\"cwd\" must name a folder; a relative one counts from WEIR_HOME")
        }
    }
}

/// One task as read, before anything that needs the others.
struct TaskDraft {
    static let keys =
        ["id", "kind", "after", "with", "description", "when", "for_each", "on_failure"] + TaskSettings.keys
        + ["on_retry"]

    let reader: ObjectReader
    let id: String?
    let kind: String?
    let description: String
    let settings: TaskSettings
    let after: [(text: String, node: JSONNode, path: String)]
    let mapping: Mapping?
    /// The text of the condition.
    let when: String?

    /// Reads the fields and reports what is wrong with each.
    init?(_ node: JSONNode, path: String, problems: DiagnosticCollector) {
        guard let reader = ObjectReader(node, path: path, what: "a task", problems: problems) else { return nil }
        self.reader = reader
        reader.refuseUnknownKeys(Self.keys, of: "a task")
        id = reader.id(of: "a task")
        reader.require("kind", of: id.map { "task \"\($0)\"" } ?? "a task")
        kind = reader.string("kind")
        description = reader.string("description") ?? ""
        settings = TaskSettings(reader)
        after = reader.strings("after") ?? []
        mapping = MappingReader.read(reader)
        when = reader["when"]?.isNull == true ? nil : reader.string("when")
    }

    /// Where the list of its `for_each` stands.
    var mappingPath: String { reader.path("for_each") + (reader["for_each"]?.object == nil ? "" : ".in") }

    /// The task, with what it does not set taken from the DAG's defaults or from Weir's.
    /// - Parameter kind: nil when there is no such kind, which was reported.
    func task(
        defaults: TaskSettings?, kind: KindSpec?, dependsOnPast: Bool, upstream: [Int], downstream: [Int]
    ) -> TaskSpec {
        let retries = settings.retries ?? defaults?.retries
        // What the kind does by itself when nobody says how often it is to be tried.
        let usual = retries == nil ? kind?.retries : nil
        var env: [String: String] = [:]
        for entry in (defaults?.env ?? []) + (settings.env ?? []) { env[entry.entry.name] = entry.entry.value }
        return TaskSpec(
            id: id ?? "", kind: self.kind ?? "", description: description, upstream: upstream, downstream: downstream,
            with: reader["with"] ?? JSONNode(.object(JSONObject())),
            triggerRule: settings.triggerRule ?? defaults?.triggerRule ?? .allSuccess,
            retries: retries ?? usual?.count ?? 0,
            retryDelay: settings.retryDelay ?? defaults?.retryDelay ?? usual?.delay ?? TimeAmount(seconds: 300),
            retryBackoff: settings.retryBackoff ?? defaults?.retryBackoff ?? usual?.backoff ?? 1,
            maxRetryDelay: settings.maxRetryDelay ?? defaults?.maxRetryDelay ?? nil,
            timeout: settings.timeout ?? defaults?.timeout ?? nil,
            priority: settings.priority ?? defaults?.priority ?? 0,
            pool: settings.pool ?? defaults?.pool ?? Pool.defaultName,
            poolSlots: settings.poolSlots ?? defaults?.poolSlots ?? 1,
            dependsOnPast: settings.dependsOnPast ?? defaults?.dependsOnPast ?? dependsOnPast, mapping: mapping,
            condition: when.flatMap { try? Condition(parsing: $0) },
            onLost: settings.onLost ?? defaults?.onLost ?? .retry,
            pollInterval: settings.pollInterval ?? defaults?.pollInterval ?? nil,
            pollTimeout: settings.pollTimeout ?? defaults?.pollTimeout ?? TaskSpec.defaultPollTimeout,
            allowFailure: settings.allowFailure ?? defaults?.allowFailure ?? false,
            env: env.sorted { $0.key < $1.key }.map { EnvironmentEntry(name: $0.key, value: $0.value) },
            limits: (settings.limits ?? TaskLimits()).filled(from: defaults?.limits),
            workingDirectory: settings.workingDirectory ?? defaults?.workingDirectory,
            umask: settings.umask ?? defaults?.umask)
    }
}

import JSONText
import Testing

@testable import SchedulerCore

/// That the schema for editors says what the readers do: its keys are theirs by construction, so here it is their
/// bounds, words and defaults, asked of the parser one by one.
struct DAGSchemaTests {
    private let schema: JSONNode

    init() throws { schema = try JSONDocument(parsing: DAGSchema.text(kinds: SampleKinds.all)).root }

    /// A key without a schema would be accepted with any value; one that no reader knows would be offered in vain.
    @Test func everyKeyHasASchema() {
        let tables: [(String, [String], [String: SchemaValue])] = [
            ("a DAG", DAGParser.keys, DAGSchema.dag), ("defaults", TaskSettings.keys, DAGSchema.settings),
            ("a task", TaskDraft.keys, DAGSchema.settings.merging(DAGSchema.taskOnly) { $1 }),
            ("a parameter", ParameterReader.keys, DAGSchema.parameterFields),
            ("limits", TaskLimits.keys, DAGSchema.limitFields),
            ("for_each", MappingReader.keys, DAGSchema.forEachFields),
            ("files", ScheduleReader.fileKeys, DAGSchema.fileFields),
            ("schedule", ScheduleReader.forms + ["timezone"], DAGSchema.scheduleFields),
            ("a notification", HookReader.keys.filter { $0 != "kind" }, DAGSchema.notificationFields),
        ]
        for (name, keys, schemas) in tables {
            #expect(Set(keys) == Set(schemas.keys), "\(name)")
            for (key, schema) in schemas { #expect(schema.node["description"] != nil, "\(name): \(key)") }
        }
    }

    @Test func boundsAreThoseOfTheParser() throws {
        var tried = 0
        try forEachKey { place, key, schema in
            guard let least = schema["minimum"]?.integer, let most = schema["maximum"]?.integer else { return }
            tried += 1
            for (value, isRight) in [(least, true), (most, true), (least - 1, false), (most + 1, false)] {
                #expect(place.accepts(key, "\(value)") == isRight, "\(key): \(value)")
            }
        }
        #expect(tried == 2 + 2 * 4 + 1, "the schema has other bounds than it had")
    }

    @Test func wordsAreThoseOfTheParser() throws {
        var tried = 0
        try forEachKey { place, key, schema in
            for word in schema["enum"]?.array ?? [] {
                tried += 1
                #expect(place.accepts(key, word.jsonText), "\(key): \(word)")
            }
            if schema["enum"] != nil { #expect(!place.accepts(key, #""nonsense""#), "\(key)") }
        }
        #expect(tried == 5 + 2 + 2 * (12 + 2))
    }

    /// What the schema calls the default is what the parser takes: to write it changes nothing.
    @Test func defaultsAreThoseOfTheParser() throws {
        var tried = 0
        try forEachKey { place, key, schema in
            guard let value = schema["default"] else { return }
            tried += 1
            let text = value.jsonText
            let (dag, problems) = place.parse(key, text)
            #expect(dag != nil, "\(key): \(text): \(problems)")
            #expect(dag.map(summary) == place.parse(nil, "").dag.map(summary), "\(key): \(text)")
        }
        #expect(tried >= 40)
    }

    @Test func aKindsParametersAreOffered() {
        let load = schema["$defs"]?["with.load"]
        #expect(load?["required"]?.array?.compactMap(\.string) == ["from", "to"])
        #expect(load?["properties"]?["when_empty"]?["anyOf"]?.array?.first?["enum"]?.array?.count == 3)
        #expect(load?["additionalProperties"]?.bool == false)
        #expect(schema["$defs"]?["with.command"]?["allOf"]?.array?.first?["oneOf"]?.array?.count == 2)
    }

    // MARK: Places where keys stand

    private enum Place {
        case dag, defaults, task, limits

        /// A file with this key at this place.
        func parse(_ key: String?, _ value: String) -> (dag: DAG?, lines: [String]) {
            let member = key.map { "\"\($0)\":\(value)," } ?? ""
            let task = #""id":"a","kind":"noop""#
            let text =
                switch self {
                case .dag: #"{\#(member)"id":"d","tasks":[{\#(task)}]}"#
                case .defaults: #"{"defaults":{\#(member)"cwd":"x"},"id":"d","tasks":[{\#(task)}]}"#
                case .task: #"{"id":"d","tasks":[{\#(member)\#(task)}]}"#
                case .limits: #"{"id":"d","tasks":[{"limits":{\#(member)"memory":"1MiB"},\#(task)}]}"#
                }
            return SampleKinds.parse(text)
        }

        func accepts(_ key: String, _ value: String) -> Bool { parse(key, value).dag != nil }
    }

    private func forEachKey(_ body: (Place, String, JSONNode) -> Void) throws {
        let places: [(Place, JSONNode?)] = [
            (.dag, schema["properties"]), (.defaults, schema["properties"]?["defaults"]?["properties"]),
            (.task, schema["$defs"]?["task"]?["properties"]), (.limits, schema["$defs"]?["limits"]?["properties"]),
        ]
        for (place, properties) in places {
            for member in try #require(properties?.object).members where member.key != "kind" {
                body(place, member.key, member.node)
            }
        }
    }

    private func summary(_ dag: DAG) -> String {
        "\(dag.zone.name) \(dag.start as Any) \(dag.end as Any) \(dag.catchup) \(dag.catchupWindow as Any) \(dag.delay) "
            + "\(dag.maxActiveRuns) \(dag.maxActiveTasks) \(dag.overlap) \(dag.runTimeout as Any) "
            + "\(dag.deadline as Any) \(dag.paused) \(dag.timetable?.name as Any) "
            + dag.tasks.map { task in
                "\(task.triggerRule) \(task.retries) \(task.retryDelay) \(task.retryBackoff) "
                    + "\(task.maxRetryDelay as Any) \(task.timeout as Any) \(task.priority) \(task.pool) "
                    + "\(task.poolSlots) \(task.dependsOnPast) \(task.onLost) \(task.pollInterval as Any) "
                    + "\(task.pollTimeout) \(task.allowFailure) \((task.umask ?? 0o022)) \(task.mapping == nil)"
            }.joined()
    }
}

extension JSONNode {
    fileprivate var jsonText: String {
        var writer = JSONWriter()
        writer.node(self)
        return writer.text
    }
}

import JSONText
import SchedulerCore
import Testing

struct DAGParserTests {
    @Test(arguments: WrongDAGFiles.all)
    func saysWhatIsWrong(text: String, expected: [String]) {
        let (dag, lines) = SampleKinds.parse(text)
        #expect(lines == expected)
        #expect((dag == nil) == lines.contains { !$0.contains(" warning ") })
    }

    @Test func everyCodeIsTried() {
        let tried = Set(WrongDAGFiles.all.flatMap(\.expected).flatMap { $0.split(separator: " ").map(String.init) })
        // The first comes from rendering, the second without a configuration (ConfigCommandTests); the others need a clock,
        // see DAGWarningTests.
        let others: [DiagnosticCode] = [.unknownOutput, .uncheckedName, .futureStart, .pastEnd]
        for code in DiagnosticCode.allCases where !others.contains(code) {
            #expect(tried.contains(code.rawValue), "no file provokes \(code.rawValue)")
        }
    }

    @Test func pathsLeadToTheMistake() {
        let text = #"""
            {"id": "d", "oops": 1, "oops": 2,
             "params": {"a b": {"type": "string", "default": 1}},
             "tasks": [
               {"id": "a", "kind": "noop"},
               {"id": "b", "kind": "load", "after": ["a", "x"],
                "with": {"from": "y", "to": "z", "options": {"k": [0, {"m-n": "{{ nope }}"}]}}},
               {"id": "c", "kind": "noop", "env": {"A": "x", "A": "y"}}
             ]}
            """#
        let found = DAGParser.parse(Array(text.utf8), context: SampleKinds.context).diagnostics
        #expect(
            found.map { "\($0.line):\($0.column) \($0.path) \($0.code)" } == [
                "1:13 $.oops unknown_key", "1:24 $.oops duplicate_key", #"2:13 $.params["a b"] bad_name"#,
                #"2:50 $.params["a b"].default wrong_type"#, "5:47 $.tasks[1].after[1] unknown_task",
                #"6:71 $.tasks[1].with.options.k[1]["m-n"] unknown_template_name"#,
                "7:50 $.tasks[2].env.A duplicate_key",
            ])
    }

    @Test func readsEveryField() throws {
        let (dag, lines) = SampleKinds.parse(
            #"""
            {"$schema": "../docs/dag.schema.json", "id": "alpr_daily", "description": "logs to the lake",
             "owner": "data", "tags": ["alpr", "lake"], "schedule": "@daily", "timezone": "Europe/Zurich",
             "start": "2022-05-01", "end": "2022-05-31", "catchup": true, "catchup_window": "30d", "delay": "15m",
             "max_active_runs": 2, "max_active_tasks": 4, "paused": true,
             "params": {"landing": {"type": "string", "default": "state/landing", "description": "where from"},
                        "n": {"type": "integer", "enum": [1, 2], "minimum": 1, "maximum": 2, "default": 1}, "any": {"default": null}},
             "env": {"B": "{{ ds }}", "A": "1"},
             "defaults": {"retries": 2, "retry_delay": "30s", "timeout": "1h", "trigger_rule": "all_done",
                          "priority": 5, "allow_failure": true, "retry_backoff": 2, "max_retry_delay": "10m",
                          "env": {"X": "d", "Y": "d"}},
             "tasks": [
              {"id": "load", "kind": "load", "description": "first",
               "with": {"from": "{{ params.landing }}", "to": "raw", "limit": "{{ params.n }}", "settle": "90s",
                        "extra": null}},
              {"id": "convert", "kind": "command", "after": ["load"], "with": {"command": ["x", "{{ outputs.load.n }}"]},
               "retries": 1, "retry_delay": "1m", "timeout": null, "trigger_rule": "all_success", "priority": -5,
               "allow_failure": false, "retry_backoff": 1.5, "max_retry_delay": null, "env": {"Y": "t", "Z": "t"}},
              {"id": "a.b-C_9", "kind": "noop", "after": ["convert", "load"], "env": {"N": "{{ outputs.load.n }}"}}
             ]}
            """#)
        #expect(lines == [])
        let read = try #require(dag)
        #expect(read.id == "alpr_daily" && read.description == "logs to the lake" && read.owner == "data")
        #expect(read.tags == ["alpr", "lake"] && read.paused)
        #expect(read.timetable?.name == "daily" && read.zone.name == "Europe/Zurich")
        #expect(read.start == (try instant("2022-04-30T22:00:00Z")))
        // A date without a time is inclusive to its last microsecond.
        #expect(read.end == (try instant("2022-05-31T21:59:59.999999Z")))
        #expect(read.catchup == .all && read.catchupWindow == TimeAmount(seconds: 30 * 86_400))
        #expect(read.delay == TimeAmount(seconds: 900) && read.maxActiveRuns == 2 && read.maxActiveTasks == 4)
        #expect(read.env == [EnvironmentEntry(name: "A", value: "1"), EnvironmentEntry(name: "B", value: "{{ ds }}")])
        #expect(read.params.map(\.name) == ["landing", "n", "any"])
        #expect(read.params.map(\.type) == [.string, .integer, .any])
        #expect(read.params[1].allowed.count == 2 && read.params[1].minimum == 1 && read.params[1].maximum == 2)

        let load = read.tasks[0]
        #expect(load.kind == "load" && load.description == "first" && load.upstream == [] && load.downstream == [1, 2])
        #expect(load.retries == 2 && load.retryDelay == TimeAmount(seconds: 30) && load.retryBackoff == 2)
        #expect(load.timeout == TimeAmount(seconds: 3600) && load.maxRetryDelay == TimeAmount(seconds: 600))
        #expect(load.triggerRule == .allDone && load.priority == 5 && load.allowFailure)
        #expect(load.env.map(\.value) == ["d", "d"] && load.with["to"]?.string == "raw")

        let convert = read.tasks[1]
        #expect(convert.upstream == [0] && convert.downstream == [2])
        #expect(convert.retries == 1 && convert.retryDelay == TimeAmount(seconds: 60) && convert.retryBackoff == 1.5)
        #expect(convert.timeout == nil && convert.maxRetryDelay == nil)
        #expect(convert.triggerRule == .allSuccess && convert.priority == -5 && !convert.allowFailure)
        #expect(convert.env.map { "\($0.name)=\($0.value)" } == ["X=d", "Y=t", "Z=t"])
        #expect(read.tasks[2].id == "a.b-C_9" && read.tasks[2].upstream == [1, 0])
    }

    @Test func whatIsNotSaidHasItsDefault() throws {
        let read = try #require(SampleKinds.parse(#"{"id":"d","tasks":[{"id":"a","kind":"noop"}]}"#).dag)
        #expect(read.timetable == nil && read.zone == .utc && read.start == nil && read.end == nil)
        #expect(read.catchup == .latest && read.catchupWindow == nil && read.delay == .zero && !read.paused)
        #expect(read.maxActiveRuns == 16 && read.maxActiveTasks == 16 && read.params.isEmpty && read.env.isEmpty)
        let task = read.tasks[0]
        #expect(task.retries == 0 && task.retryDelay == TimeAmount(seconds: 300) && task.retryBackoff == 1)
        #expect(task.timeout == nil && task.maxRetryDelay == nil && task.triggerRule == .allSuccess)
        #expect(
            task.priority == 0 && !task.allowFailure && task.env.isEmpty && task.with.object?.members.isEmpty == true)
    }

    @Test(arguments: [
        ("true", DAG.Catchup.all), (#""all""#, .all), ("false", .latest), (#""latest""#, .latest), (#""none""#, .none),
    ])
    func readsCatchup(text: String, catchup: DAG.Catchup) {
        let read = SampleKinds.parse(#"{"id":"d","catchup":\#(text),"tasks":[{"id":"a","kind":"noop"}]}"#).dag
        #expect(read?.catchup == catchup)
    }

    @Test(arguments: [
        #""schedule":null"#, #""start":null,"end":null,"catchup_window":null"#,
        #""start":"2022-05-01","end":"2022-05-01""#,
        #""start":"2022-05-01T00:00:00Z","end":"2022-05-01T00:00:00Z""#, #""delay":"0s""#, #""schedule":"yearly""#,
    ])
    func acceptsTheEdges(fields: String) {
        let (dag, lines) = SampleKinds.parse(#"{"id":"d",\#(fields),"tasks":[{"id":"a","kind":"noop"}]}"#)
        #expect(dag != nil && lines == [])
    }

    /// A template is accepted wherever it could give what the kind takes.
    @Test(arguments: [
        #""settle":"{{ ds }}""#, #""settle":"{{ params.n }}m""#, #""limit":"{{ params.x }}""#,
        #""ratio":"{{ params.n }}""#,
        #""limit":"{{ outputs.first.n }}""#, #""limit":"{{ params.any }}""#, #""limit":"{{ try_number }}""#,
        #""tables":"{{ params.list }}""#, #""tables":["{{ params.n }}"]"#, #""strict":"{{ params.flag }}""#,
        #""when_empty":"{{ params.n }}""#, #""extra":"{{ params.flag }}""#, #""from":"{{ params.list }}""#,
    ])
    func acceptsTemplatesThatMayFit(field: String) {
        let others = field.contains("from") ? "" : #""from":"x","#
        let (dag, lines) = SampleKinds.parse(
            #"{"id":"d","params":{"n":{"type":"integer","default":1},"x":{"type":"number"},"any":{},"#
                + #""list":{"type":"array"},"flag":{"type":"boolean"}},"tasks":[{"id":"first","kind":"command","#
                + #""with":{"shell":"true"}},"#
                + #"{"id":"a","kind":"load","after":["first"],"with":{"to":"y",\#(others)\#(field)}}]}"#)
        #expect(dag != nil && lines == [])
    }

    @Test func anIDMayHave128Bytes() {
        let id = String(repeating: "x", count: 128)
        #expect(SampleKinds.parse(#"{"id":"\#(id)","tasks":[{"id":"...","kind":"noop"}]}"#).dag?.id == id)
    }

    /// Large files in every shape that could make a careless reader slow: they must simply come back.
    @Test func readsTenThousandTasks() throws {
        let count = 10_000
        func file(_ task: (Int) -> String) -> String {
            #"{"id":"d","tasks":["# + (0..<count).map(task).joined(separator: ",\n") + "]}"
        }
        // A chain in which every task uses the first one's output.
        let chain = SampleKinds.parse(
            file {
                $0 == 0
                    ? #"{"id":"t0","kind":"noop"}"#
                    : #"{"id":"t\#($0)","kind":"command","after":["t\#($0 - 1)"],"with":{"shell":"{{ outputs.t0.x }}"}}"#
            })
        #expect(chain.lines == [])
        #expect(chain.dag?.tasks.count == count)
        #expect(chain.dag?.tasks[count - 1].upstream == [count - 2])

        // One cycle of them all.
        let cycle = SampleKinds.parse(
            file { #"{"id":"t\#($0)","kind":"noop","after":["t\#(($0 + count - 1) % count)"]}"# })
        #expect(
            cycle.lines == [
                "1:54 cycle the tasks wait for each other: t0 → t1 → t2 → t3 → t4 → t5 → t6 → t7 → t8 → t9 → "
                    + "… (9982 more) → t9992 → t9993 → t9994 → t9995 → t9996 → t9997 → t9998 → t9999 → t0"
            ])

        // A mistake in each of them, all in one line.
        let wrong = SampleKinds.parse(file { #"{"id":"t\#($0)","kind":"nop","after":["u\#($0)"]}"# })
        #expect(wrong.lines.count == 2 * count)
        #expect(wrong.dag == nil)
    }

    /// Damaged files are refused or read, and never bring the program down; every message is one line.
    @Test func survivesDamagedFiles() {
        let good =
            Array(
                #"{"id":"d","schedule":"daily","start":"2022-05-01","params":{"n":{"type":"integer","default":1}},"#
                    .utf8)
            + Array(#""defaults":{"retries":2},"tasks":[{"id":"a","kind":"noop"},{"id":"b","kind":"load","#.utf8)
            + Array(#""after":["a"],"with":{"from":"{{ params.n }}/\u00e9{{ ds }}","to":"{{ outputs.a.x }}"}}]}"#.utf8)
        #expect(DAGParser.parse(good, context: SampleKinds.context).dag != nil)
        var generator = Steps(seed: 3)
        var accepted = 0
        for _ in 0..<5000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0x20...0x7E, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes[index], at: index)
                }
            }
            let (dag, diagnostics) = DAGParser.parse(bytes, context: SampleKinds.context)
            if dag != nil { accepted += 1 }
            #expect(dag != nil || !diagnostics.isEmpty)
            for found in diagnostics {
                #expect(!found.message.contains { $0.isNewline } && found.line >= 1 && found.column >= 1)
            }
        }
        #expect(accepted > 10 && accepted < 4000)
    }
}

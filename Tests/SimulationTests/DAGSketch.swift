/// A DAG of a scenario, before it is text.
struct DAGSketch {
    struct Task {
        var id: String
        var after: [String] = []
        var fields: [String] = []
    }

    var id: String
    /// Members of the file besides id and tasks, each `"key": value`.
    var fields: [String]
    var tasks: [Task]

    var text: String {
        let list = tasks.map { task in
            let known = Set(tasks.map(\.id))
            let after = task.after.filter(known.contains).map { "\"\($0)\"" }.joined(separator: ",")
            let with = task.fields.contains { $0.hasPrefix("\"with\"") } ? [] : [Self.command]
            let fields = ["\"id\":\"\(task.id)\"", "\"after\":[\(after)]", Self.kind] + with + task.fields
            return "{\(fields.joined(separator: ","))}"
        }
        return "{" + (["\"id\":\"\(id)\""] + fields).joined(separator: ",")
            + ",\"tasks\":[\(list.joined(separator: ","))]}"
    }

    private static let kind = #""kind":"command""#
    private static let command = #""with":{"command":["true"]}"#
    private static let hook = #"[{"kind":"command","with":{"command":["true"]}}]"#
    private static let rules = [
        "all_failed", "all_done", "all_done_min_one_success", "all_skipped", "one_success", "one_failed", "one_done",
        "none_failed", "none_failed_min_one_success", "none_skipped", "always",
    ]

    init(id: String, fields: [String], tasks: [Task]) {
        self.id = id
        self.fields = fields
        self.tasks = tasks
    }

    /// A DAG that time starts.
    init(id: String, using random: inout SeededGenerator) {
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        let schedules = [
            #""daily""#, #""30 2 * * *""#, #""0 */6 * * *""#, #""0 12 * * 1,4""#, #""hourly""#,
            #"{"every":"7h"}"#,
        ]
        let zones = ["UTC", "Europe/Zurich", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata"]
        var fields = [
            "\"schedule\":\(random.pick(schedules))", "\"timezone\":\"\(random.pick(zones))\"",
            "\"start\":\"2023-11-\(number(12...14))\"", "\"max_active_runs\":\(number(1...3))",
            "\"max_active_tasks\":\(number(1...5))", #""params":{"go":{"type":"boolean","default":true}}"#,
        ]
        fields.append("\"catchup\":\(random.pick(["true", "false", "\"none\"", "\"latest\""]))")
        if random.chance(20) { fields.append("\"catchup_window\":\"\(random.pick(["1d", "2d", "12h"]))\"") }
        if random.chance(10) { fields.append(#""end":"2023-11-16""#) }
        if random.chance(10) { fields.append(#""delay":"90m""#) }
        if random.chance(20) { fields.append(#""overlap":"skip""#) }
        if random.chance(15) { fields.append("\"run_timeout\":\"\(random.pick(["10m", "1h", "1d"]))\"") }
        if random.chance(15) { fields.append(#""deadline":"5m""#) }
        if random.chance(20) { fields.append("\"on_failure\":\(Self.hook)") }
        if random.chance(10) { fields.append("\"on_success\":\(Self.hook)") }
        if random.chance(10) { fields.append("\"on_deadline\":\(Self.hook)") }
        if random.chance(15) { fields.append("\"on_retry\":\(Self.hook)") }
        if random.chance(25) {
            let time = random.pick(["00:00", "02:30", "08:00", "23:30"])
            fields.append("\"expect_by\":\"\(time)\",\"on_missed\":\(Self.hook)")
        }
        if random.chance(10) { fields.append(#""depends_on_past":true"#) }
        self.init(
            id: id, fields: fields,
            tasks: random.chance(30) ? Self.mappedTasks : Self.tasks(number(6...14), using: &random))
    }

    private static func tasks(_ count: Int, using random: inout SeededGenerator) -> [Task] {
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        var tasks: [Task] = []
        for index in 0..<count {
            var task = Task(id: "t\(index)", after: (0..<index).filter { _ in random.chance(25) }.map { "t\($0)" })
            if random.chance(30) { task.fields.append("\"trigger_rule\":\"\(random.pick(rules))\"") }
            if random.chance(50) { task.fields.append("\"retries\":\(number(1...2)),\"retry_delay\":\"5m\"") }
            if random.chance(12) { task.fields.append(#""allow_failure":true"#) }
            if random.chance(20) { task.fields.append("\"pool\":\"p\",\"pool_slots\":\(number(1...3))") }
            if random.chance(8) { task.fields.append(#""depends_on_past":true"#) }
            if random.chance(8) { task.fields.append(#""on_lost":"fail""#) }
            if random.chance(20) { task.fields.append(#""poll_interval":"3m","poll_timeout":"20m""#) }
            if random.chance(10) { task.fields.append("\"on_failure\":\(hook)") }
            if random.chance(8) { task.fields.append("\"on_retry\":\(hook)") }
            if random.chance(10) { task.fields.append("\"priority\":\(number(0...3))") }
            if random.chance(12), let list = list(after: task.after, using: &random) {
                task.fields.append("\"for_each\":\(list)")
            }
            if random.chance(2), let before = task.after.first {
                task.fields.append("\"with\":{\"command\":[\"true\",\"{{ outputs.\(before).nothing }}\"]}")
            }
            if random.chance(8) {
                task.fields.append(
                    "\"when\":\"\(random.pick(["params.go", "not params.go", "run_type == 'manual'"]))\"")
            }
            tasks.append(task)
        }
        return tasks
    }

    /// A mapped task between two others, small enough that every command is likely to meet it.
    private static let mappedTasks = [
        Task(id: "t0", fields: [#""allow_failure":true"#]),
        Task(
            id: "t1", after: ["t0"],
            fields: ["\"for_each\":\"{{ outputs.t0.list }}\"", #""poll_interval":"3m","poll_timeout":"20m""#]),
        Task(id: "t2", after: ["t1"], fields: [#""trigger_rule":"all_done""#]),
    ]

    private static func list(after: [String], using random: inout SeededGenerator) -> String? {
        if let before = after.first, random.chance(60) {
            return "{\"in\":\"{{ outputs.\(before).list }}\",\"limit\":4}"
        }
        return random.pick(["[]", "[1]", "[1,2,3]", #"{"in":["a","b","c"],"max_active":1}"#])
    }

    /// Another content of the file: a task fewer or more, others mapped. The schedule stays.
    func changed(using random: inout SeededGenerator) -> DAGSketch {
        var next = self
        next.fields.append(#""description":"changed""#)
        if random.chance(50) { next.tasks.remove(at: Int.random(in: next.tasks.indices, using: &random)) }
        if random.chance(50) { next.tasks.append(Task(id: "new", after: ["t0"])) }
        for index in next.tasks.indices where random.chance(20) {
            if let mapped = next.tasks[index].fields.firstIndex(where: { $0.hasPrefix("\"for_each\"") }) {
                next.tasks[index].fields.remove(at: mapped)
            } else {
                next.tasks[index].fields.append(#""for_each":[1,2]"#)
            }
        }
        // A list that a removed task would hand on.
        let ids = Set(next.tasks.map(\.id))
        for index in next.tasks.indices {
            let after = next.tasks[index].after.filter(ids.contains)
            next.tasks[index].after = after
            next.tasks[index].fields.removeAll { field in
                field.contains("outputs.") && !after.contains { field.contains("outputs.\($0).") }
            }
        }
        return next
    }

    static func startedByDataset(using random: inout SeededGenerator) -> DAGSketch {
        DAGSketch(
            id: "e",
            fields: [
                #""schedule":{"datasets":["x"]}"#, #""max_active_runs":1"#,
                #""params":{"go":{"type":"boolean","default":true}}"#,
            ],
            tasks: tasks(Int.random(in: 1...3, using: &random), using: &random))
    }

    static func startedByFiles(using random: inout SeededGenerator) -> DAGSketch {
        DAGSketch(
            id: "f",
            fields: [
                #""schedule":{"files":{"folder":"landing"}}"#, #""params":{"go":{"type":"boolean","default":true}}"#,
            ],
            tasks: tasks(Int.random(in: 1...2, using: &random), using: &random))
    }
}

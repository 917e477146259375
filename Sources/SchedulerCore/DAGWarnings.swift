import JSONText

/// Warns of what a DAG file may say but surely does not mean: keys without effect, times that never come. Only what is
/// certain is told. For a file without errors; the keys of tasks are in DAGWarnings+Tasks.swift.
struct DAGWarnings {
    let reader: ObjectReader
    let dag: DAG
    let context: DAGValidationContext
    var problems: DiagnosticCollector { reader.problems }

    func check() {
        checkCron()
        checkBounds()
        checkRunLimits()
        checkParams()
        checkTasks()
    }

    /// A key of an object that does nothing there.
    func useless(_ key: String, in reader: ObjectReader, _ why: String) {
        problems.warning(.uselessKey, at: reader.keyOffset(key), reader.path(key), "\"\(key)\" has no effect: \(why)")
    }

    /// Whether a key is there and says something: null says nothing.
    static func isSet(_ key: String, in reader: ObjectReader) -> Bool { reader[key].map { !$0.isNull } ?? false }

    // MARK: Time

    private func checkCron() {
        guard dag.timetable != nil, let schedule = reader["schedule"] else { return }
        let path = reader.path("schedule")
        let place = schedule.object == nil ? (schedule, path) : schedule["cron"].map { ($0, jsonPath(path, "cron")) }
        guard let (node, path) = place, let text = node.string, let cron = try? CronExpression(text) else { return }
        for warning in cron.warnings { problems.warning(warning.code, at: node.offset, path, warning.message) }
    }

    private func checkBounds() {
        guard dag.timetable != nil || dag.startedBy != nil, let now = context.now else { return }
        if let start = dag.start, start > now, let node = reader["start"] {
            let first = dag.timetable.map { $0.interval(startingAt: $0.alignNext(start)) }
            let words = first.map { "makes its first run at \($0.end + dag.delay), about \($0.start)" }
            problems.warning(
                .futureStart, at: node.offset, reader.path("start"),
                "\"start\" is still to come: the schedule \(words ?? "makes no run before \(start)")")
        }
        if let end = dag.end, end < now, let node = reader["end"] {
            problems.warning(
                .pastEnd, at: node.offset, reader.path("end"),
                "\"end\" has passed: the schedule makes no run for what comes after \(end); remove \"end\" to go on")
        }
    }

    private func checkRunLimits() {
        if dag.timetable != nil, dag.catchup == .none, Self.isSet("catchup_window", in: reader) {
            useless("catchup_window", in: reader, "\"catchup\" is \"none\", so nothing is made up for")
        }
        if let deadline = dag.deadline, let timeout = dag.runTimeout, deadline >= timeout {
            problems.warning(
                .lateDeadline, at: reader["deadline"]?.offset ?? reader.offset, reader.path("deadline"),
                "\"deadline\" (\(deadline)) is never told: \"run_timeout\" ends the run after \(timeout); "
                    + "make \"deadline\" shorter")
        }
        if dag.deadline == nil, reader["on_deadline"]?.array?.isEmpty == false {
            useless("on_deadline", in: reader, "the DAG has no \"deadline\"")
        }
        if dag.expectBy == nil, reader["on_missed"]?.array?.isEmpty == false {
            useless("on_missed", in: reader, "the DAG has no \"expect_by\"")
        }
    }

    // MARK: Parameters

    /// A program may read any parameter from its environment, so nothing is certain where one is started.
    private func checkParams() {
        let programs = Set(context.kinds.filter { $0.launch == .program }.map(\.name))
        guard !dag.params.isEmpty, !dag.specs.contains(where: { programs.contains($0.kind) }),
            let params = reader["params"],
            let all = ObjectReader(params, path: reader.path("params"), what: "\"params\"", problems: problems)
        else { return }
        var used: Set<String> = []
        for member in reader.members where member.key != "params" { Self.collectParams(in: member.node, &used) }
        for case .param(let name) in dag.specs.compactMap(\.condition).flatMap(\.names) { used.insert(name) }
        for param in dag.params where !used.contains(param.name) {
            problems.warning(
                .unusedParam, at: all.keyOffset(param.name), all.path(param.name),
                "nothing uses parameter \"\(param.name)\"; write {{ params.\(param.name) }} where it is meant, or remove it"
            )
        }
    }

    private static func collectParams(in node: JSONNode, _ used: inout Set<String>) {
        switch node.value {
        case .string(let text) where Template.isTemplate(text):
            for case .param(let name) in Template.scan(text).template.names { used.insert(name) }
        case .array(let nodes):
            for node in nodes { collectParams(in: node, &used) }
        case .object(let object):
            for member in object.members { collectParams(in: member.node, &used) }
        default: break
        }
    }
}

import JSONText

/// What an attempt starts with: parameters and environment, rendered at the moment that it is made.
extension Scheduler {
    func launch(_ node: RunNode, _ dag: DAG, _ index: Int, attempt: Int64) throws(TemplateError) -> AttemptLaunch {
        let task = dag.tasks[index]
        let record = node.instances[index].record
        let context = templateContext(node, dag, index)
        let with = try Template.render(task.with, in: context)
        var env = contextEnvironment(node.run, task, record, context)
        for entry in dag.env + task.env {
            let value = try Template.render(JSONNode(.string(entry.value)), in: context)
            env.append(EnvironmentEntry(name: entry.name, value: Self.text(value)))
        }
        return AttemptLaunch(
            attempt: attempt, dagID: dag.id, run: node.run, taskID: task.id, mapIndex: record.key.mapIndex,
            tryNumber: record.tryNumber, kind: task.kind, with: with, env: env, timeout: task.timeout,
            ds: context.ds, upstream: upstreamClosure(of: index, node, dag))
    }

    /// The same values that templates have, for programs that read their environment.
    private func contextEnvironment(
        _ run: Run, _ task: TaskSpec, _ record: TaskInstance, _ context: TemplateContext
    ) -> [EnvironmentEntry] {
        var env = [
            EnvironmentEntry(name: "WEIR_DAG_ID", value: run.dagID),
            EnvironmentEntry(name: "WEIR_RUN_ID", value: run.runID),
            EnvironmentEntry(name: "WEIR_RUN_TYPE", value: run.type.rawValue),
            EnvironmentEntry(name: "WEIR_TASK_ID", value: task.id),
            EnvironmentEntry(name: "WEIR_MAP_INDEX", value: String(record.key.mapIndex)),
            EnvironmentEntry(name: "WEIR_TRY_NUMBER", value: String(record.tryNumber)),
            EnvironmentEntry(name: "WEIR_DS", value: context.ds),
            EnvironmentEntry(name: "WEIR_LOGICAL_DATE", value: "\(run.logicalDate)"),
            EnvironmentEntry(name: "WEIR_DATA_INTERVAL_START", value: "\(run.interval.start)"),
            EnvironmentEntry(name: "WEIR_DATA_INTERVAL_END", value: "\(run.interval.end)"),
        ]
        for member in context.params.members {
            let name = member.key.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
            env.append(EnvironmentEntry(name: "WEIR_PARAM_" + String(name), value: Self.text(member.node)))
        }
        return env
    }

    /// A string as itself, anything else as JSON.
    private static func text(_ node: JSONNode) -> String {
        if let string = node.string { return string }
        var writer = JSONWriter()
        writer.node(node)
        return writer.text
    }

    /// The instances before this one, directly or not, in the order of the DAG.
    private func upstreamClosure(of index: Int, _ node: RunNode, _ dag: DAG) -> [TaskInstance] {
        var seen: Set<Int> = []
        var waiting = dag.tasks[index].upstream
        while let next = waiting.popLast() {
            if seen.insert(next).inserted { waiting += dag.tasks[next].upstream }
        }
        return seen.sorted().map { node.instances[$0].record }
    }
}

extension AttemptLaunch {
    /// The rendered parameters as JSON text.
    var renderedText: String {
        var writer = JSONWriter()
        writer.node(with)
        return writer.text
    }
}

import JSONText

/// What an attempt starts with: parameters and environment, rendered at the moment that it is made.
extension Scheduler {
    func launch(_ node: RunNode, _ dag: DAG, _ index: Int, attempt: Int64) throws(TemplateError) -> AttemptLaunch {
        let number = node.instances[index].task
        let task = dag.specs[number]
        let record = node.instances[index].record
        let kind = configuration.kinds[task.kind]
        let isBuiltin = kind?.launch == .builtin
        let each = try element(node, dag, index)
        let notice = notice(node, dag, number, mapIndex: record.key.mapIndex)
        let context = templateContext(
            node, dag, task: number, tryNumber: record.tryNumber, each: each, notice: notice)
        let with =
            if let kind {
                try kind.render(task.with, in: context)
            } else {
                try Template.render(task.with, in: context)
            }
        var env = Self.contextEnvironment(node.run, dag, record, context)
        for field in notice == nil ? [] : TemplateName.RunField.allCases {
            // No variable can hold a NUL.
            let value = (notice?.text(of: field) ?? "").unicodeScalars.filter { $0 != "\0" }
            env.append(
                EnvironmentEntry(
                    name: "WEIR_RUN_" + field.rawValue.uppercased(), value: String(String.UnicodeScalarView(value))))
        }
        if let each { env.append(EnvironmentEntry(name: "WEIR_EACH_VALUE", value: each.value.plainText)) }
        if let entry = env.first(where: { $0.value.utf8.contains(0) }) {
            throw TemplateError(
                .badValue, "\(entry.name) holds a NUL character, which no environment can", path: ".env")
        }
        for entry in dag.env + task.env {
            env.append(EnvironmentEntry(name: entry.name, value: try Template.renderText(entry.value, in: context)))
        }
        return AttemptLaunch(
            attempt: attempt, dagID: dag.id, run: node.run, taskID: task.id, mapIndex: record.key.mapIndex,
            tryNumber: record.tryNumber, kind: task.kind, with: with, env: env, timeout: task.timeout,
            limits: task.limits, workingDirectory: task.workingDirectory, umask: task.umask,
            ds: dag.zone.date(at: node.run.logicalDate).description,
            upstream: isBuiltin ? closure(of: number, node, dag).flatMap { instances(node, $0) } : [],
            notice: notice, firstTry: record.maxTries - task.retries,
            allowedToFail: isBuiltin ? Set(dag.tasks.lazy.filter(\.allowFailure).map(\.id)) : [])
    }

    /// - Parameter task: index of the task that the values are for.
    func templateContext(
        _ node: RunNode, _ dag: DAG, task: Int, tryNumber: Int, each: (value: JSONNode, index: Int)?,
        notice: Notice? = nil
    ) -> TemplateContext {
        var outputs: [String: JSONNode] = [:]
        // Walking the tasks before this one costs as much as there are: only who reads them pays.
        if Self.namesOutputs(dag.specs[task], dag) {
            for other in closure(of: task, node, dag) { outputs[dag.specs[other].id] = self.outputs(node, dag, other) }
        }
        let params = (try? JSONDocument(parsing: node.run.params))?.root ?? JSONNode(.object(JSONObject()))
        return TemplateContext(
            dag: dag, run: node.run, taskID: dag.specs[watchedTask(dag, task) ?? task].id, tryNumber: tryNumber,
            params: params, outputs: outputs, each: each, environment: configuration.environment, notice: notice)
    }

    /// What a task has handed on. For each key of a mapped task an array, with null where an instance has no such key.
    private func outputs(_ node: RunNode, _ dag: DAG, _ task: Int) -> JSONNode? {
        func object(_ record: TaskInstance) -> JSONObject? {
            record.outputs.flatMap { (try? JSONDocument(parsing: $0))?.root.object }
        }
        let records = instances(node, task)
        guard dag.specs[task].mapping != nil else {
            return records.first.flatMap(object).map { JSONNode(.object($0)) }
        }
        let objects = records.filter { $0.key.mapIndex >= 0 }.sorted { $0.key.mapIndex < $1.key.mapIndex }.map(object)
        var keys: [String] = []
        for member in objects.lazy.compactMap(\.self).flatMap(\.members) where !keys.contains(member.key) {
            keys.append(member.key)
        }
        return JSONNode(
            .object(
                JSONObject(
                    keys.map { key in
                        JSONMember(key: key, node: JSONNode(.array(objects.map { $0?[key] ?? JSONNode(.null) })))
                    })))
    }

    /// Those of a task that count.
    private func instances(_ node: RunNode, _ task: Int) -> [TaskInstance] {
        node.tasks[task].instances.lazy.map { node.instances[$0].record }.filter { $0.state != .removed }
    }

    private static func namesOutputs(_ task: TaskSpec, _ dag: DAG) -> Bool {
        task.mapping.map { namesOutputs($0.list) } ?? false || (task.condition?.names ?? []).contains(where: \.isOutput)
            || namesOutputs(task.with) || (dag.env + task.env).contains { namesOutputs(JSONNode(.string($0.value))) }
    }

    private static func namesOutputs(_ node: JSONNode) -> Bool {
        switch node.value {
        case .string(let text):
            guard Template.isTemplate(text), let template = try? Template(parsing: text) else { return false }
            return template.names.contains(where: \.isOutput)
        case .array(let nodes): return nodes.contains(where: namesOutputs)
        case .object(let object): return object.members.contains { namesOutputs($0.node) }
        default: return false
        }
    }

    /// The same values that templates have, for programs that read their environment.
    private static func contextEnvironment(
        _ run: Run, _ dag: DAG, _ record: TaskInstance, _ context: TemplateContext
    ) -> [EnvironmentEntry] {
        var env = [
            EnvironmentEntry(name: "WEIR_DAG_ID", value: run.dagID),
            EnvironmentEntry(name: "WEIR_RUN_ID", value: run.runID),
            EnvironmentEntry(name: "WEIR_RUN_TYPE", value: run.type.rawValue),
            EnvironmentEntry(name: "WEIR_TASK_ID", value: record.key.taskID),
            EnvironmentEntry(name: "WEIR_MAP_INDEX", value: String(record.key.mapIndex)),
            EnvironmentEntry(name: "WEIR_TRY_NUMBER", value: String(record.tryNumber)),
            EnvironmentEntry(name: "WEIR_DS", value: dag.zone.date(at: run.logicalDate).description),
            EnvironmentEntry(name: "WEIR_LOGICAL_DATE", value: "\(run.logicalDate)"),
            EnvironmentEntry(name: "WEIR_DATA_INTERVAL_START", value: "\(run.interval.start)"),
            EnvironmentEntry(name: "WEIR_DATA_INTERVAL_END", value: "\(run.interval.end)"),
        ]
        for member in context.params.object?.members ?? [] {
            let name = member.key.uppercased().map { (c: Character) in c.isASCII && (c.isLetter || c.isNumber) ? c : "_"
            }
            env.append(EnvironmentEntry(name: "WEIR_PARAM_" + String(name), value: member.node.plainText))
        }
        return env
    }

    /// The tasks before one, directly or not, in the order of the DAG. For a notification the task that it is about is one
    /// of them, or, when it is about the run, every task is.
    private func closure(of task: Int, _ node: RunNode, _ dag: DAG) -> [Int] {
        var seen: Set<Int> = []
        var waiting = dag.specs[task].upstream
        if task >= dag.tasks.count {
            guard let watched = watchedTask(dag, task) else { return Array(dag.tasks.indices) }
            waiting = [watched]
        }
        while let next = waiting.popLast() {
            if seen.insert(next).inserted { waiting += dag.specs[next].upstream }
        }
        return seen.sorted()
    }

    /// Whether the condition of an instance holds; true when it has none.
    func isConditionTrue(_ node: RunNode, _ dag: DAG, _ index: Int) throws(TemplateError) -> Bool {
        let task = node.instances[index].task
        guard let condition = dag.specs[task].condition else { return true }
        let each = try element(node, dag, index)
        return try condition.isTrue(in: templateContext(node, dag, task: task, tryNumber: 0, each: each))
    }
}

extension TemplateName {
    fileprivate var isOutput: Bool { if case .output = self { true } else { false } }
}

extension AttemptLaunch {
    /// The rendered parameters as JSON text, with secrets as their names.
    var renderedText: String {
        var writer = JSONWriter()
        writer.node(SecretReference.display(with))
        return writer.text
    }
}

import JSONText

/// What an attempt starts with: parameters and environment, rendered at the moment that it is made.
extension Scheduler {
    func launch(_ node: RunNode, _ dag: DAG, _ index: Int, attempt: Int64) throws(TemplateError) -> AttemptLaunch {
        let task = dag.tasks[index]
        let record = node.instances[index].record
        // Walking the tasks before this one costs as much as there are: only who reads them pays.
        let kind = configuration.kinds[task.kind]
        let isBuiltin = kind?.launch == .builtin
        let upstream = isBuiltin || Self.namesOutputs(task, dag) ? upstreamClosure(of: index, node, dag) : []
        let context = Self.templateContext(node.run, dag, task, record, upstream)
        let with =
            if let kind {
                try kind.render(task.with, in: context)
            } else {
                try Template.render(task.with, in: context)
            }
        var env = Self.contextEnvironment(node.run, dag, task, record, context)
        for entry in dag.env + task.env {
            env.append(EnvironmentEntry(name: entry.name, value: try Template.renderText(entry.value, in: context)))
        }
        return AttemptLaunch(
            attempt: attempt, dagID: dag.id, run: node.run, taskID: task.id, mapIndex: record.key.mapIndex,
            tryNumber: record.tryNumber, kind: task.kind, with: with, env: env, timeout: task.timeout,
            limits: task.limits, workingDirectory: task.workingDirectory, umask: task.umask,
            ds: dag.zone.date(at: node.run.logicalDate).description, upstream: isBuiltin ? upstream : [],
            allowedToFail: isBuiltin ? Set(dag.tasks.lazy.filter(\.allowFailure).map(\.id)) : [])
    }

    private static func templateContext(
        _ run: Run, _ dag: DAG, _ task: TaskSpec, _ record: TaskInstance, _ upstream: [TaskInstance]
    ) -> TemplateContext {
        var outputs: [String: JSONNode] = [:]
        for instance in upstream {
            if let text = instance.outputs, let root = (try? JSONDocument(parsing: text))?.root {
                outputs[instance.key.taskID] = root
            }
        }
        let params = (try? JSONDocument(parsing: run.params))?.root ?? JSONNode(.object(JSONObject()))
        return TemplateContext(
            dag: dag, run: run, taskID: task.id, tryNumber: record.tryNumber, params: params, outputs: outputs)
    }

    private static func namesOutputs(_ task: TaskSpec, _ dag: DAG) -> Bool {
        namesOutputs(task.with) || (dag.env + task.env).contains { namesOutputs(JSONNode(.string($0.value))) }
    }

    private static func namesOutputs(_ node: JSONNode) -> Bool {
        switch node.value {
        case .string(let text):
            guard Template.isTemplate(text), let template = try? Template(parsing: text) else { return false }
            return template.names.contains { if case .output = $0 { true } else { false } }
        case .array(let nodes): return nodes.contains(where: namesOutputs)
        case .object(let object): return object.members.contains { namesOutputs($0.node) }
        default: return false
        }
    }

    /// The same values that templates have, for programs that read their environment.
    private static func contextEnvironment(
        _ run: Run, _ dag: DAG, _ task: TaskSpec, _ record: TaskInstance, _ context: TemplateContext
    ) -> [EnvironmentEntry] {
        var env = [
            EnvironmentEntry(name: "WEIR_DAG_ID", value: run.dagID),
            EnvironmentEntry(name: "WEIR_RUN_ID", value: run.runID),
            EnvironmentEntry(name: "WEIR_RUN_TYPE", value: run.type.rawValue),
            EnvironmentEntry(name: "WEIR_TASK_ID", value: task.id),
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

import JSONText

/// Reads the `tasks` of a DAG file: each task, then what they say of each other.
struct TaskListReader {
    let dag: ObjectReader
    let kinds: [KindSpec]
    let params: [Parameter]
    let defaults: TaskSettings?
    let dagEnv: [(entry: EnvironmentEntry, node: JSONNode, path: String)]
    /// What tasks do that do not say it.
    let dependsOnPast: Bool
    let names: ConfiguredNames?
    private var problems: DiagnosticCollector { dag.problems }

    init(
        dag: ObjectReader, kinds: [KindSpec], params: [Parameter], defaults: TaskSettings?,
        dagEnv: [(entry: EnvironmentEntry, node: JSONNode, path: String)], dependsOnPast: Bool = false,
        names: ConfiguredNames? = nil
    ) {
        self.names = names
        self.dag = dag
        self.kinds = kinds
        self.params = params
        self.defaults = defaults
        self.dagEnv = dagEnv
        self.dependsOnPast = dependsOnPast
    }

    func read() -> (tasks: [TaskSpec], hooks: [Hook]) {
        let drafts = readDrafts()
        let indexOfTask = index(drafts)
        let ids = drafts.map { $0.id ?? "" }
        let (upstream, isOpen) = dependencies(drafts, indexOfTask)
        let graph = TaskGraph(upstream: upstream)
        reportCycles(graph, drafts)
        checkKinds(drafts)

        var templates = TemplateChecker(
            params: params.map(\.name), taskIDs: ids, indexOfTask: indexOfTask,
            isMapped: drafts.map { $0.mapping != nil }, names: names, problems: problems)
        for entry in dagEnv + (defaults?.env ?? []) { templates.check(entry.node, path: entry.path, task: nil) }
        for (index, draft) in drafts.enumerated() {
            if let with = draft.reader["with"] {
                let isProgram = kinds.contains { $0.name == draft.kind && $0.launch == .program }
                templates.check(with, path: draft.reader.path("with"), task: index, isProgram ? .arguments : .value)
            }
            for entry in draft.settings.env ?? [] { templates.check(entry.node, path: entry.path, task: index) }
            if let mapping = draft.mapping {
                templates.check(mapping.list, path: draft.mappingPath, task: index, .list)
            }
            if let text = draft.when, let node = draft.reader["when"] {
                templates.checkCondition(text, at: node.offset, path: draft.reader.path("when"), task: index)
            }
        }
        let hooks = readHooks(drafts, &templates)
        templates.checkReferences(graph, upstream: upstream, isOpen: isOpen)

        let tasks = drafts.enumerated().map { index, draft in
            draft.task(
                defaults: defaults, kind: kinds.first { $0.name == draft.kind }, dependsOnPast: dependsOnPast,
                upstream: upstream[index], downstream: graph.downstream[index])
        }
        return (tasks, hooks)
    }

    private func readHooks(_ drafts: [TaskDraft], _ templates: inout TemplateChecker) -> [Hook] {
        let reader = HookReader(kinds: kinds, params: params)
        var hooks: [Hook] = []
        let moments: [(String, Hook.Moment)] = [
            ("on_failure", .runFailure), ("on_success", .runSuccess), ("on_deadline", .runDeadline),
            ("on_retry", .runRetry), ("on_missed", .runMissed),
        ]
        for (key, moment) in moments {
            for draft in reader.read(key, of: dag) {
                templates.check(draft.with, path: draft.path, task: nil, .notification)
                hooks.append(draft.hook(moment))
            }
        }
        for (index, task) in drafts.enumerated() {
            for (key, moment) in [("on_failure", Hook.Moment.taskFailure(index)), ("on_retry", .taskRetry(index))] {
                for draft in reader.read(key, of: task.reader, prefix: "\(task.id ?? ""):") {
                    templates.check(draft.with, path: draft.path, task: index, .notification)
                    hooks.append(draft.hook(moment))
                }
            }
        }
        return hooks
    }

    private func readDrafts() -> [TaskDraft] {
        dag.require("tasks", of: "a DAG")
        guard let node = dag["tasks"] else { return [] }
        guard let nodes = node.array else {
            dag.error(.wrongType, "tasks", "\"tasks\" must be an array of tasks, not \(node.typeName)")
            return []
        }
        if nodes.isEmpty { dag.error(.noTasks, "tasks", "\"tasks\" is empty; a DAG needs at least one task") }
        let path = dag.path("tasks")
        return nodes.enumerated().compactMap { TaskDraft($1, path: "\(path)[\($0)]", problems: problems) }
    }

    private func index(_ drafts: [TaskDraft]) -> [String: Int] {
        var indexOfTask: [String: Int] = [:]
        indexOfTask.reserveCapacity(drafts.count)
        for (index, draft) in drafts.enumerated() {
            guard let id = draft.id else { continue }
            if let first = indexOfTask[id] {
                let line = problems.line(at: drafts[first].reader["id"]?.offset ?? 0)
                draft.reader.error(.duplicateTask, "id", "there is a task \"\(id)\" already, on line \(line)")
            } else {
                indexOfTask[id] = index
            }
        }
        return indexOfTask
    }

    /// What each task waits for, and which tasks name something there that does not exist.
    private func dependencies(
        _ drafts: [TaskDraft], _ indexOfTask: [String: Int]
    ) -> (upstream: [[Int]], isOpen: [Bool]) {
        let ids = drafts.compactMap(\.id)
        var upstream = [[Int]](repeating: [], count: drafts.count)
        var isOpen = [Bool](repeating: false, count: drafts.count)
        for (task, draft) in drafts.enumerated() {
            var seen: Set<Int> = []
            for entry in draft.after {
                guard let other = indexOfTask[entry.text] else {
                    isOpen[task] = true
                    let remedy = problems.suggestion(for: entry.text, among: ids)
                    problems.error(
                        .unknownTask, at: entry.node.offset, entry.path, "there is no task \"\(entry.text)\"\(remedy)")
                    continue
                }
                guard other != task, entry.text != draft.id else {
                    problems.error(
                        .selfDependency, at: entry.node.offset, entry.path,
                        "task \"\(entry.text)\" cannot come after itself")
                    continue
                }
                guard seen.insert(other).inserted else {
                    problems.warning(
                        .duplicateDependency, at: entry.node.offset, entry.path,
                        "task \"\(entry.text)\" is named twice in \"after\"")
                    continue
                }
                upstream[task].append(other)
            }
        }
        return (upstream, isOpen)
    }

    private func reportCycles(_ graph: TaskGraph, _ drafts: [TaskDraft]) {
        for cycle in graph.cycles() {
            guard let first = cycle.first, let last = cycle.last else { continue }
            let closing = drafts[last].id ?? ""
            let entry = drafts[first].after.first { $0.text == closing }
            var names = (cycle + [first]).map { drafts[$0].id ?? "" }
            // A very long cycle is cut in its middle, for the sake of the reader's terminal.
            if names.count > 20 {
                names.replaceSubrange(10..<(names.count - 9), with: ["… (\(names.count - 19) more)"])
            }
            problems.error(
                .cycle, at: entry?.node.offset ?? drafts[first].reader.offset,
                entry?.path ?? drafts[first].reader.path,
                "the tasks wait for each other: \(names.joined(separator: " → "))")
        }
    }

    private func checkKinds(_ drafts: [TaskDraft]) {
        let byName = Dictionary(kinds.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = kinds.map(\.name)
        let paramTypes = Dictionary(params.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first })
        for draft in drafts {
            let with = draft.reader["with"]
            guard let name = draft.kind else { continue }
            guard let kind = byName[name] else {
                let remedy = problems.suggestion(
                    for: name, among: names, otherwise: "; one of \(names.joined(separator: ", "))")
                draft.reader.error(.unknownKind, "kind", "there is no task kind \"\(name)\"\(remedy)")
                continue
            }
            KindChecker(kind: kind, paramTypes: paramTypes, problems: problems)
                .check(with, path: draft.reader.path("with"), taskOffset: draft.reader.offset)
        }
    }
}

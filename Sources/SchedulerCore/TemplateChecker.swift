import JSONText

/// Checks the templates of a DAG file: that each can be read, and that what it names is there.
struct TemplateChecker {
    /// A template that names the output of another task.
    private struct Reference {
        var task: Int
        var wanted: Int
        var offset: Int
        var path: String
    }

    let params: [String]
    let taskIDs: [String]
    let indexOfTask: [String: Int]
    let problems: DiagnosticCollector
    /// Which tasks have a `for_each`.
    let isMapped: [Bool]
    let names: ConfiguredNames?
    private var references: [Reference] = []

    init(
        params: [String], taskIDs: [String], indexOfTask: [String: Int], isMapped: [Bool],
        names: ConfiguredNames? = nil, problems: DiagnosticCollector
    ) {
        self.names = names
        self.params = params
        self.taskIDs = taskIDs
        self.indexOfTask = indexOfTask
        self.isMapped = isMapped
        self.problems = problems
    }

    /// Checks every string of a value.
    /// - Parameters:
    ///   - task: whose value it is; nil for a value that is rendered for every task, or for the run.
    ///   - place: what of a task, or of the DAG, it belongs to.
    mutating func check(_ node: JSONNode, path: String, task: Int?, _ place: Place = .value) {
        switch node.value {
        case .string(let text):
            if Template.isTemplate(text) { check(text, at: node.offset, path: path, task: task, place) }
        case .array(let nodes):
            for (index, node) in nodes.enumerated() { check(node, path: "\(path)[\(index)]", task: task, place) }
        case .object(let object):
            for member in object.members { check(member.node, path: jsonPath(path, member.key), task: task, place) }
        default: break
        }
    }

    /// Where a template stands decides which names it may use.
    enum Place {
        case value
        /// What a program is started with, which every user of the machine can see.
        case arguments
        /// A condition, which the Scheduler decides itself.
        case condition
        /// The list of a mapped task, before there are elements.
        case list
        /// A notification of the run, when every task has ended.
        case notification
    }

    /// Checks the condition of a task.
    mutating func checkCondition(_ text: String, at start: Int, path: String, task: Int) {
        do throws(TemplateError) {
            for place in try Condition(parsing: text).places {
                let offset = problems.offset(inStringAt: start, decoded: place.offset)
                check(place.name, at: offset, path: path, task: task, .condition)
            }
        } catch {
            problems.error(
                DiagnosticCode(rawValue: error.code) ?? .badCondition,
                at: problems.offset(inStringAt: start, decoded: error.offset), path, error.message)
        }
    }

    private mutating func check(_ text: String, at start: Int, path: String, task: Int?, _ place: Place) {
        let problems = self.problems
        let (template, errors) = Template.scan(text)
        for error in errors {
            let offset = problems.offset(inStringAt: start, decoded: error.offset)
            problems.error(DiagnosticCode(rawValue: error.code) ?? .badTemplate, at: offset, path, error.message)
        }
        for case .name(let name, let filters, let position) in template.parts {
            let offset = problems.offset(inStringAt: start, decoded: position)
            check(name, at: offset, path: path, task: task, place)
            if case .secret = name, !filters.isEmpty {
                problems.error(
                    .misplacedSecret, at: offset, path,
                    "a secret takes no filter: its value is put in when the process of the task is made")
            }
        }
    }

    private mutating func check(_ name: TemplateName, at offset: Int, path: String, task: Int?, _ place: Place) {
        switch name {
        case .variable: break
        case .run(let field):
            guard place != .notification else { break }
            problems.error(
                .unknownTemplateName, at: offset, path,
                "\"run.\(field.rawValue)\" is known in notifications only (on_failure and its like)")
        case .param(let param):
            guard !params.contains(param) else { break }
            let remedy = problems.suggestion(
                for: param, among: params,
                otherwise: params.isEmpty ? "; it declares none" : "; it has \(params.joined(separator: ", "))")
            problems.error(.unknownParam, at: offset, path, "the DAG has no parameter \"\(param)\"\(remedy)")
        case .output(let wanted, _):
            guard task != nil || place == .notification else {
                problems.error(
                    .notUpstream, at: offset, path, "outputs cannot be used here: no task is before all others")
                break
            }
            guard let index = indexOfTask[wanted] else {
                let remedy = problems.suggestion(for: wanted, among: taskIDs)
                problems.error(.unknownTask, at: offset, path, "there is no task \"\(wanted)\"\(remedy)")
                break
            }
            // A notification about a task may tell what that one has handed on.
            if let task, place != .notification || index != task {
                references.append(Reference(task: task, wanted: index, offset: offset, path: path))
            }
        case .eachValue, .eachIndex:
            if place == .list {
                problems.error(.notMapped, at: offset, path, "\"for_each\" itself has no each: it makes the elements")
            } else if task.map({ !isMapped[$0] }) ?? true {
                let who = task.map { "task \"\(taskIDs[$0])\"" } ?? "what is meant for all"
                problems.error(.notMapped, at: offset, path, "\(who) has no \"for_each\", so it has no each")
            }
        case .env(let variable):
            check(
                variable, .unknownEnv, at: offset, path, among: names?.environment,
                "weir.json does not let templates read \(variable) of the environment", "add it to its \"env\"")
        case .secret(let secret):
            check(
                secret, .unknownSecret, at: offset, path, among: names?.secrets,
                "weir.json has no secret \"\(secret)\"", "add it to its \"secrets\"")
            checkPlace(of: secret, at: offset, path: path, place)
        }
    }

    /// A name that the configuration has, or should have.
    private func check(
        _ name: String, _ code: DiagnosticCode, at offset: Int, _ path: String, among known: [String]?,
        _ message: String, _ remedy: String
    ) {
        guard let known else {
            let what = code == .unknownEnv ? "env.\(name)" : "secret.\(name)"
            problems.warning(
                .uncheckedName, at: offset, path,
                "\(what) cannot be checked: there is no weir.json here, which would have to name it")
            return
        }
        guard !known.contains(name) else { return }
        let near = problems.suggestion(for: name, among: known, otherwise: "; \(remedy)")
        problems.error(code, at: offset, path, message + near)
    }

    private func checkPlace(of secret: String, at offset: Int, path: String, _ place: Place) {
        switch place {
        case .value, .notification: break
        case .arguments:
            problems.warning(
                .visibleSecret, at: offset, path,
                "every user of this machine can see the secret \"\(secret)\" here, in the list of processes; put it into "
                    + "\"env\"")
        case .condition:
            problems.error(.misplacedSecret, at: offset, path, "\"when\" cannot use secrets: what it says is shown")
        case .list:
            problems.error(
                .misplacedSecret, at: offset, path, "\"for_each\" cannot use secrets: its elements are stored")
        }
    }

    /// Reports outputs of tasks that are not before the one that uses them. One walk of the graph for each task whose
    /// outputs are used from afar.
    /// - Parameter isOpen: tasks with a dependency that is wrong, about which nothing can be said.
    func checkReferences(_ graph: TaskGraph, upstream: [[Int]], isOpen: [Bool]) {
        let distant = references.filter { !isOpen[$0.task] && !upstream[$0.task].contains($0.wanted) }
        for (wanted, users) in Dictionary(grouping: distant, by: \.wanted).sorted(by: { $0.key < $1.key }) {
            let isAfter = graph.tasks(after: wanted)
            for user in users where !isAfter[user.task] {
                let message =
                    user.task == wanted
                    ? "task \"\(taskIDs[wanted])\" cannot use its own outputs"
                    : "task \"\(taskIDs[wanted])\" is not before \"\(taskIDs[user.task])\"; add it to \"after\""
                problems.error(.notUpstream, at: user.offset, user.path, message)
            }
        }
    }
}

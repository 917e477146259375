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
    private var references: [Reference] = []

    init(params: [String], taskIDs: [String], indexOfTask: [String: Int], problems: DiagnosticCollector) {
        self.params = params
        self.taskIDs = taskIDs
        self.indexOfTask = indexOfTask
        self.problems = problems
    }

    /// Checks every string of a value.
    /// - Parameter task: whose value it is; nil for a value that is rendered for every task.
    mutating func check(_ node: JSONNode, path: String, task: Int?) {
        switch node.value {
        case .string(let text):
            if Template.isTemplate(text) { check(text, at: node.offset, path: path, task: task) }
        case .array(let nodes):
            for (index, node) in nodes.enumerated() { check(node, path: "\(path)[\(index)]", task: task) }
        case .object(let object):
            for member in object.members { check(member.node, path: jsonPath(path, member.key), task: task) }
        default: break
        }
    }

    private mutating func check(_ text: String, at start: Int, path: String, task: Int?) {
        let problems = self.problems
        let (template, errors) = Template.scan(text)
        for error in errors {
            let offset = problems.offset(inStringAt: start, decoded: error.offset)
            problems.error(DiagnosticCode(rawValue: error.code) ?? .badTemplate, at: offset, path, error.message)
        }
        for case .name(let name, let position) in template.parts {
            let offset = { problems.offset(inStringAt: start, decoded: position) }
            switch name {
            case .variable: break
            case .param(let param):
                guard !params.contains(param) else { break }
                let remedy = problems.suggestion(
                    for: param, among: params,
                    otherwise: params.isEmpty ? "; it declares none" : "; it has \(params.joined(separator: ", "))")
                problems.error(.unknownParam, at: offset(), path, "the DAG has no parameter \"\(param)\"\(remedy)")
            case .output(let wanted, _):
                guard let task else {
                    problems.error(
                        .notUpstream, at: offset(), path,
                        "outputs cannot be used here: no task is before all others")
                    break
                }
                guard let index = indexOfTask[wanted] else {
                    let remedy = problems.suggestion(for: wanted, among: taskIDs)
                    problems.error(.unknownTask, at: offset(), path, "there is no task \"\(wanted)\"\(remedy)")
                    break
                }
                references.append(Reference(task: task, wanted: index, offset: offset(), path: path))
            }
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

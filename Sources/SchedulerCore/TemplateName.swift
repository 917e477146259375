/// What stands between the braces of a template.
public enum TemplateName: Sendable, Hashable {
    /// The names that every run has.
    public enum Variable: String, Sendable, Hashable, CaseIterable {
        case ds
        case dsNoDash = "ds_nodash"
        case ts
        case logicalDate = "logical_date"
        case dataIntervalStart = "data_interval_start"
        case dataIntervalEnd = "data_interval_end"
        case previousDS = "prev_ds"
        case nextDS = "next_ds"
        case runID = "run_id"
        case runType = "run_type"
        case dagID = "dag_id"
        case taskID = "task_id"
        case tryNumber = "try_number"
    }

    /// What a notification tells, and no other task knows.
    public enum RunField: String, Sendable, Hashable, CaseIterable {
        case event, state, reason, task, failed
    }

    case variable(Variable)
    /// `run.<field>`, in a notification.
    case run(RunField)
    /// `params.<name>`: a parameter of the run.
    case param(String)
    /// `outputs.<task>.<key>`: what a task before this one has handed on. The key is what follows the last dot.
    case output(task: String, key: String)
    /// `each.value`, or a member of it: `each.value.name`.
    case eachValue(path: [String])
    /// `each.index`: which element, from 0.
    case eachIndex
    /// `env.<name>`: a variable of Weir's own environment that the configuration allows.
    case env(String)
    /// `secret.<name>`: a secret that the configuration names. It stays a reference until the task's process is made.
    case secret(String)

    /// As it is written between the braces.
    var words: String {
        switch self {
        case .variable(let variable): variable.rawValue
        case .param(let name): "params.\(name)"
        case .output(let task, let key): "outputs.\(task).\(key)"
        case .eachValue(let path): (["each.value"] + path).joined(separator: ".")
        case .eachIndex: "each.index"
        case .run(let field): "run.\(field.rawValue)"
        case .env(let name): "env.\(name)"
        case .secret(let name): "secret.\(name)"
        }
    }

    /// Reads a name without braces. The error's offset counts from the start of `text`.
    init(_ text: String) throws(TemplateError) {
        if let variable = Variable(rawValue: text) {
            self = .variable(variable)
            return
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        switch parts.first {
        case "params":
            guard parts.count == 2, !parts[1].isEmpty else {
                throw Self.unknown(text, "; parameters are written {{ params.name }}")
            }
            self = .param(String(parts[1]))
        case "outputs":
            let task = parts.dropFirst().dropLast().joined(separator: ".")
            guard parts.count >= 3, let key = parts.last, !key.isEmpty, !task.isEmpty else {
                throw Self.unknown(text, "; outputs are written {{ outputs.task.key }}")
            }
            self = .output(task: task, key: String(key))
        case "run":
            let fields = RunField.allCases.map(\.rawValue)
            guard parts.count == 2, let field = RunField(rawValue: String(parts[1])) else {
                let all = fields.map { "run.\($0)" }
                throw Self.unknown(
                    text, suggestion(for: text, among: all, otherwise: "; one of \(all.joined(separator: ", "))"))
            }
            self = .run(field)
        case "each":
            if parts.count == 2, parts[1] == "index" {
                self = .eachIndex
            } else if parts.count >= 2, parts[1] == "value", !parts.contains("") {
                self = .eachValue(path: parts.dropFirst(2).map(String.init))
            } else {
                throw Self.unknown(text, "; there is each.value, each.value.key and each.index")
            }
        case "env":
            guard parts.count == 2, !parts[1].isEmpty else {
                throw Self.unknown(text, "; variables of the environment are written {{ env.NAME }}")
            }
            self = .env(String(parts[1]))
        case "secret":
            guard parts.count == 2, !parts[1].isEmpty else {
                throw Self.unknown(text, "; secrets are written {{ secret.name }}")
            }
            self = .secret(String(parts[1]))
        default:
            let variables = Variable.allCases.map(\.rawValue)
            let roots = ["params", "outputs", "each", "env", "secret", "run"]
            guard parts.count > 1, let word = nearestName(to: String(parts[0]), among: roots)
            else {
                let others = [
                    "params.name", "outputs.task.key", "each.value", "each.index", "env.NAME", "secret.name",
                ]
                let all = (variables + others).joined(separator: ", ")
                throw Self.unknown(text, suggestion(for: text, among: variables, otherwise: "; one of \(all)"))
            }
            let mended = ([word] + parts.dropFirst().map(String.init)).joined(separator: ".")
            throw Self.unknown(text, "; did you mean \"\(mended)\"?")
        }
    }

    private static func unknown(_ text: String, _ remedy: String) -> TemplateError {
        TemplateError(.unknownTemplateName, "unknown template name \"\(text)\"\(remedy)")
    }
}

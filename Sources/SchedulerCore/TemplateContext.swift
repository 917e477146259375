import JSONText

/// The values that templates name, for one try of one task of one run.
public struct TemplateContext: Sendable {
    public var dagID: String
    public var runID: String
    public var runType: RunType
    public var taskID: String
    public var tryNumber: Int
    public var logicalDate: Instant
    public var interval: DataInterval
    /// The zone of `ds` and its like.
    public var zone: Zone
    /// Finds `prev_ds` and `next_ds`, which without a schedule are `ds`.
    public var timetable: Timetable?
    /// The parameters of the run: an object.
    public var params: JSONNode
    /// What the tasks before this one have handed on, by task id: objects.
    public var outputs: [String: JSONNode]
    /// The element of an instance of a mapped task, and which it is.
    public var each: (value: JSONNode, index: Int)?
    /// What a notification tells; nil for any other task.
    public var notice: Notice?
    /// What `env` names; nil where nobody knows the values, as in a simulation: a name then stands for itself.
    public var environment: [String: String]?

    public init(
        dagID: String, runID: String, runType: RunType, taskID: String, tryNumber: Int, logicalDate: Instant,
        interval: DataInterval, zone: Zone, timetable: Timetable?, params: JSONNode, outputs: [String: JSONNode],
        each: (value: JSONNode, index: Int)? = nil, environment: [String: String]? = nil, notice: Notice? = nil
    ) {
        self.environment = environment
        self.notice = notice
        self.dagID = dagID
        self.runID = runID
        self.runType = runType
        self.taskID = taskID
        self.tryNumber = tryNumber
        self.logicalDate = logicalDate
        self.interval = interval
        self.zone = zone
        self.timetable = timetable
        self.params = params
        self.outputs = outputs
        self.each = each
    }

    /// - Parameter params: the object that `run.params` holds as text.
    public init(
        dag: DAG, run: Run, taskID: String, tryNumber: Int, params: JSONNode, outputs: [String: JSONNode] = [:],
        each: (value: JSONNode, index: Int)? = nil, environment: [String: String]? = nil, notice: Notice? = nil
    ) {
        self.init(
            dagID: run.dagID, runID: run.runID, runType: run.type, taskID: taskID, tryNumber: tryNumber,
            logicalDate: run.logicalDate, interval: run.interval, zone: dag.zone, timetable: dag.timetable,
            params: params, outputs: outputs, each: each, environment: environment, notice: notice)
    }

    /// The value of a name; an error for a parameter or an output that is not there.
    public func value(of name: TemplateName) throws(TemplateError) -> JSONNode {
        switch name {
        case .variable(let variable):
            return value(of: variable)
        case .run(let field):
            guard let notice else {
                throw TemplateError(.unknownTemplateName, "run.\(field.rawValue) is known in notifications only")
            }
            return JSONNode(.string(notice.text(of: field)))
        case .param(let name):
            guard let value = params[name] else {
                throw TemplateError(.unknownParam, "the run has no parameter \"\(name)\"")
            }
            return value
        case .output(let task, let key):
            guard let value = outputs[task]?[key] else {
                let keys = outputs[task]?.object?.members.map(\.key) ?? []
                let remedy = keys.isEmpty ? "; it has handed on nothing" : "; it has " + keys.joined(separator: ", ")
                throw TemplateError(
                    .unknownOutput,
                    "task \"\(task)\" has handed on no \"\(key)\""
                        + suggestion(for: key, among: keys, otherwise: remedy))
            }
            return value
        case .eachIndex, .eachValue:
            guard let each else { throw TemplateError(.notMapped, "the task has no \"for_each\", so it has no each") }
            guard case .eachValue(let path) = name else { return JSONNode(.integer(Int64(each.index))) }
            var value = each.value
            for key in path {
                guard let member = value[key] else {
                    let keys = value.object?.members.map(\.key) ?? []
                    let all = keys.isEmpty ? "; it is \(value.typeName)" : "; it has " + keys.joined(separator: ", ")
                    throw TemplateError(
                        .unknownOutput,
                        "the element \(each.index) has no \"\(key)\""
                            + suggestion(for: key, among: keys, otherwise: all))
                }
                value = member
            }
            return value
        case .env(let name):
            guard let environment else { return JSONNode(.string("env.\(name)")) }
            guard let value = environment[name] else {
                throw TemplateError(
                    .unknownEnv,
                    "the environment of Weir has no \(name), or \"env\" in weir.json does not allow it"
                        + suggestion(for: name, among: environment.keys.sorted(), otherwise: ""))
            }
            return JSONNode(.string(value))
        case .secret(let name):
            return JSONNode(.string(SecretReference.text(name)))
        }
    }

    private func value(of variable: TemplateName.Variable) -> JSONNode {
        let text: String
        switch variable {
        case .ds: text = zone.date(at: logicalDate).description
        case .dsNoDash: text = zone.date(at: logicalDate).compact
        case .ts, .logicalDate: text = logicalDate.description
        case .dataIntervalStart: text = interval.start.description
        case .dataIntervalEnd: text = interval.end.description
        case .previousDS:
            text = zone.date(at: timetable?.previous(before: logicalDate) ?? logicalDate).description
        case .nextDS: text = zone.date(at: timetable?.next(after: logicalDate) ?? logicalDate).description
        case .runID: text = runID
        case .runType: text = runType.rawValue
        case .dagID: text = dagID
        case .taskID: text = taskID
        case .tryNumber: return JSONNode(.integer(Int64(tryNumber)))
        }
        return JSONNode(.string(text))
    }
}

import JSONText

/// What a DAG uses of the outputs of its tasks: for forecasts, which do not know them.
extension DAG {
    public struct UsedOutput: Sendable, Hashable {
        public var task: String
        public var key: String
        /// Whether it is the list of a mapped task.
        public var isList: Bool
    }

    /// The outputs that parameters, environments and lists name.
    public var usedOutputs: Set<UsedOutput> {
        var used: Set<UsedOutput> = []
        for spec in specs {
            Self.collect(spec.with, isList: false, &used)
            for entry in spec.env + env { Self.collect(JSONNode(.string(entry.value)), isList: false, &used) }
            if let list = spec.mapping?.list { Self.collect(list, isList: list.string != nil, &used) }
        }
        return used
    }

    private static func collect(_ node: JSONNode, isList: Bool, _ used: inout Set<UsedOutput>) {
        switch node.value {
        case .string(let text) where Template.isTemplate(text):
            for case .output(let task, let key) in Template.scan(text).template.names {
                used.insert(UsedOutput(task: task, key: key, isList: isList))
            }
        case .array(let nodes): for node in nodes { collect(node, isList: false, &used) }
        case .object(let object): for member in object.members { collect(member.node, isList: false, &used) }
        default: break
        }
    }

    /// The same DAG, in which conditions hold that ask for outputs of which nothing is known.
    public func assumingConditions(unless isKnown: (_ task: String, _ key: String) -> Bool) -> DAG {
        func assumed(_ specs: [TaskSpec]) -> [TaskSpec] {
            specs.map { spec in
                var spec = spec
                let asksForUnknown = (spec.condition?.names ?? []).contains { name in
                    if case .output(let task, let key) = name { return !isKnown(task, key) }
                    return false
                }
                if asksForUnknown { spec.condition = nil }
                return spec
            }
        }
        return DAG(
            id: id, description: description, owner: owner, tags: tags, timetable: timetable, startedBy: startedBy,
            zone: zone, start: start, end: end, catchup: catchup, catchupWindow: catchupWindow, delay: delay,
            maxActiveRuns: maxActiveRuns, maxActiveTasks: maxActiveTasks, overlap: overlap, runTimeout: runTimeout,
            deadline: deadline, expectBy: expectBy, params: params, env: env, paused: paused, tasks: assumed(tasks),
            hooks: hooks,
            specs: assumed(specs))
    }
}

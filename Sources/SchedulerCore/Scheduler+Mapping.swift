import JSONText

/// Mapped tasks: one instance per element of a list that is known when the tasks before have ended.
extension Scheduler {
    /// Gives a mapped task an instance for each element of its list. Instances that ran already keep their state; those
    /// beyond the end of the list are removed.
    ///
    /// - Returns: whether an instance came to its end by that.
    func expand(_ node: RunNode, _ dag: DAG, _ task: Int, now: Instant) -> Bool {
        guard let mapping = dag.specs[task].mapping else { return false }
        let list: [JSONNode]
        do throws(TemplateError) {
            list = try elements(node, dag, task)
            guard list.count <= mapping.limit else {
                throw TemplateError(
                    .outOfRange, "the list has \(list.count) elements; its limit is \(mapping.limit)")
            }
        } catch {
            for index in node.tasks[task].instances where node.instances[index].record.state == .none {
                settle(node, index, .cannotStart, reason: "for_each: \(error.message)", now: now)
            }
            return true
        }
        node.tasks[task].elements = list
        if let limit = mapping.maxActive, node.tasks[task].gate == nil {
            node.tasks[task].gate = Gate(name: "map \(node.run.id)/\(dag.specs[task].id)", capacity: limit)
        }
        var have = Set<Int>()
        var hasLost = false
        for index in node.tasks[task].instances {
            let record = node.instances[index].record
            if record.key.mapIndex < 0 {
                if !list.isEmpty, record.state != .removed {
                    if record.state == .none {
                        move(node, index, .expanded, reason: "became \(list.count) instances")
                    } else {
                        move(node, index, .elementGone, reason: "became \(list.count) instances")
                    }
                }
            } else if record.key.mapIndex < list.count {
                if record.state == .removed { reset(node, index) }
                have.insert(record.key.mapIndex)
            } else if InstanceMove.elementGone.target(from: record.state) != nil {
                move(node, index, .elementGone, reason: "the list has only \(list.count) elements now")
                hasLost = true
            }
        }
        for mapIndex in list.indices where !have.contains(mapIndex) { add(node, dag, task: task, mapIndex: mapIndex) }
        for next in dag.specs[task].downstream { countUpstream(node, dag, next) }
        if hasLost { tellFollowers(node, task) }
        // One that goes when all others have ended, because it was still being killed, is what the next waited for.
        guard list.isEmpty, let whole = wholeInstance(node, task) else { return hasLost }
        settle(node, whole, .listEmpty, reason: "for_each: the list is empty", now: now)
        for next in dag.specs[task].downstream { countUpstream(node, dag, next) }
        return true
    }

    /// The instance that stands for a mapped task as a whole.
    private func wholeInstance(_ node: RunNode, _ task: Int) -> Int? {
        node.tasks[task].instances.first { node.instances[$0].record.key.mapIndex < 0 }
    }

    /// The rendered list of a mapped task.
    func elements(_ node: RunNode, _ dag: DAG, _ task: Int) throws(TemplateError) -> [JSONNode] {
        guard let mapping = dag.specs[task].mapping else { return [] }
        let context = templateContext(node, dag, task: task, tryNumber: 0, each: nil)
        let value = try Template.render(mapping.list, in: context)
        guard let list = value.array else {
            throw TemplateError(.wrongType, "the list must be an array, not \(value.typeName)")
        }
        return list
    }

    /// The element of an instance of a mapped task; nil for any other.
    func element(_ node: RunNode, _ dag: DAG, _ index: Int) throws(TemplateError) -> (value: JSONNode, index: Int)? {
        let mapIndex = node.instances[index].record.key.mapIndex
        let task = node.instances[index].task
        guard mapIndex >= 0 else { return nil }
        if node.tasks[task].elements == nil, dag.specs[task].mapping != nil {
            // After a restart: the tasks before have ended, so the list is the same.
            node.tasks[task].elements = try elements(node, dag, task)
        }
        guard let list = node.tasks[task].elements, list.indices.contains(mapIndex) else { return nil }
        return (list[mapIndex], mapIndex)
    }
}

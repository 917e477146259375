/// Notifications: small tasks of a run that start when their moment comes, and never decide how the run ends.
extension Scheduler {
    /// - Returns: whether any was started.
    @discardableResult
    func fireHooks(_ node: RunNode, _ dag: DAG, _ moment: Hook.Moment, mapIndex: Int = -1) -> Bool {
        var hasFired = false
        for (number, hook) in dag.hooks.enumerated() where hook.moment == moment {
            let task = dag.tasks.count + number
            if fire(node, dag, task, mapIndex: mapIndex) { hasFired = true }
        }
        return hasFired
    }

    func fireHooks(_ node: RunNode, _ dag: DAG, ofFailed index: Int, now: Instant) {
        guard !dag.hooks.isEmpty else { return }
        fireHooks(
            node, dag, .taskFailure(node.instances[index].task), mapIndex: node.instances[index].record.key.mapIndex)
    }

    private func fire(_ node: RunNode, _ dag: DAG, _ task: Int, mapIndex: Int) -> Bool {
        let known = node.tasks[task].instances.first { node.instances[$0].record.key.mapIndex == mapIndex }
        guard let index = known else {
            enqueue(node, add(node, dag, task: task, mapIndex: mapIndex), .hookDue, reason: nil)
            return true
        }
        // It is on its way, or has run since the run began: once is enough.
        guard node.instances[index].record.state.isFinal, !hasFired(node, index) else { return false }
        let record = node.instances[index].record
        node.instances[index].record.maxTries = record.tryNumber + 1 + dag.specs[task].retries
        enqueue(node, index, .hookDue, reason: nil)
        return true
    }

    /// A task is going to be tried again; what tells of it is told once.
    func fireHooks(_ node: RunNode, _ dag: DAG, ofRetried index: Int) {
        let task = node.instances[index].task
        // Notifications about notifications would have no end.
        guard !dag.hooks.isEmpty, task < dag.tasks.count else { return }
        fireHooks(node, dag, .runRetry)
        fireHooks(node, dag, .taskRetry(task), mapIndex: node.instances[index].record.key.mapIndex)
    }

    /// Those that were given up, in words for the reason of the run; nil when all were delivered.
    func undelivered(_ node: RunNode, _ dag: DAG) -> String? {
        let failed = node.instances.lazy.filter {
            $0.task >= dag.tasks.count && $0.record.state == .failed && $0.record.endedAt != nil
        }.map(\.record)
        guard let first = failed.first else { return nil }
        let more = failed.count > 1 ? " and \(failed.count - 1) more" : ""
        return "not delivered: \(first.key.name)\(more)" + (first.reason.map { " (\($0))" } ?? "")
    }

    private func hasFired(_ node: RunNode, _ index: Int) -> Bool { node.instances[index].record.endedAt != nil }

    /// A run begins anew: what was told of an earlier execution of it counts no more. The end is what marks it, because no
    /// clock can be trusted to go only forward.
    func rearm(_ node: RunNode, _ index: Int) {
        guard node.instances[index].record.endedAt != nil else { return }
        node.instances[index].record.endedAt = nil
        touch(node, index)
    }

    /// The task that a notification is about; nil for any other instance.
    func watchedTask(_ dag: DAG, _ task: Int) -> Int? {
        task < dag.tasks.count ? nil : dag.hooks[task - dag.tasks.count].moment.task
    }
}

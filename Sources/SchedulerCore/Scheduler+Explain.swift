/// Why something does not run, in words for a person.
extension Scheduler {
    /// Why an unfinished run, and each of its tasks that has not ended, does not run; nil when there is no such run.
    public func explain(dag dagID: String, runID: String) -> Explanation? {
        guard let node = dags[dagID]?.runsByName[runID].flatMap({ runs[$0] }) else { return nil }
        var found = Explanation()
        if node.run.state == .queued {
            found.run = whyQueued(node)
        } else if let dag = node.dag {
            for index in node.instances.indices {
                if let why = why(node, dag, index) { found.tasks[node.instances[index].record.key.name] = why }
            }
        }
        return found
    }

    /// Why a task instance of an unfinished run is not running.
    ///
    /// - Parameter mapIndex: of an instance of a mapped task; -1 for any other.
    /// - Returns: nil when it runs, has ended, or is not known.
    public func whyNotRunning(dag dagID: String, runID: String, task: String, mapIndex: Int = -1) -> String? {
        guard let node = dags[dagID]?.runsByName[runID].flatMap({ runs[$0] }) else { return nil }
        if node.run.state == .queued { return whyQueued(node) }
        let index = node.instances.firstIndex {
            $0.record.key.taskID == task && $0.record.key.mapIndex == mapIndex
        }
        guard let index, let dag = node.dag else { return nil }
        return why(node, dag, index)
    }

    /// Why an unfinished run has not started; nil when it has.
    public func whyNotStarted(dag dagID: String, runID: String) -> String? {
        guard let node = dags[dagID]?.runsByName[runID].flatMap({ runs[$0] }), node.run.state == .queued else {
            return nil
        }
        return whyQueued(node)
    }

    private func whyQueued(_ node: RunNode) -> String {
        if node.loadingInstances { return "its task instances are being read" }
        if let backfill = governor(of: node) {
            let id = backfill.record.id
            if backfill.record.paused { return "backfill \(id) is paused; `weir backfills resume \(id)` lets it go on" }
            return
                "backfill \(backfill.record.id) is at its limit (\(backfill.active) of \(backfill.record.maxActive) runs)"
        }
        if node.run.runAfter > lastNow { return "it is due at \(node.run.runAfter)" }
        let limit = node.owner.dag?.maxActiveRuns ?? 1
        if node.owner.activeRuns >= limit { return "max_active_runs is reached (\(node.owner.activeRuns) of \(limit))" }
        return "runs that were due earlier start first"
    }

    private func why(_ node: RunNode, _ dag: DAG, _ index: Int) -> String? {
        let record = node.instances[index].record
        let task = node.instances[index].task
        switch record.state {
        case .none: return whyWaiting(node, dag, task)
        case .queued: return whyQueued(node, dag, index)
        case .upForRetry, .deferred: return record.reason ?? "waits until \(record.nextTryAt ?? lastNow)"
        default: return nil
        }
    }

    /// What a task waits for that was not judged yet.
    private func whyWaiting(_ node: RunNode, _ dag: DAG, _ task: Int) -> String {
        var waits: [String] = []
        for other in dag.specs[task].upstream {
            for index in node.tasks[other].instances where !node.instances[index].record.state.isFinal {
                let record = node.instances[index].record
                waits.append("\(record.key.name) (\(record.state.rawValue))")
            }
        }
        if case .wait = dag.specs[task].triggerRule.decide(node.tasks[task].upstream), !waits.isEmpty {
            let more = waits.count > 3 ? " and \(waits.count - 3) more" : ""
            return "waits for " + waits.prefix(3).joined(separator: ", ") + more
        }
        if dag.specs[task].dependsOnPast {
            guard let past = node.past else { return "depends_on_past: the run before is being read" }
            return "depends_on_past: \(dag.specs[task].id) of \(past.runID) has not succeeded"
        }
        return "it is about to be judged"
    }

    private func whyQueued(_ node: RunNode, _ dag: DAG, _ index: Int) -> String {
        if configuration.isDraining { return "Weir is being drained: nothing is started any more" }
        if let hold { return "nothing is started until \(hold.until): \(hold.reason)" }
        if isNotice(node, index) {
            return noticeAttempts >= Self.noticesAtOnce
                ? "\(noticeAttempts) other notifications are being delivered" : "it is about to start"
        }
        if let gate = fullGate(node, index) { return words(gate, node, dag, index) }
        if taskAttempts >= configuration.parallelism {
            return "parallelism is reached (\(taskAttempts) of \(configuration.parallelism))"
        }
        return node.instances[index].record.reason ?? "it is about to start"
    }

    /// Why a queued instance can never start as things stand: it needs more slots than its pool has. Nil when it can.
    func whyStuck(_ node: RunNode, _ dag: DAG, _ index: Int) -> String? {
        let spec = dag.specs[node.instances[index].task]
        let gate = pool(spec.pool)
        return spec.poolSlots > gate.capacity ? words(gate, node, dag, index) : nil
    }

    private func words(_ gate: Gate, _ node: RunNode, _ dag: DAG, _ index: Int) -> String {
        let spec = dag.specs[node.instances[index].task]
        let used = "(\(gate.used) of \(gate.capacity))"
        if gate === node.owner.gate { return "max_active_tasks is reached \(used)" }
        if gate === node.tasks[node.instances[index].task].gate { return "max_active of for_each is reached \(used)" }
        if poolRecords[spec.pool] == nil, spec.pool != Pool.defaultName {
            return "there is no pool '\(spec.pool)'; `weir pools set \(spec.pool) SLOTS` makes it"
        }
        if spec.poolSlots > gate.capacity {
            let slots = spec.poolSlots == 1 ? "1 slot" : "\(spec.poolSlots) slots"
            return "needs \(slots) of pool \(spec.pool), which has \(gate.capacity)"
        }
        return "pool \(spec.pool) is full \(used)" + (spec.poolSlots > 1 ? "; needs \(spec.poolSlots) slots" : "")
    }
}

/// Why an unfinished run stands where it stands.
public struct Explanation: Sendable, Hashable {
    /// Why the run has not started; nil when it has.
    public var run: String?
    /// Why each task instance is not running that could still run, by its name, such as `load[3]`.
    public var tasks: [String: String]

    public init(run: String? = nil, tasks: [String: String] = [:]) {
        self.run = run
        self.tasks = tasks
    }
}

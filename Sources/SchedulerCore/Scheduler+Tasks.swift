import JSONText

/// The life of a task instance up to its place in the queue: judged, mapped, settled, queued.
extension Scheduler {
    // MARK: Moving

    /// Moves an instance along the table, and keeps the counts that hang on its state.
    func move(_ node: RunNode, _ index: Int, _ move: InstanceMove, reason: String?) {
        let from = node.instances[index].record.state
        guard let to = move.target(from: from) else {
            assertionFailure("\(node.instances[index].record.key): \(move.rawValue) while \(from.rawValue)")
            return
        }
        observer?(from, move, to)
        node.instances[index].record.state = to
        node.instances[index].record.reason = reason
        node.instances[index].record.nextTryAt = nil
        if from == .queued {
            // Its entry in the queue is void now.
            queuedTasks -= 1
            if to != .running { unparkGates(of: node, index) }
        }
        if to == .queued { queuedTasks += 1 }
        if to.isFinal != from.isFinal { node.unfinished += to.isFinal ? -1 : 1 }
        touch(node, index)
    }

    /// Adds an instance in state `none`.
    /// - Parameter isStored: whether it is to be written at the end of the turn.
    @discardableResult
    func add(_ node: RunNode, _ dag: DAG, task: Int, mapIndex: Int = -1, isStored: Bool = true) -> Int {
        let index = node.instances.count
        let spec = dag.specs[task]
        node.instances.append(
            InstanceNode(
                record: TaskInstance(
                    key: TaskInstanceKey(run: node.run.id, taskID: spec.id, mapIndex: mapIndex),
                    maxTries: 1 + spec.retries), task: task))
        node.tasks[task].instances.append(index)
        node.unfinished += 1
        if isStored { touch(node, index) }
        return index
    }

    // MARK: Judging

    /// Applies the trigger rule of a task that has not started, and of all that its end settles.
    func judge(_ node: RunNode, _ task: Int, now: Instant) {
        guard let dag = node.dag else { return }
        var waiting = [task]
        while let task = waiting.popLast() {
            let open = node.tasks[task].instances.filter { node.instances[$0].record.state == .none }
            guard !open.isEmpty else { continue }
            switch dag.specs[task].triggerRule.decide(node.tasks[task].upstream) {
            case .wait: break
            case .run:
                if isHeldByPast(node, dag, task) { continue }
                if ready(node, dag, task, now: now) { waiting += dag.specs[task].downstream.reversed() }
            case .end(let state):
                let reason = Self.reason(for: dag.specs[task], node, dag)
                for index in open {
                    settle(node, index, state == .skipped ? .ruleSkips : .ruleFails, reason: reason, now: now)
                }
                waiting += dag.specs[task].downstream.reversed()
            }
        }
    }

    private static func reason(for task: TaskSpec, _ node: RunNode, _ dag: DAG) -> String {
        var states: [String] = []
        for other in task.upstream {
            for index in node.tasks[other].instances where states.count < 5 {
                let record = node.instances[index].record
                guard record.state.isFinal, record.state != .removed else { continue }
                states.append("\(record.key.name) \(record.state.rawValue)")
            }
        }
        return "\(task.triggerRule.rawValue): " + states.joined(separator: ", ")
    }

    /// A task whose rule is met: mapped over its list, asked for its condition, queued.
    /// - Returns: whether an instance came to its end by that, so that those after it are to be judged.
    private func ready(_ node: RunNode, _ dag: DAG, _ task: Int, now: Instant) -> Bool {
        var hasSettled = false
        if dag.specs[task].mapping != nil { hasSettled = expand(node, dag, task, now: now) }
        for index in node.tasks[task].instances where node.instances[index].record.state == .none {
            do throws(TemplateError) {
                guard try isConditionTrue(node, dag, index) else {
                    settle(node, index, .conditionFalse, reason: "\"when\" is false", now: now)
                    hasSettled = true
                    continue
                }
                enqueue(node, index, .ruleMet, reason: nil)
            } catch {
                settle(node, index, .cannotStart, reason: "when: \(error.message)", now: now)
                hasSettled = true
            }
        }
        return hasSettled
    }

    /// Gives an instance its final state and counts it in those that wait for it; they are not yet judged.
    func settle(_ node: RunNode, _ index: Int, _ move: InstanceMove, reason: String?, now: Instant) {
        self.move(node, index, move, reason: reason)
        node.instances[index].record.endedAt = now
        node.instances[index].record.waitingSince = nil
        guard let dag = node.dag else { return }
        let task = node.instances[index].task
        let state = node.instances[index].record.state
        for next in dag.specs[task].downstream {
            node.tasks[next].upstream.add(state, allowFailure: dag.specs[task].allowFailure)
        }
        if state == .failed, move != .markedFailed { fireHooks(node, dag, ofFailed: index, now: now) }
        tellFollowers(node, task)
    }

    /// A final state, and everything that follows from it.
    func conclude(
        _ node: RunNode, _ index: Int, _ move: InstanceMove, reason: String?, end: AttemptEnd? = nil, now: Instant
    ) {
        settle(node, index, move, reason: reason, now: now)
        if let end { note(end, node, index) }
        for next in node.dag?.specs[node.instances[index].task].downstream ?? [] { judge(node, next, now: now) }
        endIfDone(node, now: now)
    }

    // MARK: Queueing

    func enqueue(_ node: RunNode, _ index: Int, _ move: InstanceMove, reason: String?) {
        self.move(node, index, move, reason: reason)
        awaitStart(node, index)
    }

    func candidate(_ node: RunNode, _ index: Int) -> Candidate {
        Candidate(
            isBackfill: node.run.backfill != nil, priority: node.dag?.specs[node.instances[index].task].priority ?? 0,
            logicalDate: node.run.logicalDate, run: node.run.id, index: index)
    }

    // MARK: Counting

    /// Counts anew how the tasks before one ended. An element that is gone does not count, nor does the instance that stood
    /// for a mapped task before its list was known.
    func countUpstream(_ node: RunNode, _ dag: DAG, _ task: Int) {
        var counts = UpstreamCounts(total: 0)
        for other in dag.specs[task].upstream {
            for index in node.tasks[other].instances {
                let state = node.instances[index].record.state
                guard state != .removed else { continue }
                counts.total += 1
                counts.add(state, allowFailure: dag.specs[other].allowFailure)
            }
        }
        node.tasks[task].upstream = counts
    }

    func countUpstreams(_ node: RunNode, _ dag: DAG) {
        for task in dag.tasks.indices { countUpstream(node, dag, task) }
    }
}

extension TaskInstanceKey {
    /// For people: `load`, or `load[3]` for an instance of a mapped task.
    public var name: String { mapIndex < 0 ? taskID : "\(taskID)[\(mapIndex)]" }
}

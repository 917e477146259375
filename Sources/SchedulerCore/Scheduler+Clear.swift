/// Clearing and marking: what a person says of task instances. A running one is killed, and takes its new state once it
/// has ended; a run that has ended is queued again and keeps what was not touched.
extension Scheduler {
    /// - Returns: the ids of the tasks that run again, or would.
    func clear(_ request: ClearRequest, stored: StoredRun?, now: Instant) throws(CommandError) -> [String] {
        let node = try instances(request.dag, request.runID, stored, latest: request.latest)
        guard let dag = node.dag else { throw unreadable(node) }
        var chosen: [Int] = []
        for index in try selection(request, node, dag) where node.instances[index].record.state != .none {
            chosen.append(index)
        }
        let names = chosen.map { dag.tasks[$0].id }
        guard !request.dryRun else { return names }
        guard !chosen.isEmpty else {
            throw CommandError(.conflict, "nothing to clear: none of these tasks has started")
        }
        for index in chosen where node.instances[index].record.state == .running {
            try refuseWhenCancelled(node, index)
        }
        for index in chosen {
            if node.instances[index].record.state == .running {
                intend(.clear, node, index)
            } else {
                leave(node, index)
                reset(node, index)
            }
        }
        goOn(node, dag, with: chosen, latest: request.latest, now: now)
        return names
    }

    func mark(_ request: MarkRequest, stored: StoredRun?, now: Instant) throws(CommandError) -> [String] {
        let node = try instances(request.dag, request.runID, stored, latest: false)
        guard let dag = node.dag else { throw unreadable(node) }
        let index = try self.index(of: request.task, dag)
        if node.instances[index].record.state == .running {
            try refuseWhenCancelled(node, index)
            intend(request.state.intent, node, index)
            return [request.task]
        }
        leave(node, index)
        node.instances[index].record.state = request.state.taskState
        node.instances[index].record.reason = "marked \(request.state.rawValue)"
        node.instances[index].record.endedAt = now
        node.unfinished -= 1
        touch(node, index)
        // Those that did not run because of how it stood before are asked again.
        var freed: [Int] = []
        for (after, isAfter) in TaskGraph(upstream: dag.tasks.map(\.upstream)).tasks(after: index).enumerated()
        where isAfter && didNotRun(node.instances[after].record) {
            leave(node, after)
            reset(node, after)
            freed.append(after)
        }
        let direct = dag.tasks[index].downstream.filter { node.instances[$0].record.state == .none }
        goOn(node, dag, with: freed + direct, latest: false, now: now)
        return [request.task] + freed.map { dag.tasks[$0].id }
    }

    private func didNotRun(_ record: TaskInstance) -> Bool {
        record.state == .upstreamFailed || record.state == .skipped && record.startedAt == nil
    }

    // MARK: The run

    /// The run with its instances: the running one, or one that is made from what is stored.
    private func instances(
        _ dagID: String, _ runID: String, _ stored: StoredRun?, latest: Bool
    ) throws(CommandError) -> RunNode {
        guard let owner = dags[dagID] else {
            throw CommandError(.notFound, "no DAG '\(dagID)'; `weir dags` lists them")
        }
        let live = owner.runsByName[runID].flatMap { runs[$0] }
        if let live, live.run.state == .running {
            if latest {
                throw CommandError(
                    .conflict, "run '\(runID)' is running: it can take a new version only once it has ended")
            }
            return live
        }
        guard let stored else {
            throw CommandError(.notFound, "DAG '\(dagID)' has no run '\(runID)'; `weir runs \(dagID)` lists them")
        }
        // One that waits to run again as a whole has its old instances in the store: they will all begin anew.
        let waits = live.map { !$0.run.keepsFinished } ?? false
        guard !stored.instances.isEmpty, !waits else {
            throw CommandError(.conflict, "run '\(runID)' has not started yet, so it has no tasks to clear or mark")
        }
        let node =
            live
            ?? RunNode(
                run: stored.run, owner: owner, dag: latest ? owner.dag : stored.dag, storedState: stored.run.state)
        node.instances = []
        node.unfinished = 0
        restoreInstances(node, stored.instances, now: lastNow)
        return node
    }

    private func unreadable(_ node: RunNode) -> CommandError {
        CommandError(
            .conflict,
            "the version of DAG '\(node.run.dagID)' that the run was made with cannot be read any more; use --latest")
    }

    private func refuseWhenCancelled(_ node: RunNode, _ index: Int) throws(CommandError) {
        guard let id = node.instances[index].record.attempt, attempts[id]?.intent == .cancel else { return }
        throw CommandError(.conflict, "run '\(node.run.runID)' is being cancelled; clear it once it has ended")
    }

    /// A running run goes on at once; one that has ended is queued again.
    private func goOn(_ node: RunNode, _ dag: DAG, with indexes: [Int], latest: Bool, now: Instant) {
        countUpstreams(node, dag)
        if node.run.state == .running {
            for index in indexes { judge(node, index, now: now) }
            endIfDone(node, now: now)
            return
        }
        guard node.run.state.isFinal else { return }
        node.run.state = .queued
        node.run.startedAt = nil
        node.run.endedAt = nil
        node.run.reason = nil
        node.run.isRerun = true
        node.run.keepsFinished = true
        node.run.runAfter = now
        if latest { node.run.version = node.owner.record.version }
        let id = node.run.id
        runs[id] = node
        node.owner.runsByName[node.run.runID] = id
        if node.run.type.isOfInterval {
            node.owner.runsByDate[node.run.logicalDate] = id
            node.owner.takenDates.remove(node.run.logicalDate)
        }
        if let backfill = governor(of: node) {
            // Its backfill still runs: it counts there, and its end is waited for once more.
            backfill.pending.append(id)
            if backfill.unfinished.insert(id).inserted { backfillsOfRun[id, default: []].append(backfill.record.id) }
            backfillsToStart.insert(backfill.record.id)
        } else {
            queue(node)
        }
        touch(node)
    }

    // MARK: Instances

    /// Which tasks a request is about, in the order of the DAG.
    private func selection(_ request: ClearRequest, _ node: RunNode, _ dag: DAG) throws(CommandError) -> [Int] {
        var chosen: [Int] = []
        for name in request.tasks { chosen.append(try index(of: name, dag)) }
        if request.tasks.isEmpty { chosen = Array(dag.tasks.indices) }
        if request.onlyFailed {
            chosen = chosen.filter {
                let state = node.instances[$0].record.state
                return state == .failed || state == .upstreamFailed
            }
        }
        var all = Set(chosen)
        for (wanted, next) in [
            (request.downstream, dag.tasks.map(\.downstream)), (request.upstream, dag.tasks.map(\.upstream)),
        ]
        where wanted {
            var waiting = chosen
            while let index = waiting.popLast() {
                for other in next[index] where all.insert(other).inserted { waiting.append(other) }
            }
        }
        return all.sorted()
    }

    private func index(of name: String, _ dag: DAG) throws(CommandError) -> Int {
        if let index = dag.tasks.firstIndex(where: { $0.id == name }) { return index }
        let near = nearestName(to: name, among: dag.tasks.map(\.id)).map { "; did you mean '\($0)'?" } ?? ""
        throw CommandError(.notFound, "DAG '\(dag.id)' has no task '\(name)' in the version of this run\(near)")
    }

    /// Takes an instance that does not run out of wherever it stands; it counts as unfinished then.
    private func leave(_ node: RunNode, _ index: Int) {
        node.instances[index].record.nextTryAt = nil
        switch node.instances[index].record.state {
        case .queued:
            // Its entry in the queue is void once the state is another one.
            queuedTasks -= 1
            dagsToUnpark.insert(node.owner.record.id)
        case let state where state.isFinal: node.unfinished += 1
        default: break
        }
    }

    /// Back to the beginning, with all its tries; what was tried stays in its history.
    func reset(_ node: RunNode, _ index: Int) {
        guard let task = node.dag?.tasks[index] else { return }
        var record = node.instances[index].record
        record.state = .none
        record.maxTries = record.tryNumber + 1 + task.retries
        record.lostInARow = 0
        record.nextTryAt = nil
        record.startedAt = nil
        record.endedAt = nil
        record.attempt = nil
        record.outputs = nil
        record.reason = nil
        node.instances[index].record = record
        touch(node, index)
    }

    /// Counts anew how the tasks before each one ended.
    func countUpstreams(_ node: RunNode, _ dag: DAG) {
        for (index, task) in dag.tasks.enumerated() {
            node.instances[index].upstream = UpstreamCounts(total: task.upstream.count)
        }
        for (index, task) in dag.tasks.enumerated() {
            let state = node.instances[index].record.state
            guard state.isFinal else { continue }
            for next in task.downstream {
                node.instances[next].upstream.add(state, allowFailure: task.allowFailure)
            }
        }
    }
}

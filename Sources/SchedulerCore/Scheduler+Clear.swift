/// Clearing and marking: what a person says of task instances. A running one is killed, and takes its new state once it
/// has ended; a run that has ended is queued again and keeps what was not touched.
extension Scheduler {
    /// - Returns: the ids of the tasks that run again, or would.
    func clear(_ request: ClearRequest, stored: StoredRun?, now: Instant) throws(CommandError) -> [String] {
        if let stored, stored.run.isCancelledUnbegun, let owner = dags[request.dag],
            owner.runsByName[request.runID] == nil
        {
            return try begin(stored, owner, request, now: now)
        }
        let node = try instances(request.dag, request.runID, stored, latest: request.latest)
        guard let dag = node.dag else { throw unreadable(node) }
        let chosen = try selection(request, node, dag).filter {
            InstanceMove.cleared.target(from: node.instances[$0].record.state) != nil
                && (node.instances[$0].record.state != .removed || isLeftOut(node, $0))
        }
        let names = chosen.map { node.instances[$0].record.key.name }
        guard !request.dryRun else { return names }
        guard !chosen.isEmpty else {
            throw CommandError(
                .conflict,
                request.onlyFailed
                    ? "nothing to run again: none of these tasks of run '\(request.runID)' has failed, was cancelled or waits for another try"
                    : "nothing to clear: none of these tasks has started")
        }
        for index in chosen where node.instances[index].record.state == .running {
            try refuseWhenCancelled(node, index)
        }
        for index in chosen {
            if node.instances[index].record.state == .running {
                intend(.clear, node, index)
            } else {
                reset(node, index)
            }
        }
        goOn(node, dag, with: Set(chosen.map { node.instances[$0].task }).sorted(), latest: request.latest, now: now)
        return names
    }

    /// A run that was cancelled before it started waits for its start again, as a whole.
    private func begin(
        _ stored: StoredRun, _ owner: DAGNode, _ request: ClearRequest, now: Instant
    ) throws(CommandError) -> [String] {
        let node = RunNode(
            run: stored.run, owner: owner, dag: request.latest ? owner.dag : stored.dag, storedState: stored.run.state)
        guard let dag = node.dag else { throw unreadable(node) }
        guard request.tasks.isEmpty else {
            throw CommandError(
                .conflict,
                "run '\(request.runID)' was cancelled before it started, so all its tasks run or none: name no task")
        }
        if !request.dryRun { goOn(node, dag, with: [], latest: request.latest, now: now) }
        return dag.tasks.map(\.id)
    }

    func mark(
        _ request: MarkRequest, stored: StoredRun?, actor: String, now: Instant
    ) throws(CommandError) -> [String] {
        let node = try instances(request.dag, request.runID, stored, latest: false)
        guard let dag = node.dag else { throw unreadable(node) }
        let indexes = try instances(named: request.task, node, dag).filter {
            node.instances[$0].record.state != .removed
        }
        guard let first = indexes.first else {
            throw CommandError(
                .conflict, "task '\(request.task)' of run '\(request.runID)' has no such instance any more")
        }
        let task = node.instances[first].task
        for index in indexes where node.instances[index].record.state == .running {
            try refuseWhenCancelled(node, index)
        }
        let reason = "marked \(request.state.rawValue) by \(actor)"
        for index in indexes {
            if node.instances[index].record.state == .running {
                intend(request.state.intent, node, index)
                // It becomes the reason once the attempt has ended.
                node.instances[index].record.reason = reason
                touch(node, index)
            } else {
                move(node, index, request.state.move, reason: reason)
                // One that has ended keeps its times.
                if node.instances[index].record.endedAt == nil { node.instances[index].record.endedAt = now }
                tellFollowers(node, task)
            }
        }
        if indexes.allSatisfy({ node.instances[$0].record.state == .running }) { return [request.task] }
        // Those that did not run because of how it stood before are asked again.
        var freed: [Int] = []
        for (after, isAfter) in TaskGraph(upstream: dag.tasks.map(\.upstream)).tasks(after: task).enumerated()
        where isAfter {
            for index in node.tasks[after].instances where didNotRun(node.instances[index].record) {
                reset(node, index)
                freed.append(index)
            }
        }
        let judged = Set(freed.map { node.instances[$0].task } + dag.tasks[task].downstream).sorted()
        goOn(node, dag, with: judged, latest: false, now: now)
        return [request.task] + freed.map { node.instances[$0].record.key.name }
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
        guard !stored.instances.isEmpty, !waits, !stored.run.isCancelledUnbegun else { throw stored.run.hasNoTasks }
        let node =
            live
            ?? RunNode(
                run: stored.run, owner: owner, dag: latest ? owner.dag : stored.dag, storedState: stored.run.state)
        restoreInstances(node, stored.instances)
        return node
    }

    private func unreadable(_ node: RunNode) -> CommandError {
        CommandError(
            .conflict,
            "the version of DAG '\(node.run.dagID)' that the run was made with cannot be read any more; use --latest")
    }

    private func refuseWhenCancelled(_ node: RunNode, _ index: Int) throws(CommandError) {
        guard let id = node.instances[index].record.attempt, let intent = attempts[id]?.intent else { return }
        if intent == .expire {
            throw CommandError(
                .conflict,
                "run '\(node.run.runID)' was longer than its run_timeout and is being ended; clear it once it has")
        }
        guard intent == .cancel else { return }
        throw CommandError(.conflict, "run '\(node.run.runID)' is being cancelled; clear it once it has ended")
    }

    /// A running run goes on at once; one that has ended is queued again.
    private func goOn(_ node: RunNode, _ dag: DAG, with tasks: [Int], latest: Bool, now: Instant) {
        let isBegun = !node.run.isCancelledUnbegun
        // One that has not begun has nothing to count.
        if isBegun { countUpstreams(node, dag) }
        if node.run.state == .running {
            for task in tasks { judge(node, task, now: now) }
            endIfDone(node, now: now)
            return
        }
        guard node.run.state.isFinal else { return }
        node.run.state = .queued
        node.run.startedAt = nil
        node.run.endedAt = nil
        node.run.reason = nil
        node.run.isExpired = false
        node.run.missedDeadline = false
        node.run.isRerun = true
        node.run.keepsFinished = isBegun
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
            dagsToStart.insert(node.owner.record.id)
        } else {
            queue(node)
        }
        touch(node)
    }

    // MARK: Instances

    /// Which instances a request is about, in the order of the DAG.
    private func selection(_ request: ClearRequest, _ node: RunNode, _ dag: DAG) throws(CommandError) -> [Int] {
        var chosen: [Int] = []
        for name in request.tasks { chosen += try instances(named: name, node, dag) }
        if request.tasks.isEmpty { chosen = dag.tasks.indices.flatMap { node.tasks[$0].instances } }
        if request.onlyFailed {
            chosen = chosen.filter {
                let state = node.instances[$0].record.state
                // One that waits for its next try has failed, too, and is not to wait any longer.
                return [.failed, .upstreamFailed, .cancelled, .upForRetry].contains(state)
            }
        }
        var all = Set(chosen)
        for (wanted, next) in [
            (request.downstream, dag.tasks.map(\.downstream)), (request.upstream, dag.tasks.map(\.upstream)),
        ]
        where wanted {
            var waiting = chosen.map { node.instances[$0].task }
            var seen: Set<Int> = []
            while let task = waiting.popLast() {
                for other in next[task] where seen.insert(other).inserted {
                    // What a backfill left out comes back only when it is meant itself.
                    all.formUnion(node.tasks[other].instances.filter { !isLeftOut(node, $0) })
                    waiting.append(other)
                }
            }
        }
        return all.sorted { (node.instances[$0].task, $0) < (node.instances[$1].task, $1) }
    }

    /// The instances of a task, or the one of a mapped task that is named like `load[3]`.
    private func instances(named name: String, _ node: RunNode, _ dag: DAG) throws(CommandError) -> [Int] {
        if let task = dag.tasks.firstIndex(where: { $0.id == name }) { return node.tasks[task].instances }
        if name.hasSuffix("]"), let open = name.lastIndex(of: "["),
            let mapIndex = Int(name[name.index(after: open)...].dropLast()),
            let task = dag.tasks.firstIndex(where: { $0.id == name[..<open] })
        {
            let found = node.tasks[task].instances.filter { node.instances[$0].record.key.mapIndex == mapIndex }
            guard found.isEmpty else { return found }
            throw CommandError(
                .notFound, "task '\(name[..<open])' of run '\(node.run.runID)' has no instance \(mapIndex)")
        }
        let near = nearestName(to: name, among: dag.tasks.map(\.id)).map { "; did you mean '\($0)'?" } ?? ""
        throw CommandError(.notFound, "DAG '\(dag.id)' has no task '\(name)' in the version of this run\(near)")
    }

    /// Back to the beginning, with all its tries; what was tried stays in its history.
    func reset(_ node: RunNode, _ index: Int) {
        guard let dag = node.dag else { return }
        if node.instances[index].record.state == .none {
            touch(node, index)
        } else {
            move(node, index, .cleared, reason: nil)
        }
        let retries = dag.specs[node.instances[index].task].retries
        node.instances[index].record.maxTries = node.instances[index].record.tryNumber + 1 + retries
        node.instances[index].record.lostInARow = 0
        node.instances[index].record.waitingSince = nil
        node.instances[index].record.startedAt = nil
        node.instances[index].record.endedAt = nil
        node.instances[index].record.attempt = nil
        node.instances[index].record.outputs = nil
        node.instances[index].record.reason = nil
    }
}

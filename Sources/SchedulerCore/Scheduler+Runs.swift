import JSONText

/// The life of a run: made, queued, started, ended.
extension Scheduler {
    // MARK: Making

    /// Makes a queued run of the DAG's current version. `params` nil takes the defaults.
    @discardableResult
    func create(
        _ type: RunType, _ node: DAGNode, interval: DataInterval, runAfter: Instant, params: String?,
        backfill: Int64? = nil, runID: String? = nil, now: Instant
    ) -> RunNode {
        let run = Run(
            id: nextRun, dagID: node.record.id, runID: runID ?? "\(type.rawValue)__\(interval.start)", type: type,
            version: node.record.version, logicalDate: interval.start, interval: interval, runAfter: runAfter,
            createdAt: now, params: params ?? node.dag.flatMap(Self.defaultParams) ?? "{}", backfill: backfill)
        nextRun += 1
        let runNode = RunNode(run: run, owner: node, dag: node.dag, storedState: nil)
        runs[run.id] = runNode
        node.runsByName[run.runID] = run.id
        if type.isOfInterval { node.runsByDate[interval.start] = run.id }
        touch(runNode)
        reconsiderPast(of: node, since: run)
        if backfill == nil { queue(runNode) }
        return runNode
    }

    /// The defaults of a DAG's parameters; nil when one has none.
    static func defaultParams(_ dag: DAG) -> String? {
        guard case .success(let node) = dag.resolveParams([:]) else { return nil }
        var writer = JSONWriter()
        writer.node(node)
        return writer.text
    }

    /// Puts a queued run into its DAG's queue; a backfill keeps its own.
    func queue(_ node: RunNode) {
        if governor(of: node) != nil { return }
        node.owner.queued.push(QueuedRun(runAfter: node.run.runAfter, run: node.run.id))
        if node.run.type == .scheduled {
            node.isQueuedScheduled = true
            node.owner.queuedScheduled += 1
        }
        dagsToStart.insert(node.owner.record.id)
    }

    /// The backfill whose limit a run counts against.
    func governor(of node: RunNode) -> BackfillNode? {
        node.run.backfill.flatMap { backfills[$0] }
    }

    // MARK: Starting

    func startRuns(now: Instant) {
        // Starting may end runs at once (every task skipped), which frees places: go on until nothing moves.
        while let id = dagsToStart.min() {
            dagsToStart.remove(id)
            if let node = dags[id] { startRuns(of: node, now: now) }
        }
        while let id = backfillsToStart.min() {
            backfillsToStart.remove(id)
            if let backfill = backfills[id] { startRuns(of: backfill, now: now) }
        }
    }

    private func startRuns(of node: DAGNode, now: Instant) {
        startFollowed(node, now: now)
        let limit = node.dag?.maxActiveRuns ?? 1
        while node.activeRuns < limit, let first = node.queued.first {
            guard let run = runs[first.run], run.run.state == .queued, !run.loadingInstances else {
                _ = node.queued.pop()
                continue
            }
            guard first.runAfter <= now else {
                dagTimers.push(DAGTimer(at: first.runAfter, dag: node.record.id))
                return
            }
            _ = node.queued.pop()
            leaveQueue(run)
            node.activeRuns += 1
            run.slot = .dag
            start(run, now: now)
            advanceSchedule(node, now: now)
        }
    }

    /// Starts a run that runs again and for whose tasks running ones wait, whatever the limit: they hold the places that it
    /// would need.
    private func startFollowed(_ node: DAGNode, now: Instant) {
        guard !followers.isEmpty else { return }
        for id in node.runsByName.values.sorted() {
            guard let run = runs[id], run.run.isRerun, run.run.state == .queued, !run.loadingInstances,
                let waiting = followers[id], waiting.contains(where: { runs[$0]?.run.state == .running })
            else { continue }
            leaveQueue(run)
            start(run, now: now)
        }
    }

    private func startRuns(of backfill: BackfillNode, now: Instant) {
        guard !backfill.record.paused else { return }
        while backfill.active < backfill.record.maxActive, backfill.nextPending < backfill.pending.count {
            let id = backfill.pending[backfill.nextPending]
            backfill.nextPending += 1
            guard let run = runs[id], run.run.state == .queued, !run.loadingInstances else { continue }
            backfill.active += 1
            run.slot = .backfill(backfill)
            start(run, now: now)
        }
    }

    private func leaveQueue(_ node: RunNode) {
        guard node.isQueuedScheduled else { return }
        node.isQueuedScheduled = false
        node.owner.queuedScheduled -= 1
    }

    /// A run that ran before needs its old instances first: their tries go on counting.
    private func start(_ node: RunNode, now: Instant) {
        if node.run.isRerun {
            node.loadingInstances = true
            turn.effects.append(.loadInstances(run: node.run.id))
        } else {
            begin(node.run.id, earlier: [], now: now)
        }
    }

    /// Makes the run's task instances, or takes up those of an earlier execution, and starts what waits for nothing.
    func begin(_ id: Int64, earlier: [TaskInstance], now: Instant) {
        guard let node = runs[id], node.run.state == .queued else { return }
        node.loadingInstances = false
        guard let dag = node.dag else { return failUnreadable(node, now: now) }
        node.run.state = .running
        node.run.startedAt = now
        touch(node)
        let only = chosenTasks(node, dag)
        if !node.run.keepsFinished, only == nil { forgetLate(node) }
        restoreInstances(node, earlier)
        for index in node.instances.indices {
            let record = node.instances[index].record
            if node.instances[index].task >= dag.tasks.count {
                rearm(node, index)
            } else if let only, !only.contains(node.instances[index].task) {
                leaveOut(node, index)
            } else if record.state == .none || !(node.run.keepsFinished || record.state == .removed) {
                reset(node, index)
            }
        }
        for (task, spec) in dag.specs.enumerated() where only?.contains(task) ?? true {
            for index in node.tasks[task].instances where node.instances[index].record.state == .removed {
                // The instance that stood for a task that was mapped in an earlier version, or that a backfill left out.
                let isLeftOut = isLeftOut(node, index)
                if isLeftOut ? !node.run.keepsFinished : spec.mapping == nil { reset(node, index) }
            }
        }
        removeGone(node, dag, earlier)
        tellFollowers(node)
        countUpstreams(node, dag)
        setRunTimer(node)
        if node.run.type == .missed { fireHooks(node, dag, .runMissed) }
        for task in dag.tasks.indices { judge(node, task, now: now) }
        endIfDone(node, now: now)
        // What arrived while it waited for its start belongs to the next.
        if node.run.type == .triggered { startByDatasets(node.owner, now: now) }
    }

    /// The tasks that the run's backfill is limited to; nil for all, and when only some tasks were cleared.
    private func chosenTasks(_ node: RunNode, _ dag: DAG) -> Set<Int>? {
        guard !node.run.keepsFinished, let names = governor(of: node)?.record.tasks, !names.isEmpty else { return nil }
        return Set(dag.tasks.indices.filter { names.contains(dag.tasks[$0].id) })
    }

    private static let leftOutReason = "left out: its backfill runs other tasks only"

    /// A task that is not to run keeps how it ended before; one that never did is not there for the others.
    private func leaveOut(_ node: RunNode, _ index: Int) {
        guard !node.instances[index].record.state.isFinal else { return }
        reset(node, index)
        move(node, index, .leftOut, reason: Self.leftOutReason)
    }

    /// Whether a backfill of other tasks has left it out of its run.
    func isLeftOut(_ node: RunNode, _ index: Int) -> Bool {
        let record = node.instances[index].record
        return record.state == .removed && record.reason == Self.leftOutReason
    }

    /// Instances that the run's version of the DAG has no place for.
    private func removeGone(_ node: RunNode, _ dag: DAG, _ earlier: [TaskInstance]) {
        let known = Set(node.instances.lazy.map(\.record.key))
        for gone in earlier where !known.contains(gone.key) && InstanceMove.taskGone.target(from: gone.state) != nil {
            var record = gone
            observer?(gone.state, .taskGone, .removed)
            record.state = .removed
            record.nextTryAt = nil
            record.reason = "the DAG's version of this run has no such task"
            turn.changes.append(.updateTaskInstance(record, from: gone.state))
        }
    }

    // MARK: Ending

    /// Ends the run when none of its instances can move any more.
    func endIfDone(_ node: RunNode, now: Instant) {
        guard node.run.state == .running, node.unfinished == 0, let dag = node.dag else { return }
        let (state, reason) = outcome(node, dag)
        switch state {
        case _ where node.run.type == .missed: break
        case .success: if fireHooks(node, dag, .runSuccess) { return }
        case .failed: if fireHooks(node, dag, .runFailure) { return }
        default: break
        }
        let words = [reason, undelivered(node, dag)].compactMap(\.self)
        end(node, state, reason: words.isEmpty ? nil : words.joined(separator: "; "), now: now)
    }

    /// How a run ends whose tasks have ended. Notifications have no say in it.
    func outcome(_ node: RunNode, _ dag: DAG) -> (RunState, reason: String?) {
        if node.run.type == .missed { return (.failed, node.run.reason) }
        var (failed, stopped): ([TaskInstance], [TaskInstance]) = ([], [])
        var cancelled = false
        for instance in node.instances where instance.task < dag.tasks.count {
            switch instance.record.state {
            case .cancelled: cancelled = true
            case .failed where !dag.specs[instance.task].allowFailure: failed.append(instance.record)
            case .upstreamFailed where !dag.specs[instance.task].allowFailure: stopped.append(instance.record)
            default: break
            }
        }
        if cancelled { return (.cancelled, "cancelled") }
        if node.run.isExpired { return (.failed, Self.expiredWords(node)) }
        if failed.isEmpty, stopped.isEmpty { return (.success, nil) }
        // What did not run because of it is no news.
        return (.failed, Self.failureWords(failed.isEmpty ? stopped : failed))
    }

    /// `failed: a, b (a: exit 1: no such file)`: which tasks, and why the first of them.
    private static func failureWords(_ failed: [TaskInstance]) -> String {
        let names = failed.map(\.key.name)
        let more = names.count > 3 ? " and \(names.count - 3) more" : ""
        var words = "failed: " + names.prefix(3).joined(separator: ", ") + more
        guard let first = failed.first, var why = first.reason, !why.isEmpty else { return words }
        if why.count > Self.longestReason { why = why.prefix(Self.longestReason - 1) + "…" }
        words += names.count > 1 ? " (\(first.key.name): \(why))" : " (\(why))"
        return words
    }

    private static let longestReason = 200

    /// A run in which nothing ran again, since tasks were only marked, has taken as long as before.
    private func keepTimes(_ node: RunNode) {
        guard node.run.keepsFinished, let began = node.run.startedAt, let dag = node.dag else { return }
        let ran = node.instances.filter { $0.task < dag.tasks.count && $0.record.startedAt != nil }.map(\.record)
        let starts = ran.compactMap(\.startedAt)
        guard let first = starts.min(), starts.allSatisfy({ $0 < began }) else { return }
        node.run.startedAt = first
        node.run.endedAt = max(first, ran.compactMap(\.endedAt).max() ?? first)
    }

    func end(_ node: RunNode, _ state: RunState, reason: String?, now: Instant) {
        node.run.state = state
        node.run.reason = reason
        node.run.endedAt = now
        keepTimes(node)
        touch(node)
        if state == .success { noteSuccess(of: node, now: now) }
        runs[node.run.id] = nil
        let owner = node.owner
        owner.runsByName[node.run.runID] = nil
        if node.run.type.isOfInterval {
            owner.runsByDate[node.run.logicalDate] = nil
            if node.run.logicalDate >= owner.record.cursor ?? Instant(microseconds: .min) {
                owner.takenDates.insert(node.run.logicalDate)
            }
        }
        leavePast(node)
        leaveQueue(node)
        if node.run.type.isOfInterval, owner.record.late[node.run.logicalDate] != nil { pursueLate(owner) }
        switch node.slot {
        case .none: break
        case .dag: owner.activeRuns -= 1
        case .backfill(let backfill):
            backfill.active -= 1
            backfillsToStart.insert(backfill.record.id)
        }
        dagsToStart.insert(owner.record.id)
        for id in backfillsOfRun.removeValue(forKey: node.run.id) ?? [] {
            guard let backfill = backfills[id] else { continue }
            backfill.unfinished.remove(node.run.id)
            if state != .success { backfill.anyFailed = true }
            if backfill.unfinished.isEmpty { end(backfill, now: now) }
        }
    }

    func end(_ backfill: BackfillNode, now: Instant) {
        backfill.record.state = backfill.anyFailed ? .failed : .success
        backfill.record.paused = false
        backfill.record.endedAt = now
        backfills[backfill.record.id] = nil
        turn.changes.append(.updateBackfill(backfill.record, from: .running))
    }

    /// The stored text of the run's version is not valid for this Weir: nothing of it can start.
    func failUnreadable(_ node: RunNode, now: Instant) {
        let reason = "this version of the DAG cannot be read any more; run it again with a mended file"
        end(node, .failed, reason: reason, now: now)
    }
}

/// Building the Scheduler's memory from the store, after a start or a failed commit.
extension Scheduler {
    /// - Parameter versions: the parsed form of the stored versions, where their text is still valid.
    func restore(_ snapshot: Snapshot, _ versions: [Int64: DAG], now: Instant) {
        var instances: [Int64: [TaskInstance]] = [:]
        for instance in snapshot.instances { instances[instance.key.run, default: []].append(instance) }
        for attempt in snapshot.attempts { attempts[attempt.id] = attempt }
        for backfill in snapshot.backfills { backfills[backfill.id] = BackfillNode(record: backfill) }

        for run in snapshot.runs.sorted(by: { $0.id < $1.id }) {
            guard let owner = dags[run.dagID] else { continue }
            let node = RunNode(run: run, owner: owner, dag: versions[run.version], storedState: run.state)
            runs[run.id] = node
            owner.runsByName[run.runID] = run.id
            if run.type.isOfInterval { owner.runsByDate[run.logicalDate] = run.id }
            if run.state == .running || run.keepsFinished { restoreInstances(node, instances[run.id] ?? []) }
        }
        restoreBackfills(snapshot, now: now)
        for node in runs.values.sorted(by: { $0.run.id < $1.run.id }) where node.run.state == .queued {
            queue(node)
        }
        for node in runs.values.sorted(by: { $0.run.id < $1.run.id }) where node.run.state == .running {
            if node.run.type == .missed {
                node.slot = .none
            } else if let backfill = governor(of: node) {
                node.slot = .backfill(backfill)
                backfill.active += 1
            } else {
                node.slot = .dag
                node.owner.activeRuns += 1
            }
            resume(node, now: now)
        }
        for node in dags.values { activate(node, now: now) }
    }

    /// Makes the run's instances from what is stored, and those that every run has, which nobody writes yet. One whose task
    /// the version lacks cannot be, and is passed over.
    func restoreInstances(_ node: RunNode, _ stored: [TaskInstance]) {
        guard let dag = node.dag else { return }
        let byTask = Dictionary(grouping: stored, by: \.key.taskID)
        node.instances = []
        node.unfinished = 0
        node.tasks = dag.specs.map { TaskNode(upstream: UpstreamCounts(total: $0.upstream.count)) }
        for (task, spec) in dag.specs.enumerated() {
            let isHook = task >= dag.tasks.count
            let records = (byTask[spec.id] ?? []).filter { $0.key.mapIndex < 0 || spec.mapping != nil || isHook }
            for record in records.sorted(by: { $0.key.mapIndex < $1.key.mapIndex }) {
                node.tasks[task].instances.append(node.instances.count)
                node.instances.append(InstanceNode(record: record, task: task, storedState: record.state))
                if !record.state.isFinal { node.unfinished += 1 }
            }
            if !isHook, node.run.type != .missed, records.first?.key.mapIndex != -1 {
                add(node, dag, task: task, isStored: false)
            }
            if let limit = spec.mapping?.maxActive {
                node.tasks[task].gate = Gate(name: "map \(node.run.id)/\(spec.id)", capacity: limit)
            }
        }
        countUpstreams(node, dag)
    }

    private func restoreBackfills(_ snapshot: Snapshot, now: Instant) {
        for entry in snapshot.backfillEntries.sorted(by: { $0.ordinal < $1.ordinal }) {
            guard let backfill = backfills[entry.backfill], entry.disposition != .kept else { continue }
            if backfill.first == nil { backfill.first = entry.run }
            guard let node = runs[entry.run] else {
                if let state = snapshot.endedBackfillRuns[entry.run], state != .success { backfill.anyFailed = true }
                continue
            }
            // A run that a later backfill runs again had ended for this one. How it ended is not known any more.
            if entry.disposition != .followed, node.run.backfill != entry.backfill { continue }
            backfill.unfinished.insert(entry.run)
            backfillsOfRun[entry.run, default: []].append(entry.backfill)
            if entry.disposition != .followed, node.run.state == .queued { backfill.pending.append(entry.run) }
        }
        for backfill in backfills.values.sorted(by: { $0.record.id < $1.record.id }) {
            if backfill.unfinished.isEmpty {
                end(backfill, now: now)
            } else {
                backfillsToStart.insert(backfill.record.id)
            }
        }
    }

    /// Puts a running run's instances back where they were: in the queue, at a timer, with their attempt.
    private func resume(_ node: RunNode, now: Instant) {
        guard node.dag != nil else {
            failUnreadable(node, now: now)
            return
        }
        for index in node.instances.indices {
            switch node.instances[index].record.state {
            case .queued:
                queuedTasks += 1
                awaitStart(node, index)
            case .upForRetry, .deferred:
                wait(node, index, until: node.instances[index].record.nextTryAt ?? now, now: now)
            case .running:
                takePlaces(node, index)
                if let attempt = node.instances[index].record.attempt { places[attempt] = index }
            default: if node.instances[index].storedState == nil { touch(node, index) }
            }
        }
        setRunTimer(node)
        for task in node.tasks.indices { judge(node, task, now: now) }
        endIfDone(node, now: now)
        for index in node.instances.indices {
            if let id = node.instances[index].record.attempt, let attempt = attempts[id], attempt.intent != nil {
                turn.effects.append(.kill(attempt: id))
            }
        }
    }
}

/// DAG files and their schedules: which runs the passing of time makes.
extension Scheduler {
    // MARK: Files

    func load(
        _ dag: DAG, file: String, text: String, sha256: String, known: Int64?, occupied: [Run], now: Instant
    ) {
        let version = known ?? nextVersion
        if known == nil {
            nextVersion += 1
            turn.changes.append(
                .insertVersion(
                    DAGVersionRecord(id: version, dagID: dag.id, sha256: sha256, text: text, loadedAt: now)))
        }
        let node: DAGNode
        let didExpect = dags[dag.id].map { $0.record.active && $0.dag?.expectBy != nil } ?? false
        if let existing = dags[dag.id] {
            node = existing
            node.record.version = version
            node.record.file = file
            node.record.active = true
        } else {
            node = DAGNode(
                record: DAGRecord(id: dag.id, version: version, file: file, paused: dag.paused, firstSeen: now),
                dag: dag)
            dags[dag.id] = node
        }
        node.dag = dag
        setCapacity(node.gate, dag.maxActiveTasks)
        if !didExpect { beginToExpect(node, now: now) }
        for run in occupied where run.state.isFinal { node.takenDates.insert(run.logicalDate) }
        if let cursor = node.record.cursor, let timetable = dag.timetable {
            // A changed schedule goes on at the end of the last interval, aligned: no flood and no gap.
            node.record.cursor = timetable.alignPrevious(cursor)
        }
        turn.changes.append(.putDAG(node.record))
        activate(node, now: now)
    }

    func remove(_ id: String) {
        guard let node = dags[id], node.record.active else { return }
        node.record.active = false
        node.dueAt = nil
        turn.changes.append(.putDAG(node.record))
    }

    // MARK: Schedules

    /// Called when a DAG's schedule begins to count: after a start, a load, an unpause. `catchup` decides what of the time
    /// before is made up for.
    func activate(_ node: DAGNode, now: Instant) {
        dagsToStart.insert(node.record.id)
        startByDatasets(node, now: now)
        pursueLate(node)
        checkExpected(node, now: now)
        guard configuration.runsSchedules, node.record.active, !node.record.paused, let dag = node.dag,
            let timetable = dag.timetable
        else { return }
        let first = timetable.alignNext(dag.start ?? node.record.firstSeen)
        var cursor = max(node.record.cursor ?? first, first)
        switch dag.catchup {
        case .all: break
        case .latest: cursor = max(cursor, latestDue(dag, timetable, now: now))
        case .none: cursor = max(cursor, firstNotDue(dag, timetable, now: now))
        }
        if let window = dag.catchupWindow {
            let horizon = timetable.alignNext(Instant(microseconds: now.microseconds - window.microseconds))
            cursor = max(cursor, min(horizon, firstNotDue(dag, timetable, now: now)))
        }
        moveCursor(node, to: cursor, skipping: node.record.cursor ?? first, because: .catchup, now: now)
        advanceSchedule(node, now: now)
    }

    /// Start of the first interval whose run is not due yet: with a `delay` it may have ended.
    private func firstNotDue(_ dag: DAG, _ timetable: Timetable, now: Instant) -> Instant {
        timetable.alignPrevious(Instant(microseconds: now.microseconds - dag.delay.microseconds))
    }

    /// Start of the latest interval whose run is due.
    private func latestDue(_ dag: DAG, _ timetable: Timetable, now: Instant) -> Instant {
        let dueBy = Instant(microseconds: now.microseconds - dag.delay.microseconds)
        return timetable.previous(before: timetable.alignPrevious(dueBy))
    }

    private func moveCursor(
        _ node: DAGNode, to cursor: Instant, skipping from: Instant?, because reason: SkippedSpan.Reason, now: Instant
    ) {
        guard node.record.cursor != cursor else { return }
        if let from, from < cursor {
            let span = SkippedSpan(from: from, to: cursor, reason: reason)
            turn.changes.append(.audit(span.entry(dag: node.record.id, at: now)))
        }
        node.record.cursor = cursor
        turn.changes.append(.putDAG(node.record))
    }

    /// Makes the runs that have come due, and sets the timer for the next one.
    /// - Parameter liveTick: the moment whose coming this is about; what came due at any other time is caught up.
    func advanceSchedule(_ node: DAGNode, liveTick: Instant? = nil, now: Instant) {
        guard configuration.runsSchedules, node.record.active, !node.record.paused, let dag = node.dag,
            let timetable = dag.timetable, var cursor = node.record.cursor
        else { return }
        if dag.catchup != .all, node.queuedScheduled == 0 {
            // The machine slept through several intervals: as after a restart, only the latest counts.
            let latest = latestDue(dag, timetable, now: now)
            if latest > cursor {
                moveCursor(node, to: latest, skipping: cursor, because: .catchup, now: now)
                cursor = latest
            }
        }
        while true {
            let interval = timetable.interval(startingAt: cursor)
            if let end = dag.end, interval.start > end { return }
            let due = interval.end + dag.delay
            guard due <= now else { return wake(node, at: due) }
            if dag.overlap == .skip, due == liveTick, isFull(node, dag) {
                moveCursor(node, to: interval.end, skipping: cursor, because: .overlap, now: now)
                cursor = interval.end
                continue
            }
            // A long catch-up costs nothing: few runs exist ahead of their start. The rest follow as runs start.
            guard node.queuedScheduled <= dag.maxActiveRuns else { return }
            if node.takenDates.remove(interval.start) == nil, node.runsByDate[interval.start] == nil {
                create(.scheduled, node, interval: interval, runAfter: due, params: nil, now: now)
            }
            cursor = interval.end
            node.record.cursor = cursor
            turn.changes.append(.putDAG(node.record))
        }
    }

    /// Whether one more run would have to wait: the limit is reached, or some wait already.
    private func isFull(_ node: DAGNode, _ dag: DAG) -> Bool {
        node.activeRuns >= dag.maxActiveRuns || node.queuedScheduled > 0
    }

    private func wake(_ node: DAGNode, at due: Instant) {
        guard node.dueAt != due else { return }
        node.dueAt = due
        dagTimers.push(DAGTimer(at: due, dag: node.record.id))
    }

    func setPaused(_ node: DAGNode, _ paused: Bool, now: Instant) {
        guard node.record.paused != paused else { return }
        node.record.paused = paused
        node.dueAt = nil
        turn.changes.append(.putDAG(node.record))
        if !paused { activate(node, now: now) }
    }
}

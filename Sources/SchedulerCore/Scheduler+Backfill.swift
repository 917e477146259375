import JSONText

/// Backfills: a range of past intervals as one order, with a limit of its own, that is paused, resumed and cancelled as a
/// whole.
extension Scheduler {
    func backfill(
        _ request: BackfillRequest, existing: [Run], actor: String, now: Instant
    ) throws(CommandError) -> SchedulerReply {
        let node = try live(request.dag)
        let dag = try readable(node)
        let params = try resolve(request.params, dag)
        try refuseAgainstPast(request, dag)
        let tasks = try tasks(of: request, dag)
        let intervals = try self.intervals(of: request, dag, now: now)
        var stored = Dictionary(existing.map { ($0.logicalDate, $0) }, uniquingKeysWith: { first, _ in first })
        // What ended in this turn the store does not know yet.
        for ended in dirtyRunNodes.values.sorted(by: { $0.run.id < $1.run.id })
        where ended.run.dagID == dag.id && ended.run.type.isOfInterval && ended.run.state.isFinal {
            stored[ended.run.logicalDate] = ended.run
        }

        var plan: [BackfillPlanEntry] = []
        for interval in request.reverse ? intervals.reversed() : intervals {
            let live = node.runsByDate[interval.start].flatMap { runs[$0]?.run }
            let run = live ?? stored[interval.start]
            plan.append(
                BackfillPlanEntry(
                    logicalDate: interval.start, interval: interval, runID: run?.runID ?? "backfill__\(interval.start)",
                    disposition: Self.disposition(run, request.reprocess)))
        }
        if request.dryRun || plan.allSatisfy({ $0.disposition == .kept }) { return .backfill(id: nil, plan: plan) }

        let record = Backfill(
            id: nextBackfill, dagID: dag.id, from: request.from, to: request.to, reprocess: request.reprocess,
            maxActive: request.maxActive ?? dag.maxActiveRuns, reverse: request.reverse, tasks: tasks,
            createdAt: now)
        nextBackfill += 1
        let backfill = BackfillNode(record: record)
        backfills[record.id] = backfill
        var entries: [BackfillEntry] = []
        for (ordinal, item) in plan.enumerated() {
            let run: Int64
            switch item.disposition {
            case .created:
                run =
                    create(
                        .backfill, node, interval: item.interval, runAfter: now, params: params, backfill: record.id,
                        now: now
                    ).run.id
            case .rerun:
                guard let old = stored[item.logicalDate] else { continue }
                run = old.id
                again(old, node, backfill: record.id, params: request.params.isEmpty ? nil : params, now: now)
            case .followed:
                guard let id = node.runsByDate[item.logicalDate] else { continue }
                run = id
            case .kept:
                guard let old = stored[item.logicalDate] else { continue }
                run = old.id
            }
            entries.append(
                BackfillEntry(backfill: record.id, ordinal: ordinal + 1, run: run, disposition: item.disposition))
            guard item.disposition != .kept else { continue }
            if backfill.first == nil { backfill.first = run }
            backfill.unfinished.insert(run)
            backfillsOfRun[run, default: []].append(record.id)
            if item.disposition != .followed { backfill.pending.append(run) }
        }
        turn.changes.append(.insertBackfill(record, entries))
        let span = "\"from\":\"\(record.from)\",\"to\":\"\(record.to)\",\"reprocess\":\"\(record.reprocess.rawValue)\""
        audit(
            "backfill", "\(dag.id)/\(record.id)", details: "{\(span),\"params\":\(params)}", actor: actor, now: now)
        backfillsToStart.insert(record.id)
        return .backfill(id: record.id, plan: plan)
    }

    /// The tasks that it is limited to, in the order of the DAG; empty for all.
    private func tasks(of request: BackfillRequest, _ dag: DAG) throws(CommandError) -> [String] {
        let known = dag.tasks.map(\.id)
        for name in request.tasks where !known.contains(name) {
            let near = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
            throw CommandError(.notFound, "DAG '\(dag.id)' has no task '\(name)'\(near)")
        }
        return request.tasks.isEmpty ? [] : known.filter(request.tasks.contains)
    }

    /// In which order, and over what, tasks that depend on the past can be run again.
    private func refuseAgainstPast(_ request: BackfillRequest, _ dag: DAG) throws(CommandError) {
        guard let task = dag.tasks.first(where: \.dependsOnPast) else { return }
        if request.reverse {
            throw CommandError(
                .invalid, "task '\(task.id)' depends on the past (depends_on_past), so the days cannot run in reverse")
        }
        if request.reprocess == .none {
            throw CommandError(
                .invalid,
                "task '\(task.id)' depends on the past (depends_on_past): a failed run that is left as it is would hold "
                    + "back all after it; use --reprocess failed or --reprocess completed")
        }
    }

    private func intervals(
        of request: BackfillRequest, _ dag: DAG, now: Instant
    ) throws(CommandError) -> [DataInterval] {
        guard let timetable = dag.timetable else {
            throw CommandError(.invalid, "DAG '\(dag.id)' has no schedule, so it has no intervals; use `weir trigger`")
        }
        guard request.from <= request.to else {
            throw CommandError(.invalid, "the range is empty: --from \(request.from) is after --to \(request.to)")
        }
        guard request.from.microseconds >= 0 else {
            throw CommandError(.invalid, "--from is \(request.from); intervals begin in 1970")
        }
        if let limit = request.maxActive, limit < 1 {
            throw CommandError(.invalid, "--max-active is \(limit); it must be at least 1")
        }
        let first = timetable.alignNext(request.from)
        if let start = dag.start, first < start {
            throw CommandError(.invalid, "DAG '\(dag.id)' starts at \(start); --from \(request.from) is before that")
        }
        if let end = dag.end, timetable.alignPrevious(request.to) > end {
            throw CommandError(.invalid, "DAG '\(dag.id)' ends at \(end); --to \(request.to) is after that")
        }
        var intervals: [DataInterval] = []
        var tick = first
        while tick <= request.to {
            let interval = timetable.interval(startingAt: tick)
            guard interval.end <= now else { break }
            intervals.append(interval)
            tick = interval.end
        }
        guard !intervals.isEmpty else {
            let why =
                first <= request.to
                ? "its first interval ends at \(timetable.interval(startingAt: first).end), which is not yet over"
                : "no interval of '\(dag.id)' (\(timetable.meaning)) starts in it"
            throw CommandError(.invalid, "nothing to run from \(request.from) to \(request.to): \(why)")
        }
        return intervals
    }

    private static func disposition(_ run: Run?, _ reprocess: Reprocess) -> BackfillEntry.Disposition {
        guard let run else { return .created }
        guard run.state.isFinal else { return .followed }
        switch reprocess {
        case .none: return .kept
        case .failed: return run.state == .success ? .kept : .rerun
        case .completed: return .rerun
        }
    }

    // MARK: Steering

    private func running(_ id: Int64, stored: Backfill?) throws(CommandError) -> BackfillNode {
        if let node = backfills[id] { return node }
        guard let stored else {
            throw CommandError(.notFound, "no backfill \(id); `weir backfills list` lists them")
        }
        // One that ends in this turn the store does not know to have ended.
        let how = stored.state.isFinal ? ": \(stored.state.rawValue)" : ""
        throw CommandError(.conflict, "backfill \(id) has ended already\(how)")
    }

    /// Runs that run go on; only new ones are held back.
    func pauseBackfill(
        _ id: Int64, _ paused: Bool, stored: Backfill?, actor: String, now: Instant
    ) throws(CommandError) {
        let backfill = try running(id, stored: stored)
        guard backfill.record.paused != paused else { return }
        backfill.record.paused = paused
        turn.changes.append(.updateBackfill(backfill.record, from: .running))
        backfillsToStart.insert(id)
        audit(paused ? "pause" : "resume", "backfill/\(id)", actor: actor, now: now)
    }

    /// As for a run: what runs of it is killed, the rest is cancelled. Runs that it only follows are left alone.
    func cancelBackfill(_ id: Int64, stored: Backfill?, actor: String, now: Instant) throws(CommandError) {
        let backfill = try running(id, stored: stored)
        let governed = backfill.unfinished.sorted().filter { runs[$0]?.run.backfill == id }
        // Out of the way first, so that the end of its runs neither starts others nor decides its state.
        backfills[id] = nil
        for run in backfill.unfinished { backfillsOfRun[run]?.removeAll { $0 == id } }
        backfill.record.state = .cancelled
        backfill.record.paused = false
        backfill.record.endedAt = now
        turn.changes.append(.updateBackfill(backfill.record, from: .running))
        for run in governed {
            if let node = runs[run] { cancel(node, now: now) }
        }
        audit("cancel", "backfill/\(id)", actor: actor, now: now)
    }
}

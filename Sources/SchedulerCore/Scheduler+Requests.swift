import JSONText

/// What people ask for. Each request is answered in the turn that carries it out, after the commit.
extension Scheduler {
    func answer(_ request: SchedulerRequest, ticket: Int, actor: String, now: Instant) {
        let reply: SchedulerReply
        do throws(CommandError) {
            switch request {
            case .trigger(let dag, let date, let params):
                reply = .run(try trigger(dag, date: date, params: params, actor: actor, now: now))
            case .backfill(let backfill, let existing):
                reply = try self.backfill(backfill, existing: existing, actor: actor, now: now)
            case .cancelRun(let dag, let runID):
                try cancelRun(dag: dag, runID: runID, actor: actor, now: now)
                reply = .done
            case .cancelBackfill(let id):
                try cancelBackfill(id, actor: actor, now: now)
                reply = .done
            case .clear(let request, let stored):
                reply = .tasks(try clear(request, stored: stored, now: now))
                if !request.dryRun { audit("clear", "\(request.dag)/\(request.runID)", actor: actor, now: now) }
            case .mark(let request, let stored):
                reply = .tasks(try mark(request, stored: stored, now: now))
                audit(
                    "mark", "\(request.dag)/\(request.runID)/\(request.task)",
                    details: "{\"state\":\"\(request.state.rawValue)\"}", actor: actor, now: now)
            case .setPool(let pool):
                try setPool(pool)
                audit("set", "pool/\(pool.name)", details: "{\"slots\":\(pool.slots)}", actor: actor, now: now)
                reply = .done
            case .removePool(let name):
                try removePool(name)
                audit("remove", "pool/\(name)", actor: actor, now: now)
                reply = .done
            case .setPaused(let dag, let paused):
                let node = try live(dag)
                setPaused(node, paused, now: now)
                audit(paused ? "pause" : "unpause", dag, actor: actor, now: now)
                reply = .done
            }
        } catch {
            reply = .refused(error)
        }
        turn.effects.append(.reply(ticket: ticket, reply))
    }

    /// The DAG, when it can run.
    private func live(_ id: String) throws(CommandError) -> DAGNode {
        guard let node = dags[id], node.record.active else {
            let near = nearestName(to: id, among: dags.values.filter(\.record.active).map(\.record.id).sorted())
            throw CommandError(
                .notFound, "no DAG '\(id)'" + (near.map { "; did you mean '\($0)'?" } ?? "; `weir dags` lists them"))
        }
        return node
    }

    private func readable(_ node: DAGNode) throws(CommandError) -> DAG {
        guard let dag = node.dag else {
            throw CommandError(.invalid, "DAG '\(node.record.id)' has no valid version; `weir validate` says why")
        }
        return dag
    }

    private func resolve(_ params: [String: JSONNode], _ dag: DAG) throws(CommandError) -> String {
        switch dag.resolveParams(params) {
        case .success(let node):
            var writer = JSONWriter()
            writer.node(node)
            return writer.text
        case .failure(let problem):
            throw CommandError(.invalid, "DAG '\(dag.id)': \(problem)")
        }
    }

    private func audit(_ action: String, _ subject: String, details: String = "{}", actor: String, now: Instant) {
        turn.changes.append(
            .audit(AuditEntry(at: now, actor: actor, action: action, subject: subject, details: details)))
    }

    // MARK: Trigger

    private func trigger(
        _ id: String, date: Instant?, params: [String: JSONNode], actor: String, now: Instant
    ) throws(CommandError) -> Run {
        let node = try live(id)
        let dag = try readable(node)
        let resolved = try resolve(params, dag)
        let interval: DataInterval
        if let timetable = dag.timetable {
            interval = date.map { timetable.interval(containing: $0) } ?? timetable.lastCompleteInterval(before: now)
        } else {
            interval = DataInterval(start: date ?? now, end: date ?? now)
        }
        let made = create(
            .manual, node, interval: interval, runAfter: now, params: resolved,
            runID: freeName("manual", node, now: now), now: now)
        audit("trigger", "\(id)/\(made.run.runID)", details: resolved, actor: actor, now: now)
        return made.run
    }

    // MARK: Backfill

    private func backfill(
        _ request: BackfillRequest, existing: [Run], actor: String, now: Instant
    ) throws(CommandError) -> SchedulerReply {
        let node = try live(request.dag)
        let dag = try readable(node)
        let params = try resolve(request.params, dag)
        try refuseAgainstPast(request, dag)
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
            maxActive: request.maxActive ?? dag.maxActiveRuns, reverse: request.reverse, createdAt: now)
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
        audit("backfill", "\(dag.id)/\(record.id)", details: params, actor: actor, now: now)
        backfillsToStart.insert(record.id)
        return .backfill(id: record.id, plan: plan)
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

    /// Runs an ended run again, in place, with the DAG's current version: a mended file is why people ask for it.
    @discardableResult
    func again(_ old: Run, _ node: DAGNode, backfill: Int64?, params: String?, now: Instant) -> RunNode {
        var run = old
        run.state = .queued
        run.version = node.record.version
        run.startedAt = nil
        run.endedAt = nil
        run.reason = nil
        run.backfill = backfill
        run.isRerun = true
        run.keepsFinished = false
        run.isExpired = false
        run.missedDeadline = false
        run.runAfter = now
        if let params { run.params = params }
        let stored = if let dirty = dirtyRunNodes[run.id] { dirty.storedState } else { old.state as RunState? }
        let runNode = RunNode(run: run, owner: node, dag: node.dag, storedState: stored)
        runs[run.id] = runNode
        node.runsByName[run.runID] = run.id
        node.runsByDate[run.logicalDate] = run.id
        node.takenDates.remove(run.logicalDate)
        touch(runNode)
        return runNode
    }

    // MARK: Cancel

    private func cancelRun(dag: String, runID: String, actor: String, now: Instant) throws(CommandError) {
        guard let node = dags[dag]?.runsByName[runID].flatMap({ runs[$0] }) else {
            throw CommandError(
                .notFound, "no unfinished run '\(runID)' of DAG '\(dag)'; `weir runs \(dag)` lists its runs")
        }
        cancel(node, now: now)
        audit("cancel", "\(dag)/\(runID)", actor: actor, now: now)
    }

    private func cancelBackfill(_ id: Int64, actor: String, now: Instant) throws(CommandError) {
        guard let backfill = backfills[id] else {
            throw CommandError(.notFound, "no running backfill \(id)")
        }
        let governed = backfill.unfinished.sorted().filter { runs[$0]?.run.backfill == id }
        // Out of the way first, so that the end of its runs neither starts others nor decides its state.
        backfills[id] = nil
        for run in backfill.unfinished { backfillsOfRun[run]?.removeAll { $0 == id } }
        backfill.record.state = .cancelled
        backfill.record.endedAt = now
        turn.changes.append(.updateBackfill(backfill.record, from: .running))
        for run in governed {
            if let node = runs[run] { cancel(node, now: now) }
        }
        audit("cancel", "backfill/\(id)", actor: actor, now: now)
    }
}

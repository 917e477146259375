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
            case .cancelBackfill(let id, let stored):
                try cancelBackfill(id, stored: stored, actor: actor, now: now)
                reply = .done
            case .pauseBackfill(let id, let paused, let stored):
                try pauseBackfill(id, paused, stored: stored, actor: actor, now: now)
                reply = .done
            case .clear(let request, let stored):
                let tasks = try clear(request, stored: stored, now: now)
                if !request.dryRun { auditClear(request, tasks, actor: actor, now: now) }
                reply = .tasks(tasks)
            case .mark(let request, let stored):
                reply = .tasks(try mark(request, stored: stored, actor: actor, now: now))
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
    func live(_ id: String) throws(CommandError) -> DAGNode {
        guard let node = dags[id], node.record.active else {
            let near = nearestName(to: id, among: dags.values.filter(\.record.active).map(\.record.id).sorted())
            throw CommandError(
                .notFound, "no DAG '\(id)'" + (near.map { "; did you mean '\($0)'?" } ?? "; `weir dags` lists them"))
        }
        return node
    }

    func readable(_ node: DAGNode) throws(CommandError) -> DAG {
        guard let dag = node.dag else {
            throw CommandError(.invalid, "DAG '\(node.record.id)' has no valid version; `weir validate` says why")
        }
        return dag
    }

    func resolve(_ params: [String: JSONNode], _ dag: DAG) throws(CommandError) -> String {
        switch dag.resolveParams(params) {
        case .success(let node):
            var writer = JSONWriter()
            writer.node(node)
            return writer.text
        case .failure(let problem):
            throw CommandError(.invalid, "DAG '\(dag.id)': \(problem)")
        }
    }

    func audit(_ action: String, _ subject: String, details: String = "{}", actor: String, now: Instant) {
        turn.changes.append(
            .audit(AuditEntry(at: now, actor: actor, action: action, subject: subject, details: details)))
    }

    private static let mostTasksTold = 100

    private func auditClear(_ request: ClearRequest, _ tasks: [String], actor: String, now: Instant) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("tasks", Array(tasks.prefix(Self.mostTasksTold)))
            if tasks.count > Self.mostTasksTold { writer.member("more", tasks.count - Self.mostTasksTold) }
            if request.latest { writer.member("latest", true) }
        }
        audit("clear", "\(request.dag)/\(request.runID)", details: writer.text, actor: actor, now: now)
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
        guard interval.isTellable else {
            throw CommandError(
                .invalid, "the interval of '\(id)' at that date is not within the years 1970 to 9999; take another date"
            )
        }
        let made = create(
            .manual, node, interval: interval, runAfter: now, params: resolved,
            runID: freeName("manual", node, now: now), now: now)
        audit(
            "trigger", "\(id)/\(made.run.runID)",
            details: "{\"logical_date\":\"\(interval.start)\",\"params\":\(resolved)}", actor: actor, now: now)
        return made.run
    }

    // MARK: Again

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
}

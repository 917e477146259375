/// Runs that should have happened: `expect_by`. By that time of each day one of the runs that came due since that time of
/// the day before must have succeeded; a day on which none came due is not asked about. Of a DAG that time does not start,
/// some run must have succeeded since that time of the day before.
///
/// What is missing is told by a run of its own, of type `missed`: its only tasks are the notifications, so that they are
/// delivered as all are. It takes no place of others, which may be what hangs. A paused DAG is asked about too: that
/// somebody forgot to unpause it is how silence happens.
extension Scheduler {
    /// Looks at what the last days that are over owe, and sets the timer for the next.
    func checkExpected(_ owner: DAGNode, now: Instant) {
        guard configuration.runsSchedules, owner.record.active, let dag = owner.dag, let time = dag.expectBy else {
            owner.expectAt = nil
            return
        }
        let day = Self.lastDay(time, dag.zone, now: now)
        if let settled = owner.record.expectedThrough {
            // After a longer silence the last day speaks for all.
            if day > settled { settle(day, owner, dag, time, now: now) }
        } else {
            expect(owner, from: day)
        }
        let next = max(day, owner.record.expectedThrough ?? day).adding(days: 1)
        let at = time.instant(on: next, in: dag.zone)
        guard owner.expectAt != at else { return }
        owner.expectAt = at
        dagTimers.push(DAGTimer(at: at, dag: owner.record.id))
    }

    /// A DAG that comes with `expect_by`, or comes back, owes nothing for the time before.
    func beginToExpect(_ owner: DAGNode, now: Instant) {
        guard let dag = owner.dag, let time = dag.expectBy else { return }
        let day = Self.lastDay(time, dag.zone, now: now)
        // Never backwards: a day is told of once, whatever becomes of the file and the clock.
        expect(owner, from: max(day, owner.record.expectedThrough ?? day))
    }

    /// The last local day whose time has come.
    private static func lastDay(_ time: ClockTime, _ zone: Zone, now: Instant) -> CivilDate {
        let today = zone.date(at: now)
        return time.instant(on: today, in: zone) <= now ? today : today.adding(days: -1)
    }

    private func expect(_ owner: DAGNode, from settled: CivilDate) {
        guard owner.record.expectedThrough != settled else { return }
        owner.record.expectedThrough = settled
        turn.changes.append(.putDAG(owner.record))
    }

    private func settle(_ day: CivilDate, _ owner: DAGNode, _ dag: DAG, _ time: ClockTime, now: Instant) {
        expect(owner, from: day)
        let span = DataInterval(
            start: time.instant(on: day.adding(days: -1), in: dag.zone), end: time.instant(on: day, in: dag.zone))
        guard let missing = missing(in: span, owner, dag) else { return }
        var words = "no run had succeeded by \(day) \(time) (\(dag.zone.name))"
        if dag.timetable != nil {
            words += "; expected was the run about \(dag.zone.text(of: missing.start))"
            if let live = owner.runsByDate[missing.start].flatMap({ runs[$0]?.run }) {
                words += ", \(live.runID), which is \(live.state.rawValue)"
            }
        }
        if owner.record.paused { words += "; the DAG is paused: `weir unpause \(dag.id)`" }
        tellMissed(day, missing, owner, reason: words, now: now)
    }

    /// The interval whose run, or any after it, should have succeeded; nil when nothing is owed.
    private func missing(in span: DataInterval, _ owner: DAGNode, _ dag: DAG) -> DataInterval? {
        guard let timetable = dag.timetable else {
            guard dag.start ?? .distantPast < span.end, span.start <= dag.end ?? .distantFuture else { return nil }
            return owner.record.succeededAt ?? .distantPast < span.start ? span : nil
        }
        // The first that came due in the span. What comes due at its end can have no run yet.
        let end = timetable.alignNext(span.start - dag.delay)
        let first = timetable.alignNext(dag.start ?? owner.record.firstSeen)
        let interval = timetable.interval(startingAt: max(timetable.previous(before: end), first))
        guard interval.end + dag.delay < span.end, interval.start <= dag.end ?? .distantFuture else { return nil }
        return owner.record.succeededThrough ?? .distantPast < interval.end ? interval : nil
    }

    private func tellMissed(_ day: CivilDate, _ interval: DataInterval, _ owner: DAGNode, reason: String, now: Instant)
    {
        let run = Run(
            id: nextRun, dagID: owner.record.id, runID: "\(RunType.missed.rawValue)__\(day)", type: .missed,
            version: owner.record.version, logicalDate: interval.start, interval: interval, runAfter: now,
            createdAt: now, params: owner.dag.flatMap(Self.defaultParams) ?? "{}", reason: reason)
        nextRun += 1
        let node = RunNode(run: run, owner: owner, dag: owner.dag, storedState: nil)
        runs[run.id] = node
        owner.runsByName[run.runID] = run.id
        turn.changes.append(
            .audit(
                AuditEntry(
                    at: now, actor: "scheduler", action: "missed", subject: "\(run.dagID)/\(run.runID)",
                    details: "{\"day\":\"\(day)\"}")))
        begin(run.id, earlier: [], now: now)
    }

    /// A run has succeeded: what it is about, and all before it, is no longer owed.
    func noteSuccess(of node: RunNode, now: Instant) {
        let owner = node.owner
        owner.record.succeededAt = max(now, owner.record.succeededAt ?? now)
        // A run that a person made about the future says nothing about today.
        if node.run.type != .manual || node.run.interval.end <= now {
            let end = node.run.interval.end
            owner.record.succeededThrough = max(end, owner.record.succeededThrough ?? end)
        }
        turn.changes.append(.putDAG(owner.record))
    }
}

import JSONText

/// Late data: a task tells that data of other dates has changed, and those that were processed already run once more. It
/// ends by itself, because a run that has consumed that data, or began after it came, is not repeated.
extension Scheduler {
    /// A date that data belongs to is written as a local day: the last interval that starts on it is meant.
    private func logicalDate(_ day: String, _ dag: DAG) -> Instant? {
        guard let timetable = dag.timetable, let date = CivilDate(day) else { return nil }
        let tick = timetable.alignPrevious(dag.zone.endOfDay(date))
        return tick == .distantPast ? nil : tick
    }

    /// The reserved output `reprocess`: days, each with the generation that its data has now.
    func noteLate(_ days: JSONObject, found node: RunNode, now: Instant) {
        let owner = node.owner
        guard let dag = node.dag else { return }
        var late = owner.record.late
        for member in days.members {
            guard let generation = member.node.integer, let date = logicalDate(member.key, dag),
                !(node.run.type.isOfInterval && date == node.run.logicalDate), date >= dag.start ?? .distantPast,
                date <= dag.end ?? .distantFuture, !isConsumed(generation, by: owner.runsByDate[date])
            else { continue }
            late[date] = max(generation, late[date] ?? generation)
        }
        guard late != owner.record.late else { return }
        setLate(owner, late)
        pursueLate(owner)
    }

    /// Whether an unfinished run has taken this data in already.
    private func isConsumed(_ generation: Int64, by run: Int64?) -> Bool {
        guard let node = run.flatMap({ runs[$0] }) else { return false }
        return Self.consumed(node.instances.lazy.map(\.record)) >= generation
    }

    /// The newest generation that a task of a run says it has consumed; -1 for none.
    private static func consumed(_ instances: some Sequence<TaskInstance>) -> Int64 {
        var newest: Int64 = -1
        for instance in instances where instance.state == .success {
            guard let outputs = instance.outputs, outputs.contains("\"consumed\""),
                let generation = (try? JSONDocument(parsing: outputs))?.root["consumed"]?.integer
            else { continue }
            newest = max(newest, generation)
        }
        return newest
    }

    /// The reserved output `consumed`: the generation of the run's own data that a task has worked on.
    func noteConsumed(_ generation: Int64, by node: RunNode) {
        guard node.run.type.isOfInterval, let late = node.owner.record.late[node.run.logicalDate], late <= generation
        else { return }
        forgetLate(node)
    }

    /// All of the run begins anew, so it sees whatever has come.
    func forgetLate(_ node: RunNode) {
        guard node.run.type.isOfInterval, node.owner.record.late[node.run.logicalDate] != nil else { return }
        var late = node.owner.record.late
        late[node.run.logicalDate] = nil
        setLate(node.owner, late)
    }

    private func setLate(_ owner: DAGNode, _ late: [Instant: Int64]) {
        owner.record.late = late
        turn.changes.append(.putDAG(owner.record))
    }

    /// Asks for the runs of the late dates that have ended. Those that are unfinished are looked at when they end.
    func pursueLate(_ owner: DAGNode) {
        guard !owner.record.late.isEmpty, configuration.runsSchedules, owner.record.active, !owner.record.paused,
            owner.dag?.timetable != nil
        else { return }
        for date in owner.record.late.keys.sorted()
        where owner.runsByDate[date] == nil && owner.lateAsked.insert(date).inserted {
            turn.effects.append(.loadInterval(dag: owner.record.id, date: date))
        }
    }

    /// What the store knows of the run of a late date.
    func processAgain(_ id: String, _ date: Instant, _ stored: StoredRun?, now: Instant) {
        guard let owner = dags[id] else { return }
        owner.lateAsked.remove(date)
        guard let generation = owner.record.late[date], owner.runsByDate[date] == nil, !owner.record.paused,
            owner.record.active, let timetable = owner.dag?.timetable
        else { return }
        var late = owner.record.late
        late[date] = nil
        setLate(owner, late)
        // A person has stopped it, or it saw the data before it ended.
        if let stored, stored.run.state == .cancelled || Self.consumed(stored.instances) >= generation { return }
        let node: RunNode
        if let stored {
            node = again(stored.run, owner, backfill: nil, params: nil, now: now)
            queue(node)
        } else {
            // The schedule comes to it by itself.
            if date >= owner.record.cursor ?? .distantPast { return }
            let interval = timetable.interval(startingAt: date)
            node = create(.scheduled, owner, interval: interval, runAfter: now, params: nil, now: now)
        }
        turn.changes.append(
            .audit(
                AuditEntry(
                    at: now, actor: "scheduler", action: "reprocess", subject: "\(id)/\(node.run.runID)",
                    details: "{\"generation\":\(generation)}")))
    }
}

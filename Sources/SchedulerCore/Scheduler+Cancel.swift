/// Ending work before its end: by a person, or because the run takes too long.
extension Scheduler {
    /// Running attempts are killed, and take the state once they have ended; the rest takes it now.
    func cancel(_ node: RunNode, now: Instant) {
        let isQueued = node.run.state == .queued
        for index in node.instances.indices {
            switch node.instances[index].record.state {
            case .running: intend(.cancel, node, index)
            case let state where state.isFinal: break
            default: settle(node, index, .cancelled, reason: "cancelled", now: now)
            }
        }
        if isQueued {
            end(node, .cancelled, reason: "cancelled before it started", now: now)
        } else {
            endIfDone(node, now: now)
        }
    }

    /// Stores what is to become of a running instance, and kills its attempt. A later decision replaces an earlier one.
    func intend(_ intent: Intent, _ node: RunNode, _ index: Int) {
        guard let id = node.instances[index].record.attempt, var attempt = attempts[id], attempt.intent != intent else {
            return
        }
        attempt.intent = intent
        attempts[id] = attempt
        // One that was made in this turn is written as it is at the turn's end.
        if !newAttempts.contains(id) { turn.changes.append(.updateAttempt(attempt, from: .running)) }
        turn.effects.append(.kill(attempt: id))
    }

    // MARK: Limits of a run's length

    /// When the next limit of a running run comes.
    func setRunTimer(_ node: RunNode) {
        guard let dag = node.dag, let started = node.run.startedAt, node.run.type != .missed else { return }
        if let limit = dag.runTimeout, !node.run.isExpired {
            runTimers.push(RunTimer(at: started + limit, run: node.run.id))
        }
        if let deadline = dag.deadline, !node.run.missedDeadline {
            runTimers.push(RunTimer(at: started + deadline, run: node.run.id))
        }
    }

    func checkLimits(_ node: RunNode, now: Instant) {
        guard let dag = node.dag, let started = node.run.startedAt else { return }
        if let deadline = dag.deadline, !node.run.missedDeadline, started + deadline <= now {
            node.run.missedDeadline = true
            touch(node)
            turn.changes.append(
                .audit(
                    AuditEntry(
                        at: now, actor: "scheduler", action: "deadline", subject: "\(dag.id)/\(node.run.runID)",
                        details: "{\"deadline\":\"\(deadline)\"}")))
            fireHooks(node, dag, .runDeadline)
        }
        if let limit = dag.runTimeout, !node.run.isExpired, started + limit <= now { expire(node, dag, now: now) }
    }

    static func expiredWords(_ node: RunNode) -> String {
        let limit = node.dag?.runTimeout.map { " of \($0)" } ?? ""
        return "the run was longer than its run_timeout\(limit)"
    }

    /// Ends all that has not ended. Notifications go on: they tell of it.
    private func expire(_ node: RunNode, _ dag: DAG, now: Instant) {
        let open = node.instances.indices.filter {
            node.instances[$0].task < dag.tasks.count && !node.instances[$0].record.state.isFinal
        }
        // Only notifications are left: what the limit is for is done.
        guard !open.isEmpty else { return }
        node.run.isExpired = true
        touch(node)
        for index in open {
            if node.instances[index].record.state == .running {
                intend(.expire, node, index)
            } else {
                settle(node, index, .expired, reason: Self.expiredWords(node), now: now)
            }
        }
        endIfDone(node, now: now)
    }
}

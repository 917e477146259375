/// The life of a task instance: judged, queued, started, ended, retried. What happens when a task fails stands here.
extension Scheduler {
    // MARK: Judging

    /// Applies the trigger rule of an instance that has not started, and of all that its end settles.
    func judge(_ node: RunNode, _ index: Int, now: Instant) {
        guard let dag = node.dag else { return }
        var waiting = [index]
        while let index = waiting.popLast() {
            let instance = node.instances[index]
            guard instance.record.state == .none else { continue }
            switch dag.tasks[index].triggerRule.decide(instance.upstream) {
            case .wait: break
            case .run: enqueue(node, index, reason: nil)
            case .end(let state):
                settle(node, index, state, reason: Self.reason(for: state, dag.tasks[index], node, dag), now: now)
                waiting += dag.tasks[index].downstream.reversed()
            }
        }
    }

    private static func reason(for state: TaskState, _ task: TaskSpec, _ node: RunNode, _ dag: DAG) -> String {
        let states = task.upstream.filter { node.instances[$0].record.state.isFinal }
            .map { "\(dag.tasks[$0].id) \(node.instances[$0].record.state.rawValue)" }
        return "\(task.triggerRule.rawValue): " + states.prefix(5).joined(separator: ", ")
    }

    /// Gives an instance its final state and counts it in those that wait for it; they are not yet judged.
    private func settle(_ node: RunNode, _ index: Int, _ state: TaskState, reason: String?, now: Instant) {
        guard let dag = node.dag else { return }
        node.instances[index].record.state = state
        node.instances[index].record.reason = reason
        node.instances[index].record.nextTryAt = nil
        node.instances[index].record.endedAt = now
        touch(node, index)
        node.unfinished -= 1
        for next in dag.tasks[index].downstream {
            node.instances[next].upstream.add(state, allowFailure: dag.tasks[index].allowFailure)
        }
    }

    /// A final state, and everything that follows from it.
    private func conclude(
        _ node: RunNode, _ index: Int, _ state: TaskState, reason: String?, end: AttemptEnd? = nil, now: Instant
    ) {
        settle(node, index, state, reason: reason, now: now)
        if let end { note(end, node, index) }
        for next in node.dag?.tasks[index].downstream ?? [] { judge(node, next, now: now) }
        endIfDone(node, now: now)
    }

    // MARK: Starting

    func enqueue(_ node: RunNode, _ index: Int, reason: String?) {
        node.instances[index].record.state = .queued
        node.instances[index].record.nextTryAt = nil
        node.instances[index].record.reason = reason
        touch(node, index)
        queuedTasks += 1
        ready.push(candidate(node, index))
    }

    func candidate(_ node: RunNode, _ index: Int) -> Candidate {
        Candidate(
            isBackfill: node.run.backfill != nil, priority: node.dag?.tasks[index].priority ?? 0,
            logicalDate: node.run.logicalDate, run: node.run.id, index: index)
    }

    private var mayStart: Bool { !configuration.isDraining && attempts.count < configuration.parallelism }

    func startTasks(now: Instant) {
        if let hold {
            guard hold.until <= now else { return }
            self.hold = nil
        }
        repeat {
            unpark()
            while mayStart, let next = ready.pop() {
                guard let node = waiting(next.run, next.index, in: .queued) else { continue }
                if node.owner.runningTasks >= node.owner.dag?.maxActiveTasks ?? 1 {
                    node.owner.parked.push(next)
                } else {
                    startAttempt(node, next.index, now: now)
                }
            }
            // A task that cannot be rendered ends without a process, which may end its run and let others start.
            startRuns(now: now)
        } while mayStart && !(ready.isEmpty && dagsToUnpark.isEmpty)
    }

    /// Offers the free places of those DAGs to their parked tasks. One too many does no harm: it is parked again.
    private func unpark() {
        for id in dagsToUnpark.sorted() {
            guard let node = dags[id] else { continue }
            var free = (node.dag?.maxActiveTasks ?? 1) - node.runningTasks
            while free > 0, let parked = node.parked.pop() {
                guard waiting(parked.run, parked.index, in: .queued) != nil else { continue }
                ready.push(parked)
                free -= 1
            }
        }
        dagsToUnpark.removeAll(keepingCapacity: true)
    }

    private func startAttempt(_ node: RunNode, _ index: Int, now: Instant) {
        guard let dag = node.dag else { return }
        queuedTasks -= 1
        node.instances[index].record.tryNumber += 1
        let launch: AttemptLaunch
        do {
            launch = try self.launch(node, dag, index, attempt: nextAttempt)
        } catch {
            dagsToUnpark.insert(node.owner.record.id)
            conclude(node, index, .failed, reason: "with\(error.path): \(error.message)", now: now)
            return
        }
        let attempt = Attempt(
            id: nextAttempt, instance: node.instances[index].record.key,
            tryNumber: node.instances[index].record.tryNumber, createdAt: now, rendered: launch.renderedText)
        nextAttempt += 1
        attempts[attempt.id] = attempt
        newAttempts.append(attempt.id)
        node.owner.runningTasks += 1
        node.instances[index].record.state = .running
        node.instances[index].record.attempt = attempt.id
        node.instances[index].record.startedAt = now
        node.instances[index].record.endedAt = nil
        node.instances[index].record.outputs = nil
        node.instances[index].record.reason = nil
        touch(node, index)
        turn.effects.append(.start(launch))
    }

    // MARK: Ending

    /// The instance of an attempt that is current; nil for a late result of an attempt that is not.
    private func current(_ id: Int64) -> (attempt: Attempt, node: RunNode, index: Int)? {
        guard let attempt = attempts[id], let node = runs[attempt.instance.run],
            let index = node.dag?.tasks.firstIndex(where: { $0.id == attempt.instance.taskID }),
            node.instances[index].record.attempt == id, node.instances[index].record.state == .running
        else { return nil }
        return (attempt, node, index)
    }

    /// The end of an attempt whose instance is no longer its own: only the attempt itself is closed.
    private func closeStray(_ id: Int64, now: Instant) {
        guard var attempt = attempts.removeValue(forKey: id) else { return }
        attempt.state = .cancelled
        attempt.endedAt = now
        attempt.reason = "ended when it was no longer current"
        turn.changes.append(.updateAttempt(attempt, from: .running))
        turn.effects.append(.discard(attempt: id))
    }

    /// Commits the end of an attempt and frees its place.
    private func close(_ attempt: Attempt, _ state: AttemptState, _ node: RunNode, now: Instant) {
        var ended = attempt
        ended.state = state
        ended.endedAt = ended.endedAt ?? now
        attempts[attempt.id] = nil
        turn.changes.append(.updateAttempt(ended, from: .running))
        turn.effects.append(.discard(attempt: attempt.id))
        node.owner.runningTasks -= 1
        dagsToUnpark.insert(node.owner.record.id)
    }

    func finish(_ id: Int64, _ end: AttemptEnd, now: Instant) {
        guard let (stored, node, index) = current(id), let dag = node.dag else { return closeStray(id, now: now) }
        if end.outcome == .killed, stored.intent == nil {
            // Nobody who asked Weir: the machine shuts down, say. That is no fault of the task and no try.
            return lose(id, reason: "its supervisor was told to end it from outside", now: now)
        }
        var attempt = stored
        attempt.startedAt = end.startedAt
        attempt.endedAt = end.endedAt
        attempt.exitCode = end.exitCode
        attempt.signal = end.signal
        attempt.cpuMicroseconds = end.cpuMicroseconds
        attempt.peakMemory = end.peakMemory
        attempt.reason = end.reason ?? end.words
        node.instances[index].record.lostInARow = 0
        holdSeconds = 1
        if let intent = attempt.intent {
            close(attempt, .cancelled, node, now: now)
            obey(intent, node, index, end: end, now: now)
            return
        }
        switch (end.outcome, end.exitCode) {
        case (.exited, 0):
            node.instances[index].record.outputs = end.outputs
            close(attempt, .success, node, now: now)
            conclude(node, index, .success, reason: nil, end: end, now: now)
        case (.exited, 99):
            close(attempt, .skipped, node, now: now)
            conclude(node, index, .skipped, reason: end.reason ?? "skipped itself (exit 99)", end: end, now: now)
        default:
            node.instances[index].record.outputs = end.outputs
            close(attempt, .failed, node, now: now)
            let mayRetry = !(end.outcome == .exited && end.exitCode == 98)
            fail(node, index, dag.tasks[index], attempt, end, mayRetry: mayRetry, now: now)
        }
    }

    /// What a person decided about an attempt takes effect now that it has ended.
    private func obey(_ intent: Intent, _ node: RunNode, _ index: Int, end: AttemptEnd?, now: Instant) {
        switch intent {
        case .cancel: conclude(node, index, .cancelled, reason: "cancelled", end: end, now: now)
        case .clear:
            reset(node, index)
            judge(node, index, now: now)
        case .markSuccess: conclude(node, index, .success, reason: "marked success", end: end, now: now)
        case .markFailed: conclude(node, index, .failed, reason: "marked failed", end: end, now: now)
        case .markSkipped: conclude(node, index, .skipped, reason: "marked skipped", end: end, now: now)
        }
    }

    /// The times of the process itself; those of the decisions about it lie around them.
    private func note(_ end: AttemptEnd, _ node: RunNode, _ index: Int) {
        if let started = end.startedAt { node.instances[index].record.startedAt = started }
        if let ended = end.endedAt { node.instances[index].record.endedAt = max(ended, end.startedAt ?? ended) }
    }

    private func fail(
        _ node: RunNode, _ index: Int, _ task: TaskSpec, _ attempt: Attempt, _ end: AttemptEnd, mayRetry: Bool,
        now: Instant
    ) {
        let record = node.instances[index].record
        guard mayRetry, record.tryNumber < record.maxTries else {
            conclude(node, index, .failed, reason: attempt.reason, end: end, now: now)
            return
        }
        note(end, node, index)
        let retry = task.retries - (record.maxTries - record.tryNumber) + 1
        let until = now + task.delay(beforeRetry: retry, attempt: attempt.id)
        let why = attempt.reason.map { " after: \($0)" } ?? ""
        node.instances[index].record.reason = "retry \(retry) of \(task.retries) at \(until)\(why)"
        wait(node, index, until: until, now: now)
        touch(node, index)
    }

    func wait(_ node: RunNode, _ index: Int, until: Instant, now: Instant) {
        var until = until
        if let task = node.dag?.tasks[index] {
            // A clock that was set back must not lengthen the wait.
            until = min(until, now + task.longestDelay)
        }
        node.instances[index].record.state = .upForRetry
        if node.instances[index].record.nextTryAt != until {
            node.instances[index].record.nextTryAt = until
            touch(node, index)
        }
        retryTimers.push(RetryTimer(at: until, run: node.run.id, index: index))
    }

    /// The wall clock went back: nobody waits longer than the delay from now.
    func shortenRetries(now: Instant) {
        for node in runs.values.sorted(by: { $0.run.id < $1.run.id }) {
            for index in node.instances.indices where node.instances[index].record.state == .upForRetry {
                if let until = node.instances[index].record.nextTryAt { wait(node, index, until: until, now: now) }
            }
        }
    }

    /// It never ran: another attempt takes its place and its number.
    func revoke(_ id: Int64, now: Instant) {
        guard let (attempt, node, index) = current(id) else { return closeStray(id, now: now) }
        close(attempt, .revoked, node, now: now)
        node.instances[index].record.tryNumber -= 1
        if let intent = attempt.intent {
            obey(intent, node, index, end: nil, now: now)
        } else {
            enqueue(node, index, reason: "the start before was revoked")
        }
    }

    /// It never ran, and the machine is to blame: no try, but a pause before anything is started again.
    func postpone(_ id: Int64, reason: String, now: Instant) {
        let until = now + TimeAmount(seconds: Int64(holdSeconds))
        if hold == nil {
            hold = (until, reason)
            holdSeconds = min(holdSeconds * 2, Self.longestHoldSeconds)
        }
        guard let (stored, node, index) = current(id) else { return closeStray(id, now: now) }
        var attempt = stored
        attempt.reason = reason
        close(attempt, .revoked, node, now: now)
        node.instances[index].record.tryNumber -= 1
        if let intent = attempt.intent {
            obey(intent, node, index, end: nil, now: now)
        } else {
            enqueue(node, index, reason: "waits, not started: \(reason)")
        }
    }

    private static let longestHoldSeconds = 30

    func lose(_ id: Int64, reason: String, now: Instant) {
        guard let (stored, node, index) = current(id) else { return closeStray(id, now: now) }
        var attempt = stored
        attempt.reason = reason
        close(attempt, .lost, node, now: now)
        if let intent = attempt.intent {
            obey(intent, node, index, end: nil, now: now)
            return
        }
        node.instances[index].record.lostInARow += 1
        if node.instances[index].record.lostInARow > Self.maximumLostInARow {
            conclude(
                node, index, .failed, reason: "lost \(Self.maximumLostInARow + 1) times in a row: \(reason)", now: now)
            return
        }
        node.instances[index].record.tryNumber -= 1
        enqueue(node, index, reason: "the attempt before was lost: \(reason)")
    }

    func noteUnsupervised(_ id: Int64, reason: String) {
        guard let (_, node, index) = current(id) else { return }
        node.instances[index].record.reason = "running (unsupervised): \(reason)"
        touch(node, index)
    }

    // MARK: Cancelling

    /// Running attempts are killed, and take the state once they have ended; the rest takes it now.
    func cancel(_ node: RunNode, now: Instant) {
        if node.run.state == .queued {
            // One that was cleared has instances already.
            for index in node.instances.indices where !node.instances[index].record.state.isFinal {
                settle(node, index, .cancelled, reason: "cancelled", now: now)
            }
            end(node, .cancelled, reason: "cancelled before it started", now: now)
            return
        }
        for index in node.instances.indices {
            let record = node.instances[index].record
            switch record.state {
            case .none, .upForRetry:
                settle(node, index, .cancelled, reason: "cancelled", now: now)
            case .queued:
                queuedTasks -= 1
                dagsToUnpark.insert(node.owner.record.id)
                settle(node, index, .cancelled, reason: "cancelled", now: now)
            case .running: intend(.cancel, node, index)
            default: break
            }
        }
        endIfDone(node, now: now)
    }
}

extension Scheduler {
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
}

extension AttemptEnd {
    /// The end in words, for one that gives no reason itself.
    var words: String? {
        switch outcome {
        case .exited: exitCode.flatMap { $0 == 0 ? nil : "exit \($0)" }
        case .signaled: "killed by signal \(signal ?? 0)"
        case .timeout: "ran longer than its timeout"
        case .killed: "killed"
        case .startFailed: "could not be started"
        case .badResult: "bad result"
        }
    }
}

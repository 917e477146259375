import JSONText

/// How attempts end, and what follows: success, failure, retry, another look, another attempt. What happens when a task
/// fails stands here.
extension Scheduler {
    /// The instance of an attempt that is current; nil for a late result of an attempt that is not.
    private func current(_ id: Int64) -> (attempt: Attempt, node: RunNode, index: Int)? {
        guard let attempt = attempts[id], let node = runs[attempt.instance.run], let index = places[id],
            node.instances.indices.contains(index), node.instances[index].record.attempt == id,
            node.instances[index].record.state == .running
        else { return nil }
        return (attempt, node, index)
    }

    /// The end of an attempt whose instance is no longer its own: only the attempt itself is closed.
    private func closeStray(_ id: Int64, now: Instant) {
        guard var attempt = attempts.removeValue(forKey: id) else { return }
        places[id] = nil
        attempt.state = .cancelled
        attempt.endedAt = now
        attempt.reason = "ended when it was no longer current"
        turn.changes.append(.updateAttempt(attempt, from: .running))
        turn.effects.append(.discard(attempt: id))
    }

    /// Commits the end of an attempt and frees its places.
    private func close(_ attempt: Attempt, _ state: AttemptState, _ node: RunNode, _ index: Int, now: Instant) {
        var ended = attempt
        ended.state = state
        ended.endedAt = ended.endedAt ?? now
        attempts[attempt.id] = nil
        places[attempt.id] = nil
        turn.changes.append(.updateAttempt(ended, from: .running))
        turn.effects.append(.discard(attempt: attempt.id))
        freePlaces(node, index)
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
        if end.outcome == .exited, end.exitCode == 97, dag.specs[node.instances[index].task].pollInterval == nil {
            attempt.reason =
                "\(attempt.reason ?? "exit 97") (97 says \"not yet\" where the task has a \"poll_interval\")"
        }
        node.instances[index].record.lostInARow = 0
        holdSeconds = 1
        if let intent = attempt.intent {
            close(attempt, .cancelled, node, index, now: now)
            obey(intent, node, index, end: end, now: now)
            return
        }
        let task = node.instances[index].task
        switch (end.outcome, end.exitCode) {
        case (.exited, 0):
            node.instances[index].record.outputs = end.outputs
            close(attempt, .success, node, index, now: now)
            conclude(node, index, .succeeded, reason: nil, end: end, now: now)
            takeIn(end.outputs, of: node, now: now)
        case (.exited, 99):
            node.instances[index].record.outputs = end.outputs
            close(attempt, .skipped, node, index, now: now)
            conclude(
                node, index, .skippedItself, reason: end.reason ?? "skipped itself (exit 99)", end: end, now: now)
            // One that found nothing for its own day may have found something for others.
            takeIn(end.outputs, of: node, now: now)
        case (.exited, 97) where dag.specs[task].pollInterval != nil:
            close(attempt, .deferred, node, index, now: now)
            lookAgain(node, index, dag.specs[task], attempt, end, now: now)
        default:
            node.instances[index].record.outputs = end.outputs
            close(attempt, .failed, node, index, now: now)
            let mayRetry = !(end.outcome == .exited && end.exitCode == 98)
            fail(node, index, dag.specs[task], attempt, end, mayRetry: mayRetry, now: now)
        }
    }

    /// What was decided about an attempt takes effect now that it has ended.
    private func obey(_ intent: Intent, _ node: RunNode, _ index: Int, end: AttemptEnd?, now: Instant) {
        let said = node.instances[index].record.reason
        switch intent {
        case .cancel: conclude(node, index, .cancelled, reason: "cancelled", end: end, now: now)
        case .clear:
            reset(node, index)
            judge(node, node.instances[index].task, now: now)
            endIfDone(node, now: now)
        case .markSuccess: conclude(node, index, .markedSuccess, reason: said ?? "marked success", end: end, now: now)
        case .markFailed: conclude(node, index, .markedFailed, reason: said ?? "marked failed", end: end, now: now)
        case .markSkipped: conclude(node, index, .markedSkipped, reason: said ?? "marked skipped", end: end, now: now)
        case .expire: conclude(node, index, .expired, reason: Self.expiredWords(node), end: end, now: now)
        }
    }

    /// The times of the process itself; those of the decisions about it lie around them.
    func note(_ end: AttemptEnd, _ node: RunNode, _ index: Int) {
        if let started = end.startedAt { node.instances[index].record.startedAt = started }
        if let ended = end.endedAt { node.instances[index].record.endedAt = max(ended, end.startedAt ?? ended) }
    }

    // MARK: Waiting for another attempt

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
        let delay = max(task.delay(beforeRetry: retry, attempt: attempt.id), Self.askedDelay(end.outputs) ?? .zero)
        let until = now + delay
        let why = attempt.reason.map { " after: \($0)" } ?? ""
        move(node, index, .willRetry, reason: "retry \(retry) of \(task.retries) at \(until)\(why)")
        wait(node, index, until: until, now: now)
        if let dag = node.dag { fireHooks(node, dag, ofRetried: index) }
    }

    /// The reserved output `retry_after` of an attempt that failed, whole seconds: somebody asked to be left alone for so
    /// long. Nobody is believed for more than an hour.
    private static func askedDelay(_ outputs: String?) -> TimeAmount? {
        guard let outputs, outputs.contains("\"retry_after\""),
            let seconds = (try? JSONDocument(parsing: outputs))?.root["retry_after"]?.integer, seconds > 0
        else { return nil }
        return TimeAmount(seconds: min(seconds, 3600))
    }

    /// A sensor found nothing yet: no try is used up, until its patience is.
    private func lookAgain(
        _ node: RunNode, _ index: Int, _ task: TaskSpec, _ attempt: Attempt, _ end: AttemptEnd, now: Instant
    ) {
        let since = node.instances[index].record.waitingSince ?? end.startedAt ?? now
        let last = since + task.pollTimeout
        guard now < last else {
            conclude(node, index, .failed, reason: "waited \(task.pollTimeout) in vain", end: end, now: now)
            return
        }
        note(end, node, index)
        let until = min(last, now + (task.pollInterval ?? task.pollTimeout))
        let why = end.reason.map { ": \($0)" } ?? ""
        move(node, index, .notYet, reason: "not yet, looks again at \(until)\(why)")
        node.instances[index].record.tryNumber -= 1
        node.instances[index].record.waitingSince = since
        wait(node, index, until: until, now: now)
    }

    /// Sets, or sets again, when an instance that waits for its next attempt goes on.
    func wait(_ node: RunNode, _ index: Int, until: Instant, now: Instant) {
        var until = until
        if let task = node.dag?.specs[node.instances[index].task] {
            // A clock that was set back must not lengthen the wait.
            let isSensor = node.instances[index].record.state == .deferred
            let asked = isSensor ? nil : Self.askedDelay(node.instances[index].record.outputs)
            let longest = isSensor ? task.pollInterval ?? task.pollTimeout : max(task.longestDelay, asked ?? .zero)
            until = min(until, now + longest)
        }
        if node.instances[index].record.nextTryAt != until {
            node.instances[index].record.nextTryAt = until
            touch(node, index)
        }
        retryTimers.push(RetryTimer(at: until, run: node.run.id, index: index))
    }

    /// The wall clock went back: nobody waits longer than the delay from now.
    func shortenRetries(now: Instant) {
        for node in runs.values.sorted(by: { $0.run.id < $1.run.id }) {
            for index in node.instances.indices {
                switch node.instances[index].record.state {
                case .upForRetry, .deferred:
                    if let until = node.instances[index].record.nextTryAt { wait(node, index, until: until, now: now) }
                default: break
                }
            }
        }
    }

    // MARK: Attempts without a result

    /// It never ran: another attempt takes its place and its number.
    func revoke(_ id: Int64, now: Instant) {
        guard let (attempt, node, index) = current(id) else { return closeStray(id, now: now) }
        close(attempt, .revoked, node, index, now: now)
        node.instances[index].record.tryNumber -= 1
        if let intent = attempt.intent {
            obey(intent, node, index, end: nil, now: now)
        } else {
            enqueue(node, index, .again, reason: "the start before was revoked")
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
        close(attempt, .revoked, node, index, now: now)
        node.instances[index].record.tryNumber -= 1
        if let intent = attempt.intent {
            obey(intent, node, index, end: nil, now: now)
        } else {
            enqueue(node, index, .again, reason: "waits, not started: \(reason)")
        }
    }

    private static let longestHoldSeconds = 30

    func lose(_ id: Int64, reason: String, now: Instant) {
        guard let (stored, node, index) = current(id) else { return closeStray(id, now: now) }
        var attempt = stored
        attempt.reason = reason
        close(attempt, .lost, node, index, now: now)
        if let intent = attempt.intent {
            obey(intent, node, index, end: nil, now: now)
            return
        }
        node.instances[index].record.lostInARow += 1
        if node.dag?.specs[node.instances[index].task].onLost == .fail {
            conclude(node, index, .failed, reason: "lost, and on_lost is fail: \(reason)", now: now)
        } else if node.instances[index].record.lostInARow > Self.maximumLostInARow {
            let words = "lost \(Self.maximumLostInARow + 1) times in a row: \(reason)"
            conclude(node, index, .failed, reason: words, now: now)
        } else {
            node.instances[index].record.tryNumber -= 1
            enqueue(node, index, .again, reason: "the attempt before was lost: \(reason)")
        }
    }

    func noteUnsupervised(_ id: Int64, reason: String) {
        guard let (_, node, index) = current(id) else { return }
        node.instances[index].record.reason = "running (unsupervised): \(reason)"
        touch(node, index)
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

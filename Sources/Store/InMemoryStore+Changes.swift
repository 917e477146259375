import SchedulerCore

/// How each change is applied, with the rules that the SQLite store's schema states.
extension InMemoryStore {
    static func apply(_ change: Change, to contents: inout Contents) throws(StoreError) {
        switch change {
        case .putDAG(let dag):
            try allow(contents.versions[dag.version] != nil, "DAG \(dag.id) names version \(dag.version)")
            contents.dags[dag.id] = dag
        case .insertVersion(let version):
            let isKnown = contents.versions.values.contains {
                $0.id == version.id || $0.dagID == version.dagID && $0.sha256 == version.sha256
            }
            try allow(!isKnown, "version \(version.id) exists")
            contents.versions[version.id] = version
        case .setFileErrors(let file, let errors, let at):
            contents.errors[file] = errors.isEmpty ? nil : (errors, contents.errors[file]?.since ?? at)
        case .insertRun(let run): try insert(run, to: &contents)
        case .updateRun(let run, let from): try update(run, from: from, in: &contents)
        case .insertTaskInstance(let instance):
            let key = instance.key
            let isKnown = contents.instances[key.run]?.contains { $0.key == key } ?? false
            try allow(contents.runs[key.run] != nil && !isKnown, "task instance \(key) cannot be inserted")
            try check(instance)
            contents.instances[key.run, default: []].append(instance)
        case .updateTaskInstance(let instance, let from):
            let index = contents.instances[instance.key.run]?.firstIndex { $0.key == instance.key }
            guard let index, contents.instances[instance.key.run]?[index].state == from else {
                throw StoreError(.conflict, "task instance \(instance.key) is not \(from)")
            }
            try check(instance)
            contents.instances[instance.key.run]?[index] = instance
        case .insertAttempt(let attempt):
            let isOfInstance =
                contents.instances[attempt.instance.run]?.contains { $0.key == attempt.instance } ?? false
            try allow(
                isOfInstance && contents.attempts[attempt.id] == nil, "attempt \(attempt.id) cannot be inserted")
            try check(attempt)
            contents.attempts[attempt.id] = attempt
        case .updateAttempt(let attempt, let from): try update(attempt, from: from, in: &contents)
        case .insertBackfill(let backfill, let entries): try insert(backfill, entries, to: &contents)
        case .updateBackfill(let backfill, let from):
            guard var known = contents.backfills[backfill.id], known.state == from else {
                throw StoreError(.conflict, "backfill \(backfill.id) is not \(from)")
            }
            known.state = backfill.state
            known.paused = backfill.paused
            known.endedAt = backfill.endedAt
            try check(known)
            contents.backfills[backfill.id] = known
        case .putPool(let pool):
            try allow(pool.slots >= 0, "pool \(pool.name) has \(pool.slots) slots")
            contents.pools[pool.name] = pool
        case .removePool(let name):
            try allow(contents.pools.removeValue(forKey: name) != nil, "there is no pool \(name)")
        case .audit(let entry):
            contents.audit.append(entry)
        case .keepAnswer(let kept):
            contents.answers = contents.answers.filter { $0.value.at >= kept.at - KeptAnswer.lifetime }
            let name = [kept.caller, kept.key]
            try allow(contents.answers[name] == nil, "the answer to \(kept.key) is kept already")
            contents.answers[name] = kept
        }
    }

    private static func allow(_ isAllowed: Bool, _ what: @autoclosure () -> String) throws(StoreError) {
        guard isAllowed else { throw StoreError(.conflict, what()) }
    }

    // MARK: Runs

    private static func insert(_ run: Run, to contents: inout Contents) throws(StoreError) {
        let name = RunName(dag: run.dagID, runID: run.runID)
        let date = IntervalDate(dag: run.dagID, logicalDate: run.logicalDate)
        let isTaken =
            contents.runs[run.id] != nil || contents.runNames[name] != nil
            || run.type.isOfInterval && contents.intervalDates.contains(date)
        try allow(contents.dags[run.dagID] != nil && !isTaken, "run \(run.id) \(run.runID) cannot be inserted")
        try check(run, contents)
        contents.runs[run.id] = run
        contents.runNames[name] = run.id
        if run.type.isOfInterval { contents.intervalDates.insert(date) }
    }

    private static func update(_ run: Run, from: RunState, in contents: inout Contents) throws(StoreError) {
        guard var known = contents.runs[run.id], known.state == from else {
            throw StoreError(.conflict, "run \(run.id) is not \(from)")
        }
        known.state = run.state
        known.version = run.version
        known.runAfter = run.runAfter
        known.startedAt = run.startedAt
        known.endedAt = run.endedAt
        known.params = run.params
        known.backfill = run.backfill
        known.isRerun = run.isRerun
        known.keepsFinished = run.keepsFinished
        known.isExpired = run.isExpired
        known.missedDeadline = run.missedDeadline
        known.reason = run.reason
        try check(known, contents)
        contents.runs[run.id] = known
    }

    private static func check(_ run: Run, _ contents: Contents) throws(StoreError) {
        try allow(contents.versions[run.version] != nil, "run \(run.id) names version \(run.version)")
        try allow(run.interval.end >= run.interval.start, "run \(run.id) ends before it starts")
        try allow((run.endedAt != nil) == run.state.isFinal, "run \(run.id) is \(run.state), against its end")
    }

    // MARK: Task instances and attempts

    private static func check(_ instance: TaskInstance) throws(StoreError) {
        let isSound =
            (instance.state != .running || instance.attempt != nil) && instance.tryNumber >= 0
            && (instance.nextTryAt != nil) == (instance.state == .upForRetry || instance.state == .deferred)
        try allow(isSound, "task instance \(instance.key) contradicts itself")
    }

    private static func update(
        _ attempt: Attempt, from: AttemptState, in contents: inout Contents
    ) throws(StoreError) {
        guard let known = contents.attempts[attempt.id], known.state == from else {
            throw StoreError(.conflict, "attempt \(attempt.id) is not \(from)")
        }
        var next = attempt
        next.instance = known.instance
        next.tryNumber = known.tryNumber
        next.createdAt = known.createdAt
        next.rendered = known.rendered
        try check(next)
        contents.attempts[attempt.id] = next
    }

    private static func check(_ attempt: Attempt) throws(StoreError) {
        try allow(
            (attempt.endedAt == nil) == (attempt.state == .running),
            "attempt \(attempt.id) is \(attempt.state), against its end")
    }

    // MARK: Backfills

    private static func insert(
        _ backfill: Backfill, _ entries: [BackfillEntry], to contents: inout Contents
    ) throws(StoreError) {
        let isAllowed =
            contents.dags[backfill.dagID] != nil && contents.backfills[backfill.id] == nil
            && Set(entries.map(\.ordinal)).count == entries.count
            && entries.allSatisfy { $0.backfill == backfill.id && contents.runs[$0.run] != nil }
        try allow(isAllowed, "backfill \(backfill.id) cannot be inserted")
        try check(backfill)
        contents.backfills[backfill.id] = backfill
        contents.entries[backfill.id] = entries.sorted { $0.ordinal < $1.ordinal }
    }

    private static func check(_ backfill: Backfill) throws(StoreError) {
        let isSound =
            backfill.to >= backfill.from && backfill.maxActive > 0
            && (backfill.endedAt == nil) == (backfill.state == .running)
            && (!backfill.paused || backfill.state == .running)
        try allow(isSound, "backfill \(backfill.id) contradicts itself")
    }
}

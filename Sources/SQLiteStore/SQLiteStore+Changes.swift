import SQLite
import SchedulerCore
import Store

/// How each change is written. An update names the state that it expects and checks that a row changed.
extension SQLiteStore {
    static func apply(_ change: Change, _ connection: SQLiteConnection) throws(StoreError) {
        switch change {
        case .putDAG(let dag): try put(dag, connection)
        case .insertVersion(let version):
            try connection.execute(
                "INSERT INTO dag_version (\(Columns.version)) VALUES (?, ?, ?, ?, ?)", SQLiteValue(version.id),
                SQLiteValue(version.dagID), SQLiteValue(version.sha256), SQLiteValue(version.text),
                SQLiteValue(version.loadedAt))
        case .setFileErrors(let file, let errors, let at): try set(errors, of: file, at: at, connection)
        case .insertRun(let run): try insert(run, connection)
        case .updateRun(let run, let from): try update(run, from: from, connection)
        case .insertTaskInstance(let instance): try insert(instance, connection)
        case .updateTaskInstance(let instance, let from): try update(instance, from: from, connection)
        case .insertAttempt(let attempt): try insert(attempt, connection)
        case .updateAttempt(let attempt, let from): try update(attempt, from: from, connection)
        case .insertBackfill(let backfill, let entries): try insert(backfill, entries, connection)
        case .updateBackfill(let backfill, let from):
            try guarded(
                connection.execute(
                    "UPDATE backfill SET state = ?, paused = ?, ended_at = ? WHERE id = ? AND state = ?",
                    SQLiteValue(backfill.state.rawValue), SQLiteValue(backfill.paused), SQLiteValue(backfill.endedAt),
                    SQLiteValue(backfill.id),
                    SQLiteValue(from.rawValue)), "backfill \(backfill.id)", from.rawValue)
        case .putPool(let pool):
            try connection.execute(
                """
                INSERT INTO pool VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET slots = ?2, description = ?3
                """, SQLiteValue(pool.name), SQLiteValue(pool.slots), SQLiteValue(pool.description))
        case .removePool(let name):
            try guarded(
                connection.execute("DELETE FROM pool WHERE name = ?", SQLiteValue(name)), "pool \(name)", "there")
        case .audit(let entry):
            try connection.execute(
                "INSERT INTO audit_log (at, actor, action, subject, details) VALUES (?, ?, ?, ?, ?)",
                SQLiteValue(entry.at), SQLiteValue(entry.actor), SQLiteValue(entry.action), SQLiteValue(entry.subject),
                SQLiteValue(entry.details))
        case .keepAnswer(let kept):
            try connection.execute(
                "DELETE FROM kept_answer WHERE at < ?", SQLiteValue(kept.at - KeptAnswer.lifetime))
            try connection.execute(
                "INSERT INTO kept_answer VALUES (?, ?, ?, ?, ?)", SQLiteValue(kept.caller), SQLiteValue(kept.key),
                SQLiteValue(kept.fingerprint), SQLiteValue(kept.answer), SQLiteValue(kept.at))
        }
    }

    private static func guarded(_ changed: Int, _ what: String, _ expected: String) throws(StoreError) {
        guard changed == 1 else { throw StoreError(.conflict, "\(what) is not \(expected), as the engine believed") }
    }

    // MARK: DAGs

    private static func put(_ dag: DAGRecord, _ connection: SQLiteConnection) throws(StoreError) {
        try connection.execute(
            """
            INSERT INTO dag (\(Columns.dag)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            ON CONFLICT (id) DO UPDATE SET version = ?2, file = ?3, paused = ?4, active = ?5, first_seen = ?6, cursor = ?7,
            arrived = ?8, late = ?9, expected_through = ?10, succeeded_through = ?11, succeeded_at = ?12
            """, SQLiteValue(dag.id), SQLiteValue(dag.version), SQLiteValue(dag.file), SQLiteValue(dag.paused),
            SQLiteValue(dag.active), SQLiteValue(dag.firstSeen), SQLiteValue(dag.cursor),
            SQLiteValue(Names.text(dag.arrived.sorted())), SQLiteValue(LateDates.text(dag.late)),
            SQLiteValue(dag.expectedThrough.map { "\($0)" }), SQLiteValue(dag.succeededThrough),
            SQLiteValue(dag.succeededAt))
    }

    private static func set(
        _ errors: [FileError], of file: String, at: Instant, _ connection: SQLiteConnection
    ) throws(StoreError) {
        let since = try connection.integer("SELECT since FROM dag_file_error WHERE file = ?", SQLiteValue(file))
        try connection.execute("DELETE FROM dag_file_error WHERE file = ?", SQLiteValue(file))
        for (position, error) in errors.enumerated() {
            try connection.execute(
                "INSERT INTO dag_file_error VALUES (?, ?, ?, ?, ?, ?, ?, ?)", SQLiteValue(file), SQLiteValue(position),
                SQLiteValue(error.line), SQLiteValue(error.column), SQLiteValue(error.path), SQLiteValue(error.code),
                SQLiteValue(error.message), SQLiteValue(since ?? at.microseconds))
        }
    }

    // MARK: Runs

    private static func insert(_ run: Run, _ connection: SQLiteConnection) throws(StoreError) {
        try connection.execute(
            "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", SQLiteValue(run.id),
            SQLiteValue(run.dagID), SQLiteValue(run.runID), SQLiteValue(run.type.rawValue),
            SQLiteValue(run.state.rawValue), SQLiteValue(run.version), SQLiteValue(run.logicalDate),
            SQLiteValue(run.interval.start), SQLiteValue(run.interval.end), SQLiteValue(run.runAfter),
            SQLiteValue(run.createdAt), SQLiteValue(run.startedAt), SQLiteValue(run.endedAt), SQLiteValue(run.params),
            SQLiteValue(run.backfill), SQLiteValue(run.isRerun), SQLiteValue(run.keepsFinished),
            SQLiteValue(run.reason), SQLiteValue(run.isExpired), SQLiteValue(run.missedDeadline))
    }

    private static func update(_ run: Run, from: RunState, _ connection: SQLiteConnection) throws(StoreError) {
        let changed = try connection.execute(
            """
            UPDATE run SET state = ?, version = ?, run_after = ?, started_at = ?, ended_at = ?, params = ?, backfill = ?,
            is_rerun = ?, keeps_finished = ?, reason = ?, is_expired = ?, missed_deadline = ? WHERE id = ? AND state = ?
            """, SQLiteValue(run.state.rawValue), SQLiteValue(run.version), SQLiteValue(run.runAfter),
            SQLiteValue(run.startedAt), SQLiteValue(run.endedAt), SQLiteValue(run.params), SQLiteValue(run.backfill),
            SQLiteValue(run.isRerun), SQLiteValue(run.keepsFinished), SQLiteValue(run.reason),
            SQLiteValue(run.isExpired), SQLiteValue(run.missedDeadline), SQLiteValue(run.id),
            SQLiteValue(from.rawValue))
        try guarded(changed, "run \(run.id)", from.rawValue)
    }

    // MARK: Task instances and attempts

    private static func insert(_ instance: TaskInstance, _ connection: SQLiteConnection) throws(StoreError) {
        let key = instance.key
        try connection.execute(
            """
            INSERT INTO task_instance (position, \(Columns.instance)) VALUES (
            (SELECT coalesce(max(position), 0) + 1 FROM task_instance WHERE run = ?1),
            ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            """, SQLiteValue(key.run), SQLiteValue(key.taskID), SQLiteValue(key.mapIndex),
            SQLiteValue(instance.state.rawValue), SQLiteValue(instance.tryNumber), SQLiteValue(instance.maxTries),
            SQLiteValue(instance.lostInARow), SQLiteValue(instance.nextTryAt), SQLiteValue(instance.startedAt),
            SQLiteValue(instance.endedAt), SQLiteValue(instance.attempt), SQLiteValue(instance.outputs),
            SQLiteValue(instance.reason), SQLiteValue(instance.waitingSince))
    }

    private static func update(
        _ instance: TaskInstance, from: TaskState, _ connection: SQLiteConnection
    ) throws(StoreError) {
        let key = instance.key
        let changed = try connection.execute(
            """
            UPDATE task_instance SET state = ?, try_number = ?, max_tries = ?, lost_in_a_row = ?, next_try_at = ?,
            started_at = ?, ended_at = ?, attempt = ?, outputs = ?, reason = ?, waiting_since = ?
            WHERE run = ? AND task_id = ? AND map_index = ? AND state = ?
            """, SQLiteValue(instance.state.rawValue), SQLiteValue(instance.tryNumber), SQLiteValue(instance.maxTries),
            SQLiteValue(instance.lostInARow), SQLiteValue(instance.nextTryAt), SQLiteValue(instance.startedAt),
            SQLiteValue(instance.endedAt), SQLiteValue(instance.attempt), SQLiteValue(instance.outputs),
            SQLiteValue(instance.reason), SQLiteValue(instance.waitingSince), SQLiteValue(key.run),
            SQLiteValue(key.taskID), SQLiteValue(key.mapIndex),
            SQLiteValue(from.rawValue))
        try guarded(changed, "task instance \(key.taskID) of run \(key.run)", from.rawValue)
    }

    private static func insert(_ attempt: Attempt, _ connection: SQLiteConnection) throws(StoreError) {
        let key = attempt.instance
        try connection.execute(
            "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", SQLiteValue(attempt.id),
            SQLiteValue(key.run), SQLiteValue(key.taskID), SQLiteValue(key.mapIndex), SQLiteValue(attempt.tryNumber),
            SQLiteValue(attempt.state.rawValue), SQLiteValue(attempt.intent?.rawValue), SQLiteValue(attempt.createdAt),
            SQLiteValue(attempt.startedAt), SQLiteValue(attempt.endedAt), SQLiteValue(attempt.exitCode),
            SQLiteValue(attempt.signal), SQLiteValue(attempt.cpuMicroseconds), SQLiteValue(attempt.peakMemory),
            SQLiteValue(attempt.reason), SQLiteValue(attempt.rendered))
    }

    private static func update(
        _ attempt: Attempt, from: AttemptState, _ connection: SQLiteConnection
    ) throws(StoreError) {
        let changed = try connection.execute(
            """
            UPDATE attempt SET state = ?, intent = ?, started_at = ?, ended_at = ?, exit_code = ?, signal = ?, cpu_us = ?,
            peak_memory = ?, reason = ? WHERE id = ? AND state = ?
            """, SQLiteValue(attempt.state.rawValue), SQLiteValue(attempt.intent?.rawValue),
            SQLiteValue(attempt.startedAt), SQLiteValue(attempt.endedAt), SQLiteValue(attempt.exitCode),
            SQLiteValue(attempt.signal), SQLiteValue(attempt.cpuMicroseconds), SQLiteValue(attempt.peakMemory),
            SQLiteValue(attempt.reason), SQLiteValue(attempt.id), SQLiteValue(from.rawValue))
        try guarded(changed, "attempt \(attempt.id)", from.rawValue)
    }

    // MARK: Backfills

    private static func insert(
        _ backfill: Backfill, _ entries: [BackfillEntry], _ connection: SQLiteConnection
    ) throws(StoreError) {
        try connection.execute(
            "INSERT INTO backfill VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", SQLiteValue(backfill.id),
            SQLiteValue(backfill.dagID), SQLiteValue(backfill.from), SQLiteValue(backfill.to),
            SQLiteValue(backfill.reprocess.rawValue), SQLiteValue(backfill.maxActive), SQLiteValue(backfill.reverse),
            SQLiteValue(backfill.state.rawValue), SQLiteValue(backfill.createdAt), SQLiteValue(backfill.endedAt),
            SQLiteValue(backfill.paused), SQLiteValue(Names.text(backfill.tasks)))
        for entry in entries {
            guard entry.backfill == backfill.id else {
                throw StoreError(.conflict, "an entry of backfill \(backfill.id) names backfill \(entry.backfill)")
            }
            try connection.execute(
                "INSERT INTO backfill_run VALUES (?, ?, ?, ?)", SQLiteValue(entry.backfill), SQLiteValue(entry.ordinal),
                SQLiteValue(entry.run), SQLiteValue(entry.disposition.rawValue))
        }
    }
}

import SQLite
import SchedulerCore
import Store

/// The conditions under which history may go; see `PrunePolicy`. They stand once, for looking and for removing.
enum Prune {
    /// The run may go, whatever its age.
    static let mayGo = """
        run.state IN ('success', 'failed', 'cancelled')
        AND NOT EXISTS (
            SELECT 1 FROM backfill_run JOIN backfill ON backfill.id = backfill_run.backfill
            WHERE backfill_run.run = run.id AND backfill.state = 'running')
        AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.run = run.id AND attempt.state = 'running')
        AND NOT (
            run.type IN ('scheduled', 'backfill')
            AND run.logical_date >= coalesce(
                (SELECT cursor FROM dag WHERE dag.id = run.dag_id), -9223372036854775808))
        AND run.id <> (SELECT max(id) FROM run)
        AND run.id <> coalesce((SELECT attempt.run FROM attempt ORDER BY attempt.id DESC LIMIT 1), 0)
        AND run.id <> coalesce((
            SELECT other.id FROM run AS other WHERE other.dag_id = run.dag_id
            ORDER BY other.logical_date DESC, other.id DESC LIMIT 1), 0)
        AND run.id <> coalesce((
            SELECT other.id FROM run AS other
            WHERE other.dag_id = run.dag_id AND other.type IN ('scheduled', 'backfill')
            ORDER BY other.logical_date DESC LIMIT 1), 0)
        """

    /// No run and no DAG names the version.
    static let isUnusedVersion = """
        NOT EXISTS (SELECT 1 FROM run WHERE run.version = dag_version.id)
        AND NOT EXISTS (SELECT 1 FROM dag WHERE dag.version = dag_version.id)
        AND dag_version.id <> (SELECT max(id) FROM dag_version)
        """

    /// The backfill has ended, and all of its runs are gone.
    static let isEmptyBackfill = """
        backfill.state <> 'running'
        AND NOT EXISTS (SELECT 1 FROM backfill_run WHERE backfill_run.backfill = backfill.id)
        AND backfill.id <> (SELECT max(id) FROM backfill)
        """
}

extension SQLiteReader {
    public func prunableRuns(_ policy: PrunePolicy) throws(StoreError) -> [PrunableRun] {
        guard policy.removesRuns else { return [] }
        let connection = connection
        return try connection.reading { () throws(StoreError) in
            var found: [PrunableRun] = []
            for dag in try connection.rows("SELECT id FROM dag ORDER BY id", [], { $0.text(0) }) {
                guard let bound = try newestToGo(dag, keep: policy.keep ?? 0) else { continue }
                found += try connection.rows(
                    """
                    SELECT run.id, run.ended_at FROM run
                    WHERE run.dag_id = ?1 AND (run.logical_date, run.id) <= (?2, ?3) AND run.ended_at < ?4
                    AND \(Prune.mayGo) ORDER BY run.logical_date, run.id
                    """,
                    [
                        .text(dag), .integer(bound.date), .integer(bound.id),
                        SQLiteValue(policy.endedBefore ?? .distantFuture),
                    ]
                ) { PrunableRun(id: $0.integer(0), dagID: dag, endedAt: $0.instant(1)) }
            }
            return found
        }
    }

    /// The newest run behind those that a DAG keeps.
    private func newestToGo(_ dag: String, keep: Int) throws(StoreError) -> (date: Int64, id: Int64)? {
        try connection.rows(
            """
            SELECT logical_date, id FROM run WHERE dag_id = ? ORDER BY logical_date DESC, id DESC LIMIT 1 OFFSET ?
            """, [.text(dag), .integer(Int64(max(0, keep)))]
        ) { ($0.integer(0), $0.integer(1)) }.first
    }

    public func leftovers(_ policy: PrunePolicy) throws(StoreError) -> PruneOrder {
        let connection = connection
        return try connection.reading { () throws(StoreError) in
            var order = PruneOrder()
            if policy.removesRuns {
                order.versions = try connection.rows(
                    "SELECT id FROM dag_version WHERE loaded_at < ? AND \(Prune.isUnusedVersion) ORDER BY id",
                    [SQLiteValue(policy.endedBefore ?? .distantFuture)]
                ) { $0.integer(0) }
                order.backfills = try connection.rows(
                    "SELECT id FROM backfill WHERE \(Prune.isEmptyBackfill) ORDER BY id"
                ) { $0.integer(0) }
            }
            if let before = policy.auditBefore {
                order.auditThrough = try connection.integer(
                    """
                    SELECT max(id) FROM audit_log
                    WHERE id < coalesce((SELECT min(id) FROM audit_log WHERE at >= ?), 9223372036854775807)
                    HAVING max(id) IS NOT NULL
                    """, SQLiteValue(before))
            }
            return order
        }
    }

    public func attemptEnds(of ids: [Int64]) throws(StoreError) -> [Int64: Instant?] {
        let connection = connection
        return try connection.reading { () throws(StoreError) in
            var ends: [Int64: Instant?] = [:]
            for id in ids {
                let found = try connection.rows("SELECT ended_at FROM attempt WHERE id = ?", [.integer(id)]) {
                    $0.optionalInstant(0)
                }
                if let end = found.first { ends[id] = .some(end) }
            }
            return ends
        }
    }
}

extension SQLiteStore {
    public func prune(_ order: PruneOrder, limit: Int) throws(StoreError) -> PruneStep {
        let (connection, epoch) = (connection, epoch)
        return try connection.transaction { () throws(StoreError) in
            try Self.check(epoch, connection)
            var step = PruneStep()
            var left = limit
            for run in order.runs {
                let mayGo = try connection.integer(
                    "SELECT 1 FROM run WHERE run.id = ? AND run.ended_at = ? AND \(Prune.mayGo)",
                    .integer(run.id), SQLiteValue(run.endedAt))
                guard mayGo != nil else { continue }
                guard left > 0, try Self.remove(run.id, connection, &left, &step) else {
                    step.isComplete = false
                    break
                }
            }
            for backfill in order.backfills { try Self.remove(backfill: backfill, connection, &step) }
            for version in order.versions {
                step.summary.versions += try connection.execute(
                    "DELETE FROM dag_version WHERE id = ? AND \(Prune.isUnusedVersion)", .integer(version))
            }
            if let through = order.auditThrough {
                step.summary.auditEntries = try connection.execute(
                    "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id <= ? ORDER BY id LIMIT ?)",
                    .integer(through), .integer(Int64(max(1, left))))
                if step.summary.auditEntries >= max(1, left) { step.isComplete = false }
            }
            step.summary.attempts = step.attempts.count
            return step
        }
    }

    /// Removes a run, instance by instance, each with its attempts: a run with thousands of them takes several steps, and
    /// is a sound one between them.
    ///
    /// - Returns: false when the limit came first.
    private static func remove(
        _ run: Int64, _ connection: SQLiteConnection, _ left: inout Int, _ step: inout PruneStep
    ) throws(StoreError) -> Bool {
        let instances = try connection.rows(
            "SELECT run, task_id, map_index FROM task_instance WHERE run = ? LIMIT ?",
            [.integer(run), .integer(Int64(left) + 1)]
        ) { $0.key(0) }
        for instance in instances {
            guard left > 0 else { return false }
            let key: [SQLiteValue] = [
                .integer(instance.run), .text(instance.taskID), .integer(Int64(instance.mapIndex)),
            ]
            let attempts = try connection.rows(
                "SELECT id FROM attempt WHERE run = ? AND task_id = ? AND map_index = ?", key
            ) { $0.integer(0) }
            try connection.execute(
                "DELETE FROM task_instance WHERE run = ? AND task_id = ? AND map_index = ?", key[0], key[1], key[2])
            step.attempts += attempts
            left -= 1 + attempts.count
        }
        guard left > 0 else { return false }
        let backfills = try connection.rows(
            "SELECT DISTINCT backfill FROM backfill_run WHERE run = ?", [.integer(run)]
        ) { $0.integer(0) }
        try connection.execute("DELETE FROM run WHERE id = ?", .integer(run))
        for backfill in backfills { try remove(backfill: backfill, connection, &step) }
        step.summary.runs += 1
        left -= 1
        return true
    }

    private static func remove(
        backfill: Int64, _ connection: SQLiteConnection, _ step: inout PruneStep
    ) throws(StoreError) {
        step.summary.backfills += try connection.execute(
            "DELETE FROM backfill WHERE id = ? AND \(Prune.isEmptyBackfill)", .integer(backfill))
    }
}

import SQLite
import SchedulerCore
import Store
import Testing

@testable import SQLiteStore

/// The rules of the tables themselves: they hold whatever program writes.
@Suite struct SchemaTests {
    private let folder: TemporaryDirectory
    private let store: SQLiteStore

    /// One row in each table, written by the store.
    init() throws {
        folder = try TemporaryDirectory()
        store = try SQLiteStore(path: folder.path + "/weir.db")
        try store.commit([
            .insertVersion(Sample.version()), .putDAG(Sample.dag()), .insertRun(Sample.run(1)),
            .insertTaskInstance(Sample.instance(1)), .insertAttempt(Sample.attempt(1)),
            .insertBackfill(Sample.backfill(1), [Sample.entry(1, 1, run: 1)]),
            .putPool(Pool(name: "p", slots: 1)),
            .audit(AuditEntry(at: Sample.day(1), actor: "ann", action: "trigger", subject: "daily")),
            .setFileErrors(
                file: "a", errors: [FileError(line: 1, column: 1, path: "$", code: "c", message: "m")],
                at: Sample.day(1)),
        ])
    }

    @Test(arguments: [
        "UPDATE run SET state = 'dreaming'", "UPDATE run SET type = 'hourly'", "UPDATE run SET state = 'success'",
        "UPDATE run SET ended_at = 1", "UPDATE run SET interval_end = interval_start - 1",
        "UPDATE run SET is_rerun = 2",
        "UPDATE run SET dag_id = 'none'", "UPDATE run SET version = 9", "UPDATE run SET params = NULL",
        "UPDATE dag SET paused = 2", "UPDATE dag SET active = -1", "UPDATE dag SET version = 9",
        "UPDATE dag SET first_seen = 'yesterday'", "UPDATE dag_version SET text = NULL",
        "UPDATE task_instance SET state = 'x'", "UPDATE task_instance SET state = 'running'",
        "UPDATE task_instance SET next_try_at = 1", "UPDATE task_instance SET state = 'up_for_retry'",
        "UPDATE task_instance SET try_number = -1", "UPDATE task_instance SET run = 2",
        "INSERT INTO task_instance SELECT run, position, 'other', map_index, state, try_number, max_tries, "
            + "lost_in_a_row, next_try_at, started_at, ended_at, attempt, outputs, reason, waiting_since "
            + "FROM task_instance",
        "UPDATE pool SET slots = -1", "INSERT INTO pool VALUES ('p', 'many', '')", "UPDATE run SET is_expired = 2",
        "UPDATE run SET missed_deadline = 2", "UPDATE task_instance SET state = 'deferred'",
        "UPDATE attempt SET state = 'x'", "UPDATE attempt SET state = 'success'", "UPDATE attempt SET ended_at = 1",
        "UPDATE attempt SET intent = 'x'", "UPDATE attempt SET task_id = 'none'", "UPDATE attempt SET rendered = NULL",
        "UPDATE backfill SET state = 'paused'", "UPDATE backfill SET state = 'success'",
        "UPDATE backfill SET ended_at = 1", "UPDATE backfill SET reprocess = 'some'", "UPDATE backfill SET reverse = 2",
        "UPDATE backfill SET paused = 2", "UPDATE backfill SET paused = 1, state = 'failed', ended_at = 1",
        "UPDATE backfill SET max_active = 0", "UPDATE backfill SET to_date = from_date - 1",
        "UPDATE backfill SET dag_id = 'none'", "UPDATE backfill_run SET disposition = 'x'",
        "UPDATE backfill_run SET run = 9", "UPDATE backfill_run SET backfill = 9", "INSERT INTO meta VALUES (2, 1, 1)",
        "INSERT INTO meta VALUES (1, 1, 1)", "UPDATE meta SET clean = 2", "DELETE FROM dag", "DELETE FROM dag_version",
        "UPDATE audit_log SET actor = NULL", "UPDATE dag_file_error SET line = 'two'",
    ])
    func refuses(sql: String) throws {
        let connection = store.connection
        let error = failure { () throws(StoreError) in try connection.run(sql) }
        #expect(error?.code == .conflict, "\(error?.message ?? "it was done")")
    }

    /// What the words of a column are, and that the table knows each.
    @Test func knowsEveryWord() throws {
        try store.connection.run("PRAGMA foreign_keys = ON")
        for state in RunState.allCases {
            try store.connection.run(
                "UPDATE run SET state = '\(state.rawValue)', ended_at = \(state.isFinal ? "1" : "NULL")")
        }
        for type in RunType.allCases { try store.connection.run("UPDATE run SET type = '\(type.rawValue)'") }
        for state in TaskState.allCases {
            try store.connection.run(
                """
                UPDATE task_instance SET attempt = 1, state = '\(state.rawValue)',
                next_try_at = \(state == .upForRetry || state == .deferred ? "1" : "NULL")
                """)
        }
        for state in AttemptState.allCases {
            try store.connection.run(
                "UPDATE attempt SET state = '\(state.rawValue)', ended_at = \(state == .running ? "NULL" : "1")")
        }
        for state in BackfillState.allCases {
            try store.connection.run(
                "UPDATE backfill SET state = '\(state.rawValue)', ended_at = \(state == .running ? "NULL" : "1")")
        }
    }

    @Test func whatBelongsToARunGoesWithIt() throws {
        try store.connection.run("DELETE FROM run")
        for table in ["task_instance", "attempt", "backfill_run"] {
            #expect(try store.connection.integer("SELECT count(*) FROM \(table)") == 0)
        }
    }

    /// Of `attempt` the last row is read, from its end.
    @Test func lookingWhetherARunMayGoReadsNoWholeTable() throws {
        let sql = "SELECT 1 FROM run WHERE run.id = 1 AND \(Prune.mayGo)"
        let plan = try store.connection.rows("EXPLAIN QUERY PLAN " + sql) { $0.text(3) }
        #expect(plan.filter { $0.hasPrefix("SCAN") } == ["SCAN attempt"], "\(plan)")
        #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
    }

    /// A plan that reads a whole table grows with the history.
    @Test(arguments: [
        "SELECT coalesce(max(position), 0) + 1 FROM task_instance WHERE run = 1",
        "SELECT \(Columns.instance) FROM task_instance WHERE run = 1 ORDER BY position",
        "SELECT \(Columns.run) FROM run INDEXED BY run_unfinished WHERE state IN ('queued', 'running') ORDER BY id",
        "SELECT \(Columns.attempt) FROM attempt WHERE state = 'running' ORDER BY id",
        "SELECT \(Columns.run) FROM run ORDER BY run.logical_date DESC, run.id DESC LIMIT 9",
        "SELECT DISTINCT backfill FROM backfill_run WHERE run = 1",
        "SELECT 1 FROM run WHERE run.version = 1", "DELETE FROM kept_answer WHERE at < 1",
        "SELECT answer FROM kept_answer WHERE caller = 'a' AND key = 'b'",
        "SELECT \(Columns.instance) FROM task_instance INDEXED BY task_by_state WHERE state NOT IN "
            + "('success', 'none', 'removed', 'skipped') AND state = 'failed' AND (run, position) < (9, 9) "
            + "ORDER BY run DESC, position DESC LIMIT 9",
        "SELECT \(Columns.run) FROM run WHERE run.dag_id = 'a' ORDER BY run.logical_date DESC, run.id DESC LIMIT 9",
    ])
    func plansUseAnIndex(sql: String) throws {
        let plan = try store.connection.rows("EXPLAIN QUERY PLAN " + sql) { $0.text(3) }
        #expect(plan.allSatisfy { $0.contains("INDEX") || $0.contains("PRIMARY KEY") }, "\(plan)")
        #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
    }
}

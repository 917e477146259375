import CSQLite
import Glibc
import SQLite
import SchedulerCore
import Store

/// Names that the store knows, for completion while somebody types: quick, and without a trace. Where there is no store, or
/// none in this format, making one throws.
public final class SQLiteNames {
    public struct DAGName: Sendable, Hashable {
        public var id: String
        /// Of the DAG folder.
        public var file: String
        /// False: its file was removed.
        public var isActive: Bool
        public var isPaused: Bool
    }

    public struct RunName: Sendable, Hashable {
        /// Of the row.
        public var row: Int64
        public var runID: String
        public var type: String
        public var state: String
        public var logicalDate: Instant
    }

    private let connection: SQLiteConnection

    /// Nobody waits longer for a name than for a letter.
    private static let busyTimeoutMilliseconds: Int32 = 20

    /// So many of the newest runs of a DAG are looked through, at most: some 20 ms.
    private static let searchedRuns = 20_000

    /// Opens a database for reading only: no file is made, changed or removed.
    public init(path: String) throws(StoreError) {
        guard access(path, F_OK) == 0 else { throw StoreError(.missing, "\(path) does not exist") }
        connection = try SQLiteConnection.glancing(path)
        connection.setBusyTimeout(milliseconds: Self.busyTimeoutMilliseconds)
        let version = try connection.integer("PRAGMA user_version") ?? 0
        guard version == Schema.migrations.count else { throw StoreError(.missing, "\(path) has another format") }
    }

    /// By id.
    public func dags() throws(StoreError) -> [DAGName] {
        try connection.rows("SELECT id, file, active, paused FROM dag ORDER BY id") {
            DAGName(id: $0.text(0), file: $0.text(1), isActive: $0.integer(2) == 1, isPaused: $0.integer(3) == 1)
        }
    }

    /// The file of a DAG as it was last seen to be valid.
    public func text(ofDAG dag: String) throws(StoreError) -> String? {
        try connection.rows(
            "SELECT text FROM dag_version WHERE id = (SELECT version FROM dag WHERE id = ?)", [.text(dag)]
        ) { $0.text(0) }.first
    }

    /// Runs of a DAG, newest first; among its newest 20,000 of these dates.
    ///
    /// - Parameters:
    ///   - prefix: how their ids begin, or what follows the `__` in them.
    ///   - from: the first logical date.
    ///   - to: the last.
    public func runs(
        ofDAG dag: String, prefix: String = "", from: Instant? = nil, to: Instant? = nil, limit: Int
    ) throws(StoreError) -> [RunName] {
        try connection.rows(
            """
            SELECT id, run_id, type, state, logical_date FROM run
            WHERE dag_id = ?1 AND logical_date <= ?4 AND logical_date >= max(?3, coalesce((
                    SELECT logical_date FROM run WHERE dag_id = ?1 AND logical_date <= ?4
                    ORDER BY logical_date DESC LIMIT 1 OFFSET \(Self.searchedRuns)), ?3))
                AND (substr(run_id, 1, length(?2)) = ?2 OR instr(run_id, '__' || ?2) > 0)
            ORDER BY logical_date DESC, id DESC LIMIT ?5
            """,
            [
                .text(dag), .text(prefix), .integer(from?.microseconds ?? .min), .integer(to?.microseconds ?? .max),
                .integer(Int64(limit)),
            ]
        ) {
            RunName(
                row: $0.integer(0), runID: $0.text(1), type: $0.text(2), state: $0.text(3), logicalDate: $0.instant(4))
        }
    }

    /// The tasks of a run with their states, in the order of the DAG file; notifications are left out.
    public func tasks(
        ofRun run: Int64, limit: Int
    ) throws(StoreError) -> [(key: TaskInstanceKey, state: String)] {
        try connection.rows(
            """
            SELECT task_id, map_index, state FROM task_instance
            WHERE run = ? AND instr(task_id, ':') = 0 AND state <> 'removed' ORDER BY position LIMIT ?
            """, [.integer(run), .integer(Int64(limit))]
        ) {
            (TaskInstanceKey(run: run, taskID: $0.text(0), mapIndex: Int($0.integer(1))), $0.text(2))
        }
    }

    public func pools() throws(StoreError) -> [Pool] { try connection.pools() }

    /// Newest first.
    public func backfills(limit: Int) throws(StoreError) -> [(id: Int64, dag: String, state: String)] {
        try connection.rows("SELECT id, dag_id, state FROM backfill ORDER BY id DESC LIMIT ?", [.integer(Int64(limit))])
        {
            ($0.integer(0), $0.text(1), $0.text(2))
        }
    }
}

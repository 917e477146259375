import SQLite
import SchedulerCore
import Store

/// The store: one SQLite database in WAL mode. `synchronous=FULL`: a commit that was answered survives a power loss.
///
/// Opening it takes the next epoch; a store whose epoch was taken by another one since is fenced and writes nothing more.
public final class SQLiteStore: Store {
    let connection: SQLiteConnection
    /// This writer's number; a higher one in the database means that another daemon has taken over.
    public let epoch: Int64

    private let checkpointer: Checkpointer

    /// Opens the database for writing; makes and migrates it when needed. One that was not closed by its last writer is
    /// looked through first, and refused when it is damaged.
    public convenience init(path: String, hooks: StoreHooks = StoreHooks()) throws(StoreError) {
        try self.init(path: path, busyTimeoutMilliseconds: SQLiteConnection.busyTimeoutMilliseconds, hooks: hooks)
    }

    init(
        path: String, busyTimeoutMilliseconds: Int32, hooks: StoreHooks = StoreHooks()
    ) throws(StoreError) {
        // While it is opened nobody waits for answers: another process may hold it a little longer.
        let connection = try SQLiteConnection.writing(path, busyTimeoutMilliseconds: busyTimeoutMilliseconds * 3)
        try connection.run("PRAGMA journal_size_limit = \(Checkpointer.keptBytes)")
        try Self.lookThrough(connection, hooks)
        try Schema.migrate(connection, atPoint: hooks.point)
        // One transaction: of two that open at once, each gets a number of its own.
        epoch = try connection.transaction { () throws(StoreError) in
            try connection.execute("UPDATE meta SET epoch = epoch + 1, clean = 0")
            return try connection.integer("SELECT epoch FROM meta") ?? 0
        }
        connection.setBusyTimeout(milliseconds: busyTimeoutMilliseconds)
        checkpointer = Checkpointer(path: path, note: hooks.note)
        connection.onCommit(tell: checkpointer)
        self.connection = connection
    }

    /// How often the log was copied into the database; for tests.
    var checkpoints: Int { checkpointer.count }

    deinit {
        connection.onCommit(tell: nil)
        checkpointer.stop()
    }

    /// After a writer that was killed, or a power loss, the pages of the database are checked before anything uses them.
    ///
    /// Without the CHECKs of the rows: SQLite builds the list of an IN anew for each row, which is nine tenths of the time.
    /// They held when a row was written, who reads one refuses a word that is none, and `weir db check` looks at them.
    private static func lookThrough(_ connection: SQLiteConnection, _ hooks: StoreHooks) throws(StoreError) {
        guard try Schema.version(of: connection) >= Schema.knowsCleanStop,
            try connection.integer("SELECT clean FROM meta") == 0
        else { return }
        hooks.note("the last Weir did not stop in good order; looking through the store")
        try connection.run("PRAGMA ignore_check_constraints = ON")
        let damage = try StoreCheck.damage(of: connection, "quick_check")
        try connection.run("PRAGMA ignore_check_constraints = OFF")
        guard let first = damage.first else { return }
        let more = damage.count > 1 ? " (and \(damage.count - 1) more)" : ""
        throw StoreError(.corrupt, "\(connection.path) is damaged: \(first)\(more); \(SQLiteConnection.damageRemedy)")
    }

    static func check(_ epoch: Int64, _ connection: SQLiteConnection) throws(StoreError) {
        guard try connection.integer("SELECT epoch FROM meta") == epoch else {
            throw StoreError(.fenced, "\(connection.path): another daemon has taken this state directory over")
        }
    }

    public func commit(_ changes: [Change]) throws(StoreError) {
        let (connection, epoch) = (connection, epoch)
        try connection.transaction { () throws(StoreError) in
            try Self.check(epoch, connection)
            for change in changes { try Self.apply(change, connection) }
        }
    }

    public func close() throws(StoreError) {
        checkpointer.stop()
        try connection.execute("UPDATE meta SET clean = 1 WHERE epoch = ?", .integer(epoch))
    }

    public func snapshot() throws(StoreError) -> Snapshot {
        try connection.snapshot()
    }

    public func taskInstances(ofRun run: Int64) throws(StoreError) -> [TaskInstance] {
        try connection.taskInstances(ofRun: run)
    }

    public func intervalRuns(dag: String, from: Instant, to: Instant) throws(StoreError) -> [Run] {
        try connection.rows(
            """
            SELECT \(Columns.run) FROM run INDEXED BY run_of_interval
            WHERE dag_id = ? AND logical_date BETWEEN ? AND ? AND type IN ('scheduled', 'backfill') ORDER BY logical_date
            """, [.text(dag), SQLiteValue(from), SQLiteValue(to)]
        ) { row throws(StoreError) in try row.run() }
    }

    public func intervalRun(dag: String, before: Instant) throws(StoreError) -> Run? {
        try connection.rows(
            """
            SELECT \(Columns.run) FROM run INDEXED BY run_of_interval
            WHERE dag_id = ? AND logical_date < ? AND type IN ('scheduled', 'backfill')
            ORDER BY logical_date DESC LIMIT 1
            """, [.text(dag), SQLiteValue(before)]
        ) { row throws(StoreError) in try row.run() }.first
    }

    public func keptAnswer(caller: String, key: String) throws(StoreError) -> KeptAnswer? {
        try connection.rows(
            "SELECT caller, key, fingerprint, answer, at FROM kept_answer WHERE caller = ? AND key = ?",
            [.text(caller), .text(key)]
        ) { row throws(StoreError) in
            KeptAnswer(
                caller: row.text(0), key: row.text(1), fingerprint: row.text(2), answer: row.text(3),
                at: Instant(microseconds: row.integer(4)))
        }.first
    }

    public func run(dag: String, runID: String) throws(StoreError) -> Run? {
        try connection.run(dag: dag, runID: runID)
    }

    public func backfillRecord(_ id: Int64) throws(StoreError) -> Backfill? {
        try connection.rows("SELECT \(Columns.backfill) FROM backfill WHERE id = ?", [.integer(id)]) {
            row throws(StoreError) in try row.backfill()
        }.first
    }

    public func version(_ id: Int64) throws(StoreError) -> DAGVersionRecord? { try connection.version(id) }

    public func version(dag: String, sha256: String) throws(StoreError) -> DAGVersionRecord? {
        try connection.rows(
            "SELECT \(Columns.version) FROM dag_version WHERE dag_id = ? AND sha256 = ?", [.text(dag), .text(sha256)]
        ) { $0.version() }.first
    }
}

extension SQLiteConnection {
    func run(dag: String, runID: String) throws(StoreError) -> Run? {
        try rows(
            "SELECT \(Columns.run) FROM run WHERE dag_id = ? AND run_id = ?", [.text(dag), .text(runID)]
        ) { row throws(StoreError) in try row.run() }.first
    }

    func version(_ id: Int64) throws(StoreError) -> DAGVersionRecord? {
        try rows("SELECT \(Columns.version) FROM dag_version WHERE id = ?", [.integer(id)]) { $0.version() }.first
    }

    func taskInstances(ofRun run: Int64) throws(StoreError) -> [TaskInstance] {
        try rows(
            "SELECT \(Columns.instance) FROM task_instance WHERE run = ? ORDER BY position", [.integer(run)]
        ) { row throws(StoreError) in try row.instance() }
    }
}

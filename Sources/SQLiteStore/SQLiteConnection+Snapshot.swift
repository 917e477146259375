import SQLite
import SchedulerCore
import Store

/// Reading what is not finished.
extension SQLiteConnection {
    /// Of one moment.
    func snapshot() throws(StoreError) -> Snapshot {
        try reading { () throws(StoreError) in try readSnapshot() }
    }

    private func readSnapshot() throws(StoreError) -> Snapshot {
        var snapshot = Snapshot()
        snapshot.dags = try rows("SELECT \(Columns.dag) FROM dag ORDER BY id") { $0.dag() }
        snapshot.runs = try rows(
            "SELECT \(Columns.run) FROM run INDEXED BY run_unfinished WHERE state IN ('queued', 'running') ORDER BY id"
        ) { row throws(StoreError) in try row.run() }
        let needed = Set(snapshot.dags.map(\.version) + snapshot.runs.map(\.version))
        for id in needed.sorted() {
            snapshot.versions += try rows(
                "SELECT \(Columns.version) FROM dag_version WHERE id = ?", [.integer(id)]
            ) { $0.version() }
        }
        for run in snapshot.runs { snapshot.instances += try taskInstances(ofRun: run.id) }
        snapshot.attempts = try rows(
            "SELECT \(Columns.attempt) FROM attempt WHERE state = 'running' ORDER BY id"
        ) { row throws(StoreError) in try row.attempt() }
        snapshot.backfills = try rows(
            "SELECT \(Columns.backfill) FROM backfill WHERE state = 'running' ORDER BY id"
        ) { row throws(StoreError) in try row.backfill() }
        for backfill in snapshot.backfills {
            snapshot.backfillEntries += try rows(
                "SELECT \(Columns.entry) FROM backfill_run WHERE backfill = ? ORDER BY ordinal", [.integer(backfill.id)]
            ) { row throws(StoreError) in try row.entry() }
            let ended = try rows(
                """
                SELECT run.id, run.state FROM backfill_run JOIN run ON run.id = backfill_run.run
                WHERE backfill_run.backfill = ? AND run.state NOT IN ('queued', 'running')
                """, [.integer(backfill.id)]
            ) { row throws(StoreError) in (row.integer(0), try row.word(1, RunState.self)) }
            for (run, state) in ended { snapshot.endedBackfillRuns[run] = state }
        }
        for dag in snapshot.dags {
            let taken = try rows(
                """
                SELECT logical_date FROM run INDEXED BY run_of_interval
                WHERE dag_id = ? AND logical_date >= ? AND type IN ('scheduled', 'backfill')
                AND state NOT IN ('queued', 'running') ORDER BY logical_date
                """, [.text(dag.id), .integer(dag.cursor?.microseconds ?? .min)]
            ) { $0.instant(0) }
            if !taken.isEmpty { snapshot.takenDates[dag.id] = taken }
        }
        snapshot.filesInError = try rows("SELECT DISTINCT file FROM dag_file_error ORDER BY file") {
            $0.text(0)
        }
        snapshot.pools = try pools()
        snapshot.nextRun = try next("run")
        snapshot.nextAttempt = try next("attempt")
        snapshot.nextBackfill = try next("backfill")
        snapshot.nextVersion = try next("dag_version")
        return snapshot
    }

    func pools() throws(StoreError) -> [Pool] {
        try rows("SELECT name, slots, description FROM pool ORDER BY name") {
            Pool(name: $0.text(0), slots: Int($0.integer(1)), description: $0.text(2))
        }
    }

    private func next(_ table: String) throws(StoreError) -> Int64 {
        (try integer("SELECT max(id) FROM \(table)") ?? 0) + 1
    }
}

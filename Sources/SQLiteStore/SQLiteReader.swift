import CSQLite
import Glibc
import SQLite
import SchedulerCore
import Store

/// A read-only view of the store, beside a running daemon or without one. Each query sees one moment.
public final class SQLiteReader: StoreReader {
    let connection: SQLiteConnection

    /// - Throws: `.missing` when there is no database yet.
    public init(path: String) throws(StoreError) {
        guard access(path, F_OK) == 0 else {
            throw StoreError(.missing, "\(path) does not exist: nothing has run here yet")
        }
        connection = try SQLiteConnection.reading(path)
        try connection.run("PRAGMA query_only = ON")
        let version = try connection.integer("PRAGMA user_version") ?? 0
        guard version <= Schema.migrations.count else {
            throw StoreError(.tooNew, "\(path) has format \(version), made by a newer Weir: use the newer program")
        }
        guard version == Schema.migrations.count else {
            throw StoreError(
                .missing, "\(path) has an old format: `weir db migrate`, or a start of the daemon, brings it up to date"
            )
        }
    }

    public func snapshot() throws(StoreError) -> Snapshot { try connection.snapshot() }

    public func dags() throws(StoreError) -> [DAGSummary] {
        try connection.reading { () throws(StoreError) in
            try summaries("ORDER BY id", [])
        }
    }

    public func dag(_ id: String) throws(StoreError) -> DAGSummary? {
        try connection.reading { () throws(StoreError) in
            try summaries("WHERE id = ?", [.text(id)]).first
        }
    }

    private func summaries(_ filter: String, _ values: [SQLiteValue]) throws(StoreError) -> [DAGSummary] {
        let connection = connection
        let records = try connection.rows("SELECT \(Columns.dag) FROM dag \(filter)", values) { $0.dag() }
        // Together: each of many DAGs would look through all runs that are not finished.
        let counts = try connection.rows(
            """
            SELECT dag_id, count(*) FROM run INDEXED BY run_unfinished WHERE state IN ('queued', 'running')
            GROUP BY dag_id
            """, []
        ) { ($0.text(0), Int($0.integer(1))) }
        let active = Dictionary(counts, uniquingKeysWith: { first, _ in first })
        let failures = try failures(of: records.count == 1 ? records.first?.id : nil)
        var summaries: [DAGSummary] = []
        for record in records {
            let failed = failures[record.id]
            summaries.append(
                DAGSummary(
                    record: record,
                    lastRun: try runs(RunQuery(dag: record.id, types: RunType.ofData, limit: 1)).first,
                    latestRun: try latestRun(of: record.id), activeRuns: active[record.id] ?? 0,
                    failedRuns: failed?.count ?? 0,
                    lastFailure: try failed.flatMap { failed throws(StoreError) in try run(failed.last) }))
        }
        return summaries
    }

    private func latestRun(of dag: String) throws(StoreError) -> Run? {
        try connection.rows(
            """
            SELECT \(Columns.run) FROM run INDEXED BY run_by_creation WHERE dag_id = ? AND type IN (\(Self.ofData))
            ORDER BY id DESC LIMIT 1
            """, [.text(dag)]
        ) { row throws(StoreError) in try row.run() }.first
    }

    private static let ofData = RunType.ofData.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")

    /// Whether a later run of the same logical date has succeeded.
    private static let isMadeGood = """
        EXISTS (
            SELECT 1 FROM run AS later INDEXED BY run_by_date WHERE later.dag_id = run.dag_id
            AND later.logical_date = run.logical_date AND later.id > run.id AND later.state = 'success'
            AND later.type IN (\(ofData)))
        """

    /// How many runs of each DAG have failed and stand so, and the one that ended last.
    private func failures(of dag: String?) throws(StoreError) -> [String: (count: Int, last: Int64)] {
        var found: [String: (count: Int, last: Int64)] = [:]
        let rows = try connection.rows(
            """
            SELECT dag_id, id FROM run INDEXED BY run_failed WHERE state = 'failed' \(dag == nil ? "" : "AND dag_id = ?")
            AND NOT \(Self.isMadeGood)
            ORDER BY dag_id, ended_at, id
            """, dag.map { [.text($0)] } ?? []
        ) { ($0.text(0), $0.integer(1)) }
        for (dag, run) in rows { found[dag] = ((found[dag]?.count ?? 0) + 1, run) }
        return found
    }

    public func version(_ id: Int64) throws(StoreError) -> DAGVersionRecord? {
        try connection.version(id)
    }

    public func versions(dag: String, before: Int64?, limit: Int) throws(StoreError) -> [DAGVersionRecord] {
        try connection.rows(
            "SELECT \(Columns.version) FROM dag_version WHERE dag_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
            [.text(dag), .integer(before ?? .max), .integer(Int64(max(0, limit)))]
        ) { $0.version() }
    }

    public func runs(_ query: RunQuery) throws(StoreError) -> [Run] {
        guard query.dag == nil, query.states.count > 1 else { return try runsInOrder(query) }
        // An index gives the runs of one state in order, not those of several.
        return try connection.reading { () throws(StoreError) in
            var found: [Run] = []
            for state in query.states {
                var one = query
                one.states = [state]
                found += try runsInOrder(one)
            }
            return Array(
                found.sorted { query.isInOrder(query.place($0), query.place($1)) }.prefix(max(0, query.limit)))
        }
    }

    private func runsInOrder(_ query: RunQuery) throws(StoreError) -> [Run] {
        var conditions: [String] = []
        var values: [SQLiteValue] = []
        if let dag = query.dag {
            conditions.append("run.dag_id = ?")
            values.append(.text(dag))
        }
        func anyOf(_ column: String, _ words: [String]) {
            guard !words.isEmpty else { return }
            conditions.append("\(column) IN (\(words.map { _ in "?" }.joined(separator: ", ")))")
            values += words.map { .text($0) }
        }
        // The runs of one DAG are few, and looked through in their order; those of all are found by their state.
        anyOf(query.dag == nil ? "run.state" : "+run.state", query.states.map(\.rawValue).sorted())
        anyOf("run.type", query.types.map(\.rawValue).sorted())
        if let from = query.from {
            conditions.append("run.logical_date >= ?")
            values.append(SQLiteValue(from))
        }
        if let to = query.to {
            conditions.append("run.logical_date <= ?")
            values.append(SQLiteValue(to))
        }
        if let backfill = query.backfill {
            conditions.append("run.id IN (SELECT run FROM backfill_run WHERE backfill = ?)")
            values.append(.integer(backfill))
        }
        if query.failuresThatStand { conditions.append("(run.state <> 'failed' OR NOT \(Self.isMadeGood))") }
        if let after = query.after {
            conditions.append("(\(query.order.column), run.id) \(query.isRising ? ">" : "<") (?, ?)")
            values += [.integer(after.value), .integer(after.id)]
        }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        values.append(.integer(Int64(max(0, query.limit))))
        let direction = query.isRising ? "ASC" : "DESC"
        return try connection.rows(
            "SELECT \(Columns.run) FROM run \(filter) ORDER BY \(query.order.column) \(direction), run.id \(direction) LIMIT ?",
            values
        ) { row throws(StoreError) in try row.run() }
    }

    public func run(dag: String, runID: String) throws(StoreError) -> Run? {
        try connection.run(dag: dag, runID: runID)
    }

    public func run(_ id: Int64) throws(StoreError) -> Run? {
        try connection.rows("SELECT \(Columns.run) FROM run WHERE id = ?", [.integer(id)]) {
            row throws(StoreError) in try row.run()
        }.first
    }

    public func taskInstances(ofRun run: Int64) throws(StoreError) -> [TaskInstance] {
        try connection.taskInstances(ofRun: run)
    }

    public func attempts(of instance: TaskInstanceKey) throws(StoreError) -> [Attempt] {
        try connection.rows(
            "SELECT \(Columns.attempt) FROM attempt WHERE run = ? AND task_id = ? AND map_index = ? ORDER BY id",
            [.integer(instance.run), .text(instance.taskID), .integer(Int64(instance.mapIndex))]
        ) { row throws(StoreError) in try row.attempt() }
    }

    public func backfill(_ id: Int64) throws(StoreError) -> BackfillProgress? {
        try progress("WHERE id = ?", [.integer(id)]).first
    }

    public func backfills(dag: String?, before: Int64?, limit: Int) throws(StoreError) -> [BackfillProgress] {
        try progress(
            "WHERE (?1 IS NULL OR dag_id = ?1) AND id < ?2 ORDER BY id DESC LIMIT ?3",
            [SQLiteValue(dag), .integer(before ?? .max), .integer(Int64(max(0, limit)))])
    }

    private func progress(_ filter: String, _ values: [SQLiteValue]) throws(StoreError) -> [BackfillProgress] {
        try connection.reading { () throws(StoreError) in
            let found = try connection.rows("SELECT \(Columns.backfill) FROM backfill \(filter)", values) {
                row throws(StoreError) in try row.backfill()
            }
            var all: [BackfillProgress] = []
            for backfill in found { all.append(try progress(backfill)) }
            return all
        }
    }

    private func progress(_ backfill: Backfill) throws(StoreError) -> BackfillProgress {
        let counted = try connection.rows(
            """
            SELECT run.state, backfill_run.disposition, count(*) FROM backfill_run
            JOIN run ON run.id = backfill_run.run WHERE backfill_run.backfill = ? GROUP BY 1, 2
            """, [.integer(backfill.id)]
        ) { row throws(StoreError) in
            (try row.word(0, RunState.self), try row.word(1, BackfillEntry.Disposition.self), Int(row.integer(2)))
        }
        var progress = BackfillProgress(backfill: backfill, runs: [:], dispositions: [:])
        let mean = try connection.rows(
            """
            SELECT sum(ended_at - started_at) / count(*) FROM backfill_run JOIN run ON run.id = backfill_run.run
            WHERE backfill_run.backfill = ? AND disposition <> 'kept' AND ended_at IS NOT NULL AND started_at IS NOT NULL
            """, [.integer(backfill.id)]
        ) { $0.optionalInteger(0) }
        progress.meanDuration = mean.first?.map { TimeAmount(microseconds: $0) }
        for (state, disposition, count) in counted {
            progress.runs[state, default: 0] += count
            progress.dispositions[disposition, default: 0] += count
        }
        return progress
    }

    public func fileErrors() throws(StoreError) -> [(file: String, errors: [FileError], since: Instant)] {
        let rows = try connection.rows(
            """
            SELECT file, line, column_number, path, code, message, since FROM dag_file_error ORDER BY file, position
            """
        ) { row in
            (
                row.text(0),
                FileError(
                    line: Int(row.integer(1)), column: Int(row.integer(2)), path: row.text(3), code: row.text(4),
                    message: row.text(5)), row.instant(6)
            )
        }
        var files: [(file: String, errors: [FileError], since: Instant)] = []
        for (file, error, since) in rows {
            // By bytes: to Swift, two names that Unicode counts as equivalent are equal, but they are two files.
            if let last = files.last, last.file.utf8.elementsEqual(file.utf8) {
                files[files.count - 1].errors.append(error)
            } else {
                files.append((file, [error], since))
            }
        }
        return files
    }

    public func undelivered(since: Instant, limit: Int) throws(StoreError) -> [UndeliveredNotification] {
        try connection.reading { () throws(StoreError) in
            // The conditions are those of the index notification_undelivered.
            let instances = try connection.rows(
                """
                SELECT \(Columns.instance) FROM task_instance
                WHERE state IN ('failed', 'up_for_retry') AND instr(task_id, ':') > 0 AND ended_at >= ?
                ORDER BY ended_at DESC, run DESC, position DESC LIMIT ?
                """, [.integer(since.microseconds), .integer(Int64(max(0, limit)))]
            ) { row throws(StoreError) in try row.instance() }
            var all: [UndeliveredNotification] = []
            for instance in instances {
                let run = try connection.rows(
                    "SELECT \(Columns.run) FROM run WHERE id = ?", [.integer(instance.key.run)]
                ) { row throws(StoreError) in try row.run() }.first
                if let run { all.append(UndeliveredNotification(run: run, instance: instance)) }
            }
            return all
        }
    }

    public func auditLog(before: Int64?, limit: Int) throws(StoreError) -> [(id: Int64, entry: AuditEntry)] {
        try connection.rows(
            "SELECT at, actor, action, subject, details, id FROM audit_log WHERE id < ? ORDER BY id DESC LIMIT ?",
            [.integer(before ?? .max), .integer(Int64(max(0, limit)))]
        ) { row in
            (
                row.integer(5),
                AuditEntry(
                    at: row.instant(0), actor: row.text(1), action: row.text(2), subject: row.text(3),
                    details: row.text(4))
            )
        }
    }

    public func pools() throws(StoreError) -> [Pool] { try connection.pools() }

    public func counts() throws(StoreError) -> StoreCounts {
        try connection.reading { () throws(StoreError) in try readCounts() }
    }

    private func readCounts() throws(StoreError) -> StoreCounts {
        let connection = connection
        var counts = StoreCounts()
        func count(_ sql: String) throws(StoreError) -> Int {
            Int(try connection.integer("SELECT count(*) FROM \(sql)") ?? 0)
        }
        counts.dags = try count("dag WHERE active = 1")
        counts.queuedRuns = try count(
            "run INDEXED BY run_unfinished WHERE state IN ('queued', 'running') AND state = 'queued'")
        counts.runningRuns = try count(
            "run INDEXED BY run_unfinished WHERE state IN ('queued', 'running') AND state = 'running'")
        counts.runningAttempts = try count("attempt WHERE state = 'running'")
        counts.activeBackfills = try count("backfill WHERE state = 'running'")
        return counts
    }
}

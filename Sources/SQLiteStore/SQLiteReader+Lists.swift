import SQLite
import SchedulerCore
import Store

/// Runs and task instances for lists over many DAGs and runs.
extension SQLiteReader {
    /// States that few task instances are in at a time, or for good: the index task_by_state has them.
    private static let rare: Set<TaskState> = [
        .failed, .upstreamFailed, .cancelled, .running, .queued, .upForRetry, .deferred,
    ]
    private static let isRare = "state NOT IN ('success', 'none', 'removed', 'skipped')"
    private static let runsAtOnce = 200

    public func tasks(_ query: TaskQuery) throws(StoreError) -> [ListedTask] {
        guard query.limit > 0 else { return [] }
        return try connection.reading { () throws(StoreError) in
            guard !query.states.isEmpty, query.states.isSubset(of: Self.rare) else { return try runByRun(query) }
            var found: [ListedTask] = []
            for state in query.states { found += try inState(state, query) }
            return Array(found.sorted { $0.position > $1.position }.prefix(query.limit))
        }
    }

    public func recentRuns(of dag: String, limit: Int) throws(StoreError) -> [RecentRun] {
        try connection.rows(
            """
            SELECT run_id, state, logical_date, started_at, ended_at FROM run WHERE dag_id = ?
            ORDER BY logical_date DESC, id DESC LIMIT ?
            """, [.text(dag), .integer(Int64(max(0, limit)))]
        ) { row throws(StoreError) in
            RecentRun(
                runID: row.text(0), state: try row.word(1, RunState.self), logicalDate: row.instant(2),
                startedAt: row.optionalInstant(3), endedAt: row.optionalInstant(4))
        }
    }

    private func inState(_ state: TaskState, _ query: TaskQuery) throws(StoreError) -> [ListedTask] {
        let after = query.after ?? TaskPosition(run: .max, position: .max)
        let rows = try connection.rows(
            """
            SELECT \(Columns.instance), position FROM task_instance INDEXED BY task_by_state
            WHERE \(Self.isRare) AND state = ?1 AND (run, position) < (?2, ?3) AND run IN (
                SELECT id FROM run WHERE id = task_instance.run AND (?4 IS NULL OR dag_id = ?4)
                    AND logical_date BETWEEN ?5 AND ?6)
            ORDER BY run DESC, position DESC LIMIT ?7
            """,
            [
                .text(state.rawValue), .integer(after.run), .integer(after.position), SQLiteValue(query.dag),
                .integer(query.from?.microseconds ?? .min), .integer(query.to?.microseconds ?? .max),
                .integer(Int64(query.limit)),
            ]
        ) { row throws(StoreError) in (try row.instance(), row.integer(14)) }
        var runs: [Int64: Run] = [:]
        var found: [ListedTask] = []
        for (instance, position) in rows {
            let id = instance.key.run
            if runs[id] == nil { runs[id] = try run(id) }
            guard let run = runs[id] else { continue }
            found.append(
                ListedTask(instance: instance, run: run, position: TaskPosition(run: id, position: position)))
        }
        return found
    }

    /// Most tasks are in such a state: the first runs have enough of them.
    private func runByRun(_ query: TaskQuery) throws(StoreError) -> [ListedTask] {
        var found: [ListedTask] = []
        var next = query.after?.run ?? .max
        while found.count < query.limit {
            let runs = try connection.rows(
                """
                SELECT \(Columns.run) FROM run WHERE id <= ?1 AND (?2 IS NULL OR dag_id = ?2)
                AND logical_date BETWEEN ?3 AND ?4 ORDER BY id DESC LIMIT ?5
                """,
                [
                    .integer(next), SQLiteValue(query.dag), .integer(query.from?.microseconds ?? .min),
                    .integer(query.to?.microseconds ?? .max), .integer(Int64(Self.runsAtOnce)),
                ]
            ) { row throws(StoreError) in try row.run() }
            for run in runs where found.count < query.limit {
                let rows = try connection.rows(
                    "SELECT \(Columns.instance), position FROM task_instance WHERE run = ? ORDER BY position DESC",
                    [.integer(run.id)]
                ) { row throws(StoreError) in (try row.instance(), row.integer(14)) }
                for (instance, number) in rows where query.states.isEmpty || query.states.contains(instance.state) {
                    let position = TaskPosition(run: run.id, position: number)
                    if query.after.map({ position < $0 }) ?? true {
                        found.append(ListedTask(instance: instance, run: run, position: position))
                    }
                }
            }
            guard runs.count == Self.runsAtOnce, let last = runs.last, last.id > .min else { break }
            next = last.id - 1
        }
        return Array(found.prefix(query.limit))
    }
}

extension RunQuery.Order {
    /// As ``RunQuery/Order/value(_:)`` has it.
    var column: String {
        switch self {
        case .logicalDate: "run.logical_date"
        case .startDate: "coalesce(run.started_at, 0)"
        case .endDate: "coalesce(run.ended_at, 0)"
        case .duration: "coalesce(run.ended_at - run.started_at, 0)"
        }
    }
}

import SchedulerCore

/// Records for tests, with fields that a test can set.
enum Sample {
    /// Days after 2023-11-14.
    static func day(_ number: Int64) -> Instant { Instant(seconds: 1_700_000_000 + number * 86_400) }

    static func version(_ id: Int64 = 1, dag: String = "daily", sha256: String? = nil) -> DAGVersionRecord {
        DAGVersionRecord(
            id: id, dagID: dag, sha256: sha256 ?? "sha-\(dag)-\(id)", text: "{\"id\": \"\(dag)\"}\n",
            loadedAt: day(-1))
    }

    static func dag(
        _ id: String = "daily", version: Int64 = 1, active: Bool = true, cursor: Instant? = nil
    ) -> DAGRecord {
        DAGRecord(
            id: id, version: version, file: id + ".json", paused: false, active: active, firstSeen: day(-1),
            cursor: cursor)
    }

    static func run(
        _ id: Int64, dag: String = "daily", type: RunType = .scheduled, state: RunState = .queued, date: Int64? = nil,
        name: String? = nil, backfill: Int64? = nil
    ) -> Run {
        let start = day(date ?? id)
        return Run(
            id: id, dagID: dag, runID: name ?? "\(type)__\(id)", type: type, state: state, version: 1,
            logicalDate: start, interval: DataInterval(start: start, end: day((date ?? id) + 1)),
            runAfter: day((date ?? id) + 1), createdAt: day(100), endedAt: state.isFinal ? day(101) : nil,
            backfill: backfill)
    }

    static func instance(
        _ run: Int64, _ task: String = "load", state: TaskState = .none, mapIndex: Int = -1
    ) -> TaskInstance {
        TaskInstance(
            key: TaskInstanceKey(run: run, taskID: task, mapIndex: mapIndex), state: state,
            nextTryAt: state == .upForRetry || state == .deferred ? day(102) : nil, attempt: state == .running ? 1 : nil
        )
    }

    static func attempt(
        _ id: Int64, run: Int64 = 1, task: String = "load", state: AttemptState = .running
    ) -> Attempt {
        Attempt(
            id: id, instance: TaskInstanceKey(run: run, taskID: task), tryNumber: 1, state: state,
            createdAt: day(100), endedAt: state == .running ? nil : day(101))
    }

    static func backfill(
        _ id: Int64, dag: String = "daily", state: BackfillState = .running, from: Int64 = 1, to: Int64 = 5
    ) -> Backfill {
        Backfill(
            id: id, dagID: dag, from: day(from), to: day(to), reprocess: .failed, maxActive: 2, reverse: true,
            state: state, createdAt: day(100), endedAt: state == .running ? nil : day(101))
    }

    static func entry(
        _ backfill: Int64, _ ordinal: Int, run: Int64, _ disposition: BackfillEntry.Disposition = .created
    ) -> BackfillEntry {
        BackfillEntry(backfill: backfill, ordinal: ordinal, run: run, disposition: disposition)
    }

    /// Text that a careless layer would damage.
    static let oddText = "O'Neill \"ü\" 🚗 % ? ;\u{0}\n\tend"
}

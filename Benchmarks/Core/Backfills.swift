import Glibc
import SQLiteStore
import SchedulerCore
import Store

/// What it costs to make a backfill of ten years of days: the Scheduler's plan of 3,652 runs, and their one transaction in a
/// store on the disk. The best of several: whatever disturbs only adds.
func backfillFigures() -> [Figure] {
    var plan = Double.infinity
    var commit = Double.infinity
    var whole = Double.infinity
    for _ in 0..<5 {
        let times = tenYears()
        plan = min(plan, times.plan)
        commit = min(commit, times.commit)
        whole = min(whole, times.plan + times.commit)
    }
    return [
        Figure(name: "backfill_of_ten_years_plan_ms", value: plan / 1e6),
        Figure(name: "backfill_of_ten_years_commit_ms", value: commit / 1e6),
        Figure(name: "backfill_of_ten_years_ms", value: whole / 1e6),
    ]
}

private func tenYears() -> (plan: Double, commit: Double) {
    var template = Array("/tmp/weir-bench-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { return stop("no temporary directory can be made") }
    let folder = String(cString: made)
    defer {
        for name in ["weir.db", "weir.db-wal", "weir.db-shm"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }
    let text = #"""
        {"id":"d","schedule":"daily","start":"2010-01-01","catchup":"none","tasks":[{"id":"a","kind":"noop"}]}
        """#
    let context = DAGValidationContext(
        kinds: [KindSpec(name: "noop", summary: "", launch: .program, parameters: [])], zone: { _ in nil })
    guard let dag = DAGParser.parse(Array(text.utf8), context: context).dag,
        let from = Instant(rfc3339: "2010-01-01T00:00:00Z"), let to = Instant(rfc3339: "2019-12-31T00:00:00Z")
    else { return stop("the benchmark's DAG is no DAG") }
    let now = Instant(seconds: 1_700_000_000)
    let scheduler = Scheduler(
        configuration: .init(parallelism: 16, runsSchedules: false), snapshot: Snapshot(), now: now
    ) { _ in nil }
    scheduler.handle(
        .dagLoaded(dag, file: "d.json", text: text, sha256: "0", known: nil, occupied: []), now: now)
    let loaded = scheduler.endTurn(now: now)
    do {
        let store = try SQLiteStore(path: folder + "/weir.db")
        try store.commit(loaded.changes)
        let start = nanoseconds()
        scheduler.handle(
            .request(ticket: 1, .backfill(BackfillRequest(dag: "d", from: from, to: to), existing: []), actor: "bench"),
            now: now)
        let turn = scheduler.endTurn(now: now)
        let planned = nanoseconds()
        try store.commit(turn.changes)
        let committed = nanoseconds()
        let runs = try SQLiteReader(path: folder + "/weir.db").runs(RunQuery(limit: 10_000))
        guard runs.count == 3_652 else { return stop("there are \(runs.count) runs of ten years") }
        try store.close()
        return (Double(planned - start), Double(committed - planned))
    } catch { return stop(error.message) }
}

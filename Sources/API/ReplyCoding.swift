import Engine
import JSONText
import SchedulerCore

/// The JSON of the engine's replies, for both ends of the control socket.
enum ReplyCoding {
    static func encode(_ reply: EngineReply) -> [UInt8] {
        if case .replayed(let answer) = reply { return Array(answer.utf8) }
        var writer = JSONWriter()
        writer.object { writer in
            switch reply {
            case .done:
                writer.member("done", true)
            case .run(let run):
                writer.key("run")
                RunJSON.write(run, to: &writer)
            case .backfill(let id, let plan):
                writer.member("backfill_id", id)
                writer.key("plan")
                writer.array { writer in
                    for entry in plan {
                        writer.object {
                            $0.member("logical_date", "\(entry.logicalDate)")
                            $0.member("data_interval_start", "\(entry.interval.start)")
                            $0.member("data_interval_end", "\(entry.interval.end)")
                            $0.member("run_id", entry.runID)
                            $0.member("disposition", entry.disposition.rawValue)
                        }
                    }
                }
            case .pruned(let summary):
                writer.key("pruned")
                PruneJSON.write(summary, to: &writer)
            case .tasks(let names):
                writer.member("task_ids", names)
            case .explanation(let explanation):
                writer.key("why")
                writer.object { writer in
                    writer.member("run", explanation.run)
                    writer.key("tasks")
                    writer.object { writer in
                        for (name, why) in explanation.tasks.sorted(by: { $0.key < $1.key }) {
                            writer.member(name, why)
                        }
                    }
                }
            case .status(let status):
                writer.key("status")
                StatusJSON.write(status, to: &writer)
            case .replayed: break
            }
        }
        return writer.bytes
    }

    /// Nil when the text is not a reply of this version.
    static func decode(_ bytes: [UInt8]) -> EngineReply? {
        guard let root = (try? JSONDocument(parsing: bytes))?.root else { return nil }
        if root["done"]?.bool == true { return .done }
        if let run = root["run"] { return RunJSON.read(run).map { .run($0) } }
        if let pruned = root["pruned"] { return PruneJSON.read(pruned).map { .pruned($0) } }
        if let status = root["status"] { return StatusJSON.read(status).map { .status($0) } }
        if let why = root["why"] {
            var explanation = Explanation(run: why["run"]?.string)
            for member in why["tasks"]?.object?.members ?? [] { explanation.tasks[member.key] = member.node.string }
            return .explanation(explanation)
        }
        if let names = root["task_ids"]?.array { return .tasks(names.compactMap(\.string)) }
        if let plan = root["plan"]?.array {
            var entries: [BackfillPlanEntry] = []
            for node in plan {
                guard let date = node.instant("logical_date"), let start = node.instant("data_interval_start"),
                    let end = node.instant("data_interval_end"), let runID = node["run_id"]?.string,
                    let disposition = node["disposition"]?.string.flatMap(BackfillEntry.Disposition.init)
                else { return nil }
                entries.append(
                    BackfillPlanEntry(
                        logicalDate: date, interval: DataInterval(start: start, end: end), runID: runID,
                        disposition: disposition))
            }
            return .backfill(id: root["backfill_id"]?.integer, plan: entries)
        }
        return nil
    }
}

/// The engine's status as JSON.
public enum StatusJSON {
    /// - Parameter more: writes further members.
    public static func write(
        _ status: EngineStatus, to writer: inout JSONWriter, more: (inout JSONWriter) -> Void = { _ in }
    ) {
        writer.object {
            $0.member("pid", status.pid)
            $0.member("version", status.version)
            $0.member("started_at", "\(status.startedAt)")
            $0.member("parallelism", status.parallelism)
            $0.member("running_attempts", status.runningAttempts)
            $0.member("queued_tasks", status.queuedTasks)
            $0.member("active_runs", status.activeRuns)
            $0.member("queued_runs", status.queuedRuns)
            $0.member("stopped_because", status.stoppedBecause)
            $0.member("turns", status.counters.turns)
            $0.member("events", status.counters.events)
            $0.member("commits", status.counters.commits)
            $0.member("turn_us", status.counters.turnMicroseconds)
            $0.member("longest_turn_us", status.counters.longestTurnMicroseconds)
            $0.member("role", status.role.rawValue)
            $0.member("draining", status.isDraining)
            $0.key("pools")
            $0.array { writer in
                for pool in status.pools {
                    writer.object {
                        $0.member("name", pool.name)
                        $0.member("slots", pool.slots)
                        $0.member("used", pool.used)
                        $0.member("waiting", pool.waiting)
                        $0.member("stuck", pool.stuck)
                    }
                }
            }
            $0.key("arrivals")
            $0.array { writer in for backlog in status.arrivals { write(backlog, to: &writer) } }
            more(&$0)
        }
    }

    private static func write(_ backlog: FileBacklog, to writer: inout JSONWriter) {
        writer.object {
            $0.member("dag_id", backlog.dag)
            $0.member("files", backlog.files)
            $0.member("bytes", backlog.bytes)
            $0.member("oldest", backlog.oldest.map { "\($0)" })
            $0.member("lag_us", backlog.lag.microseconds)
            $0.member("problem", backlog.problem)
        }
    }

    private static func backlog(_ node: JSONNode) -> FileBacklog? {
        guard let dag = node["dag_id"]?.string, let files = node["files"]?.integer.flatMap({ Int(exactly: $0) }),
            let bytes = node["bytes"]?.integer
        else { return nil }
        return FileBacklog(
            dag: dag, files: files, bytes: bytes, oldest: node.instant("oldest"),
            lag: TimeAmount(microseconds: node["lag_us"]?.integer ?? 0), problem: node["problem"]?.string)
    }

    static func read(_ node: JSONNode) -> EngineStatus? {
        func whole(_ key: String) -> Int? { node[key]?.integer.flatMap { Int(exactly: $0) } }
        guard let pid = whole("pid"), let version = node["version"]?.string, let started = node.instant("started_at"),
            let parallelism = whole("parallelism"), let running = whole("running_attempts"),
            let queued = whole("queued_tasks"), let active = whole("active_runs"), let queuedRuns = whole("queued_runs")
        else { return nil }
        var counters = EngineCounters()
        counters.turns = node["turns"]?.integer ?? 0
        counters.events = node["events"]?.integer ?? 0
        counters.commits = node["commits"]?.integer ?? 0
        counters.turnMicroseconds = node["turn_us"]?.integer ?? 0
        counters.longestTurnMicroseconds = node["longest_turn_us"]?.integer ?? 0
        var pools: [PoolUse] = []
        for pool in node["pools"]?.array ?? [] {
            func count(_ key: String) -> Int? { pool[key]?.integer.flatMap { Int(exactly: $0) } }
            guard let name = pool["name"]?.string, let slots = count("slots"), let used = count("used"),
                let waiting = count("waiting"), let stuck = count("stuck")
            else { return nil }
            pools.append(PoolUse(name: name, slots: slots, used: used, waiting: waiting, stuck: stuck))
        }
        return EngineStatus(
            pid: pid, startedAt: started, version: version, parallelism: parallelism, runningAttempts: running,
            queuedTasks: queued, activeRuns: active, queuedRuns: queuedRuns,
            stoppedBecause: node["stopped_because"]?.string,
            role: node["role"]?.string.flatMap(EngineRole.init) ?? .daemon,
            isDraining: node["draining"]?.bool ?? false,
            counters: counters, pools: pools, arrivals: (node["arrivals"]?.array ?? []).compactMap(backlog))
    }
}

extension JSONNode {
    func instant(_ key: String) -> Instant? { self[key]?.string.flatMap { Instant(rfc3339: $0) } }
}

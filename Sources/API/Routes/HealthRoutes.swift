import Access
import Engine
import HTTPServer
import JSONText
import SchedulerCore
import Store

/// Health for load balancers, figures for Prometheus.
extension APIService.Data {
    func healthRoutes(_ engine: any EngineService) -> [Route] {
        let (readers, version, streams) = (readers, version, streams)
        let health = Schema.object([.required("status", .string())])
        return [
            Route(
                method: .get, path: "/health/live", name: "live", summary: "whether the process answers", role: nil,
                answer: .json(health)
            ) { _ in .json(Array(#"{"status":"ok"}"#.utf8)) },
            Route(
                method: .get, path: "/health/ready", name: "ready", summary: "whether work goes on", role: nil,
                answer: .json(health), failures: [503], lane: .slow
            ) { _ in
                let status = try Self.status(engine)
                if status.stoppedBecause != nil || status.isDraining {
                    throw Problem(503, status.isDraining ? "draining" : "the queue stands still", code: .unavailable)
                }
                return .json(Array(#"{"status":"ok"}"#.utf8))
            },
            Route(
                method: .get, path: "/metrics", name: "metrics", summary: "figures in the text format of Prometheus",
                role: .viewer, answer: .text("text/plain"), lane: .slow
            ) { _ in
                var text = MetricsText()
                let status = try Self.status(engine)
                text.add("weir_info", "gauge", "the version", [([("version", version)], 1)])
                text.add("weir_start_time_seconds", "gauge", "when the daemon started", status.startedAt.seconds1970)
                text.add("weir_parallelism", "gauge", "attempts at once over all DAGs", Double(status.parallelism))
                text.add("weir_running_attempts", "gauge", "attempts that run", Double(status.runningAttempts))
                text.add("weir_queued_tasks", "gauge", "tasks that wait for a place", Double(status.queuedTasks))
                text.add("weir_active_runs", "gauge", "runs that have started and not ended", Double(status.activeRuns))
                text.add("weir_queued_runs", "gauge", "runs that wait to start", Double(status.queuedRuns))
                text.add(
                    "weir_stopped", "gauge", "1 while the queue stands still", status.stoppedBecause == nil ? 0 : 1)
                text.add(
                    "weir_open_streams", "gauge", "streams of events and logs that are being sent", Double(streams.open)
                )
                let pools: [(name: String, help: String, value: KeyPath<PoolUse, Int>)] = [
                    ("slots", "slots of a pool", \.slots), ("used_slots", "slots that running attempts hold", \.used),
                    ("waiting_tasks", "tasks that wait for slots", \.waiting),
                ]
                for (name, help, value) in pools {
                    text.add(
                        "weir_pool_\(name)", "gauge", help,
                        status.pools.map { ([("pool", $0.name)], Double($0[keyPath: value])) })
                }
                let arrivals: [(name: String, help: String, value: (FileBacklog) -> Double)] = [
                    ("files", "files that no run of a DAG has succeeded with", { Double($0.files) }),
                    ("bytes", "bytes of those files", { Double($0.bytes) }),
                    (
                        "lag_seconds", "how long the oldest of those files has waited",
                        { Double($0.lag.microseconds) / 1_000_000 }
                    ),
                ]
                for (name, help, value) in arrivals {
                    text.add(
                        "weir_dag_arrived_\(name)", "gauge", help,
                        status.arrivals.map { ([("dag_id", $0.dag)], value($0)) })
                }
                let counters = status.counters
                text.add("weir_turns_total", "counter", "turns of the engine's loop", Double(counters.turns))
                text.add("weir_events_total", "counter", "events that it took", Double(counters.events))
                text.add("weir_commits_total", "counter", "transactions", Double(counters.commits))
                text.add(
                    "weir_turn_seconds_total", "counter", "time in turns", Double(counters.turnMicroseconds) / 1_000_000
                )
                text.add(
                    "weir_longest_turn_seconds", "gauge", "the longest turn",
                    Double(counters.longestTurnMicroseconds) / 1_000_000)
                let (counts, summaries, errors) = try readers.read { reader in
                    (try reader.counts(), try reader.dags(), try reader.fileErrors().count)
                }
                text.add("weir_dags", "gauge", "DAGs whose file is there", Double(counts.dags))
                text.add("weir_dag_errors", "gauge", "files of the DAG folder that are in error", Double(errors))
                text.add("weir_active_backfills", "gauge", "backfills that run", Double(counts.activeBackfills))
                let live = summaries.filter(\.record.active)
                text.add(
                    "weir_dag_paused", "gauge", "1 while a DAG is paused",
                    live.map { ([("dag_id", $0.record.id)], $0.record.paused ? 1 : 0) })
                text.add(
                    "weir_dag_active_runs", "gauge", "runs of a DAG that have not ended",
                    live.map { ([("dag_id", $0.record.id)], Double($0.activeRuns)) })
                text.add(
                    "weir_dag_failed_runs", "gauge", "runs of a DAG that have failed and stand so",
                    live.map { ([("dag_id", $0.record.id)], Double($0.failedRuns)) })
                text.add(
                    "weir_dag_last_run_failed", "gauge", "1 when the last run of a DAG has failed",
                    live.compactMap { summary in
                        summary.lastRun.map { ([("dag_id", summary.record.id)], $0.state == .failed ? 1 : 0) }
                    })
                text.add(
                    "weir_dag_last_success_seconds", "gauge", "when a run of a DAG has succeeded last",
                    live.compactMap { summary in
                        summary.record.succeededAt.map { ([("dag_id", summary.record.id)], $0.seconds1970) }
                    })
                return HTTPResponse(
                    headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")], body: Array(text.text.utf8)
                )
            },
        ]
    }

    private static func status(_ engine: any EngineService) throws -> EngineStatus {
        guard case .status(let status) = try engine.perform(.status, actor: "health") else {
            throw Problem(503, "the engine gave no status", code: .unavailable)
        }
        return status
    }
}

extension Instant {
    fileprivate var seconds1970: Double { Double(microseconds) / 1_000_000 }
}

/// Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
struct MetricsText {
    typealias Sample = (labels: [(name: String, value: String)], value: Double)

    private(set) var text = ""

    mutating func add(_ name: String, _ type: String, _ help: String, _ value: Double) {
        add(name, type, help, [([], value)])
    }

    mutating func add(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            text += labels.isEmpty ? name : "\(name){\(labels)}"
            text +=
                sample.value == sample.value.rounded() && abs(sample.value) < 1e15
                ? " \(Int64(sample.value))\n" : " \(sample.value)\n"
        }
    }

    private static func escaped(_ text: String) -> String {
        text.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0) }.joined()
    }
}

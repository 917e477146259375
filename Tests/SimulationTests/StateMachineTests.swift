import SchedulerCore
import Simulation
import Spawn
import Store
import Testing

/// docs/state-machine.md is the table, and the code goes by it: each cell of both of its grids is tried.
@Suite struct StateMachineTests {
    private static let states: [TaskState] = [
        .none, .queued, .running, .upForRetry, .deferred, .success, .failed, .skipped, .upstreamFailed, .cancelled,
        .removed,
    ]

    /// The cells of a grid of the page: by row, then by column.
    private static func grid(under heading: String) throws -> [String: [String: String]] {
        let path = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = String(decoding: try File.read("/\(path)/docs/state-machine.md"), as: UTF8.self)
        let part = text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0 != "## \(heading)" }
        let rows = part.dropFirst().prefix { !$0.hasPrefix("## ") }.filter { $0.hasPrefix("|") }
            .map { row in
                row.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { cell in
                    String(cell.filter { $0 != " " && $0 != "`" })
                }
            }
        let header = try #require(rows.first)
        var grid: [String: [String: String]] = [:]
        for row in rows.dropFirst(2) {
            grid[row[0]] = Dictionary(uniqueKeysWithValues: zip(header.dropFirst(), row.dropFirst()))
        }
        return grid
    }

    @Test func thePageSaysWhereEveryMoveLeads() throws {
        let grid = try Self.grid(under: "Moves")
        #expect(Set(grid.keys) == Set(InstanceMove.allCases.map(\.rawValue)))
        for move in InstanceMove.allCases {
            for state in Self.states {
                #expect(
                    grid[move.rawValue]?[state.rawValue] == move.target(from: state)?.rawValue ?? "",
                    "\(move.rawValue) from \(state.rawValue)")
            }
        }
    }

    @Test func thePageSaysWhatEveryEventDoes() throws {
        let grid = try Self.grid(under: "Events")
        #expect(Set(grid.keys) == Set(Self.events.map(\.name)))
        for event in Self.events {
            for state in Self.states {
                let after = try Self.state(after: event.apply, from: state)
                let expected = grid[event.name]?[state.rawValue] ?? "?"
                #expect(
                    (expected.isEmpty ? state.rawValue : expected) == after.rawValue,
                    "\(event.name) while \(state.rawValue)")
            }
        }
    }

    // MARK: Events

    /// A Scheduler that has just taken up the run, and what it has decided since.
    private final class Trial {
        let scheduler: Scheduler
        let now: Instant
        var changes: [Change] = []

        init(_ scheduler: Scheduler, now: Instant) {
            self.scheduler = scheduler
            self.now = now
        }

        func handle(_ event: SchedulerEvent) { scheduler.handle(event, now: now) }

        func endTurn(after seconds: Int64 = 0) {
            changes += scheduler.endTurn(now: now + TimeAmount(seconds: seconds)).changes
        }

        /// An attempt that has been told to die dies.
        func die() {
            guard scheduler.runningAttempts.contains(where: { $0.id == 1 && $0.intent != nil }) else { return }
            handle(.attemptEnded(1, AttemptEnd(outcome: .killed)))
        }
    }

    private static var events: [(name: String, apply: (Trial) -> Void)] {
        [
            ("exit_0", ended(.exited, 0)), ("exit_1", ended(.exited, 1)), ("exit_97", ended(.exited, 97)),
            ("exit_98", ended(.exited, 98)), ("exit_99", ended(.exited, 99)), ("timeout", ended(.timeout)),
            ("signal", ended(.signaled)), ("killed_from_outside", ended(.killed)),
            ("start_failed", ended(.startFailed)),
            ("bad_result", ended(.badResult)), ("revoked", { $0.handle(.attemptRevoked(1)) }),
            ("postponed", { $0.handle(.attemptPostponed(1, reason: "full")) }),
            ("lost", { $0.handle(.attemptLost(1, reason: "gone")) }),
            ("unsupervised", { $0.handle(.attemptUnsupervised(1, reason: "?")) }),
            ("delay_over", { $0.endTurn(after: 200) }),
            (
                "run_timeout",
                {
                    $0.endTurn(after: 7_200)
                    $0.die()
                }
            ),
            (
                "clear",
                request(.clear(ClearRequest(dag: "d", runID: "r", tasks: ["a"], downstream: false), stored: nil))
            ),
            ("mark_success", request(mark(.success))), ("mark_failed", request(mark(.failed))),
            ("mark_skipped", request(mark(.skipped))), ("cancel_run", request(.cancelRun(dag: "d", runID: "r"))),
        ]
    }

    private static func mark(_ state: MarkState) -> SchedulerRequest {
        .mark(MarkRequest(dag: "d", runID: "r", task: "a", state: state), stored: nil)
    }

    private static func ended(_ outcome: AttemptEnd.Outcome, _ code: Int? = nil) -> (Trial) -> Void {
        { $0.handle(.attemptEnded(1, AttemptEnd(outcome: outcome, exitCode: code))) }
    }

    private static func request(_ request: SchedulerRequest) -> (Trial) -> Void {
        {
            $0.handle(.request(ticket: 1, request, actor: "ann"))
            $0.die()
        }
    }

    // MARK: A run in which one instance is in a state

    private static let text = #"""
        {"id": "d", "run_timeout": "1h", "tasks": [
          {"id": "keep", "kind": "command", "with": {"command": ["true"]}},
          {"id": "a", "kind": "command", "with": {"command": ["true"]}, "after": ["keep"], "retries": 1,
           "retry_delay": "100s", "poll_interval": "100s"},
          {"id": "last", "kind": "command", "with": {"command": ["true"]}, "after": ["a", "keep"]}]}
        """#

    /// The state of task `a` after an event, while another task of the run is still running and nothing new may start.
    private static func state(after apply: (Trial) -> Void, from state: TaskState) throws -> TaskState {
        let now = Instant(seconds: 1_700_000_000)
        let (dag, diagnostics) = DAGParser.parse(Array(text.utf8), context: Player.context)
        let parsed = try #require(dag, "\(diagnostics)")
        let store = InMemoryStore()
        let waits = state == .upForRetry || state == .deferred
        let key = TaskInstanceKey(run: 1, taskID: "a")
        let keep = TaskInstanceKey(run: 1, taskID: "keep")
        try store.commit([
            .insertVersion(DAGVersionRecord(id: 1, dagID: "d", sha256: "x", text: text, loadedAt: now)),
            .putDAG(DAGRecord(id: "d", version: 1, file: "d.json", paused: false, firstSeen: now)),
            .insertRun(
                Run(
                    id: 1, dagID: "d", runID: "r", type: .manual, state: .running, version: 1, logicalDate: now,
                    interval: DataInterval(start: now, end: now), runAfter: now, createdAt: now, startedAt: now)),
            .insertTaskInstance(TaskInstance(key: keep, state: .running, tryNumber: 1, attempt: 9)),
            .insertTaskInstance(
                TaskInstance(
                    key: key, state: state, tryNumber: state == .none ? 0 : 1, maxTries: 2,
                    nextTryAt: waits ? now + TimeAmount(seconds: 100) : nil, endedAt: state.isFinal ? now : nil,
                    attempt: state == .running ? 1 : nil)),
            .insertTaskInstance(TaskInstance(key: TaskInstanceKey(run: 1, taskID: "last"))),
            .insertAttempt(Attempt(id: 9, instance: keep, tryNumber: 1, createdAt: now)),
        ])
        if state == .running {
            try store.commit([.insertAttempt(Attempt(id: 1, instance: key, tryNumber: 1, createdAt: now))])
        }
        let trial = Trial(
            Scheduler(
                configuration: .init(parallelism: 4, isDraining: true), snapshot: try store.snapshot(), now: now
            ) { _ in parsed }, now: now)
        apply(trial)
        trial.endTurn()
        for change in trial.changes.reversed() {
            if case .updateTaskInstance(let instance, _) = change, instance.key == key { return instance.state }
        }
        return state
    }
}

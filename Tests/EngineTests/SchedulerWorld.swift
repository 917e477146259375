import Engine
import SchedulerCore
import Store
import Testing

/// Parses a DAG for a test; a mistake in it is a mistake of the test.
func dag(_ json: String) throws -> DAG {
    let context = DAGValidationContext(kinds: [commandKind], zone: { SystemZones.zone($0) })
    let (dag, diagnostics) = DAGParser.parse(Array(json.utf8), context: context)
    return try #require(dag, "\(diagnostics)")
}

/// A generator of pseudo-random numbers that a printed seed repeats (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// A Scheduler with an in-memory store, a clock that the test moves, and attempts that end when the test says so.
final class SchedulerWorld {
    let store = InMemoryStore()
    let parallelism: Int
    let runsSchedules: Bool
    var now: Instant
    private(set) var scheduler: Scheduler
    /// Attempts whose process lives.
    private(set) var live: [Int64: AttemptLaunch] = [:]
    /// Attempts to be killed; they end as `killed` when the test lets them.
    private(set) var killed: Set<Int64> = []
    private(set) var started: [AttemptLaunch] = []
    private(set) var replies: [Int: SchedulerReply] = [:]
    private var texts: [String: DAG] = [:]
    private var nextTicket = 1

    init(now: Instant = Instant(seconds: 1_700_000_000), parallelism: Int = 16, runsSchedules: Bool = true) {
        self.now = now
        self.parallelism = parallelism
        self.runsSchedules = runsSchedules
        scheduler = Scheduler(
            configuration: .init(parallelism: parallelism, runsSchedules: runsSchedules), snapshot: Snapshot(), now: now
        ) { _ in nil }
    }

    /// Where a crash hits a turn.
    enum Crash { case none, beforeCommit, beforeEffects, afterEffects }

    func load(_ json: String, file: String = "dag.json") throws {
        let parsed = try dag(json)
        texts[json] = parsed
        let known = try store.version(dag: parsed.id, sha256: json)
        var occupied: [Run] = []
        if let cursor = scheduler.dag(parsed.id)?.record.cursor, let timetable = parsed.timetable {
            occupied = try store.intervalRuns(
                dag: parsed.id, from: timetable.alignPrevious(cursor), to: .distantFuture)
        }
        try turn([
            .dagLoaded(parsed, file: file, text: json, sha256: json, known: known?.id, occupied: occupied)
        ])
    }

    func turn(_ events: [SchedulerEvent] = [.timePassed], crash: Crash = .none) throws {
        for event in events { scheduler.handle(event, now: now) }
        var turn = scheduler.endTurn(now: now)
        while true {
            if crash == .beforeCommit { return try restart() }
            try store.commit(turn.changes)
            if crash == .beforeEffects { return try restart() }
            var loads: [Effect] = []
            for effect in turn.effects {
                switch effect {
                case .start(let launch):
                    let key = launch.run.id
                    #expect(
                        !live.values.contains { $0.run.id == key && $0.taskID == launch.taskID },
                        "a task instance has two live attempts")
                    live[launch.attempt] = launch
                    started.append(launch)
                case .kill(let attempt): killed.insert(attempt)
                case .discard(let attempt): #expect(live[attempt] == nil, "files of a live attempt are removed")
                case .loadInstances, .loadPast: loads.append(effect)
                case .reply(let ticket, let reply): replies[ticket] = reply
                }
            }
            if crash == .afterEffects { return try restart() }
            guard !loads.isEmpty else { return }
            for effect in loads {
                switch effect {
                case .loadInstances(let run):
                    scheduler.handle(.instancesLoaded(run: run, try store.taskInstances(ofRun: run)), now: now)
                case .loadPast(let run, let dag, let before):
                    let past = try store.intervalRun(dag: dag, before: before)
                    let instances = try past.map { try store.taskInstances(ofRun: $0.id) } ?? []
                    scheduler.handle(
                        .pastLoaded(run: run, past.map { StoredRun(run: $0, instances: instances, dag: nil) }), now: now
                    )
                default: break
                }
            }
            turn = scheduler.endTurn(now: now)
        }
    }

    /// The daemon died: a new Scheduler from the store, told how each attempt stands.
    func restart() throws {
        let snapshot = try store.snapshot()
        scheduler = Scheduler(
            configuration: .init(parallelism: parallelism, runsSchedules: runsSchedules), snapshot: snapshot, now: now
        ) { [texts] in texts[$0.text] }
        let running = Set(scheduler.runningAttempts.map(\.id))
        // What was committed and never started is revoked; what lives goes on; what is gone has left its result.
        try turn(running.filter { live[$0] == nil && !finished.keys.contains($0) }.sorted().map { .attemptRevoked($0) })
        try turn(running.sorted().compactMap { id in finished[id].map { .attemptEnded(id, $0) } })
        finished = finished.filter { running.contains($0.key) && live[$0.key] != nil }
    }

    /// Results that were written while, or just before, no daemon ran.
    private var finished: [Int64: AttemptEnd] = [:]

    @discardableResult
    func request(_ request: SchedulerRequest, crash: Crash = .none) throws -> SchedulerReply? {
        let ticket = nextTicket
        nextTicket += 1
        try turn([.request(ticket: ticket, request, actor: "test")], crash: crash)
        return replies[ticket]
    }

    /// What the engine adds to a request about a run that is not running.
    func stored(_ runID: String, dag: String = "d") throws -> StoredRun? {
        guard let run = try store.run(dag: dag, runID: runID), run.state != .running else { return nil }
        let version = try store.version(run.version)
        return StoredRun(
            run: run, instances: try store.taskInstances(ofRun: run.id), dag: version.flatMap { texts[$0.text] })
    }

    @discardableResult
    func clear(_ request: ClearRequest, crash: Crash = .none) throws -> SchedulerReply? {
        try self.request(.clear(request, stored: try stored(request.runID)), crash: crash)
    }

    @discardableResult
    func mark(_ run: Run, _ task: String, _ state: MarkState, crash: Crash = .none) throws -> SchedulerReply? {
        let request = MarkRequest(dag: run.dagID, runID: run.runID, task: task, state: state)
        return try self.request(.mark(request, stored: try stored(run.runID)), crash: crash)
    }

    /// Ends a live attempt. `also` are events that share its turn.
    func end(
        _ attempt: Int64, exitCode: Int = 0, outputs: String? = nil, also: [SchedulerEvent] = [], crash: Crash = .none,
        heedsKill: Bool = true, killedFromOutside: Bool = false
    ) throws {
        let wasKilled = killed.remove(attempt) != nil && heedsKill
        let end =
            wasKilled || killedFromOutside
            ? AttemptEnd(outcome: .killed, signal: 15)
            : AttemptEnd(outcome: .exited, exitCode: exitCode, startedAt: now, endedAt: now, outputs: outputs)
        live[attempt] = nil
        finished[attempt] = end
        try turn([.attemptEnded(attempt, end)] + also, crash: crash)
        if crash == .none { finished[attempt] = nil }
    }

    /// The supervisor of a live attempt was killed, and nothing of it is left.
    func lose(_ attempt: Int64) throws {
        live[attempt] = nil
        killed.remove(attempt)
        try turn([.attemptLost(attempt, reason: "test")])
    }

    /// The machine could not start a live attempt.
    func postpone(_ attempt: Int64) throws {
        live[attempt] = nil
        killed.remove(attempt)
        try turn([.attemptPostponed(attempt, reason: "no room")])
    }

    /// The live attempt of a task; nil when it has none.
    func attempt(of task: String, run: String? = nil) -> Int64? {
        live.values.filter { $0.taskID == task && (run == nil || $0.run.runID == run) }.map(\.attempt).min()
    }

    func runs(_ dag: String) throws -> [Run] {
        try store.runs(RunQuery(dag: dag, limit: 100_000)).sorted { $0.id < $1.id }
    }

    func states(_ run: Run) throws -> [String: TaskState] {
        Dictionary(
            uniqueKeysWithValues: try store.taskInstances(ofRun: run.id).map { ($0.key.taskID, $0.state) })
    }

    func instance(_ task: String, _ run: Run) throws -> TaskInstance {
        try #require(try store.taskInstances(ofRun: run.id).first { $0.key.taskID == task })
    }

    /// Moves the clock to the next thing that is due; false when nothing is.
    func advance(limit: Instant = .distantFuture) throws -> Bool {
        guard let next = scheduler.nextWake, next <= limit else { return false }
        now = max(now, next)
        try turn()
        return true
    }
}

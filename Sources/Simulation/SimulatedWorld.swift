import SchedulerCore
import Store

/// Something that must never happen has happened in a simulation.
public struct SimulationFailure: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

/// A Scheduler with an in-memory store, a clock that only its owner moves, and attempts that end when the owner says so.
/// What the engine does around the Scheduler is done here step by step, so that it can be interrupted between any two.
public final class SimulatedWorld {
    /// Where a crash hits a turn.
    public enum Crash: Sendable { case none, beforeCommit, beforeEffects, afterEffects }

    public let store = InMemoryStore()
    public private(set) var configuration: Scheduler.Configuration
    public var now: Instant
    public private(set) var scheduler: Scheduler
    /// Attempts whose process lives.
    public private(set) var live: [Int64: AttemptLaunch] = [:]
    /// Attempts to be killed; they end as `killed` when the owner lets them.
    public private(set) var killed: Set<Int64> = []
    public private(set) var replies: [Int: SchedulerReply] = [:]
    /// Told of every attempt that starts.
    public var onStart: ((AttemptLaunch) -> Void)?
    /// Told of what was committed.
    public var onCommit: (([Change]) -> Void)?
    /// Told of every move of a task instance.
    public var onMove: ((TaskState, InstanceMove, TaskState) -> Void)? {
        didSet { scheduler.observe(onMove) }
    }
    /// How often the memory was thrown away.
    public private(set) var restarts = 0
    private var texts: [String: DAG] = [:]
    private var nextTicket = 1
    /// Results that were written while, or just before, no daemon ran.
    private var finished: [Int64: AttemptEnd] = [:]

    public init(
        now: Instant = Instant(seconds: 1_700_000_000), parallelism: Int = 16, runsSchedules: Bool = true,
        kinds: [KindSpec] = [], environment: [String: String]? = nil
    ) {
        self.now = now
        configuration = .init(
            parallelism: parallelism, runsSchedules: runsSchedules, kinds: kinds, environment: environment)
        scheduler = Scheduler(configuration: configuration, snapshot: Snapshot(), now: now) { _ in nil }
    }

    // MARK: Turns

    /// Takes a DAG file in, as the engine does when it has read one.
    /// - Parameter text: its content, which names the version.
    public func load(_ dag: DAG, text: String, file: String = "dag.json") throws {
        texts[text] = dag
        let known = try store.version(dag: dag.id, sha256: text)
        var occupied: [Run] = []
        if let cursor = scheduler.dag(dag.id)?.record.cursor, let timetable = dag.timetable {
            occupied = try store.intervalRuns(dag: dag.id, from: timetable.alignPrevious(cursor), to: .distantFuture)
        }
        try turn([.dagLoaded(dag, file: file, text: text, sha256: text, known: known?.id, occupied: occupied)])
    }

    public func turn(_ events: [SchedulerEvent] = [.timePassed], crash: Crash = .none) throws {
        for event in events { scheduler.handle(event, now: now) }
        var turn = scheduler.endTurn(now: now)
        while true {
            if crash == .beforeCommit { return try restart() }
            try store.commit(turn.changes)
            onCommit?(turn.changes)
            if crash == .beforeEffects { return try restart() }
            var loads: [Effect] = []
            for effect in turn.effects { if try !carryOut(effect) { loads.append(effect) } }
            if crash == .afterEffects { return try restart() }
            guard !loads.isEmpty else { return }
            for effect in loads {
                if let event = try answer(effect) { scheduler.handle(event, now: now) }
            }
            turn = scheduler.endTurn(now: now)
        }
    }

    /// - Returns: false for a question to the store, which is answered last.
    private func carryOut(_ effect: Effect) throws -> Bool {
        switch effect {
        case .start(let launch):
            let isDouble = live.values.contains {
                $0.run.id == launch.run.id && $0.taskID == launch.taskID && $0.mapIndex == launch.mapIndex
            }
            guard !isDouble else {
                throw SimulationFailure("\(launch.taskID)[\(launch.mapIndex)] has two live attempts")
            }
            live[launch.attempt] = launch
            onStart?(launch)
        case .kill(let attempt): killed.insert(attempt)
        case .discard(let attempt):
            guard live[attempt] == nil else { throw SimulationFailure("files of live attempt \(attempt) are removed") }
        case .reply(let ticket, let reply): replies[ticket] = reply
        case .loadInstances, .loadPast, .loadInterval: return false
        }
        return true
    }

    private func answer(_ effect: Effect) throws -> SchedulerEvent? {
        switch effect {
        case .loadInstances(let run): return .instancesLoaded(run: run, try store.taskInstances(ofRun: run))
        case .loadPast(let run, let dag, let before):
            let past = try store.intervalRun(dag: dag, before: before)
            let instances = try past.map { try store.taskInstances(ofRun: $0.id) } ?? []
            return .pastLoaded(run: run, past.map { StoredRun(run: $0, instances: instances, dag: nil) })
        case .loadInterval(let dag, let date):
            let run = try store.intervalRuns(dag: dag, from: date, to: date).first
            let instances = try run.map { try store.taskInstances(ofRun: $0.id) } ?? []
            return .intervalLoaded(
                dag: dag, date: date, run.map { StoredRun(run: $0, instances: instances, dag: nil) })
        default: return nil
        }
    }

    /// The daemon died: a new Scheduler from the store, told how each attempt stands.
    public func restart() throws {
        restarts += 1
        let snapshot = try store.snapshot()
        scheduler = Scheduler(configuration: configuration, snapshot: snapshot, now: now) { [texts] in texts[$0.text] }
        scheduler.observe(onMove)
        let running = Set(scheduler.runningAttempts.map(\.id))
        // What was committed and never started is revoked; what lives goes on; what is gone has left its result.
        try turn(running.filter { live[$0] == nil && !finished.keys.contains($0) }.sorted().map { .attemptRevoked($0) })
        try turn(running.sorted().compactMap { id in finished[id].map { .attemptEnded(id, $0) } })
        finished = finished.filter { running.contains($0.key) && live[$0.key] != nil }
    }

    // MARK: Requests

    @discardableResult
    public func request(_ request: SchedulerRequest, crash: Crash = .none) throws -> SchedulerReply? {
        let ticket = nextTicket
        nextTicket += 1
        try turn([.request(ticket: ticket, request, actor: "test")], crash: crash)
        return replies[ticket]
    }

    /// What the engine adds to a request about a run that is not running.
    public func stored(_ runID: String, dag: String = "d") throws -> StoredRun? {
        guard let run = try store.run(dag: dag, runID: runID), run.state != .running else { return nil }
        let version = try store.version(run.version)
        return StoredRun(
            run: run, instances: try store.taskInstances(ofRun: run.id), dag: version.flatMap { texts[$0.text] })
    }

    @discardableResult
    public func clear(_ request: ClearRequest, crash: Crash = .none) throws -> SchedulerReply? {
        try self.request(.clear(request, stored: try stored(request.runID, dag: request.dag)), crash: crash)
    }

    @discardableResult
    public func mark(_ run: Run, _ task: String, _ state: MarkState, crash: Crash = .none) throws -> SchedulerReply? {
        let request = MarkRequest(dag: run.dagID, runID: run.runID, task: task, state: state)
        return try self.request(.mark(request, stored: try stored(run.runID, dag: run.dagID)), crash: crash)
    }

    // MARK: Attempts

    /// Ends a live attempt. `also` are events that share its turn.
    public func end(
        _ attempt: Int64, exitCode: Int = 0, outputs: String? = nil, also: [SchedulerEvent] = [], crash: Crash = .none,
        heedsKill: Bool = true, killedFromOutside: Bool = false
    ) throws {
        let isKilled = killed.contains(attempt) && heedsKill || killedFromOutside
        let end =
            isKilled
            ? AttemptEnd(outcome: .killed, signal: 15)
            : AttemptEnd(outcome: .exited, exitCode: exitCode, startedAt: now, endedAt: now, outputs: outputs)
        try self.end(attempt, end, also: also, crash: crash)
    }

    public func end(
        _ attempt: Int64, _ end: AttemptEnd, also: [SchedulerEvent] = [], crash: Crash = .none
    ) throws {
        live[attempt] = nil
        killed.remove(attempt)
        finished[attempt] = end
        try turn([.attemptEnded(attempt, end)] + also, crash: crash)
        if crash == .none { finished[attempt] = nil }
    }

    /// The supervisor of a live attempt was killed, and nothing of it is left.
    public func lose(_ attempt: Int64) throws {
        forget(attempt)
        try turn([.attemptLost(attempt, reason: "test")])
    }

    /// The machine could not start a live attempt.
    public func postpone(_ attempt: Int64) throws {
        forget(attempt)
        try turn([.attemptPostponed(attempt, reason: "no room")])
    }

    /// It never ran: its claim was taken away.
    public func revoke(_ attempt: Int64) throws {
        forget(attempt)
        try turn([.attemptRevoked(attempt)])
    }

    private func forget(_ attempt: Int64) {
        live[attempt] = nil
        killed.remove(attempt)
    }

    // MARK: Time

    /// Moves the clock to the next thing that is due; false when nothing is.
    public func advance(limit: Instant = .distantFuture, crash: Crash = .none) throws -> Bool {
        guard let next = scheduler.nextWake, next <= limit else { return false }
        now = max(now, next)
        try turn(crash: crash)
        return true
    }
}

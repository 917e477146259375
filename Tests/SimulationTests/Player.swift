import JSONText
import SchedulerCore
import Simulation
import Store

@testable import Engine

/// A sketch that is no valid DAG: a mistake of the test, and not of what it tests.
struct WrongSketch: Error { var text: String }

/// Plays a scenario and sees after each step that all holds what must.
final class Player {
    let scenario: Scenario
    let world: SimulatedWorld
    private(set) var runs: [Int64: Run] = [:]
    private(set) var dags: [String: DAG] = [:]
    private(set) var moves: [Move: Int] = [:]
    /// Runs during whose life the memory was thrown away.
    private(set) var crashedRuns: Set<Int64> = []
    private var pool: Int
    private var jumps: Int64 = 0
    private var ticks: Int64 = 0
    private var began: [Int64: Int] = [:]
    private var started: [AttemptLaunch] = []

    struct Move: Hashable {
        var from: TaskState
        var move: InstanceMove
    }

    init(_ scenario: Scenario) {
        self.scenario = scenario
        world = SimulatedWorld(parallelism: scenario.parallelism)
        pool = scenario.poolSlots
        world.store.appliesInPlace = true
        world.onStart = { [unowned self] in started.append($0) }
        world.onMove = { [unowned self] from, move, to in moves[Move(from: from, move: move), default: 0] += 1 }
        world.onCommit = { [unowned self] in take($0) }
    }

    /// What was committed, a line each, while `isTracing`.
    private(set) var trace: [String] = []
    var isTracing = false

    private func note(_ change: Change) {
        switch change {
        case .insertRun(let run): trace.append("new run \(run.runID) of version \(run.version)")
        case .updateRun(let run, let from): trace.append("run \(run.runID): \(from) -> \(run.state)")
        case .insertTaskInstance(let task): trace.append("new \(task.key.run)/\(task.key.name): \(task.state)")
        case .updateTaskInstance(let task, let from):
            trace.append("\(task.key.run)/\(task.key.name): \(from) -> \(task.state) \(task.reason ?? "")")
        case .insertAttempt(let attempt):
            trace.append("attempt \(attempt.id) of \(attempt.instance.run)/\(attempt.instance.name)")
        case .updateAttempt(let attempt, _): trace.append("attempt \(attempt.id) is \(attempt.state)")
        case .putDAG(let dag):
            trace.append("DAG \(dag.id) of version \(dag.version), cursor \(dag.cursor.map { "\($0)" } ?? "-")")
        default: break
        }
    }

    private func take(_ changes: [Change]) {
        if isTracing {
            trace.append("-- \(world.now)")
            changes.forEach(note)
        }
        expectations.take(changes, dags: dags, now: world.now)
        for change in changes {
            switch change {
            case .insertRun(let run):
                runs[run.id] = run
                began[run.id] = world.restarts
            case .updateRun(let run, _):
                runs[run.id] = run
                if run.state.isFinal, began[run.id] != world.restarts { crashedRuns.insert(run.id) }
            default: break
            }
        }
    }

    static let context = DAGValidationContext(
        kinds: [
            KindSpec(
                name: "command", summary: "", launch: .program,
                parameters: [KindParameter("command", .array, element: .string, help: "")])
        ], zone: { SystemZones.zone($0) })

    private(set) var expectations = Expectations()

    private func load(_ sketch: DAGSketch, crash: SimulatedWorld.Crash = .none) throws {
        let (dag, diagnostics) = DAGParser.parse(Array(sketch.text.utf8), context: Self.context)
        guard let dag else { throw WrongSketch(text: "\(diagnostics)\n\(sketch.text)") }
        dags[dag.id] = dag
        expectations.begin(dag, now: world.now)
        try world.load(dag, text: sketch.text, file: "\(dag.id).json")
        if crash != .none { try world.restart() }
    }

    func play() throws {
        try world.request(.setPool(Pool(name: "p", slots: pool)))
        for sketch in [scenario.versions[0]] + scenario.others { try load(sketch) }
        try check()
        for (number, action) in scenario.actions.enumerated() {
            started = []
            do {
                try perform(action)
                try check()
                if number % 8 == 0 { try checkReasons() }
                try checkLate()
                try expectations.check(dags: dags, now: world.now)
            } catch {
                throw SimulationFailure("after action \(number), \(action): \(error)")
            }
        }
        try checkSchedule()
        try drain()
    }

    // MARK: Actions

    private var ids: [String] { dags.keys.sorted() }

    private func attempt(_ pick: Int) -> Int64? {
        let live = world.live.keys.sorted()
        return live.isEmpty ? nil : live[pick % live.count]
    }

    private func run(_ pick: Int, _ condition: (Run) -> Bool = { _ in true }) -> Run? {
        let some = runs.values.filter(condition).sorted { $0.id < $1.id }
        return some.isEmpty ? nil : some[pick % some.count]
    }

    private func task(_ number: Int, of run: Run) -> String {
        let tasks = dags[run.dagID]?.tasks ?? []
        return tasks.isEmpty ? "" : tasks[number % tasks.count].id
    }

    private func perform(_ action: Scenario.Action) throws {
        switch action {
        case .end(let pick, let outcome, let crash):
            guard let attempt = attempt(pick) else { return _ = try world.advance(limit: horizon, crash: crash) }
            try end(attempt, outcome, crash)
        case .lose(let pick): if let attempt = attempt(pick) { try world.lose(attempt) }
        case .postpone(let pick): if let attempt = attempt(pick) { try world.postpone(attempt) }
        case .revoke(let pick): if let attempt = attempt(pick) { try world.revoke(attempt) }
        case .advance(let crash): _ = try world.advance(limit: horizon, crash: crash)
        case .trigger(let pick, let crash):
            tick()
            try world.request(.trigger(dag: ids[pick % ids.count], date: nil, params: [:]), crash: crash)
        case .backfill(_, let from, let days, let reprocess, let reverse, let task, let crash):
            try backfill(from: from, days: days, reprocess, reverse: reverse, task: task, crash)
        case .cancel(let pick, let crash):
            guard let run = run(pick, { !$0.state.isFinal }) else { return }
            try world.request(.cancelRun(dag: run.dagID, runID: run.runID), crash: crash)
        case .cancelBackfill(let pick, let crash):
            let id = Int64(pick % 3) + 1
            try world.request(.cancelBackfill(id, stored: try world.store.backfillRecord(id)), crash: crash)
        case .pauseBackfill(let pick, let paused, let crash):
            let id = Int64(pick % 3) + 1
            try world.request(
                .pauseBackfill(id, paused: paused, stored: try world.store.backfillRecord(id)), crash: crash)
        case .clear(
            let pick, let task, let element, let upstream, let downstream, let onlyFailed, let latest, let crash):
            guard let run = run(pick) else { return }
            let tasks = task.map { [self.task($0, of: run) + (element.map { "[\($0)]" } ?? "")] } ?? []
            try world.clear(
                ClearRequest(
                    dag: run.dagID, runID: run.runID, tasks: tasks, upstream: upstream, downstream: downstream,
                    onlyFailed: onlyFailed, latest: latest), crash: crash)
        case .mark(let pick, let number, let state, let crash):
            guard let run = run(pick) else { return }
            try world.mark(run, task(number, of: run), state, crash: crash)
        case .pause(let pick, let paused, let crash):
            try world.request(.setPaused(dag: ids[pick % ids.count], paused: paused), crash: crash)
        case .clock(let seconds):
            tick()
            // No clock comes back to the same microsecond, and no name that was given before a restart is given again.
            jumps += 1
            world.now = world.now + TimeAmount(microseconds: seconds * 1_000_000 + 7 * jumps)
            try world.turn()
        case .pool(let slots, let crash):
            pool = slots
            try world.request(.setPool(Pool(name: "p", slots: slots)), crash: crash)
            // A crash before the commit has taken it back.
            pool = try world.store.pools().first { $0.name == "p" }?.slots ?? 0
        case .files(let crash):
            guard dags["f"] != nil else { return }
            tick()
            try world.turn(
                [
                    .filesArrived(
                        dag: "f",
                        FileArrival(since: .distantPast, upTo: world.now, files: 1, bytes: 1, oldest: world.now))
                ], crash: crash)
        case .reload(let version, let crash):
            try load(scenario.versions[version % scenario.versions.count], crash: crash)
        case .crash: try world.restart()
        }
    }

    /// No two moments of a real clock are equal to the microsecond.
    private func tick() {
        ticks += 1
        world.now = world.now + TimeAmount(microseconds: 1_000 + ticks)
    }

    private func end(_ attempt: Int64, _ outcome: Scenario.Outcome, _ crash: SimulatedWorld.Crash) throws {
        tick()
        let list = (0..<(attempt % 6)).map(String.init).joined(separator: ",")
        var outputs = "{\"list\":[\(list)]\(attempt % 3 == 0 ? ",\"datasets\":[\"x\"]" : "")"
        if attempt % 5 == 0, let start = dags["d"]?.start {
            // One of the first days, or the one before them.
            let day = start + TimeAmount(seconds: 86_400 * (attempt / 5 % 6 - 1))
            outputs += ",\"reprocess\":{\"\("\(day)".prefix(10))\":\(attempt)}"
        }
        outputs += attempt % 4 == 1 ? ",\"consumed\":\(attempt - 2)}" : "}"
        func exit(_ code: Int) -> AttemptEnd {
            AttemptEnd(outcome: .exited, exitCode: code, startedAt: world.now, endedAt: world.now, outputs: outputs)
        }
        var result =
            switch outcome {
            case .success: exit(0)
            case .failure: exit(1)
            case .noRetry: exit(98)
            case .skip: exit(99)
            case .notYet: exit(97)
            case .timeout: AttemptEnd(outcome: .timeout)
            case .signal: AttemptEnd(outcome: .signaled, signal: 9)
            case .killed: AttemptEnd(outcome: .killed)
            }
        if world.killed.contains(attempt), outcome != .success { result = AttemptEnd(outcome: .killed, signal: 15) }
        try world.end(attempt, result, crash: crash)
    }

    private func backfill(
        from: Int, days: Int, _ reprocess: Reprocess, reverse: Bool, task: Int?, _ crash: SimulatedWorld.Crash
    ) throws {
        tick()
        guard let start = dags["d"]?.start else { return }
        let first = start + TimeAmount(seconds: 86_400 * Int64(from))
        let last = first + TimeAmount(seconds: 86_400 * Int64(days))
        let known = dags["d"]?.tasks ?? []
        let tasks = task.map { known.isEmpty ? [] : [known[$0 % known.count].id] } ?? []
        let existing = try world.store.intervalRuns(dag: "d", from: first, to: last)
        try world.request(
            .backfill(
                BackfillRequest(
                    dag: "d", from: first, to: last, reprocess: reprocess, maxActive: 2, reverse: reverse, tasks: tasks),
                existing: existing), crash: crash)
    }

    private var horizon: Instant { Instant(seconds: 1_700_000_000 + 86_400 * 6) }

    // MARK: Invariants

    private func check() throws {
        let live = world.live.values
        let tasks = live.count { $0.notice == nil }
        guard tasks <= scenario.parallelism else { throw SimulationFailure("parallelism: \(tasks) attempts") }
        // A limit that was lowered holds for what starts from then on.
        for launch in started {
            guard let dag = dags[launch.dagID] else { continue }
            // Notifications take no places of tasks.
            let ofDAG = live.count { $0.dagID == launch.dagID && $0.notice == nil }
            guard launch.notice != nil || ofDAG <= dag.maxActiveTasks else {
                throw SimulationFailure("max_active_tasks: \(ofDAG) of \(launch.dagID)")
            }
            guard let task = dag.tasks.first(where: { $0.id == launch.taskID }) else { continue }
            if task.pool == "p" {
                let used = live.reduce(0) { $0 + slots($1) }
                guard used <= pool else { throw SimulationFailure("pool p: \(used) of \(pool)") }
            }
            if let limit = task.mapping?.maxActive, launch.mapIndex >= 0 {
                let same = live.count { $0.run.id == launch.run.id && $0.taskID == task.id }
                guard same <= limit else { throw SimulationFailure("max_active of \(task.id): \(same)") }
            }
        }
        for (id, dag) in dags {
            // One that runs again because others wait for it takes no place.
            let active = runs.values.count {
                $0.dagID == id && $0.state == .running && $0.type != .missed && $0.backfill == nil
                    && !($0.isRerun && hadPast)
            }
            guard active <= dag.maxActiveRuns else { throw SimulationFailure("max_active_runs of \(id): \(active)") }
            let dates = runs.values.filter { $0.dagID == id && $0.type.isOfInterval }.map(\.logicalDate)
            guard Set(dates).count == dates.count else { throw SimulationFailure("two runs of an interval of \(id)") }
        }
    }

    private func slots(_ launch: AttemptLaunch) -> Int {
        guard let task = dags[launch.dagID]?.tasks.first(where: { $0.id == launch.taskID }), task.pool == "p" else {
            return 0
        }
        return task.poolSlots
    }

    /// Late data waits for nothing but an unfinished run of its day.
    private func checkLate() throws {
        guard let (record, dag) = world.scheduler.dag("d"), dag?.timetable != nil, record.active, !record.paused else {
            return
        }
        for date in record.late.keys {
            let isUnderWay = runs.values.contains {
                $0.dagID == "d" && $0.type.isOfInterval && $0.logicalDate == date && !$0.state.isFinal
            }
            guard isUnderWay else { throw SimulationFailure("the late data of \(date) is forgotten") }
        }
    }

    /// Whatever stands still says why.
    private func checkReasons() throws {
        for run in runs.values.filter({ !$0.state.isFinal }).sorted(by: { $0.id < $1.id }) {
            if run.state == .queued {
                let why = world.scheduler.whyNotStarted(dag: run.dagID, runID: run.runID)
                guard why != nil else { throw SimulationFailure("\(run.runID) does not say why it waits") }
                continue
            }
            for instance in try world.store.taskInstances(ofRun: run.id)
            where !instance.state.isFinal && instance.state != .running {
                let why = world.scheduler.whyNotRunning(
                    dag: run.dagID, runID: run.runID, task: instance.key.taskID, mapIndex: instance.key.mapIndex)
                guard let why, why != "it is about to be judged", why != "it is about to start" else {
                    throw SimulationFailure("\(instance.key.name) of \(run.runID) stands still: \(why ?? "-")")
                }
            }
        }
    }

    /// The runs that there are, and what was skipped, are what the schedule says, no more and no less.
    private func checkSchedule() throws {
        guard let (record, dag) = world.scheduler.dag("d"), let dag, let timetable = dag.timetable,
            let start = dag.start, let cursor = record.cursor
        else { return }
        let dates = Set(runs.values.filter { $0.dagID == "d" && $0.type.isOfInterval }.map(\.logicalDate))
        var skipped: [(from: Instant, to: Instant)] = []
        for entry in try world.store.audit(limit: 10_000) where entry.action == "skip" && entry.subject == "d" {
            let details = try JSONDocument(parsing: entry.details).root
            if let from = details["from"]?.string.flatMap({ Instant(rfc3339: $0) }),
                let to = details["to"]?.string.flatMap({ Instant(rfc3339: $0) })
            {
                skipped.append((from, to))
            }
        }
        var tick = timetable.alignNext(start)
        while tick < cursor {
            guard dates.contains(tick) || skipped.contains(where: { $0.from <= tick && tick < $0.to }) else {
                throw SimulationFailure("no run of \(tick), and nothing says that it was skipped")
            }
            tick = timetable.next(after: tick)
        }
        for run in runs.values where run.dagID == "d" && run.type == .scheduled {
            guard timetable.isTick(run.logicalDate), run.logicalDate < cursor, run.logicalDate >= start,
                run.logicalDate <= dag.end ?? .distantFuture,
                run.interval.end == timetable.next(after: run.logicalDate),
                run.createdAt >= run.interval.end + dag.delay || run.createdAt >= run.runAfter
            else { throw SimulationFailure("a run that the schedule does not have: \(run.runID)") }
        }
    }

    // MARK: The end

    /// Lets everything end, and sees that it does.
    private func drain() throws {
        for id in ids { try world.request(.setPaused(dag: id, paused: true)) }
        // Else there is a day tomorrow, and each has an end.
        try world.turn(ids.filter { dags[$0]?.expectBy != nil }.map { .dagRemoved(id: $0) })
        try world.request(.setPool(Pool(name: "p", slots: 100)))
        pool = 100
        for backfill in try world.store.backfills(dag: nil, limit: 1_000) where backfill.backfill.paused {
            let record = backfill.backfill
            try world.request(.pauseBackfill(record.id, paused: false, stored: record))
        }
        try settle()
        try checkReasons()
        // What is left waits for a past that went badly; a person ends that.
        for run in runs.values.filter({ !$0.state.isFinal }).sorted(by: { $0.logicalDate < $1.logicalDate }) {
            guard dags[run.dagID]?.tasks.contains(where: \.dependsOnPast) == true || hadPast else {
                throw SimulationFailure("\(run.runID) is stuck in \(run.state)")
            }
            if runs[run.id]?.state.isFinal == false {
                try world.request(.cancelRun(dag: run.dagID, runID: run.runID))
                try settle()
            }
        }
        for run in runs.values {
            guard run.state.isFinal else { throw SimulationFailure("\(run.runID) is stuck in \(run.state)") }
            for instance in try world.store.taskInstances(ofRun: run.id) where !instance.state.isFinal {
                throw SimulationFailure("\(run.runID) ended with \(instance.key.name) in \(instance.state)")
            }
        }
        for backfill in try world.store.backfills(dag: nil, limit: 1_000) where backfill.backfill.state == .running {
            throw SimulationFailure("backfill \(backfill.backfill.id) is stuck")
        }
        guard world.scheduler.queuedTaskCount == 0 else {
            throw SimulationFailure("\(world.scheduler.queuedTaskCount) tasks count as queued in an empty world")
        }
    }

    /// A run keeps the version that it was made with.
    private var hadPast: Bool { scenario.versions.contains { $0.text.contains("depends_on_past") } }

    private func settle() throws {
        var steps = 0
        while true {
            steps += 1
            guard steps < 20_000 else { throw SimulationFailure("it does not end") }
            started = []
            if let attempt = world.live.keys.min() {
                try end(attempt, .success, .none)
                try check()
            } else if try !world.advance(limit: world.now + TimeAmount(seconds: 86_400)) {
                return
            }
        }
    }
}

import SchedulerCore
import Store

/// Plays a span of time through, and keeps what a `Forecast` tells.
final class Forecaster {
    /// An attempt that will have ended at an instant.
    private struct End: Comparable {
        var at: Instant
        var attempt: Int64
        var end: AttemptEnd

        static func < (a: End, b: End) -> Bool { (a.at, a.attempt) < (b.at, b.attempt) }
    }

    private let question: Forecast.Question
    private let world: SimulatedWorld
    private let specs: [String: TaskSpec]
    /// Their order in the file.
    private let places: [String: Int]
    private var forecast = Forecast()
    private var ends = Heap<End>()
    private var runs: [Int64: Forecast.ForecastRun] = [:]
    private var tasks: [TaskInstanceKey: Forecast.Task] = [:]
    private var order: [Int64: [TaskInstanceKey]] = [:]
    /// Since when instances have been ready that have not started.
    private var readySince: [TaskInstanceKey: Instant] = [:]
    /// What became ready in this turn, and runs that were made in it.
    private var newlyReady: [TaskInstanceKey] = []
    private var newRuns: [Int64] = []
    private var slotsInUse: [String: Int] = [:]
    private var activeRuns = 0
    /// Runs that are asked for and have not ended.
    private var openRuns = 0
    private let halfWay: Instant
    /// When something of what is asked for has moved last, and how long nothing may until nothing ever will.
    private var lastMove: Instant
    private let patience: TimeAmount

    init(_ question: Forecast.Question) {
        self.question = question
        lastMove = question.to
        let span = question.to.microseconds - question.from.microseconds
        patience = TimeAmount(microseconds: max(span, 366 * 86_400_000_000))
        world = SimulatedWorld(
            now: question.from, parallelism: question.parallelism, kinds: question.kinds,
            environment: question.environment)
        world.store.appliesInPlace = true
        specs = Dictionary(question.dag.tasks.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        places = Dictionary(
            question.dag.tasks.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        halfWay = Instant(
            microseconds: question.from.microseconds + span / 2)
        for task in question.dag.tasks {
            let known = question.pools.first { $0.name == task.pool }?.slots
            forecast.slots[task.pool] = known ?? (task.pool == Pool.defaultName ? Pool.defaultSlots : 0)
            forecast.peakSlots[task.pool] = 0
        }
    }

    func play() throws -> Forecast {
        world.onStart = { [unowned self] in start($0) }
        world.onCommit = { [unowned self] in take($0) }
        for pool in question.pools { try world.request(.setPool(pool)) }
        try world.load(question.dag, text: "")
        if question.dag.paused { try world.request(.setPaused(dag: question.dag.id, paused: false)) }
        while true {
            try noteReasons()
            while let killed = world.killed.first { try end(killed, AttemptEnd(outcome: .killed, signal: 15)) }
            if isDone { break }
            guard let next = [world.scheduler.nextWake, ends.first?.at].compactMap(\.self).min(),
                next <= lastMove + patience
            else {
                forecast.givenUpAt = world.now
                break
            }
            try pass(to: max(next, world.now))
            guard tasks.count <= Forecast.most else {
                throw ForecastError(
                    message:
                        "by \(world.now) there are more than \(Forecast.most) task instances; ask about a shorter span")
            }
        }
        return finished()
    }

    private func pass(to now: Instant) throws {
        world.now = now
        guard let first = ends.first, first.at <= now else { return try world.turn() }
        while let next = ends.first, next.at <= now {
            _ = ends.pop()
            try end(next.attempt, next.end)
        }
    }

    private func end(_ attempt: Int64, _ end: AttemptEnd) throws {
        guard let launch = world.live[attempt] else { return }
        if let spec = specs[launch.taskID] { slotsInUse[spec.pool, default: 0] -= spec.poolSlots }
        try world.end(attempt, end)
    }

    /// All that was due in the span has ended, and nothing that is due in it is still to be made.
    private var isDone: Bool {
        guard (world.scheduler.nextWake ?? .distantFuture) >= question.to || world.now >= question.to else {
            return false
        }
        guard openRuns == 0 else { return false }
        guard let cursor = world.scheduler.dag(question.dag.id)?.record.cursor, let timetable = question.dag.timetable
        else { return true }
        if let end = question.dag.end, cursor > end { return true }
        return timetable.interval(startingAt: cursor).end + question.dag.delay >= question.to
    }

    private func isAskedFor(_ run: Run) -> Bool { run.runAfter < question.to }

    // MARK: What happens

    private func start(_ launch: AttemptLaunch) {
        let key = TaskInstanceKey(run: launch.run.id, taskID: launch.taskID, mapIndex: launch.mapIndex)
        if isAskedFor(launch.run), launch.run.type != .missed { lastMove = max(lastMove, world.now) }
        if let since = readySince.removeValue(forKey: key) {
            tasks[key]?.waited = world.now - since
            if world.now == since { tasks[key]?.reason = nil }
        }
        if let spec = specs[launch.taskID] {
            slotsInUse[spec.pool, default: 0] += spec.poolSlots
            if isWithin {
                forecast.peakSlots[spec.pool] = max(forecast.peakSlots[spec.pool] ?? 0, slotsInUse[spec.pool] ?? 0)
            }
        }
        if isWithin { forecast.peakTasks = max(forecast.peakTasks, world.live.count) }
        // A notification is quick.
        let assumed =
            question.assumptions[launch.taskID]
            ?? (specs[launch.taskID] == nil ? Forecast.Assumption(takes: .zero) : question.otherwise)
        var takes = assumed.takes
        var end = AttemptEnd(outcome: .exited, exitCode: 0, startedAt: world.now, outputs: assumed.outputs)
        if let timeout = launch.timeout, timeout < takes {
            takes = timeout
            end = AttemptEnd(outcome: .timeout, startedAt: world.now)
        }
        end.endedAt = world.now + takes
        ends.push(End(at: world.now + takes, attempt: launch.attempt, end: end))
    }

    private func take(_ changes: [Change]) {
        for change in changes {
            switch change {
            // It only tells; the span has no such run of its own.
            case .insertRun(let run) where run.type == .missed:
                if isWithin { forecast.missed.append(run.runID) }
            case .updateRun(let run, _) where run.type == .missed: break
            case .insertTaskInstance(let instance) where runs[instance.key.run] == nil: break
            case .insertRun(let run):
                runs[run.id] = Forecast.ForecastRun(run: run, tasks: [])
                newRuns.append(run.id)
                if isAskedFor(run) { openRuns += 1 }
                note(run)
            case .updateRun(let run, let from):
                runs[run.id]?.run = run
                if from == .running, run.state.isFinal { activeRuns -= 1 }
                if !from.isFinal, run.state.isFinal, isAskedFor(run) { openRuns -= 1 }
                if from == .queued { note(run) }
            case .insertTaskInstance(let instance):
                tasks[instance.key] = Forecast.Task(instance: instance, waited: .zero)
                order[instance.key.run, default: []].append(instance.key)
                note(instance)
            case .updateTaskInstance(let instance, _):
                tasks[instance.key]?.instance = instance
                note(instance)
            case .audit(let entry): note(entry)
            default: break
            }
        }
        if isWithin { forecast.peakRuns = max(forecast.peakRuns, activeRuns) }
    }

    private func note(_ run: Run) { if run.state == .running { activeRuns += 1 } }

    private func note(_ instance: TaskInstance) {
        // One that starts in the turn in which it becomes ready is never seen queued.
        guard instance.state == .queued, instance.tryNumber == 0, readySince[instance.key] == nil else { return }
        readySince[instance.key] = world.now
        newlyReady.append(instance.key)
    }

    private func note(_ entry: AuditEntry) {
        guard let skip = SkippedSpan(entry), let timetable = question.dag.timetable else { return }
        var intervals = 0
        var at = skip.from
        while at < skip.to, at < .distantFuture {
            intervals += 1
            at = timetable.next(after: at)
        }
        if let last = forecast.skips.last, last.reason == skip.reason, last.to == skip.from {
            forecast.skips[forecast.skips.count - 1].to = skip.to
            forecast.skips[forecast.skips.count - 1].intervals += intervals
        } else {
            forecast.skips.append(
                .init(from: skip.from, to: skip.to, intervals: intervals, reason: skip.reason))
        }
    }

    /// Asks why what has come due has not started, once for each.
    private func noteReasons() throws {
        for id in newRuns {
            guard let run = runs[id]?.run, run.state == .queued, run.runAfter <= world.now else { continue }
            runs[id]?.reason = world.scheduler.whyNotStarted(dag: run.dagID, runID: run.runID)
        }
        newRuns.removeAll { runs[$0]?.run.state != .queued || runs[$0]?.reason != nil }
        for key in newlyReady where readySince[key] != nil {
            guard let run = runs[key.run]?.run else { continue }
            tasks[key]?.reason = world.scheduler.whyNotRunning(
                dag: run.dagID, runID: run.runID, task: key.taskID, mapIndex: key.mapIndex)
        }
        newlyReady = []
    }

    // MARK: The result

    private func finished() -> Forecast {
        forecast.runs = runs.values.filter { isAskedFor($0.run) }.sorted { $0.run.logicalDate < $1.run.logicalDate }
        for (index, row) in forecast.runs.enumerated() {
            let keys = order[row.run.id] ?? []
            forecast.runs[index].tasks =
                keys.compactMap { places[$0.taskID] == nil ? nil : tasks[$0] }
                .filter { $0.instance.state != .removed }
                .sorted { (place($0), $0.instance.key.mapIndex) < (place($1), $1.instance.key.mapIndex) }
            guard let started = row.run.startedAt else { continue }
            forecast.runs[index].waited = started - row.run.runAfter
            if started <= row.run.runAfter {
                forecast.runs[index].reason = nil
            } else if row.reason == nil {
                forecast.runs[index].reason =
                    row.run.runAfter < question.from
                    ? "it was due before the simulation begins" : "runs that were due earlier start first"
            }
        }
        forecast.skips.removeAll { $0.to >= question.to }
        forecast.openAtEnd = forecast.runs.count { ($0.run.endedAt ?? .distantFuture) > question.to }
        forecast.waitingHalfWay = waiting(at: halfWay)
        forecast.waitingAtEnd = waiting(at: question.to)
        return forecast
    }

    private func place(_ task: Forecast.Task) -> Int { places[task.instance.key.taskID] ?? 0 }

    private func waiting(at instant: Instant) -> Int {
        forecast.runs.count { $0.run.runAfter < instant && ($0.run.startedAt ?? .distantFuture) > instant }
    }

    /// Whether what happens now belongs to the span.
    private var isWithin: Bool { world.now < question.to }
}

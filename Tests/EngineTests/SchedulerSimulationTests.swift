import SchedulerCore
import Store
import Testing

/// Random DAGs, failures, commands and crashes from a printed seed. After each, everything has ended, nothing ran twice at
/// the same time, and the limits held.
@Suite struct SchedulerSimulationTests {
    @Test func everythingEndsWhateverHappens() throws {
        var runs = 0
        var crashes = 0
        for seed in UInt64(1)...400 {
            var simulation = Simulation(seed: seed)
            do {
                try simulation.run()
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
            runs += simulation.ended
            crashes += simulation.crashes
        }
        #expect(runs > 2_000, "the simulation must do something")
        #expect(crashes > 1_000, "and it must crash")
    }
}

private struct Simulation {
    struct Broken: Error, CustomStringConvertible { var description: String }

    let seed: UInt64
    var random: SeededGenerator
    let world: SchedulerWorld
    var tasks = 0
    var limits = (runs: 0, tasks: 0)
    var ended = 0
    var crashes = 0

    init(seed: UInt64) {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        world = SchedulerWorld(parallelism: Int.random(in: 1...6, using: &random))
    }

    mutating func crash() -> SchedulerWorld.Crash {
        guard random.chance(15) else { return .none }
        crashes += 1
        return [.beforeCommit, .beforeEffects, .afterEffects].randomElement(using: &random) ?? .none
    }

    mutating func run() throws {
        try world.load(definition())
        let horizon = world.now + TimeAmount(seconds: 86_400 * 6)
        for _ in 0..<120 {
            try step(horizon)
            try check()
        }
        try drain(horizon)
    }

    mutating func definition() -> String {
        tasks = Int.random(in: 1...12, using: &random)
        limits = (Int.random(in: 1...3, using: &random), Int.random(in: 1...5, using: &random))
        let rules = TriggerRule.allCases.map(\.rawValue)
        let list = (0..<tasks).map { index in
            let after = (0..<index).filter { _ in random.chance(30) }.map { "\"t\($0)\"" }
            let rule = random.chance(40) ? rules.randomElement(using: &random) ?? "all_success" : "all_success"
            return """
                {"id": "t\(index)", "kind": "command", "with": {"command": ["true"]}, "after": [\(after.joined(separator: ","))],
                 "trigger_rule": "\(rule)", "retries": \(Int.random(in: 0...2, using: &random)), "retry_delay": "5m",
                 "allow_failure": \(random.chance(15))}
                """
        }
        let catchup = ["\"all\"", "\"latest\"", "\"none\""].randomElement(using: &random) ?? "false"
        return """
            {"id": "d", "schedule": "daily", "start": "2023-11-10", "catchup": \(catchup),
             "max_active_runs": \(limits.runs), "max_active_tasks": \(limits.tasks), "tasks": [\(list.joined(separator: ","))]}
            """
    }

    mutating func step(_ horizon: Instant) throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<60:
            guard let attempt = world.live.keys.sorted().randomElement(using: &random) else {
                _ = try world.advance(limit: horizon)
                return
            }
            let code = [0, 0, 0, 0, 1, 1, 98, 99].randomElement(using: &random) ?? 0
            try world.end(attempt, exitCode: code, crash: crash())
        case 60..<65:
            guard let attempt = world.live.keys.sorted().randomElement(using: &random) else { return }
            if random.chance(70) { try world.lose(attempt) } else { try world.postpone(attempt) }
        case 65..<80:
            _ = try world.advance(limit: horizon)
        case 80..<84:
            // No two moments of a real clock are equal to the microsecond.
            world.now = world.now + TimeAmount(microseconds: Int64.random(in: 1...1_000_000_000, using: &random))
            try world.request(.trigger(dag: "d", date: nil, params: [:]), crash: crash())
        case 84..<90:
            let from = Instant(rfc3339: "2023-11-10T00:00:00Z") ?? world.now
            let to = from + TimeAmount(seconds: 86_400 * Int64.random(in: 0...4, using: &random))
            let reprocess = Reprocess.allCases.randomElement(using: &random) ?? .none
            let request = BackfillRequest(
                dag: "d", from: from, to: to, reprocess: reprocess, reverse: random.chance(30))
            let existing = try world.store.intervalRuns(dag: "d", from: from, to: to)
            try world.request(.backfill(request, existing: existing), crash: crash())
        case 90..<94:
            let active = try world.runs("d").filter { !$0.state.isFinal }
            if let run = active.randomElement(using: &random) {
                try world.request(.cancelRun(dag: "d", runID: run.runID), crash: crash())
            }
        case 94:
            guard let run = try world.runs("d").randomElement(using: &random) else { return }
            let task = "t\(Int.random(in: 0..<tasks, using: &random))"
            if random.chance(50) {
                let request = ClearRequest(
                    dag: "d", runID: run.runID, tasks: random.chance(50) ? [task] : [], upstream: random.chance(20),
                    downstream: random.chance(70), onlyFailed: random.chance(30), latest: random.chance(20))
                try world.clear(request, crash: crash())
            } else {
                try world.mark(run, task, MarkState.allCases.randomElement(using: &random) ?? .success, crash: crash())
            }
        case 95:
            try world.request(.setPaused(dag: "d", paused: random.chance(50)), crash: crash())
        case 96..<98:
            world.now = Instant(microseconds: world.now.microseconds - 3_600_000_000)
            try world.turn()
        default:
            crashes += 1
            try world.restart()
        }
    }

    /// What must hold after every step.
    func check() throws {
        guard world.live.count <= world.parallelism else { throw Broken(description: "parallelism") }
        guard world.live.count <= limits.tasks else { throw Broken(description: "max_active_tasks") }
        let runs = try world.runs("d")
        let counted = runs.filter { $0.state == .running && $0.backfill == nil }
        guard counted.count <= limits.runs else { throw Broken(description: "max_active_runs") }
        let dates = runs.filter(\.type.isOfInterval).map(\.logicalDate)
        guard Set(dates).count == dates.count else { throw Broken(description: "two runs of an interval") }
    }

    /// Lets everything end, and sees that it does.
    mutating func drain(_ horizon: Instant) throws {
        try world.request(.setPaused(dag: "d", paused: true))
        var steps = 0
        while true {
            steps += 1
            guard steps < 20_000 else { throw Broken(description: "it does not end") }
            if let attempt = world.live.keys.min() {
                try world.end(attempt)
            } else if try !world.advance(limit: world.now + TimeAmount(seconds: 86_400)) {
                break
            }
        }
        for run in try world.runs("d") {
            guard run.state.isFinal else { throw Broken(description: "\(run.runID) is stuck in \(run.state)") }
            for instance in try world.store.taskInstances(ofRun: run.id) where !instance.state.isFinal {
                throw Broken(description: "\(run.runID) ended with \(instance.key.taskID) in \(instance.state)")
            }
            ended += 1
        }
        for backfill in try world.store.backfills(dag: "d", limit: 1_000) where backfill.backfill.state == .running {
            throw Broken(description: "backfill \(backfill.backfill.id) is stuck")
        }
    }
}

import SchedulerCore
import Simulation

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

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }
}

/// A world and what happens in it, all drawn from one seed. What it names is named by a number that is taken modulo what
/// there is at that moment, so that any part of a scenario is a scenario.
struct Scenario {
    enum Action {
        /// A live attempt ends.
        case end(pick: Int, Outcome, SimulatedWorld.Crash)
        case lose(pick: Int)
        case postpone(pick: Int)
        case revoke(pick: Int)
        /// The clock goes on to what is due next.
        case advance(SimulatedWorld.Crash)
        case trigger(dag: Int, SimulatedWorld.Crash)
        case backfill(dag: Int, from: Int, days: Int, Reprocess, reverse: Bool, task: Int?, SimulatedWorld.Crash)
        case cancel(pick: Int, SimulatedWorld.Crash)
        case cancelBackfill(pick: Int, SimulatedWorld.Crash)
        case pauseBackfill(pick: Int, Bool, SimulatedWorld.Crash)
        case clear(
            pick: Int, task: Int?, element: Int?, upstream: Bool, downstream: Bool, onlyFailed: Bool, latest: Bool,
            SimulatedWorld.Crash)
        case mark(pick: Int, task: Int, MarkState, SimulatedWorld.Crash)
        case pause(dag: Int, Bool, SimulatedWorld.Crash)
        case clock(seconds: Int64)
        case pool(slots: Int, SimulatedWorld.Crash)
        case files(SimulatedWorld.Crash)
        /// The file of the first DAG is written anew.
        case reload(version: Int, SimulatedWorld.Crash)
        case crash
    }

    enum Outcome: CaseIterable { case success, failure, noRetry, skip, notYet, timeout, signal, killed }

    var seed: UInt64
    var parallelism: Int
    var poolSlots: Int
    /// Versions of the first DAG, which time starts.
    var versions: [DAGSketch]
    /// The others: one that a dataset starts, one that files start.
    var others: [DAGSketch]
    var actions: [Action]

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        self.seed = seed
        parallelism = Int.random(in: 1...6, using: &random)
        poolSlots = Int.random(in: 0...3, using: &random)
        let first = DAGSketch(id: "d", using: &random)
        versions = [first]
        if random.chance(30) { versions.append(first.changed(using: &random)) }
        others = random.chance(30) ? [.startedByDataset(using: &random)] : []
        if random.chance(10) { others.append(.startedByFiles(using: &random)) }
        actions = []
        // Some worlds are whole without a crash, so that what only crashes would mend is seen.
        let crashes = random.chance(75)
        for _ in 0..<Int.random(in: 10...45, using: &random) {
            actions.append(Self.action(crashes: crashes, using: &random))
        }
    }

    private static func action(crashes: Bool, using random: inout SeededGenerator) -> Action {
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        func crash() -> SimulatedWorld.Crash {
            crashes && random.chance(6) ? random.pick([.beforeCommit, .beforeEffects, .afterEffects]) : .none
        }
        let pick = number(0...1_000)
        switch number(0...99) {
        case 0..<56:
            let usual: [Outcome] = [.success, .success, .success, .success, .success, .success, .failure, .failure]
            return .end(
                pick: pick,
                random.chance(75) ? random.pick(usual) : random.pick(Outcome.allCases + [.notYet, .notYet]), crash())
        case 56..<59: return .lose(pick: pick)
        case 59: return .postpone(pick: pick)
        case 60: return .revoke(pick: pick)
        case 61..<75: return .advance(crash())
        case 75..<77: return .trigger(dag: pick, crash())
        case 77..<81:
            return .backfill(
                dag: pick, from: number(0...3), days: number(0...3), random.pick(Reprocess.allCases),
                reverse: random.chance(20), task: random.chance(30) ? number(0...30) : nil, crash())
        case 81: return .cancel(pick: pick, crash())
        case 82:
            if random.chance(60) { return .pauseBackfill(pick: pick, random.chance(60), crash()) }
            return .cancelBackfill(pick: pick, crash())
        case 83..<88:
            return .clear(
                pick: pick, task: random.chance(60) ? number(0...30) : nil,
                element: random.chance(50) ? number(0...3) : nil, upstream: random.chance(20),
                downstream: random.chance(70), onlyFailed: random.chance(20), latest: random.chance(30), crash())
        case 88..<91:
            return .mark(pick: pick, task: number(0...30), random.pick(MarkState.allCases), crash())
        case 91: return .pause(dag: pick, random.chance(40), crash())
        case 92: return .clock(seconds: random.pick([-7_200, -600, 600, 7_200, 86_400]))
        case 93, 94: return .pool(slots: number(0...4), crash())
        case 95: return .files(crash())
        case 96: return .reload(version: pick, crash())
        default: return crashes ? .crash : .advance(.none)
        }
    }
}

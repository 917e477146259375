import SchedulerCore
import Simulation
import Testing

/// Random worlds from printed seeds. `WEIR_SIMULATE_SEED` and `WEIR_SIMULATE_WORLDS` choose others and more: `make worlds`.
@Suite struct SimulationTests {
    /// In so many parts the worlds are played beside each other.
    private static let parts: UInt64 = 8

    @Test func everythingHoldsWhateverHappens() async throws {
        let (first, count) = (Settings.seed, Settings.worlds)
        let tally = await withTaskGroup(of: Tally.self) { group in
            for part in 0..<Self.parts {
                group.addTask {
                    var tally = Tally()
                    for seed in stride(from: first + part, to: first + count, by: Int(Self.parts)) {
                        guard Self.play(seed, &tally) else { break }
                    }
                    return tally
                }
            }
            return await group.reduce(into: Tally()) { $0.add($1) }
        }
        print(tally.text)
        #expect(tally.runs >= 20_000 || Settings.isChosen)
        #expect(tally.crashedRuns * 10 >= tally.runs * 3, "at least 30 of 100 runs live through a crash")
        #expect(tally.medianTasks >= 8)
        #expect(tally.lateRuns > 500 || Settings.isChosen)
        #expect(tally.missedDays > 500 || Settings.isChosen)
        #expect(tally.missing.isEmpty || Settings.isChosen, "rows that no world went through: \(tally.missing)")
    }

    private static func play(_ seed: UInt64, _ tally: inout Tally) -> Bool {
        let scenario = Scenario(seed: seed)
        let player = Player(scenario)
        do {
            try player.play()
        } catch {
            let least = Shrinker.shrink(scenario)
            Issue.record("seed \(seed): \(error)\nthe least scenario that fails:\n\(Shrinker.text(least))")
            return false
        }
        tally.add(player)
        return true
    }
}

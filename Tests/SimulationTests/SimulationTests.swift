import SchedulerCore
import Simulation
import Testing

/// Random worlds from printed seeds. `WEIR_SIMULATE_SEED` and `WEIR_SIMULATE_WORLDS` choose others and more: `make soak`.
@Suite struct SimulationTests {
    @Test func everythingHoldsWhateverHappens() throws {
        let first = Settings.seed
        var tally = Tally()
        for seed in first..<(first + Settings.worlds) {
            let scenario = Scenario(seed: seed)
            let player = Player(scenario)
            do {
                try player.play()
            } catch {
                let least = Shrinker.shrink(scenario)
                Issue.record("seed \(seed): \(error)\nthe least scenario that fails:\n\(Shrinker.text(least))")
                return
            }
            tally.add(player)
        }
        print(tally.text)
    }
}

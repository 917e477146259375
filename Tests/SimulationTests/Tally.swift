import Glibc
import SchedulerCore
import Simulation
import Store

enum Settings {
    static var seed: UInt64 { value("WEIR_SIMULATE_SEED") ?? 1 }
    static var worlds: UInt64 { value("WEIR_SIMULATE_WORLDS") ?? 20_000 }
    /// Somebody looks at certain worlds.
    static var isChosen: Bool { getenv("WEIR_SIMULATE_WORLDS") != nil }

    private static func value(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
}

/// What many worlds have gone through.
struct Tally {
    var worlds = 0
    var crashedWorlds = 0
    var runs = 0
    var crashedRuns = 0
    /// Runs that late data has repeated or made.
    var lateRuns = 0
    /// Days without a success that were told of.
    var missedDays = 0
    var taskCounts: [Int] = []
    var moves: [Player.Move: Int] = [:]

    mutating func add(_ player: Player) {
        worlds += 1
        if player.world.restarts > 0 { crashedWorlds += 1 }
        runs += player.runs.count
        crashedRuns += player.crashedRuns.count
        missedDays += player.expectations.count
        lateRuns += ((try? player.world.store.audit(limit: 10_000)) ?? []).count { $0.action == "reprocess" }
        taskCounts.append(player.scenario.versions[0].tasks.count)
        moves.merge(player.moves, uniquingKeysWith: +)
    }

    mutating func add(_ other: Tally) {
        worlds += other.worlds
        crashedWorlds += other.crashedWorlds
        runs += other.runs
        crashedRuns += other.crashedRuns
        lateRuns += other.lateRuns
        missedDays += other.missedDays
        taskCounts += other.taskCounts
        moves.merge(other.moves, uniquingKeysWith: +)
    }

    var medianTasks: Int { taskCounts.isEmpty ? 0 : taskCounts.sorted()[taskCounts.count / 2] }

    /// Rows of the table that no world has gone through.
    var missing: [Player.Move] { Self.rows.filter { moves[$0] == nil && !Self.rare.contains($0) } }

    /// So rare by chance that SchedulerMappingTests go through them on purpose.
    static let rare = Set(
        [TaskState.success, .failed, .skipped, .cancelled, .upstreamFailed].map {
            Player.Move(from: $0, move: .elementGone)
        })

    static var rows: [Player.Move] {
        TaskState.allCases.flatMap { state in
            InstanceMove.allCases.filter { $0.target(from: state) != nil }.map { Player.Move(from: state, move: $0) }
        }
    }

    var text: String {
        var lines = [
            "\(worlds) worlds, \(crashedWorlds) of them with a crash; \(runs) runs, \(crashedRuns) of them through one, \(lateRuns) for late data, \(missedDays) days missed; "
                + "median \(medianTasks) tasks"
        ]
        for row in Self.rows {
            let to = row.move.target(from: row.from)?.rawValue ?? ""
            lines.append("  \(row.from.rawValue) -- \(row.move.rawValue) --> \(to): \(moves[row] ?? 0)")
        }
        return lines.joined(separator: "\n")
    }
}

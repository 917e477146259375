import Lake
import Spawn
import Synchronization
import Testing

@testable import Commands

/// Commands that read the lake, while a publisher replaces its partitions over and over.
@Suite(.serialized) struct LakeRaceTests {
    private final class Progress: Sendable {
        let rounds = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
    }

    private static let days = ["2022-05-02", "2022-05-03"]

    /// A generation says of itself how many rows it has; every other one has a column more.
    private static func publish(_ home: CommandHome, round: Int) throws {
        let rows = 3 + round % 2
        let extra = round.isMultiple(of: 2) ? "" : ", 'x' AS extra"
        for day in days {
            try home.publish(
                "lakestorage/plate", day, "SELECT \(round) AS round, \(rows) AS total\(extra) FROM range(\(rows))",
                inputs: [.init(partition: "staging/dt=\(day)", generation: 1)])
        }
    }

    private static func replace(_ home: CommandHome, _ progress: Progress) async throws {
        repeat {
            try publish(home, round: progress.rounds.add(1, ordering: .relaxed).newValue)
            await Task.yield()
        } while !progress.isOver.load(ordering: .relaxed)
    }

    @Test func everyCommandAnswersWithWholePartitions() async throws {
        let home = try CommandHome()
        try home.publish("staging", Self.days[0], "SELECT 1 AS id")
        try Self.publish(home, round: 0)
        let progress = Progress()
        async let replaced: Void = Self.replace(home, progress)
        while progress.rounds.load(ordering: .relaxed) == 0 { await Task.yield() }
        let whole =
            "SELECT dt, count(*) = max(total) AND min(round) = max(round) AS whole FROM plate GROUP BY dt ORDER BY dt"
        let commands = [
            ["lake", "tables"], ["lake", "describe", "plate"], ["lake", "partitions", "plate"],
            ["lake", "lineage", "plate", Self.days[0]], ["lake", "diff", "plate"] + Self.days, ["lake", "stats"],
            ["query", "plate"], ["query", "plate", "--json"],
            ["query", "plate", "--where", "total>=3", "--format", "csv"],
            ["query", "plate", "--out", home.path + "/plate.parquet"], ["query", "--sql", whole],
        ]
        var asked = 0
        // Until the partitions were replaced several times meanwhile.
        while asked < 4 || progress.rounds.load(ordering: .relaxed) < 4 {
            asked += 1
            for words in commands {
                let output = run(words, environment: ["WEIR_HOME": home.path])
                #expect(output.status == 0 && output.err.isEmpty, "\(words): \(output.err)")
                if words.contains(whole) {
                    #expect(output.out == "dt          whole\n2022-05-02  true\n2022-05-03  true\n")
                }
            }
            // Other tests have the other thread: without this who replaces may never come to it.
            await Task.yield()
        }
        progress.isOver.store(true, ordering: .relaxed)
        try await replaced
    }
}

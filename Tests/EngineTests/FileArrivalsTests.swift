import Observability
import SchedulerCore
import Spawn
import Synchronization
import Testing

@testable import Engine

/// Files that start DAGs: noticed when they arrive, and when they are complete.
@Suite struct FileArrivalsTests {
    private final class Told: Sendable {
        let arrivals = Mutex<[FileArrival]>([])
    }

    private final class World {
        let folder: TemporaryDirectory
        let told = Told()
        let arrivals: FileArrivals

        init(pattern: String = "*.json", settle: Int64, batch: String = "{\"age\": \"1us\"}") throws {
            folder = try TemporaryDirectory()
            let home = Home(path: folder.path)
            try File.makeDirectory(folder.path + "/in/cam", recursive: true)
            try File.makeDirectory(home.dags)
            let text = """
                {"id": "d", "schedule": {"files": {"folder": "in", "pattern": "\(pattern)", "settle": "\(settle)s",
                 "every": "1h", "batch": \(batch)}}, "tasks": [{"id": "a", "kind": "command", "with": {"command": ["true"]}}]}
                """
            try File.writeAtomically(home.dags + "/d.json", Array(text.utf8))
            let told = told
            arrivals = try FileArrivals(
                home, clock: { Instant(microseconds: WallClock.now()) },
                onArrival: { _, arrival in told.arrivals.withLock { $0.append(arrival) } })
            arrivals.watch(DAGFolder.load(home, kinds: [commandKind])) { _ in
                FileProgress(started: .distantPast, done: .distantPast)
            }
        }

        var backlog: FileBacklog? { arrivals.backlogs.first }

        func write(_ name: String) throws { try File.writeAtomically(folder.path + "/in/" + name, [0x7B, 0x7D]) }

        func changed(_ name: String) throws -> Instant {
            Instant(microseconds: try #require(File.changeTime(folder.path + "/in/" + name)))
        }

        func isTold(_ name: String) throws -> Bool {
            let time = try changed(name)
            return told.arrivals.withLock { $0.contains { $0.upTo == time } }
        }
    }

    /// With an hour between two looks only the kernel can have told.
    @Test func aFileIsNoticedWhenItArrives() throws {
        let world = try World(settle: 0)
        defer { world.arrivals.stop() }
        try world.write("a.json")
        try wait(for: "the first file") { try world.isTold("a.json") }
        try world.write("c.json")
        try wait(for: "the next file") { try world.isTold("c.json") }
    }

    @Test func aFileInAFolderBelowIsNoticedToo() throws {
        let world = try World(pattern: "*/*.json", settle: 0)
        defer { world.arrivals.stop() }
        try world.write("cam/a.json")
        try wait(for: "the file") { try world.isTold("cam/a.json") }
        // Also in one that was not there.
        // Often: it may come at any moment of a look.
        for number in 0..<6 {
            try File.makeDirectory(world.folder.path + "/in/new\(number)")
            try world.write("new\(number)/b.json")
            try wait(for: "the file in new folder \(number)") { try world.isTold("new\(number)/b.json") }
        }
    }

    /// It is looked at again when it will be complete, without another change.
    @Test func aFileCountsOnceItIsSettled() throws {
        let world = try World(settle: 1)
        defer { world.arrivals.stop() }
        try world.write("a.json")
        try wait(for: "the file") { try world.isTold("a.json") }
        let age = Instant(microseconds: WallClock.now()) - (try world.changed("a.json"))
        #expect(age >= TimeAmount(seconds: 1))
    }

    /// Without another change: it is looked at again when the oldest will have waited long enough.
    @Test func aBatchIsToldAgainWhenItIsOldEnough() throws {
        let world = try World(settle: 0, batch: "{\"files\": 100, \"age\": \"1s\"}")
        defer { world.arrivals.stop() }
        try world.write("a.json")
        let changed = try world.changed("a.json")
        try wait(for: "a look at a file that has waited") {
            let now = Instant(microseconds: WallClock.now())
            return now - changed >= TimeAmount(seconds: 1)
                && world.told.arrivals.withLock { $0.count { $0.oldest == changed } } >= 2
        }
    }

    /// What waits is what no run has succeeded with; what starts a run is what none has started with.
    @Test func whatWaitsIsCountedByHowFarTheRunsHaveCome() throws {
        let world = try World(settle: 0)
        defer { world.arrivals.stop() }
        try world.write("a.json")
        let first = try world.changed("a.json")
        try wait(for: "the first file") { world.backlog?.files == 1 }
        world.arrivals.note(FileProgress(started: first, done: .distantPast), of: "d")
        try wait(for: "a file behind it") {
            try world.write("b.json")
            return try world.changed("b.json") > first
        }
        try wait(for: "both") { world.backlog?.files == 2 && world.backlog?.bytes == 4 }
        let second = try world.changed("b.json")
        try wait(for: "the second alone to be told") {
            world.told.arrivals.withLock {
                $0.last == FileArrival(since: first, upTo: second, files: 1, bytes: 2, oldest: second)
            }
        }
        #expect(world.backlog?.oldest == first)
        let lag = try #require(world.backlog?.lag)
        #expect(lag > .zero && lag <= Instant(microseconds: WallClock.now()) - first)
        world.arrivals.note(FileProgress(started: second, done: second), of: "d")
        try wait(for: "nothing to wait") { world.backlog == FileBacklog(dag: "d") }
    }

    @Test func aFolderThatIsMissingIsTold() throws {
        let world = try World(settle: 0)
        defer { world.arrivals.stop() }
        try File.removeTree(world.folder.path + "/in")
        world.arrivals.note(FileProgress(started: .distantPast, done: Instant(seconds: 1)), of: "d")
        try wait(for: "the problem") { world.backlog?.problem?.contains("No such file") == true }
    }
}

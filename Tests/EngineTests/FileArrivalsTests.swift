import Observability
import SchedulerCore
import Spawn
import Synchronization
import Testing

@testable import Engine

/// Files that start DAGs: noticed when they arrive, and when they are complete.
@Suite struct FileArrivalsTests {
    private final class Told: Sendable {
        let times = Mutex<[Instant]>([])
    }

    private final class World {
        let folder: TemporaryDirectory
        let told = Told()
        let arrivals: FileArrivals

        init(pattern: String = "*.json", settle: Int64) throws {
            folder = try TemporaryDirectory()
            let home = Home(path: folder.path)
            try File.makeDirectory(folder.path + "/in/cam", recursive: true)
            try File.makeDirectory(home.dags)
            let text = """
                {"id": "d", "schedule": {"files": {"folder": "in", "pattern": "\(pattern)", "settle": "\(settle)s",
                 "every": "1h"}}, "tasks": [{"id": "a", "kind": "command", "with": {"command": ["true"]}}]}
                """
            try File.writeAtomically(home.dags + "/d.json", Array(text.utf8))
            let told = told
            arrivals = try FileArrivals(
                home, clock: { Instant(microseconds: WallClock.now()) },
                onArrival: { _, upTo in told.times.withLock { $0.append(upTo) } })
            arrivals.watch(DAGFolder.load(home, kinds: [commandKind]))
        }

        func write(_ name: String) throws { try File.writeAtomically(folder.path + "/in/" + name, [0x7B, 0x7D]) }

        func changed(_ name: String) throws -> Instant {
            Instant(microseconds: try #require(File.changeTime(folder.path + "/in/" + name)))
        }

        func isTold(_ name: String) throws -> Bool {
            let time = try changed(name)
            return told.times.withLock { $0.contains(time) }
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
}

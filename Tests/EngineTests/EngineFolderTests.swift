import Glibc
import SchedulerCore
import Simulation
import Spawn
import Store
import Testing

@testable import Engine

/// DAG files that come, change and go while the engine runs.
struct EngineFolderTests {
    private func dag(_ id: String, _ description: String = "") -> String {
        """
        {"id": "\(id)", "description": "\(description)", "tasks": [
          {"id": "a", "kind": "command", "with": {"shell": "true"}}]}
        """
    }

    @Test func filesAreNoticedAsTheyChange() throws {
        let world = try EngineWorld(runsSchedules: true)
        try world.write("d.json", dag("d", "first"))
        try wait(for: "the new DAG") { try world.dag("d")?.active == true }

        try world.write("d.json", "{\"id\": \"d\"")
        try wait(for: "the error") { try world.fileErrors().keys.contains("d.json") }
        #expect(try world.dag("d")?.active == true, "the last good version stays")
        #expect(try world.version(of: "d") == dag("d", "first"))
        _ = try world.trigger()

        try world.write("d.json", dag("d", "second"))
        try wait(for: "the mended file") { try world.version(of: "d") == dag("d", "second") }
        #expect(try world.fileErrors().isEmpty)

        try world.remove("d.json")
        try wait(for: "the DAG to go") { try world.dag("d")?.active == false }
        let error = #expect(throws: CommandError.self) { try world.trigger() }
        #expect(error?.code == .notFound)

        try world.write("d.json", dag("d", "first"))
        try wait(for: "the DAG to come back") { try world.dag("d")?.active == true }
        #expect(try world.version(of: "d") == dag("d", "first"))
        #expect(try world.dag("d")?.version == 1, "a content that was seen before is the same version")
    }

    @Test func aReloadIsTakenBeforeWhatIsAskedAfterIt() throws {
        let world = try EngineWorld()
        for number in 1...20 {
            try world.write("d.json", dag("d\(number)"))
            _ = try world.engine.perform(.reload, actor: "test")
            #expect(try world.trigger("d\(number)").dagID == "d\(number)")
        }
    }

    @Test func twoFilesWithOneIDAreBothInErrorAndTheLastGoodVersionStays() throws {
        let world = try EngineWorld(runsSchedules: true, dags: ["a.json": dag("d", "first")])
        try wait(for: "the DAG") { try world.dag("d") != nil }
        try world.write("b.json", dag("d", "second"))
        try wait(for: "the errors") {
            try world.fileErrors() == ["a.json": ["duplicate_dag"], "b.json": ["duplicate_dag"]]
        }
        #expect(try world.dag("d")?.active == true)
        #expect(try world.version(of: "d") == dag("d", "first"))
        try world.remove("a.json")
        try wait(for: "the second file to count") { try world.version(of: "d") == dag("d", "second") }
        #expect(try world.fileErrors().isEmpty)
        #expect(try world.dag("d")?.file == "b.json")
    }

    @Test func aRenamedFileKeepsItsDAG() throws {
        let world = try EngineWorld(runsSchedules: true, dags: ["a.json": dag("d")])
        try wait(for: "the DAG") { try world.dag("d") != nil }
        #expect(rename(world.home.dags + "/a.json", world.home.dags + "/b.json") == 0)
        try wait(for: "the new name") { try world.dag("d")?.file == "b.json" }
        #expect(try world.dag("d")?.active == true)
        #expect(try world.dag("d")?.version == 1)
    }

    @Test func aFileThatNamesAnotherIDTakesItsFormerDAGAway() throws {
        let world = try EngineWorld(runsSchedules: true, dags: ["a.json": dag("old")])
        try wait(for: "the DAG") { try world.dag("old") != nil }
        try world.write("a.json", dag("new"))
        try wait(for: "the new DAG") { try world.dag("new")?.active == true }
        #expect(try world.dag("old")?.active == false, "a DAG that stands in no file would run for ever")
    }

    @Test func aRefusedLookUpOfAVersionIsMadeUpFor() throws {
        let world = try EngineWorld(dags: ["d.json": dag("d", "first")])
        try world.waitForDAG()
        world.store.failNextVersion()
        try world.write("d.json", dag("d", "second"))
        _ = try world.engine.perform(.reload, actor: "test")
        try wait(for: "the new version") { try world.version(of: "d") == dag("d", "second") }
    }

    // MARK: The watcher

    private struct Watched {
        let folder: TemporaryDirectory
        let path: String
        let changes = Journal()
        let watcher: FolderWatcher

        init() throws {
            folder = try TemporaryDirectory()
            path = folder.path + "/dags"
            try File.makeDirectory(path)
            let changes = changes
            watcher = try FolderWatcher(path) { changes.note("change") }
        }

        /// Waits until a change is told that came after `body`.
        func tells(_ what: String, _ body: () throws -> Void) throws {
            let before = changes.all.count
            try body()
            try wait(for: what) { changes.all.count > before }
        }
    }

    @Test func theWatcherTellsEachKindOfChange() throws {
        let watched = try Watched()
        defer { watched.watcher.stop() }
        let file = watched.path + "/a.json"
        try watched.tells("a new file") { try File.writeAtomically(file, [1]) }
        try watched.tells("a rename") { #expect(rename(file, watched.path + "/b.json") == 0) }
        try watched.tells("a removal") { try File.removeTree(watched.path + "/b.json") }
        try watched.tells("rights") { #expect(chmod(watched.path, 0o700) == 0) }
    }

    @Test func aFolderThatIsReplacedIsWatchedAgain() throws {
        let watched = try Watched()
        defer { watched.watcher.stop() }
        try watched.tells("the folder moved away") { #expect(rename(watched.path, watched.path + ".old") == 0) }
        try watched.tells("the new folder") { try File.makeDirectory(watched.path) }
        try watched.tells("a file in it") { try File.writeAtomically(watched.path + "/a.json", [1]) }
        try watched.tells("its removal") { try File.removeTree(watched.path) }
        try watched.tells("the third folder") { try File.makeDirectory(watched.path) }
        try watched.tells("a file in the third") { try File.writeAtomically(watched.path + "/a.json", [1]) }
    }

    @Test func aFolderThatIsNeverQuietIsStillTold() throws {
        let watched = try Watched()
        defer { watched.watcher.stop() }
        try wait(for: "a change while files are written") {
            try File.writeAtomically(watched.path + "/noise", [1])
            return !watched.changes.all.isEmpty
        }
    }
}

import Glibc
import SchedulerCore
import Spawn
import Testing

@testable import Engine

/// Reading the DAG folder, and who may own the state beside it.
@Suite struct DAGFolderTests {
    private let folder: TemporaryDirectory
    private let home: Home

    init() throws {
        folder = try TemporaryDirectory()
        home = Home(path: folder.path + "/")
        try File.makeDirectory(home.dags)
    }

    private func dag(_ id: String) -> String {
        "{\"id\": \"\(id)\", \"tasks\": [{\"id\": \"a\", \"kind\": \"command\", \"with\": {\"shell\": \"true\"}}]}"
    }

    private func write(_ name: String, _ text: String) throws {
        try File.writeAtomically(home.dags + "/" + name, Array(text.utf8))
    }

    /// Makes a file look as if it had last been written then.
    private func age(_ name: String, seconds: Int) {
        var times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, home.dags + "/" + name, &times, 0) == 0)
    }

    @Test func onlyJSONFilesOfTheFolderItselfCount() throws {
        try write("b.json", dag("b"))
        try write("a.json", dag("a"))
        try write(".hidden.json", dag("h"))
        try write("notes.txt", "x")
        try File.makeDirectory(home.dags + "/sub.json")
        let contents = DAGFolder.load(home, kinds: [commandKind])
        #expect(contents.problem == nil)
        #expect(contents.files.map(\.file) == ["a.json", "b.json"])
        #expect(contents.file(ofDAG: "b")?.file == "b.json")
        #expect(contents.files.allSatisfy { $0.errors.isEmpty && $0.sha256.count == 64 })
    }

    @Test func aMissingFolderAndAnUnreadableFileAreProblems() throws {
        let none = DAGFolder.load(Home(path: folder.path + "/none"), kinds: [])
        #expect(none.problem?.contains("none/dags") == true)
        let file = DAGFolder.read(home.dags + "/none.json", kinds: [])
        #expect(file.dag == nil)
        #expect(file.errors.map(\.code) == ["unreadable"])
    }

    @Test func filesThatShareAnIDNameEachOther() throws {
        try write("a.json", dag("d"))
        try write("b.json", dag("d"))
        let files = DAGFolder.load(home, kinds: [commandKind]).files
        #expect(files.map { $0.dag == nil } == [true, true])
        #expect(files[0].errors.first?.message.contains("b.json") == true)
        #expect(files[1].errors.first?.message.contains("a.json") == true)
    }

    @Test func aDAGIsFoundWithoutCheckingTheOthers() throws {
        try write("a.json", dag("a"))
        try write("b.json", dag("b"))
        try write("empty.json", "")
        try write("escaped.json", dag("\\u0062"))
        let files = DAGFolder.load(home, dag: "b", kinds: [commandKind]).files
        #expect(files.map(\.file) == ["b.json", "escaped.json"])
        #expect(files.map { $0.errors.first?.code } == ["duplicate_dag", "duplicate_dag"], "the same id")
        #expect(DAGFolder.load(home, dag: "a", kinds: [commandKind]).file(ofDAG: "a")?.file == "a.json")
        #expect(DAGFolder.load(home, dag: "none", kinds: [commandKind]).file(ofDAG: "none") == nil)
    }

    @Test func theCacheReadsOnlyWhatChanged() throws {
        var cache = DAGFolder.Cache()
        try write("a.json", dag("a"))
        age("a.json", seconds: 1_600_000_000)
        #expect(cache.load(home, kinds: [commandKind]).files.map { $0.dag?.id } == ["a"])
        // The same size and time in the same file: only one who reads it sees the change.
        let descriptor = try FileDescriptor.open(home.dags + "/a.json", O_WRONLY | O_TRUNC)
        try descriptor.writeAll(Array(dag("z").utf8), path: "a.json")
        age("a.json", seconds: 1_600_000_000)
        #expect(cache.load(home, kinds: [commandKind]).files.map { $0.dag?.id } == ["a"], "it was read again")
        age("a.json", seconds: 1_600_000_001)
        #expect(cache.load(home, kinds: [commandKind]).files.map { $0.dag?.id } == ["z"])
    }

    @Test func twoWritesWithinOneTickOfTheFileSystemsClockAreBothSeen() throws {
        var cache = DAGFolder.Cache()
        try write("a.json", dag("a"))
        let now = time(nil)
        age("a.json", seconds: now)
        #expect(cache.load(home, kinds: [commandKind]).files.map { $0.dag?.id } == ["a"])
        let descriptor = try FileDescriptor.open(home.dags + "/a.json", O_WRONLY | O_TRUNC)
        try descriptor.writeAll(Array(dag("z").utf8), path: "a.json")
        age("a.json", seconds: now)
        #expect(cache.load(home, kinds: [commandKind]).files.map { $0.dag?.id } == ["z"])
    }

    @Test func aFileThatSharesAnIDIsGoodAgainWhenTheOtherGoes() throws {
        var cache = DAGFolder.Cache()
        try write("a.json", dag("d"))
        try write("b.json", dag("d"))
        _ = cache.load(home, kinds: [commandKind])
        try File.removeTree(home.dags + "/b.json")
        #expect(cache.load(home, kinds: [commandKind]).files.map { $0.dag?.id } == ["d"])
    }

    @Test func aDAGIsCurrentWhileItsFilesAre() throws {
        var cache = DAGFolder.Cache()
        for id in ["a", "b"] {
            try write("\(id).json", dag(id))
            age("\(id).json", seconds: 1_600_000_000)
        }
        #expect(!cache.isCurrent("a", home, names: nil), "it was never read")
        _ = cache.load(home, kinds: [commandKind])
        #expect(cache.isCurrent("a", home, names: nil))
        #expect(!cache.isCurrent("z", home, names: nil))
        #expect(!cache.isCurrent("a", home, names: ConfiguredNames()), "it was checked against others")
        age("b.json", seconds: 1_600_000_001)
        #expect(cache.isCurrent("a", home, names: nil))
        #expect(!cache.isCurrent("b", home, names: nil))
        try write("b.json", dag("a"))
        age("b.json", seconds: 1_600_000_002)
        #expect(cache.load(home, kinds: [commandKind]).files.allSatisfy { $0.dag == nil })
        #expect(cache.isCurrent("a", home, names: nil), "two files, both as they were")
        #expect(unlink(home.dags + "/b.json") == 0)
        #expect(!cache.isCurrent("a", home, names: nil), "one file is gone, and with it the error")
        try write("a.json", dag("a"))
        _ = cache.load(home, kinds: [commandKind])
        #expect(!cache.isCurrent("a", home, names: nil), "it changed just now: another change may have the same time")
    }

    @Test func theStateHasOneOwner() throws {
        var first: StateLock? = try StateLock.acquire(home)
        withExtendedLifetime(first) {
            let error = #expect(throws: EngineError.self) { try StateLock.acquire(home) }
            #expect(error?.code == .locked)
            #expect(error?.message.contains("by process \(getpid())") == true, "\(error?.message ?? "")")
        }
        first = nil
        _ = try StateLock.acquire(home)
    }

    @Test func aLockIsGivenBackWhileAStartingProcessHasACopy() throws {
        var first: StateLock? = try StateLock.acquire(home)
        var copy: Int32 = -1
        try withExtendedLifetime(first) {
            let names = try #require(try? File.list("/proc/self/fd"))
            let held = names.compactMap { Int32($0) }.first {
                var target = [CChar](repeating: 0, count: 4096)
                let length = readlink("/proc/self/fd/\($0)", &target, target.count - 1)
                return length > 0
                    && String(decoding: target[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self) == home.lock
            }
            copy = fcntl(try #require(held), F_DUPFD_CLOEXEC, 3)
        }
        defer { close(copy) }
        #expect(copy >= 0)
        first = nil
        #expect(try StateLock.attempt(home, as: .embedded) != nil)
    }

    @Test func aStateThatCannotBeMadeIsNotLocked() throws {
        try File.writeAtomically(folder.path + "/file", [])
        let error = #expect(throws: EngineError.self) { try StateLock.acquire(Home(path: folder.path + "/file")) }
        #expect(error?.code == .io)
    }
}

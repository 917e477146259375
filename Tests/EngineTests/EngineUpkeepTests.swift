import Glibc
import JSONText
import SQLite
import SchedulerCore
import Spawn
import Store
import Testing

@testable import Engine
@testable import SQLiteStore

/// The engine above a store on a disk: what it removes of the history, and what it does while another process holds the
/// store.
struct EngineUpkeepTests {
    private let folder: TemporaryDirectory
    private let home: Home
    private let journal = Journal()
    private let executor: FakeExecutor

    init() throws {
        folder = try TemporaryDirectory()
        home = Home(path: folder.path)
        executor = FakeExecutor(journal) { _ in }
        try File.makeDirectory(home.dags)
        try File.makeDirectory(home.attempts)
        try File.writeAtomically(home.dags + "/d.json", Array(simpleDAG.utf8))
    }

    private func store(busyMilliseconds: Int32 = 5_000) throws -> sending SQLiteStore {
        let store = try SQLiteStore(path: home.database, busyTimeoutMilliseconds: busyMilliseconds)
        try store.connection.run("PRAGMA synchronous = OFF")
        return store
    }

    private func engine(
        runsSchedules: Bool = false, retention: Retention = Retention(), busyMilliseconds: Int32 = 5_000
    ) throws -> Engine {
        let engine = try Engine(
            configuration: EngineConfiguration(
                home: home, weirProgram: "/bin/false", supervisorProgram: "/bin/false", kinds: [commandKind],
                runsSchedules: runsSchedules, version: "test", retention: retention),
            executor: executor)
        let database = home.database
        try engine.start(store: try store(busyMilliseconds: busyMilliseconds)) { () throws(StoreError) in
            try SQLiteReader(path: database)
        }
        return engine
    }

    /// Runs 1 to `count` of DAG `d` have ended a day ago, and each left the log of its attempt.
    private func history(_ count: Int64) throws {
        let store = try store()
        let yesterday = Instant(microseconds: Instant.wallClock.microseconds - 86_400_000_000)
        try store.commit([
            .insertVersion(DAGVersionRecord(id: 1, dagID: "d", sha256: "x", text: simpleDAG, loadedAt: yesterday)),
            .putDAG(DAGRecord(id: "d", version: 1, file: "d.json", paused: false, firstSeen: yesterday)),
        ])
        for id in 1...count {
            let at = Instant(seconds: id)
            let key = TaskInstanceKey(run: id, taskID: "a")
            try store.commit([
                .insertRun(
                    Run(
                        id: id, dagID: "d", runID: "manual__\(id)", type: .manual, state: .success, version: 1,
                        logicalDate: at, interval: DataInterval(start: at, end: at), runAfter: at, createdAt: at,
                        startedAt: yesterday, endedAt: yesterday)),
                .insertTaskInstance(TaskInstance(key: key, state: .success, endedAt: yesterday, attempt: id)),
                .insertAttempt(
                    Attempt(
                        id: id, instance: key, tryNumber: 1, state: .success, createdAt: at, startedAt: yesterday,
                        endedAt: yesterday)),
            ])
            try makeLog(id, modified: yesterday)
        }
        try store.close()
    }

    private func makeLog(_ id: Int64, modified: Instant) throws {
        let directory = AttemptDirectory(path: home.attempt(id))
        try directory.create()
        try File.writeAtomically(directory.log, Array("hello\n".utf8))
        let time = timespec(tv_sec: Int(modified.microseconds / 1_000_000), tv_nsec: 0)
        #expect(utimensat(AT_FDCWD, directory.log, [time, time], 0) == 0)
    }

    private var attempts: [String] { (try? File.list(home.attempts)) ?? [] }

    private func runs() throws -> [Int64] { try SQLiteReader(path: home.database).runs(RunQuery()).map(\.id) }

    private func prune(_ engine: Engine, _ policy: PrunePolicy) throws -> PruneSummary {
        guard case .pruned(let summary) = try engine.perform(.prune(policy), actor: "test") else {
            throw CommandError(.invalid, "no summary")
        }
        return summary
    }

    // MARK: History

    @Test func rowsAndDirectoriesGoTogether() throws {
        try history(300)
        let engine = try engine()
        defer { engine.stop() }
        let summary = try prune(engine, PrunePolicy(keep: 2))
        #expect((summary.runs, summary.attempts, summary.isComplete) == (298, 298, true))
        #expect(try runs() == [300, 299])
        #expect(attempts == ["299", "300"])
        #expect(try StoreCheck.problems(path: home.database) == [])
    }

    @Test func whatNoRuleNamesStays() throws {
        try history(3)
        let engine = try engine()
        defer { engine.stop() }
        #expect(try prune(engine, PrunePolicy()).isNothing)
        #expect(attempts == ["1", "2", "3"])
    }

    /// As a crash between the commit and the removal leaves it, and as a restored backup does.
    @Test func directoriesThatNobodyKnowsGo() throws {
        try history(3)
        try makeLog(2_000, modified: Instant(seconds: 1))
        try File.makeDirectory(home.attempts + "/007")
        let engine = try engine()
        defer { engine.stop() }
        #expect(try prune(engine, PrunePolicy()).orphans == 1)
        #expect(attempts == ["007", "1", "2", "3"])
    }

    /// What such a directory says would else be taken for the result of a new attempt.
    @Test func anAttemptNeverGetsADirectoryThatIsThere() throws {
        try history(3)
        try makeLog(2_000, modified: Instant(seconds: 1))
        let engine = try engine()
        defer { engine.stop() }
        _ = try engine.perform(.trigger(dag: "d", date: nil, params: [:]), actor: "test")
        try wait(for: "the start") { executor.attempt(of: "a") != nil }
        #expect(executor.attempt(of: "a") == 2_001)
    }

    @Test func aDirectoryWhoseSupervisorLivesStays() throws {
        try history(1)
        try makeLog(9, modified: Instant(seconds: 1))
        let lock = try FileDescriptor.open(home.attempt(9) + "/claim", O_RDWR | O_CREAT)
        #expect(flock(lock.raw, LOCK_EX) == 0)
        let reader = try SQLiteReader(path: home.database)
        #expect(try AttemptFolders(home).removeOrphans(reader) == 0)
        #expect(File.exists(home.attempt(9) + "/revoked"), "it is told not to publish anything")
        #expect(flock(lock.raw, LOCK_UN) == 0)
        #expect(try AttemptFolders(home).removeOrphans(reader) == 1)
        #expect(attempts == ["1"])
    }

    @Test func theDaemonRemovesByItself() throws {
        try history(30)
        let engine = try engine(
            runsSchedules: true, retention: Retention(runs: TimeAmount(seconds: 3_600), keep: 20))
        defer { engine.stop() }
        try wait(for: "the removal") { attempts.count == 20 }
        #expect(try runs().count == 20)
    }

    @Test func withoutRetentionNothingGoes() throws {
        try history(3)
        try makeLog(50, modified: Instant(seconds: 1))
        let engine = try engine(runsSchedules: true)
        defer { engine.stop() }
        try wait(for: "its first look") { !attempts.contains("50") }
        #expect(try runs().count == 3)
        #expect(attempts == ["1", "2", "3"])
    }

    @Test func oldLogsGoAndTheirRowsStay() throws {
        try history(3)
        // One that was written to lately, and one of a task that has been silent for long and still runs.
        try makeLog(3, modified: Instant.wallClock)
        do {
            let store = try store()
            let key = TaskInstanceKey(run: 3, taskID: "a")
            try store.commit([
                .insertAttempt(Attempt(id: 4, instance: key, tryNumber: 2, createdAt: Instant(seconds: 1)))
            ])
        }
        try makeLog(4, modified: Instant(seconds: 1))
        let reader = try SQLiteReader(path: home.database)
        let anHourAgo = Instant(microseconds: Instant.wallClock.microseconds - 3_600_000_000)
        #expect(try AttemptFolders(home).removeLogs(endedBefore: Instant(seconds: 9), reader) == 0)
        #expect(try AttemptFolders(home).removeLogs(endedBefore: anHourAgo, reader) == 2)
        #expect(attempts == ["3", "4"])
        #expect(try runs().count == 3)
    }

    @Test func stoppingEndsARemovalBetweenTwoSteps() throws {
        try history(300)
        let engine = try engine(runsSchedules: true, retention: Retention(keep: 0))
        try wait(for: "the first step") { try runs().count < 300 }
        engine.stop()
        #expect(try StoreCheck.problems(path: home.database) == [])
        #expect(throws: CommandError.self) { try prune(engine, PrunePolicy(keep: 0)) }
    }

    @Test func anEngineThatStopsClosesItsStore() throws {
        try engine().stop()
        #expect(try SQLiteConnection.reading(home.database).integer("SELECT clean FROM meta") == 1)
    }

    // MARK: Another process holds the store

    @Test func nothingIsLostWhileTheStoreIsHeld() throws {
        let engine = try engine(busyMilliseconds: 20)
        defer { engine.stop() }
        _ = try engine.perform(.trigger(dag: "d", date: nil, params: [:]), actor: "test")
        try wait(for: "the start") { executor.attempt(of: "a") != nil }
        let attempt = try #require(executor.attempt(of: "a"))
        let holder = try SQLiteConnection.reading(home.database)
        try holder.run("BEGIN IMMEDIATE")
        let error = #expect(throws: CommandError.self) {
            try engine.perform(.trigger(dag: "d", date: nil, params: [:]), actor: "test")
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("another process holds the database") == true, "\(error?.message ?? "")")
        executor.end(attempt)
        try wait(for: "the queue to stand still") {
            guard case .status(let status) = try engine.perform(.status, actor: "test") else { return false }
            return status.stoppedBecause?.contains("another process holds the database") == true
        }
        #expect(try runs() == [1], "reading goes on")
        try holder.run("COMMIT")
        try wait(for: "the end of the task to be recorded") {
            try SQLiteReader(path: home.database).runs(RunQuery()).map(\.state) == [.success]
        }
        guard case .status(let status) = try engine.perform(.status, actor: "test") else { return }
        #expect(status.stoppedBecause == nil)
        #expect(journal.all.count { $0 == "start a" } == 1, "the task ran twice")
    }
}

extension Instant {
    fileprivate static var wallClock: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}

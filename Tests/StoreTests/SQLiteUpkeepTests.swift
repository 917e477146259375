import CSQLite
import Glibc
import SQLite
import SchedulerCore
import Store
import Synchronization
import Testing

@testable import SQLiteStore

/// Checks, copies and checkpoints of the store on a disk.
@Suite struct SQLiteUpkeepTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.path + "/weir.db" }

    init() throws { folder = try TemporaryDirectory() }

    /// A store with a running run, an ended one, and a backfill.
    private func filled() throws -> SQLiteStore {
        let store = try SQLiteStore(path: path)
        var loaded = Sample.instance(2, state: .success)
        loaded.attempt = 2
        try store.commit([
            .insertVersion(Sample.version()), .putDAG(Sample.dag(cursor: Sample.day(9))),
            .insertRun(Sample.run(1, state: .running)), .insertTaskInstance(Sample.instance(1, state: .running)),
            .insertAttempt(Sample.attempt(1)), .insertRun(Sample.run(2, state: .success)),
            .insertTaskInstance(loaded), .insertAttempt(Sample.attempt(2, run: 2, state: .success)),
            .insertRun(Sample.run(3, type: .backfill, backfill: 1)),
            .insertBackfill(Sample.backfill(1), [Sample.entry(1, 1, run: 3)]),
        ])
        return store
    }

    // MARK: Check

    @Test func aSoundStoreHasNoProblems() throws {
        let store = try filled()
        #expect(try StoreCheck.problems(path: path) == [])
        try store.connection.run("BEGIN IMMEDIATE")
        #expect(try StoreCheck.problems(path: path) == [], "beside a writer")
    }

    /// One contradiction each, written past the rules of the tables.
    static let contradictions: [(sql: String, says: String)] = [
        (
            "UPDATE attempt SET state = 'lost', ended_at = 1 WHERE id = 1",
            "task load of run daily/scheduled__1: it is running, but its attempt is not"
        ),
        (
            "UPDATE task_instance SET state = 'queued' WHERE run = 1",
            "attempt 1: it is running, but its task is not, or has another attempt"
        ),
        (
            "UPDATE task_instance SET attempt = 1 WHERE run = 2",
            "task load of run daily/scheduled__2: it names an attempt that is not its own"
        ),
        (
            "UPDATE task_instance SET state = 'queued' WHERE run = 2",
            "run daily/scheduled__2: it has ended, but some of its tasks have not"
        ),
        (
            "UPDATE run SET state = 'running', ended_at = NULL WHERE id = 2",
            "run daily/scheduled__2: it is running, but all of its tasks have ended"
        ),
        (
            "INSERT INTO dag_version VALUES (2, 'other', 'x', '{}', 0); UPDATE run SET version = 2 WHERE id = 2",
            "run daily/scheduled__2: its version is another DAG's"
        ),
        (
            "INSERT INTO dag_version VALUES (2, 'other', 'x', '{}', 0); UPDATE dag SET version = 2",
            "DAG daily: its version is another DAG's"
        ),
        ("UPDATE dag SET cursor = NULL", "DAG daily: its schedule has made runs, but has no place to go on from"),
        (
            "UPDATE run SET backfill = 9 WHERE id = 3",
            "run daily/backfill__3: it belongs to a backfill that does not name it"
        ),
        (
            "UPDATE run SET state = 'cancelled', ended_at = 1 WHERE id = 3",
            "backfill 1: it is running, but all of its runs have ended"
        ),
        ("UPDATE run SET params = '{' WHERE id = 2", "run daily/scheduled__2: its parameters are not JSON"),
        (
            "UPDATE task_instance SET outputs = 'x' WHERE run = 2",
            "task load of run daily/scheduled__2: what it handed on is not JSON"
        ),
        ("UPDATE attempt SET rendered = '' WHERE id = 2", "attempt 2: its parameters are not JSON"),
        ("DELETE FROM meta", "table meta: there must be one row of it"),
    ]

    @Test(arguments: contradictions.indices)
    func aContradictionIsFound(index: Int) throws {
        let (sql, says) = Self.contradictions[index]
        let store = try filled()
        try store.connection.run(sql)
        let problems = try StoreCheck.problems(path: path)
        #expect(problems.map(\.message) == [says])
        #expect(problems.allSatisfy { $0.code == .inconsistent && !$0.remedy.contains("\n") })
    }

    @Test func aRowThatNamesNoneIsFound() throws {
        let store = try filled()
        try store.connection.run("PRAGMA foreign_keys = OFF; DELETE FROM dag_version")
        let problems = try StoreCheck.problems(path: path)
        #expect(
            problems.contains { $0.code == .dangling && $0.message.contains("a row 1 of run names one of dag_version") }
        )
    }

    @Test func manyProblemsOfAKindAreCut() throws {
        let store = try filled()
        try store.commit((Int64(10)..<60).map { .insertRun(Sample.run($0)) })
        try store.connection.run("UPDATE run SET params = 'x' WHERE id >= 10")
        let problems = try StoreCheck.problems(path: path)
        #expect(problems.count == 20)
        #expect(problems.last?.message.hasPrefix("and more such as run daily/scheduled__10") == true)
    }

    @Test func damageIsFoundAndNamesTheRemedy() throws {
        do { _ = try filled() }
        try damage(path)
        let problems = try StoreCheck.problems(path: path)
        #expect(!problems.isEmpty)
        #expect(problems.allSatisfy { $0.code == .damaged && $0.remedy.contains("docs/operations.md") })
        #expect(!problems.contains { $0.message.contains($0.remedy) }, "it is said once")
        let error = failure { () throws(StoreError) in try StoreCheck.problems(path: folder.path + "/none.db") }
        #expect(error?.code == .missing)
    }

    /// Overwrites all pages but the first.
    private func damage(_ path: String) throws {
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        let noise = [UInt8](repeating: 0xA5, count: size - 4096)
        #expect(pwrite(descriptor, noise, noise.count, 4096) == noise.count)
    }

    // MARK: Stops

    private final class Notes: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ note: String) { all.withLock { $0.append(note) } }
        var list: [String] { all.withLock { $0 } }
    }

    @Test func onlyAStopInGoodOrderIsTrusted() throws {
        let notes = Notes()
        let hooks = StoreHooks(note: { notes.add($0) })
        do { try SQLiteStore(path: path, hooks: hooks).close() }
        do { try SQLiteStore(path: path, hooks: hooks).close() }
        #expect(notes.list == [])
        do { _ = try SQLiteStore(path: path, hooks: hooks) }
        #expect(notes.list == [])
        do { try SQLiteStore(path: path, hooks: hooks).close() }
        #expect(notes.list == ["the last Weir did not stop in good order; looking through the store"])
        do { _ = try SQLiteStore(path: path, hooks: hooks) }
        #expect(notes.list.count == 1, "that one did")
    }

    /// A start after a kill looks at the pages; words that are none are for `weir db check`, and cannot come in afterwards.
    @Test func aStartAfterAKillLeavesTheWordsOfRowsToTheCheck() throws {
        do {
            let store = try filled()
            try store.connection.run("PRAGMA ignore_check_constraints = ON; UPDATE dag SET paused = 7")
        }
        let problems = try StoreCheck.problems(path: path)
        #expect(problems.contains { $0.code == .damaged && $0.message.contains("CHECK") }, "\(problems)")
        let store = try SQLiteStore(path: path)
        #expect(failure { () throws(StoreError) in try store.connection.run("UPDATE dag SET active = 7") } != nil)
    }

    @Test func aStoreThatWasTakenOverIsNotClosedByTheOtherOne() throws {
        let first = try SQLiteStore(path: path)
        let second = try SQLiteStore(path: path)
        try first.close()
        #expect(try second.connection.integer("SELECT clean FROM meta") == 0)
    }

    @Test func aDamagedStoreIsRefused() throws {
        do { _ = try filled() }
        try damage(path)
        let before = try bytes(path)
        let error = failure { () throws(StoreError) in try SQLiteStore(path: path) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("\"Restoring\" in docs/operations.md") == true, "\(error?.message ?? "")")
        #expect(try bytes(path) == before, "it is left as it is")
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(descriptor, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    // MARK: Copies

    @Test func aCopyIsOfOneMomentAndWhole() throws {
        let store = try filled()
        try store.connection.run("BEGIN IMMEDIATE; UPDATE dag SET paused = 1")
        try StoreMaintenance.copy(path, to: folder.path + "/copy.db")
        try store.connection.run("COMMIT")
        #expect(try StoreCheck.problems(path: folder.path + "/copy.db") == [])
        #expect(try SQLiteReader(path: folder.path + "/copy.db").dags().map(\.record.paused) == [false])
    }

    /// The first format, as the first Weir wrote it, comes through all migrations with what it has.
    @Test func theFirstFormatIsBroughtUp() throws {
        do {
            let connection = try SQLiteConnection(path: path, flags: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
            try connection.run("PRAGMA journal_mode = WAL")
            try Schema.migrate(connection, [Schema.migrations[0]])
            try connection.run(
                """
                INSERT INTO dag_version VALUES (1, 'daily', 'sha', '{}', 5);
                INSERT INTO dag VALUES ('daily', 1, 'daily.json', 0, 1, 5, 30);
                INSERT INTO run VALUES (1, 'daily', 'r1', 'scheduled', 'success', 1, 10, 10, 20, 20, 20, 21, 25, '{}', NULL, 0, 0,
                    NULL);
                INSERT INTO run VALUES (2, 'daily', 'r2', 'scheduled', 'failed', 1, 20, 20, 30, 30, 30, 31, 35, '{}', NULL, 0, 0,
                    'why');
                INSERT INTO task_instance VALUES (2, 1, 'a', -1, 'failed', 1, 1, 0, NULL, 31, 35, NULL, NULL, 'exit 1');
                """)
        }
        #expect(
            failure { () throws(StoreError) in try SQLiteReader(path: path) }?.message.contains("db migrate") == true)
        #expect(try StoreCheck.problems(path: path).map(\.code) == [.oldFormat])
        let points = Notes()
        let done = try StoreMaintenance.migrate(path, hooks: StoreHooks(point: { points.add($0) }))
        #expect(done.from == 1 && done.to == Schema.migrations.count && done.copy == "\(path).before-\(done.to)")
        #expect(points.list == Array(repeating: "migrate.before_commit", count: done.to - 1))
        #expect(try StoreCheck.problems(path: path) == [])
        let reader = try SQLiteReader(path: path)
        #expect(try reader.version(1)?.sha256 == "sha")
        let record = try reader.dags().first?.record
        #expect(
            record?.succeededThrough == Instant(microseconds: 20) && record?.succeededAt == Instant(microseconds: 25))
        #expect(try reader.runs(RunQuery()).map(\.reason) == ["why", nil])
        #expect(try reader.taskInstances(ofRun: 2).map(\.reason) == ["exit 1"])
        try SQLiteStore(path: path).commit([.insertRun(Sample.run(3, type: .missed))])
        #expect(try StoreMaintenance.migrate(path).copy == nil, "there is nothing more to do")
    }

    // MARK: Checkpoints

    private var logSize: Int {
        var status = stat()
        return stat(path + "-wal", &status) == 0 ? Int(status.st_size) : 0
    }

    /// Commits about a megabyte.
    private func write(_ number: Int64, _ store: SQLiteStore) throws {
        var version = Sample.version(number)
        version.text = String(repeating: "x", count: 1 << 20)
        try store.commit([.insertVersion(version)])
    }

    @Test func theLogIsCopiedByAnotherThreadAndBeginsAnew() throws {
        let store = try SQLiteStore(path: path)
        try store.connection.run("PRAGMA synchronous = OFF")
        var number: Int64 = 0
        for round in 1...4 {
            while store.checkpoints < round {
                number += 1
                try write(number, store)
                try #require(number < 1000, "no checkpoint is made")
            }
        }
        #expect(logSize < 3 * 8 << 20, "\(number) MiB were written, the log has \(logSize) bytes")
        #expect(number > 8)
    }

    /// It holds a snapshot as long as it reads. Nobody waits for it, and the log is short again once it has gone.
    @Test func aLongReaderBlocksNobody() throws {
        // Far less than the reader takes: a writer that waits for it fails.
        let store = try SQLiteStore(path: path, busyTimeoutMilliseconds: 2_000)
        try store.connection.run("PRAGMA synchronous = OFF")
        try write(1, store)
        let reader = try SQLiteConnection(path: path, flags: SQLITE_OPEN_READWRITE)
        try reader.run("BEGIN")
        #expect(try reader.integer("SELECT count(*) FROM dag_version") == 1)
        for number in 2...40 { try write(Int64(number), store) }
        #expect(try reader.integer("SELECT count(*) FROM dag_version") == 1, "it sees its moment")
        #expect(logSize > 30 << 20)
        try reader.run("COMMIT")
        let before = store.checkpoints
        var number: Int64 = 40
        while store.checkpoints == before || logSize > Checkpointer.keptBytes + (8 << 20) {
            number += 1
            try write(number, store)
            try #require(number < 1000, "the log stays at \(logSize) bytes")
        }
    }

    // MARK: Read-only file systems

    /// Without the right to mount (a container), there is nothing to test.
    private static let canMount: Bool = {
        guard let folder = try? TemporaryDirectory(), shell("mount -t tmpfs tmpfs \(folder.path)") else { return false }
        return shell("umount \(folder.path)")
    }()

    private static func shell(_ line: String) -> Bool { system(line + " >/dev/null 2>&1") == 0 }

    @Test(.enabled(if: canMount), arguments: [false, true])
    func aReadOnlyFileSystem(killed: Bool) throws {
        let disk = try TemporaryDirectory()
        try #require(Self.shell("mount -t tmpfs -o size=32m tmpfs \(disk.path)"))
        defer { _ = Self.shell("umount -l \(disk.path)") }
        do {
            let store = try filled()
            if killed {
                // As a killed writer leaves it: a log, and nobody who has its index.
                try #require(Self.shell("cp '\(path)' '\(path)-wal' \(disk.path)/"))
            }
            withExtendedLifetime(store) {}
        }
        // A name that a URI would misread.
        if !killed { try #require(Self.shell("cp '\(path)' \(disk.path)/weir.db")) }
        let odd = disk.path + "/a%41?b#c.db"
        for end in ["", "-wal"] { rename(disk.path + "/weir.db" + end, odd + end) }
        try #require(Self.shell("mount -o remount,ro \(disk.path)"))
        let reader = try SQLiteReader(path: odd)
        #expect(try reader.runs(RunQuery()).map(\.id) == [3, 2, 1], "also what is in the log alone")
        #expect(try reader.dags().count == 1)
        #expect(try StoreCheck.problems(path: odd) == [])
        try StoreMaintenance.copy(odd, to: folder.path + "/copy.db")
        #expect(try SQLiteReader(path: folder.path + "/copy.db").runs(RunQuery()).count == 3)
        let error = failure { () throws(StoreError) in try SQLiteStore(path: odd) }
        #expect(error?.code == .io, "\(error?.message ?? "it was opened")")
    }
}

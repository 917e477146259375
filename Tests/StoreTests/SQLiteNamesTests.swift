import Glibc
import SQLite
import SchedulerCore
import Testing

@testable import SQLiteStore
@testable import Store

/// Names for completion, and that looking at them changes no file, whoever else works on the store.
@Suite struct SQLiteNamesTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.path + "/weir.db" }

    init() throws { folder = try TemporaryDirectory() }

    /// A store with a DAG, two runs, a pool and a backfill.
    private func filled() throws -> SQLiteStore {
        let store = try SQLiteStore(path: path)
        try store.connection.run(
            """
            INSERT INTO dag_version VALUES (1, 'a', 'x', '{"id": "a"}', 0);
            INSERT INTO dag (id, version, file, paused, active, first_seen) VALUES ('a', 1, 'a.json', 1, 1, 0),
                ('gone', 1, 'gone.json', 0, 0, 0);
            INSERT INTO pool VALUES ('duckdb', 2, 'of queries');
            """)
        for (id, name, date) in [(1, "scheduled__1", 10), (2, "scheduled__2", 20), (3, "manual__1%_", 15)] {
            try store.connection.run(
                """
                INSERT INTO run (id, dag_id, run_id, type, state, version, logical_date, interval_start, interval_end,
                    run_after, created_at, params, is_rerun, keeps_finished)
                VALUES (\(id), 'a', '\(name)', 'manual', 'queued', 1, \(date), 0, 0, 0, 0, '{}', 0, 0);
                """)
        }
        try store.connection.run(
            """
            INSERT INTO task_instance (run, position, task_id, map_index, state, try_number, max_tries, lost_in_a_row)
            VALUES (1, 1, 'each', 0, 'queued', 0, 1, 0), (1, 0, 'load', -1, 'success', 1, 1, 0),
                (1, 2, 'load:on_failure', 0, 'none', 0, 1, 0), (1, 3, 'old', -1, 'removed', 0, 1, 0);
            """)
        return store
    }

    /// Each file with what a write would change.
    private var traces: [String] {
        folder.names.sorted().map { name in
            var status = stat()
            stat(folder.path + "/" + name, &status)
            return "\(name) \(status.st_size) \(status.st_ino) \(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec)"
        }
    }

    private func check(_ names: SQLiteNames) throws {
        #expect(try names.dags().map(\.id) == ["a", "gone"])
        #expect(try names.dags().map(\.isActive) == [true, false])
        #expect(try names.dags().map(\.isPaused) == [true, false])
        #expect(try names.text(ofDAG: "a") == "{\"id\": \"a\"}")
        #expect(try names.text(ofDAG: "b") == nil)
        #expect(try names.runs(ofDAG: "a", limit: 10).map(\.row) == [2, 3, 1], "newest first")
        #expect(try names.runs(ofDAG: "a", limit: 1).map(\.row) == [2])
        #expect(try names.runs(ofDAG: "a", prefix: "sched", limit: 10).map(\.row) == [2, 1])
        #expect(
            try names.runs(ofDAG: "a", prefix: "1%", limit: 10).map(\.row) == [3], "nothing stands for something else")
        #expect(try names.runs(ofDAG: "a", prefix: "2", limit: 10).map(\.runID) == ["scheduled__2"])
        let (from, to) = (Instant(microseconds: 10), Instant(microseconds: 15))
        #expect(try names.runs(ofDAG: "a", from: from, to: to, limit: 10).map(\.row) == [3, 1])
        #expect(try names.runs(ofDAG: "b", limit: 10).isEmpty)
        #expect(try names.tasks(ofRun: 1, limit: 9).map(\.key.name) == ["load", "each[0]"])
        #expect(try names.tasks(ofRun: 1, limit: 1).map(\.state) == ["success"])
        #expect(try names.pools().map(\.name) == ["duckdb"])
        #expect(try names.backfills(limit: 9).isEmpty)
    }

    @Test func besideAWriter() throws {
        let store = try filled()
        let before = traces
        #expect(before.count == 3, "the database, its log and the log's index")
        for _ in 0..<2 { try check(try SQLiteNames(path: path)) }
        #expect(traces == before)
        try store.close()
    }

    @Test func afterAWriterThatStopped() throws {
        try filled().close()
        unlink(path + "-shm")
        #expect(folder.names == ["weir.db"], "\(folder.names)")
        let before = traces
        try check(try SQLiteNames(path: path))
        #expect(traces == before)
    }

    /// As a crash leaves it: what was committed last is only in the log.
    @Test(arguments: [true, false]) func afterACrash(hasIndex: Bool) throws {
        let copy = try TemporaryDirectory()
        let store = try filled()
        for name in folder.names where hasIndex || !name.hasSuffix("-shm") {
            try copyFile(folder.path + "/" + name, copy.path + "/" + name)
        }
        try store.close()
        func sizes() -> [Int] {
            copy.names.sorted().map { name in
                var status = stat()
                stat(copy.path + "/" + name, &status)
                return Int(status.st_size)
            }
        }
        let (names, before) = (copy.names, sizes())
        try check(try SQLiteNames(path: copy.path + "/weir.db"))
        #expect(copy.names == names && sizes() == before)
    }

    @Test func whatIsNoStoreOfThisFormatHasNoNames() throws {
        #expect(throws: StoreError.self) { try SQLiteNames(path: path) }
        #expect(folder.names.isEmpty)
        let store = try filled()
        try store.connection.run("PRAGMA user_version = 1")
        #expect(throws: StoreError.self) { try SQLiteNames(path: path) }
    }

    private func copyFile(_ from: String, _ to: String) throws {
        let source = open(from, O_RDONLY)
        let target = open(to, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        defer {
            close(source)
            close(target)
        }
        var status = stat()
        fstat(source, &status)
        #expect(sendfile(target, source, nil, Int(status.st_size)) == Int(status.st_size))
    }
}

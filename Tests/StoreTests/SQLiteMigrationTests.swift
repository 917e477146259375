import CSQLite
import Glibc
import SQLite
import SchedulerCore
import Store
import Testing

@testable import SQLiteStore

@Suite struct SQLiteMigrationTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.path + "/weir.db" }
    private static let next: [Schema.Migration] =
        Schema.migrations + [("next", "CREATE TABLE next (a INTEGER) STRICT; INSERT INTO next VALUES (5)")]

    /// This Weir's format, and the one after it.
    private static let old = Int64(Schema.migrations.count)
    private static let new = old + 1
    private var copy: String { "weir.db.before-\(Self.new)" }

    init() throws {
        folder = try TemporaryDirectory()
        let store = try SQLiteStore(path: path)
        try store.commit([.insertVersion(Sample.version()), .putDAG(Sample.dag())])
    }

    private func open(_ path: String) throws -> SQLiteConnection {
        try SQLiteConnection(path: path, flags: SQLITE_OPEN_READWRITE)
    }

    @Test func aCopyIsMadeFirst() throws {
        let connection = try open(path)
        try Schema.migrate(connection, Self.next)
        #expect(try connection.integer("PRAGMA user_version") == Self.new)
        #expect(try connection.integer("SELECT a FROM next") == 5)
        #expect(folder.names == ["weir.db", "weir.db-wal", "weir.db-shm", copy])

        // The copy is a whole database of the old format.
        let reader = try SQLiteReader(path: folder.path + "/" + copy)
        #expect(try reader.dags().map(\.record) == [Sample.dag()])
        #expect(failure { () throws(StoreError) in try SQLiteReader(path: path) }?.code == .tooNew)

        try Schema.migrate(connection, Self.next)
        #expect(try connection.integer("SELECT count(*) FROM next") == 1, "a migration is made once")
    }

    @Test func anotherProcessWasQuicker() throws {
        let connection = try open(path)
        try Schema.migrate(connection, Self.next)
        // This one looked when it was not made yet.
        try Migrations.migrate(connection, from: Int(Self.old), by: Self.next[Int(Self.old)])
        try Migrations.migrate(connection, from: 0, by: Self.next[0])
        #expect(try connection.integer("PRAGMA user_version") == Self.new)
    }

    /// A backup restored by hand is migrated again, and a crash may have left half a copy.
    @Test func anOlderCopyIsNoObstacle() throws {
        for name in [folder.path + "/" + copy, folder.path + "/\(copy).unfinished"] {
            let descriptor = Glibc.open(name, O_CREAT | O_WRONLY, 0o600)
            #expect(write(descriptor, "half a copy", 11) == 11)
            close(descriptor)
        }
        try Schema.migrate(try open(path), Self.next)
        #expect(try SQLiteReader(path: folder.path + "/" + copy).dags().count == 1)
        #expect(!folder.names.contains(copy + ".unfinished"))
    }

    @Test func aMigrationThatFailsChangesNothing() throws {
        let broken =
            Schema.migrations + [("broken", "CREATE TABLE next (a INTEGER) STRICT; INSERT INTO none VALUES (1)")]
        let connection = try open(path)
        #expect(failure { () throws(StoreError) in try Schema.migrate(connection, broken) }?.code == .internalError)
        #expect(try connection.integer("PRAGMA user_version") == Self.old)
        #expect(try connection.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'next'") == 0)
        #expect(try SQLiteStore(path: path).snapshot().dags.count == 1)
    }

    @Test func withoutACopyNothingIsMigrated() throws {
        // A directory stands where the copy should be.
        #expect(mkdir(folder.path + "/" + copy, 0o700) == 0)
        defer { rmdir(folder.path + "/" + copy) }
        let connection = try open(path)
        let error = failure { () throws(StoreError) in try Schema.migrate(connection, Self.next) }
        #expect(error?.code == .io && error?.message.contains("the backup cannot be written") ?? false)
        #expect(try connection.integer("PRAGMA user_version") == Self.old)
        #expect(!folder.names.contains(copy + ".unfinished"))
    }
}

import CSQLite
import Glibc
import Store

extension SQLiteConnection {
    /// A connection that writes: with a write-ahead log, each commit on the disk before it is answered, foreign keys on.
    ///
    /// - Parameters:
    ///   - creates: whether a database that is not there is made.
    ///   - busyTimeoutMilliseconds: also how long another process's first opening is waited for.
    package static func writing(
        _ path: String, creates: Bool = true, busyTimeoutMilliseconds: Int32 = busyTimeoutMilliseconds
    ) throws(StoreError) -> SQLiteConnection {
        let connection = try SQLiteConnection(
            path: path, flags: SQLITE_OPEN_READWRITE | (creates ? SQLITE_OPEN_CREATE : 0),
            busyTimeoutMilliseconds: busyTimeoutMilliseconds)
        try connection.useLog(milliseconds: busyTimeoutMilliseconds)
        try connection.run("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
        return connection
    }

    /// Makes the database one with a write-ahead log, which it stays. When several do that to a new file at once, SQLite
    /// refuses all but one without waiting: it never waits to make a read lock a write lock.
    private func useLog(milliseconds: Int32) throws(StoreError) {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while true {
            do throws(StoreError) { return try run("PRAGMA journal_mode = WAL") } catch {
                guard error.code == .busy, ContinuousClock.now < end else { throw error }
                sqlite3_sleep(5)
            }
        }
    }

    /// A connection that is only read from; also where nothing can be written.
    ///
    /// A WAL database needs its -shm file, even to be read (https://www.sqlite.org/wal.html#read_only_databases). On a
    /// read-only file system, and in a folder where this user may not write, it cannot be made; but while it is not there
    /// nobody has the database open, so that it is not needed.
    package static func reading(_ path: String) throws(StoreError) -> SQLiteConnection {
        do throws(StoreError) {
            // Not SQLITE_OPEN_READONLY: with it the -shm file is not made.
            let connection = try SQLiteConnection(path: path, flags: SQLITE_OPEN_READWRITE)
            _ = try connection.integer("PRAGMA user_version")
            return connection
        } catch {
            guard error.code == .io, !mayMakeFiles(beside: path), access(path + "-shm", F_OK) != 0 else { throw error }
        }
        return try withoutSharedMemory(path)
    }

    /// A connection that leaves no trace: it makes, changes and removes no file, and what it reads may be a moment old. One
    /// that may write empties the log when it is the last to close.
    package static func glancing(_ path: String) throws(StoreError) -> SQLiteConnection {
        guard access(path + "-shm", F_OK) == 0 else { return try withoutSharedMemory(path) }
        return try SQLiteConnection(path: path, flags: SQLITE_OPEN_READONLY)
    }

    private static func withoutSharedMemory(_ path: String) throws(StoreError) -> SQLiteConnection {
        let uri = "file:" + escaped(path)
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
        guard hasLog(path) else { return try SQLiteConnection(path: uri + "?immutable=1", flags: flags, name: path) }
        // `immutable` would pass over the log, which has the latest commits. Without locks, and with the log's index in this
        // process's memory, it is read as after a crash.
        let connection = try SQLiteConnection(path: uri + "?vfs=unix-none", flags: flags, name: path)
        _ = try connection.rows("PRAGMA locking_mode = EXCLUSIVE") { $0.text(0) }
        return connection
    }

    private static func hasLog(_ path: String) -> Bool {
        var status = stat()
        return stat(path + "-wal", &status) == 0 && status.st_size > 0
    }

    private static func mayMakeFiles(beside path: String) -> Bool {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        return access(folder, W_OK) == 0 || errno != EROFS && errno != EACCES
    }

    /// For a URI: what is special in it, by its number.
    private static func escaped(_ path: String) -> String {
        let special = Set("%?#".utf8)
        var bytes: [UInt8] = []
        for byte in path.utf8 {
            if special.contains(byte) {
                let digits = String(byte, radix: 16, uppercase: true)
                bytes += Array(("%" + (digits.count < 2 ? "0" : "") + digits).utf8)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

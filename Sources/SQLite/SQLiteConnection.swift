import CSQLite
import Glibc
import Store

/// SQLite's "copy this text now" destructor; the C macro is a cast that Swift does not import.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// What is told of each commit of a connection: the pages of the log then.
package protocol CommitListener: AnyObject {
    func committed(pages: Int)
}

/// One connection. Used from one thread; keeps its prepared statements.
package final class SQLiteConnection {
    /// What messages call the database.
    package let path: String
    private let handle: OpaquePointer
    private var statements: [String: SQLiteStatement] = [:]

    /// How long a statement waits for another process's lock, unless told otherwise.
    package static let busyTimeoutMilliseconds: Int32 = 5_000

    /// - Parameter name: what messages call the database; nil: its path.
    package init(
        path: String, flags: Int32, busyTimeoutMilliseconds: Int32 = busyTimeoutMilliseconds, name: String? = nil
    ) throws(StoreError) {
        let name = name ?? path
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard let opened else { throw StoreError(.io, "\(name): SQLite has no memory for a connection") }
        guard code == SQLITE_OK else {
            let error = Self.error(opened, code, name, "open")
            sqlite3_close_v2(opened)
            throw error
        }
        self.path = name
        handle = opened
        sqlite3_busy_timeout(opened, busyTimeoutMilliseconds)
    }

    deinit {
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    /// How long a statement waits for another process's lock.
    package func setBusyTimeout(milliseconds: Int32) { sqlite3_busy_timeout(handle, milliseconds) }

    private weak var listener: (any CommitListener)?

    /// From now on each commit tells how long the log is, and none copies it into the database (sqlite3_wal_hook replaces
    /// SQLite's own checkpoints). The connection does not keep the listener: nil takes it away before it goes.
    package func onCommit(tell listener: (any CommitListener)?) {
        self.listener = listener
        guard listener != nil else {
            sqlite3_wal_hook(handle, nil, nil)
            return
        }
        sqlite3_wal_hook(
            handle,
            { connection, _, _, pages in
                guard let connection else { return SQLITE_OK }
                Unmanaged<SQLiteConnection>.fromOpaque(connection).takeUnretainedValue()
                    .listener?.committed(pages: Int(pages))
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Differs after every commit, of this connection and of others.
    package func mark() throws(StoreError) -> [Int64] {
        [try integer("PRAGMA data_version") ?? 0, sqlite3_total_changes64(handle)]
    }

    /// Rows that the last statement changed.
    package var changes: Int { Int(sqlite3_changes(handle)) }

    /// Runs one or more statements without values or rows.
    package func run(_ sql: String) throws(StoreError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code, sql) }
    }

    /// A statement that is kept: it is reset, with no values bound.
    package func statement(_ sql: String) throws(StoreError) -> SQLiteStatement {
        if let known = statements[sql] {
            known.reset()
            return known
        }
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw error(code, sql) }
        let new = SQLiteStatement(self, prepared, sql)
        statements[sql] = new
        return new
    }

    /// Runs a statement that changes rows; the number of rows changed.
    @discardableResult
    package func execute(_ sql: String, _ values: SQLiteValue...) throws(StoreError) -> Int {
        let statement = try statement(sql)
        try statement.bind(values)
        while try statement.step() {}
        return changes
    }

    /// All rows of a query.
    package func rows<Row>(
        _ sql: String, _ values: [SQLiteValue] = [], _ read: (SQLiteStatement) throws(StoreError) -> Row
    ) throws(StoreError) -> [Row] {
        let statement = try statement(sql)
        try statement.bind(values)
        // Also when a row cannot be read: a statement that stands between two rows keeps its snapshot of the database.
        defer { statement.reset() }
        var rows: [Row] = []
        while try statement.step() { rows.append(try read(statement)) }
        return rows
    }

    /// The first number of the first row; nil when there is none.
    package func integer(_ sql: String, _ values: SQLiteValue...) throws(StoreError) -> Int64? {
        try rows(sql, values) { row throws(StoreError) in row.integer(0) }.first
    }

    /// Everything of `body`, or nothing. IMMEDIATE: a transaction that begins by reading cannot wait for a lock later.
    package func transaction<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try transaction("BEGIN IMMEDIATE", body)
    }

    /// All queries of `body` see one moment.
    package func reading<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try transaction("BEGIN", body)
    }

    private func transaction<Value>(
        _ begin: String, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try execute(begin)
        do throws(StoreError) {
            let value = try body()
            try execute("COMMIT")
            return value
        } catch {
            // Some failures roll back by themselves, after which this one has nothing to do.
            _ = try? run("ROLLBACK")
            throw error
        }
    }

    /// What to do about damage.
    package static let damageRemedy = "put a backup in its place, see \"Restoring\" in docs/operations.md"

    package func error(_ code: Int32, _ sql: String) -> StoreError { Self.error(handle, code, path, sql) }

    private static func error(_ handle: OpaquePointer, _ code: Int32, _ path: String, _ sql: String) -> StoreError {
        let words = String(cString: sqlite3_errmsg(handle))
        let kind: StoreError.Code
        let advice: String
        switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: (kind, advice) = (.busy, "another process holds the database")
        case SQLITE_FULL: (kind, advice) = (.io, "the disk is full: make room, work goes on by itself")
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY:
            (kind, advice) = (.io, "check the file, its directory and their permissions")
        case SQLITE_CORRUPT, SQLITE_NOTADB: (kind, advice) = (.corrupt, damageRemedy)
        case SQLITE_CONSTRAINT: (kind, advice) = (.conflict, "a rule of the store forbids it")
        default: (kind, advice) = (.internalError, "this is a bug in Weir")
        }
        return StoreError(kind, "\(path): \(words) (SQLite \(code), \(advice)), at: \(sql.prefix(120))")
    }

    // MARK: For statements

    fileprivate func check(_ code: Int32, _ sql: String) throws(StoreError) {
        guard code == SQLITE_OK else { throw error(code, sql) }
    }
}

/// A value to bind.
package enum SQLiteValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    case null
    case integer(Int64)
    case text(String)

    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(stringLiteral value: String) { self = .text(value) }

    package init(_ value: Int64?) { self = value.map { .integer($0) } ?? .null }
    package init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
    package init(_ value: Bool) { self = .integer(value ? 1 : 0) }
    package init(_ value: String?) { self = value.map { .text($0) } ?? .null }
}

/// A prepared statement of a connection, which owns it.
package final class SQLiteStatement {
    private unowned let connection: SQLiteConnection
    private let handle: OpaquePointer
    private let sql: String

    fileprivate init(_ connection: SQLiteConnection, _ handle: OpaquePointer, _ sql: String) {
        self.connection = connection
        self.handle = handle
        self.sql = sql
    }

    deinit { sqlite3_finalize(handle) }

    package func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    package func bind(_ values: [SQLiteValue]) throws(StoreError) {
        for (index, value) in values.enumerated() {
            let place = Int32(index + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(handle, place)
                case .integer(let number): sqlite3_bind_int64(handle, place, number)
                case .text(let text): sqlite3_bind_text(handle, place, text, Int32(text.utf8.count), transient)
                }
            try connection.check(code, sql)
        }
    }

    /// Whether there is a row; resets the statement at the end, so that it holds no lock.
    package func step() throws(StoreError) -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        let error = code == SQLITE_DONE ? nil : connection.error(code, sql)
        sqlite3_reset(handle)
        if let error { throw error }
        return false
    }

    package func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    package func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }
    package func bool(_ column: Int32) -> Bool { integer(column) != 0 }
    package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    package func text(_ column: Int32) -> String { optionalText(column) ?? "" }

    package func optionalText(_ column: Int32) -> String? {
        guard let bytes = sqlite3_column_text(handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// A word of an enumeration; one that this Weir does not know is damage.
    package func word<Word: RawRepresentable>(_ column: Int32, _ type: Word.Type) throws(StoreError) -> Word
    where Word.RawValue == String {
        let raw = text(column)
        guard let word = Word(rawValue: raw) else {
            throw StoreError(.corrupt, "\(connection.path): '\(raw)' is no \(type)")
        }
        return word
    }
}

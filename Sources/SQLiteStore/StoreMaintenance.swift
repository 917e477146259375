import Glibc
import SQLite
import Store

/// What is done to a store as a whole.
public enum StoreMaintenance {
    /// What a migration did.
    public struct Migration: Sendable, Hashable {
        /// Formats before and after; equal when there was nothing to do.
        public var from: Int
        public var to: Int
        /// The copy that was made first.
        public var copy: String?
    }

    /// Writes a copy of one moment into a file, beside a running daemon or without one. The file must be empty or not there;
    /// it is not synced.
    public static func copy(_ path: String, to file: String) throws(StoreError) {
        guard access(path, F_OK) == 0 else {
            throw StoreError(.missing, "\(path) does not exist: nothing has run here yet")
        }
        try SQLiteConnection.reading(path).execute("VACUUM INTO ?", .text(file))
    }

    /// Brings a store to this Weir's format. The caller holds the state lock.
    public static func migrate(_ path: String, hooks: StoreHooks = StoreHooks()) throws(StoreError) -> Migration {
        guard access(path, F_OK) == 0 else {
            throw StoreError(.missing, "\(path) does not exist: nothing has run here yet")
        }
        let connection = try SQLiteConnection.writing(path, creates: false)
        let before = try Schema.version(of: connection)
        let copy = try Schema.migrate(connection, atPoint: hooks.point)
        return Migration(from: before, to: try Schema.version(of: connection), copy: copy)
    }
}

import Store

/// A database's format, as numbered migrations: PRAGMA user_version tells how many were made. One that was released is never
/// changed; a new one is added.
package struct Migrations: Sendable {
    package typealias Migration = (name: String, sql: String)

    package let all: [Migration]

    package init(_ all: [Migration]) { self.all = all }

    package var count: Int { all.count }

    /// Brings a database to this Weir's version, one migration a transaction; a copy is made first when it has content.
    ///
    /// - Parameter point: called by name at the places at which a test may kill the process.
    /// - Returns: the path of the copy; nil when none was needed.
    @discardableResult
    package func migrate(
        _ connection: SQLiteConnection, atPoint point: (String) -> Void = { _ in }
    ) throws(StoreError) -> String? {
        let version = try Self.version(of: connection)
        guard version <= count else {
            throw tooNew(connection.path, version)
        }
        guard version < count else { return nil }
        let copy = version > 0 ? "\(connection.path).before-\(count)" : nil
        if let copy { try connection.backUp(to: copy) }
        // A table that is dropped to be made anew must not take along the rows that name it; outside of any transaction,
        // where alone it can be set (https://sqlite.org/lang_altertable.html, section 7).
        let enforced = try connection.integer("PRAGMA foreign_keys") ?? 0
        try connection.run("PRAGMA foreign_keys = OFF")
        for (index, migration) in all.enumerated().dropFirst(version) {
            try Self.migrate(connection, from: index, by: migration, atPoint: point)
        }
        try connection.run("PRAGMA foreign_keys = \(enforced)")
        return copy
    }

    package func tooNew(_ path: String, _ version: Int) -> StoreError {
        StoreError(
            .tooNew,
            "\(path) has format \(version), made by a newer Weir; this one knows up to \(count): use the newer program, "
                + "or restore a backup")
    }

    /// Makes one migration, unless another process that opened the database at the same time was quicker.
    package static func migrate(
        _ connection: SQLiteConnection, from index: Int, by migration: Migration,
        atPoint point: (String) -> Void = { _ in }
    ) throws(StoreError) {
        try connection.transaction { () throws(StoreError) in
            guard try version(of: connection) == index else { return }
            try connection.run(migration.sql)
            guard try connection.integer("SELECT count(*) FROM pragma_foreign_key_check") == 0 else {
                throw StoreError(
                    .corrupt,
                    "\(connection.path): rows name others that are not there; restore a backup, see docs/operations.md")
            }
            try connection.run("PRAGMA user_version = \(index + 1)")
            point("migrate.before_commit")
        }
    }

    package static func version(of connection: SQLiteConnection) throws(StoreError) -> Int {
        Int(try connection.integer("PRAGMA user_version") ?? 0)
    }
}

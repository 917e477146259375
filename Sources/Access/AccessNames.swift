import Glibc
import SQLite
import Store

/// Names of users and tokens, for completion: read without a trace, with a daemon or without one.
public struct AccessNames {
    public let users: [(name: String, role: String)]
    /// Those that are not revoked.
    public let tokens: [(id: String, user: String, name: String)]

    /// Nil when they cannot be read.
    public init?(path: String) {
        guard access(path, R_OK) == 0 else { return nil }
        do throws(StoreError) {
            let connection = try SQLiteConnection.glancing(path)
            guard try Migrations.version(of: connection) == AccessSchema.migrations.count else { return nil }
            users = try connection.rows("SELECT name, role FROM user ORDER BY name") { ($0.text(0), $0.text(1)) }
            tokens = try connection.rows(
                """
                SELECT token.id, user.name, token.name FROM token JOIN user ON user.id = token.user
                WHERE revoked_at IS NULL ORDER BY token.created_at DESC
                """
            ) { ($0.text(0), $0.text(1), $0.text(2)) }
        } catch { return nil }
    }
}

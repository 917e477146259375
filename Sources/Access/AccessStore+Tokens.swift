import SQLite
import SchedulerCore
import Store
import Synchronization

/// A token as checks need it.
struct KnownToken: Sendable {
    var digest: String
    var user: String
    var role: Role
    var dags: Set<String>?
    var expiresAt: Instant?
    /// Of the last use, as it is stored.
    var lastUsedAt: Instant?
}

/// The text of a token, `weir_<id>_<secret>`.
enum TokenText {
    static let idBytes = 6
    private static let prefix = "weir_"

    static func text(id: String, secret: String) -> String { "\(prefix)\(id)_\(secret)" }

    static func parts(_ text: String) -> (id: String, secret: String)? {
        guard text.hasPrefix(prefix), text.utf8.count <= 100 else { return nil }
        let parts = text.dropFirst(prefix.count).split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 2, Secret.isPossible(parts[0], bytes: idBytes), Secret.isPossible(parts[1]) else {
            return nil
        }
        return (String(parts[0]), String(parts[1]))
    }
}

extension AccessStore {
    /// Tokens, also those that are over, oldest first.
    ///
    /// - Parameter user: of this user only; nil: of all.
    public func tokens(of user: String? = nil) throws(AccessError) -> [AccessToken] {
        try look { connection in
            let dags = Dictionary(
                grouping: try connection.rows("SELECT token, dag_id FROM token_dag ORDER BY dag_id") {
                    ($0.text(0), $0.text(1))
                }, by: \.0)
            return try connection.rows(
                """
                SELECT token.id, user.name, token.name, token.role, is_limited, token.created_at, expires_at, revoked_at,
                last_used, last_address FROM token JOIN user ON user.id = token.user
                WHERE ? IS NULL OR user.name = ? ORDER BY token.created_at, token.id
                """, [SQLiteValue(user), SQLiteValue(user)]
            ) { row throws(StoreError) in
                AccessToken(
                    id: row.text(0), user: row.text(1), name: row.text(2), role: try row.optionalRole(3),
                    dags: row.bool(4) ? (dags[row.text(0)] ?? []).map(\.1) : nil, createdAt: row.instant(5),
                    expiresAt: row.optionalInstant(6), revokedAt: row.optionalInstant(7),
                    lastUsedAt: row.optionalInstant(8), lastAddress: row.optionalText(9))
            }
        }
    }

    /// Makes a token.
    ///
    /// - Parameters:
    ///   - name: what it is for: 1 to 200 characters.
    ///   - role: at most the user's; nil: the user's, whatever that is when the token is used.
    ///   - dags: ids of DAGs that it is limited to; nil: all DAGs.
    ///   - expiresAt: later than now; nil: never.
    /// - Returns: the token, and its text, which can never be told again.
    /// - Throws: `.notFound` for the user, `.invalid` for the rest.
    public func createToken(
        user name: String, name label: String, role: Role? = nil, dags: [String]? = nil, expiresAt: Instant? = nil,
        by actor: String, now: Instant
    ) throws(AccessError) -> (token: AccessToken, text: String) {
        guard (1...200).contains(label.count), !label.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            throw AccessError(.invalid, "a token needs a name of 1 to 200 characters in one line: what it is for")
        }
        if let expiresAt, expiresAt <= now {
            throw AccessError(.invalid, "the token would be expired from the start; give a later time")
        }
        let limit = dags.map { Set($0).sorted() }
        if let wrong = limit?.first(where: { !isID($0) }) {
            throw AccessError(.invalid, "'\(wrong)' is no id of a DAG: 1 to 128 of A-Z a-z 0-9 _ . -")
        }
        if let limit, limit.isEmpty { throw AccessError(.invalid, "a token that is limited needs a DAG") }
        let (id, secret) = (Secret.random(bytes: TokenText.idBytes), Secret.random())
        try change { connection in
            let user = try Self.existing(name, connection)
            if let role, role > user.role {
                throw AccessError(
                    .invalid,
                    "a token of '\(name)' may be \(user.role.rawValue) at most, as its user is, and not \(role.rawValue)"
                )
            }
            try connection.execute(
                """
                INSERT INTO token (id, digest, user, name, role, is_limited, created_at, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """, .text(id), .text(Secret.digest(secret)), .integer(user.id), .text(label),
                SQLiteValue(role?.rawValue), SQLiteValue(limit != nil), SQLiteValue(now), SQLiteValue(expiresAt))
            for dag in limit ?? [] {
                try connection.execute("INSERT INTO token_dag VALUES (?, ?)", .text(id), .text(dag))
            }
            let details = ["of \(name)", label] + (role.map { ["as \($0.rawValue)"] } ?? [])
            try Self.note("token.create", id, details.joined(separator: ", "), by: actor, at: now, connection)
        }
        let token = AccessToken(
            id: id, user: name, name: label, role: role, dags: limit, createdAt: now, expiresAt: expiresAt)
        return (token, TokenText.text(id: id, secret: secret))
    }

    /// Revokes a token for good; one that is revoked already stays as it is.
    ///
    /// - Parameter user: only a token of this user; nil: of anybody.
    /// - Throws: `.notFound`.
    public func revokeToken(
        _ id: String, of user: String? = nil, by actor: String, now: Instant
    ) throws(AccessError) {
        try change { connection in
            let rows = try connection.rows(
                """
                SELECT revoked_at, user.name FROM token JOIN user ON user.id = token.user
                WHERE token.id = ? AND (? IS NULL OR user.name = ?)
                """, [.text(id), SQLiteValue(user), SQLiteValue(user)]
            ) { ($0.isNull(0), $0.text(1)) }
            guard let (isValid, owner) = rows.first else {
                throw AccessError(.notFound, "no token '\(id)'; `weir token list` lists them")
            }
            guard isValid else { return }
            try connection.execute("UPDATE token SET revoked_at = ? WHERE id = ?", SQLiteValue(now), .text(id))
            try Self.note("token.revoke", id, "of \(owner)", by: actor, at: now, connection)
        }
    }

    // MARK: Checking

    /// The principal that a token's text stands for; nil for one that does not hold, whatever the reason.
    func check(token text: String, address: String, now: Instant) throws(StoreError) -> Principal? {
        guard let (id, secret) = TokenText.parts(text) else { return nil }
        let digest = Secret.digest(secret)
        return try state.withLock { state throws(StoreError) in
            try state.refresh()
            guard let token = try state.token(id), Secret.areEqual(digest, token.digest),
                token.expiresAt.map({ now < $0 }) ?? true
            else { return nil }
            if Uses.isWorthNoting(now, after: token.lastUsedAt) {
                state.tokens[id]?.lastUsedAt = now
                Uses.note(
                    "UPDATE token SET last_used = ?, last_address = ? WHERE id = ?",
                    [SQLiteValue(now), .text(LockOut.key(address: address)), .text(id)], state.connection)
            }
            return Principal(user: token.user, role: token.role, dags: token.dags, origin: .token(id: id))
        }
    }
}

extension AccessStore.State {
    /// One that is neither revoked nor of a user who is disabled.
    fileprivate mutating func token(_ id: String) throws(StoreError) -> KnownToken? {
        if let known = tokens[id] { return known }
        let found = try connection.rows(
            """
            SELECT token.digest, user.name, user.role, token.role, is_limited, expires_at, last_used
            FROM token JOIN user ON user.id = token.user
            WHERE token.id = ? AND revoked_at IS NULL AND disabled = 0
            """, [.text(id)]
        ) { row throws(StoreError) in
            let role = try row.word(2, Role.self)
            return KnownToken(
                digest: row.text(0), user: row.text(1), role: min(role, try row.optionalRole(3) ?? role),
                dags: row.bool(4) ? [] : nil, expiresAt: row.optionalInstant(5), lastUsedAt: row.optionalInstant(6))
        }
        guard var token = found.first else { return nil }
        if token.dags != nil {
            token.dags = Set(
                try connection.rows("SELECT dag_id FROM token_dag WHERE token = ?", [.text(id)]) { $0.text(0) })
        }
        tokens[id] = token
        return token
    }
}

/// When something was used last: written at most once a minute, and never waited for.
enum Uses {
    private static let interval = TimeAmount(seconds: 60)

    static func isWorthNoting(_ now: Instant, after last: Instant?) -> Bool {
        last.map { now - $0 >= interval } ?? true
    }

    /// What cannot be written at once is left out: it is no reason to refuse or to delay anybody.
    static func note(_ sql: String, _ values: [SQLiteValue], _ connection: SQLiteConnection) {
        connection.setBusyTimeout(milliseconds: 0)
        defer { connection.setBusyTimeout(milliseconds: SQLiteConnection.busyTimeoutMilliseconds) }
        _ = try? connection.rows(sql, values) { _ in () }
    }
}

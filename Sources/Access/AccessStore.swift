import CSodium
import SQLite
import SchedulerCore
import Store
import Synchronization

/// Users, sessions, API tokens, failed sign-ins and the audit of them: `state/access.db`, a database of its own
/// (docs/decisions/0016-sign-in.md). Used from any thread and by several processes at once: what another one has changed
/// counts at the next look.
///
/// All calls block. Those that change something wait for a commit, those that take a password also for argon2id (100 ms).
public final class AccessStore: Sendable {
    /// What is known of the database without asking it, and the one connection to it.
    struct State {
        let connection: SQLiteConnection
        /// PRAGMA data_version of what is known: another one when another process has committed since.
        var dataVersion: Int64 = -1
        /// By digest.
        var sessions: [String: KnownSession] = [:]
        /// By id.
        var tokens: [String: KnownToken] = [:]

        init(_ connection: SQLiteConnection) { self.connection = connection }

        /// So many sessions and tokens are known at a time.
        static let mostKnown = 10_000

        mutating func forget() {
            sessions.removeAll()
            tokens.removeAll()
        }

        /// Forgets what another process may have changed.
        mutating func refresh() throws(StoreError) {
            let version = try connection.integer("PRAGMA data_version") ?? 0
            if version != dataVersion || sessions.count + tokens.count > Self.mostKnown { forget() }
            dataVersion = version
        }
    }

    let state: Mutex<State>
    let hasher = PasswordHasher()
    let limits: LockOut.Limits

    /// Opens the database; made, readable by its owner alone, when it is missing and `creates`.
    ///
    /// - Throws: `.notFound` when it is missing, `.store` when it cannot be used or others may read it.
    public convenience init(path: String, creates: Bool = true) throws(AccessError) {
        try self.init(path: path, creates: creates, limits: LockOut.Limits())
    }

    init(
        path: String, creates: Bool = true, limits: LockOut.Limits, migrations: Migrations = AccessSchema.migrations
    ) throws(AccessError) {
        guard weir_sodium_start() else {
            throw AccessError(.store, "libsodium cannot be used: it found no source of random numbers")
        }
        try AccessFile.prepare(path, creates: creates)
        do throws(StoreError) {
            let connection = try SQLiteConnection.writing(path, creates: false)
            try migrations.migrate(connection)
            state = Mutex(State(connection))
        } catch {
            throw AccessError(error)
        }
        self.limits = limits
    }

    /// Whether there is a user who can sign in.
    public func hasUsers() throws(AccessError) -> Bool {
        try look { try $0.integer("SELECT 1 FROM user WHERE disabled = 0 LIMIT 1") != nil }
    }

    /// Differs as soon as anything of users, sessions, tokens or their audit was changed, by whichever process.
    public func mark() throws(AccessError) -> [Int64] { try look { try $0.mark() } }

    // MARK: Transactions

    /// All of a change, or nothing. What is known of sessions and tokens is looked up anew after it.
    func change<Value: Sendable>(
        _ body: @Sendable (SQLiteConnection) throws -> Value
    ) throws(AccessError) -> Value {
        try state.withLock { state throws(AccessError) in
            state.forget()
            let connection = state.connection
            var failure: (any Error)?
            do throws(StoreError) {
                return try connection.transaction { () throws(StoreError) in
                    do { return try body(connection) } catch {
                        failure = error
                        throw StoreError(.conflict, "given up")
                    }
                }
            } catch {
                throw AccessError(failure ?? error)
            }
        }
    }

    /// A look that is not about sessions and tokens alone.
    func look<Value: Sendable>(_ body: @Sendable (SQLiteConnection) throws -> Value) throws(AccessError) -> Value {
        try state.withLock { state throws(AccessError) in
            do { return try body(state.connection) } catch { throw AccessError(error) }
        }
    }

    // MARK: Audit

    /// Entries of sign-ins stay so long, and at most so many of them; those of users and tokens stay for good.
    private static let signInAudit = (age: TimeAmount(seconds: 90 * 86_400), count: 100_000)

    /// The audit, newest first.
    ///
    /// - Parameters:
    ///   - limit: at most so many.
    ///   - before: only entries with lower ids; nil: from the newest on.
    public func audit(limit: Int, before: Int64? = nil) throws(AccessError) -> [AccessAuditEntry] {
        try look {
            try $0.rows(
                "SELECT id, at, actor, action, subject, details FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
                [.integer(before ?? .max), SQLiteValue(limit)]
            ) {
                AccessAuditEntry(
                    id: $0.integer(0), at: $0.instant(1), actor: $0.text(2), action: $0.text(3), subject: $0.text(4),
                    details: $0.text(5))
            }
        }
    }

    static func note(
        _ action: String, _ subject: String, _ details: String = "", by actor: String, at now: Instant,
        _ connection: SQLiteConnection
    ) throws(StoreError) {
        try connection.execute(
            "INSERT INTO audit (at, actor, action, subject, details) VALUES (?, ?, ?, ?, ?)", SQLiteValue(now),
            .text(actor), .text(action), .text(subject), .text(details))
    }

    /// Removes what no longer counts, so that nobody can fill the disk by trying.
    static func prune(_ connection: SQLiteConnection, _ limits: LockOut.Limits, now: Instant) throws(StoreError) {
        try connection.execute(
            "DELETE FROM session WHERE last_used <= ? OR created_at <= ?", SQLiteValue(now - Sessions.idle),
            SQLiteValue(now - Sessions.longest))
        try LockOut.prune(connection, limits, now: now)
        try connection.execute(
            """
            DELETE FROM audit WHERE action GLOB 'sign_*'
            AND (at < ? OR id <= (SELECT max(id) FROM audit) - ?)
            """, SQLiteValue(now - signInAudit.age), SQLiteValue(signInAudit.count))
    }
}

extension SQLiteValue {
    init(_ instant: Instant) { self = .integer(instant.microseconds) }
    init(_ instant: Instant?) { self = instant.map { .integer($0.microseconds) } ?? .null }
}

extension SQLiteStatement {
    func instant(_ column: Int32) -> Instant { Instant(microseconds: integer(column)) }
    func optionalInstant(_ column: Int32) -> Instant? { optionalInteger(column).map { Instant(microseconds: $0) } }
    func optionalRole(_ column: Int32) throws(StoreError) -> Role? {
        isNull(column) ? nil : try word(column, Role.self)
    }
}

import SQLite
import SchedulerCore
import Store

/// What the store needs to know of a user to change it.
struct UserRow: Sendable {
    var id: Int64
    var name: String
    var role: Role
    var isDisabled: Bool
    var password: String
}

/// `actor` is who does it, for the audit: a user's name, or `os:` and a name of the operating system.
extension AccessStore {
    /// All users, by name.
    public func users() throws(AccessError) -> [AccessUser] {
        try look {
            try $0.rows(
                "SELECT name, role, disabled, created_at, password_at, last_sign_in_at FROM user ORDER BY name"
            ) { row throws(StoreError) in
                AccessUser(
                    name: row.text(0), role: try row.word(1, Role.self), isDisabled: row.bool(2),
                    createdAt: row.instant(3), passwordAt: row.instant(4), lastSignInAt: row.optionalInstant(5))
            }
        }
    }

    /// - Throws: `.notFound` when there is no such user, with the nearest name.
    public func requireUser(_ name: String) throws(AccessError) {
        try look { _ = try Self.existing(name, $0) }
    }

    /// Makes a user.
    ///
    /// - Throws: `.invalid` for a name that is none (1 to 128 of A-Z a-z 0-9 _ . -) or a password that will not do;
    ///   `.exists`.
    public func addUser(
        _ name: String, role: Role, password: String, by actor: String, now: Instant
    ) throws(AccessError) {
        guard isID(name) else {
            throw AccessError(
                .invalid,
                "'\(name)' is no name of a user: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots")
        }
        let hash = try hash(password, user: name)
        try change { connection in
            guard try Self.find(name, connection) == nil else {
                throw AccessError(.exists, "there is a user '\(name)' already; `weir user passwd` changes the password")
            }
            try connection.execute(
                "INSERT INTO user (name, role, password, created_at, password_at) VALUES (?, ?, ?, ?, ?)", .text(name),
                .text(role.rawValue), .text(hash), SQLiteValue(now), SQLiteValue(now))
            try Self.note("user.add", name, "as \(role.rawValue)", by: actor, at: now, connection)
        }
    }

    /// Sets another password, ends all sessions of the user, and what locks the name out.
    public func setPassword(
        _ name: String, to password: String, by actor: String, now: Instant
    ) throws(AccessError) {
        let hash = try hash(password, user: name)
        try change { connection in
            let user = try Self.existing(name, connection)
            try connection.execute(
                "UPDATE user SET password = ?, password_at = ? WHERE id = ?", .text(hash), SQLiteValue(now),
                .integer(user.id))
            try LockOut.end(name: name, address: nil, connection)
            let ended = try Self.endSessions(of: user, connection)
            try Self.note("user.password", name, Self.told(ended), by: actor, at: now, connection)
        }
    }

    /// Gives another role and ends all sessions of the user. Tokens may no more than their user from now on.
    ///
    /// - Throws: `.lastAdmin` when nobody else could manage the users.
    public func setRole(_ name: String, to role: Role, by actor: String, now: Instant) throws(AccessError) {
        try change { connection in
            let user = try Self.existing(name, connection)
            guard user.role != role else { return }
            if role < .admin { try Self.keepAnAdmin(but: user, "demoted", connection) }
            try connection.execute("UPDATE user SET role = ? WHERE id = ?", .text(role.rawValue), .integer(user.id))
            let ended = try Self.endSessions(of: user, connection)
            try Self.note(
                "user.role", name,
                "\(user.role.rawValue) to \(role.rawValue)" + (ended > 0 ? ", " : "")
                    + Self.told(ended), by: actor, at: now, connection)
        }
    }

    /// Shuts a user out, sessions and tokens at once, or lets the user in again.
    ///
    /// - Throws: `.lastAdmin` when nobody else could manage the users.
    public func setDisabled(_ name: String, to isDisabled: Bool, by actor: String, now: Instant) throws(AccessError) {
        try change { connection in
            let user = try Self.existing(name, connection)
            // Letting in also ends what locks the name out: it is what an operator would try.
            if !isDisabled { try LockOut.end(name: name, address: nil, connection) }
            guard user.isDisabled != isDisabled else { return }
            if isDisabled { try Self.keepAnAdmin(but: user, "disabled", connection) }
            try connection.execute(
                "UPDATE user SET disabled = ? WHERE id = ?", SQLiteValue(isDisabled), .integer(user.id))
            let ended = try Self.endSessions(of: user, connection)
            try Self.note(
                isDisabled ? "user.disable" : "user.enable", name, Self.told(ended), by: actor, at: now, connection)
        }
    }

    /// Removes a user with all sessions and tokens; the audit stays.
    ///
    /// - Throws: `.lastAdmin` when nobody else could manage the users.
    public func removeUser(_ name: String, by actor: String, now: Instant) throws(AccessError) {
        try change { connection in
            let user = try Self.existing(name, connection)
            try Self.keepAnAdmin(but: user, "removed", connection)
            let tokens = try connection.integer("SELECT count(*) FROM token WHERE user = ?", .integer(user.id)) ?? 0
            try connection.execute("DELETE FROM user WHERE id = ?", .integer(user.id))
            try Self.note(
                "user.remove", name, tokens > 0 ? "with \(tokens) token\(tokens == 1 ? "" : "s")" : "", by: actor,
                at: now, connection)
        }
    }

    // MARK: Within a transaction

    static func find(_ name: String, _ connection: SQLiteConnection) throws(StoreError) -> UserRow? {
        try connection.rows("SELECT id, name, role, disabled, password FROM user WHERE name = ?", [.text(name)]) {
            row throws(StoreError) in
            UserRow(
                id: row.integer(0), name: row.text(1), role: try row.word(2, Role.self), isDisabled: row.bool(3),
                password: row.text(4))
        }.first
    }

    static func existing(_ name: String, _ connection: SQLiteConnection) throws -> UserRow {
        if let user = try find(name, connection) { return user }
        let near = nearestName(to: name, among: try connection.rows("SELECT name FROM user") { $0.text(0) })
        throw AccessError(
            .notFound,
            "no user '\(name)'" + (near.map { "; did you mean '\($0)'?" } ?? "; `weir user list` lists them"))
    }

    private static func keepAnAdmin(
        but user: UserRow, _ fate: String, _ connection: SQLiteConnection
    ) throws {
        guard user.role == .admin, !user.isDisabled else { return }
        let others = try connection.integer(
            "SELECT count(*) FROM user WHERE role = 'admin' AND disabled = 0 AND id <> ?", .integer(user.id))
        guard others == 0 else { return }
        throw AccessError(
            .lastAdmin,
            "'\(user.name)' is the last admin and cannot be \(fate); make another one first, for example "
                + "`weir user role NAME admin`")
    }

    private static func endSessions(
        of user: UserRow, _ connection: SQLiteConnection
    ) throws(StoreError) -> Int {
        try connection.execute("DELETE FROM session WHERE user = ?", .integer(user.id))
    }

    private static func told(_ sessions: Int) -> String {
        sessions == 0 ? "" : "\(sessions) session\(sessions == 1 ? "" : "s") ended"
    }

    private func hash(_ password: String, user: String) throws(AccessError) -> String {
        if let problem = PasswordRule.problem(password, user: user) { throw AccessError(.invalid, problem) }
        guard let hash = try hasher.inTurn({ () throws(AccessError) in try PasswordHasher.hash(password) }) else {
            throw AccessError(.busy, AccessRefusal.overloaded.message)
        }
        return hash
    }
}

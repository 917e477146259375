import SQLite
import SchedulerCore
import Store
import Synchronization

/// A session as checks need it.
struct KnownSession: Sendable {
    var user: String
    var role: Role
    var createdAt: Instant
    var lastUsedAt: Instant
    /// Of the last use, as it is stored.
    var notedAt: Instant
}

enum Sessions {
    /// Not used for so long, a session is over. A use may have been forgotten that is less than a minute later than one that is
    /// stored.
    static let idle = TimeAmount(seconds: 12 * 3600)
    /// Whatever is done, a session is over after so long.
    static let longest = TimeAmount(seconds: 7 * 86_400)
    /// A user's oldest sessions beyond so many end.
    static let mostOfUser = 100

    /// From the id, which is 256 random bits: so it need not be stored, and tells nothing of the id.
    static func csrf(_ session: String) -> String { Secret.digest("weir csrf \(session)") }
}

extension AccessStore {
    /// Begins a session with a new id.
    ///
    /// - Parameters:
    ///   - name: as it was typed; one that cannot be a name is refused as one that nobody has.
    ///   - address: the client's.
    /// - Returns: a refusal that is the same for every wrong name and password, and for both while they are locked out, but
    ///   for `retryAfter`.
    public func signIn(
        name: String, password: String, address: String, now: Instant
    ) -> Result<SignedIn, AccessRefusal> {
        do {
            if let wait = try lockedOut(name, address, now) { return .failure(.wrongCredentials(retryAfter: wait)) }
            let answer = try hasher.inTurn { () -> Result<SignedIn, AccessRefusal> in
                // While it waited for its turn others may have failed.
                if let wait = try lockedOut(name, address, now) {
                    return .failure(.wrongCredentials(retryAfter: wait))
                }
                let user = try look { try Self.find(name, $0) }
                guard PasswordHasher.isRight(password, for: user?.password), let user, !user.isDisabled else {
                    return .failure(try failed(name, address, now))
                }
                let newer = PasswordHasher.isOutdated(user.password) ? try PasswordHasher.hash(password) : nil
                guard let session = try begin(user, newer, address, now) else {
                    return .failure(try failed(name, address, now))
                }
                return .success(session)
            }
            return answer ?? .failure(.overloaded)
        } catch {
            return .failure(.unavailable)
        }
    }

    private func lockedOut(_ name: String, _ address: String, _ now: Instant) throws(AccessError) -> TimeAmount? {
        try look { try LockOut.remaining(name: name, address: address, now: now, $0) }
    }

    private func failed(_ name: String, _ address: String, _ now: Instant) throws(AccessError) -> AccessRefusal {
        .wrongCredentials(retryAfter: try noteFailure(name, address, now))
    }

    /// A sign-in has failed; how long the next one is refused, if it is.
    func noteFailure(_ name: String, _ address: String, _ now: Instant) throws(AccessError) -> TimeAmount? {
        let limits = limits
        return try change { connection in
            let wait = try LockOut.note(name: name, address: address, now: now, limits, connection)
            try Self.prune(connection, limits, now: now)
            return wait
        }
    }

    /// Nil when the user has been changed since the password was looked at.
    private func begin(
        _ user: UserRow, _ newer: String?, _ address: String, _ now: Instant
    ) throws(AccessError) -> SignedIn? {
        let id = Secret.random()
        let limits = limits
        let role: Role? = try change { connection in
            guard let same = try Self.find(user.name, connection), same.id == user.id, same.password == user.password,
                !same.isDisabled
            else { return nil }
            try connection.execute(
                "UPDATE user SET password = ?, last_sign_in_at = ? WHERE id = ?", .text(newer ?? user.password),
                SQLiteValue(now), .integer(user.id))
            try LockOut.end(name: user.name, address: address, connection)
            try Self.prune(connection, limits, now: now)
            try connection.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?)", .text(Secret.digest(id)), .integer(user.id),
                .text(LockOut.key(address: address)), SQLiteValue(now), SQLiteValue(now))
            try connection.execute(
                """
                DELETE FROM session WHERE digest IN
                (SELECT digest FROM session WHERE user = ? ORDER BY created_at DESC LIMIT -1 OFFSET ?)
                """, .integer(user.id), SQLiteValue(Sessions.mostOfUser))
            try Self.note(
                "sign_in", user.name, "from \(LockOut.key(address: address))", by: user.name, at: now, connection)
            return same.role
        }
        return role.map {
            SignedIn(
                session: id, csrf: Sessions.csrf(id), principal: Principal(user: user.name, role: $0, origin: .session),
                endsAt: now + Sessions.longest)
        }
    }

    /// Ends a session; one that there is not is ended already.
    ///
    /// - Parameter session: its id, as in the cookie.
    public func signOut(session: String, now: Instant) throws(AccessError) {
        guard Secret.isPossible(session) else { return }
        let digest = Secret.digest(session)
        try change { connection in
            let user = try connection.rows(
                "SELECT user.name FROM session JOIN user ON user.id = session.user WHERE digest = ?", [.text(digest)]
            ) { $0.text(0) }
            guard let user = user.first else { return }
            try connection.execute("DELETE FROM session WHERE digest = ?", .text(digest))
            try Self.note("sign_out", user, by: user, at: now, connection)
        }
    }

    // MARK: Checking

    /// The principal of a session; nil when there is none, or when it is over.
    ///
    /// - Parameter isUse: false leaves the time of the last use as it is.
    func check(session: String, isUse: Bool, now: Instant) throws(StoreError) -> Principal? {
        guard Secret.isPossible(session) else { return nil }
        let digest = Secret.digest(session)
        return try state.withLock { state throws(StoreError) in
            try state.refresh()
            guard let known = try state.session(digest), now < known.lastUsedAt + Sessions.idle,
                now < known.createdAt + Sessions.longest
            else { return nil }
            if isUse {
                state.sessions[digest]?.lastUsedAt = max(now, known.lastUsedAt)
                if Uses.isWorthNoting(now, after: known.notedAt) {
                    state.sessions[digest]?.notedAt = now
                    Uses.note(
                        "UPDATE session SET last_used = ? WHERE digest = ?", [SQLiteValue(now), .text(digest)],
                        state.connection)
                }
            }
            return Principal(user: known.user, role: known.role, origin: .session)
        }
    }
}

extension AccessStore.State {
    fileprivate mutating func session(_ digest: String) throws(StoreError) -> KnownSession? {
        if let known = sessions[digest] { return known }
        let found = try connection.rows(
            """
            SELECT user.name, user.role, session.created_at, session.last_used
            FROM session JOIN user ON user.id = session.user WHERE digest = ? AND disabled = 0
            """, [.text(digest)]
        ) { row throws(StoreError) in
            KnownSession(
                user: row.text(0), role: try row.word(1, Role.self), createdAt: row.instant(2),
                lastUsedAt: row.instant(3), notedAt: row.instant(3))
        }
        sessions[digest] = found.first
        return found.first
    }
}

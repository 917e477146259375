import SchedulerCore

/// A user, without the password.
public struct AccessUser: Sendable, Hashable {
    public var name: String
    public var role: Role
    public var isDisabled: Bool
    public var createdAt: Instant
    /// When the password was set last.
    public var passwordAt: Instant
    public var lastSignInAt: Instant?
}

/// An API token, without its secret.
public struct AccessToken: Sendable, Hashable {
    /// The part of its text that is no secret: 12 hexadecimal digits.
    public var id: String
    public var user: String
    /// What it is for.
    public var name: String
    /// Its own; nil: the user's, whatever that is when it is used.
    public var role: Role?
    /// The DAGs that it is limited to, sorted; nil: all.
    public var dags: [String]?
    public var createdAt: Instant
    /// From then on it is refused; nil: never.
    public var expiresAt: Instant?
    public var revokedAt: Instant?
    /// At most a minute off.
    public var lastUsedAt: Instant?
    /// From which address.
    public var lastAddress: String?

    /// Whether it would be refused, whoever its user is.
    public func isOver(at now: Instant) -> Bool { revokedAt != nil || expiresAt.map { $0 <= now } ?? false }
}

/// A session that has just begun. Its id and its CSRF token are shown once and stored nowhere.
public struct SignedIn: Sendable, Hashable {
    /// For the cookie: 64 hexadecimal digits.
    public var session: String
    /// What each request that changes something must send beside the cookie. `Authenticator.csrf(ofSession:)` tells it again.
    public var csrf: String
    public var principal: Principal
    /// When it ends at the latest.
    public var endsAt: Instant
}

/// One change of users, sessions, tokens or lock-outs.
public struct AccessAuditEntry: Sendable, Hashable {
    public var id: Int64
    public var at: Instant
    /// A user's name, or `os:` and the name of the operating system's user whose command it was.
    public var actor: String
    /// Such as `user.role` or `sign_in.locked`.
    public var action: String
    /// A user's name or a token's id.
    public var subject: String
    public var details: String
}

/// Who asks, as it was proven, and what they may.
public struct Principal: Sendable, Hashable {
    /// How it was proven.
    public enum Origin: Sendable, Hashable {
        case session
        case token(id: String)
    }

    /// The user's name.
    public var user: String
    /// With a token the lesser of the token's and the user's, now.
    public var role: Role
    /// The DAGs that a token is limited to; nil: all of them.
    public var dags: Set<String>?
    public var origin: Origin

    public init(user: String, role: Role, dags: Set<String>? = nil, origin: Origin) {
        self.user = user
        self.role = role
        self.dags = dags
        self.origin = origin
    }

    /// Whether this DAG is within the limit of the token, if there is one.
    public func reaches(dag: String) -> Bool { dags?.contains(dag) ?? true }

    /// Nil when the role is enough for what needs `role`.
    public func refusal(needing role: Role) -> AccessRefusal? {
        self.role >= role ? nil : AccessRefusal(.forbidden, "this needs the role \(role.rawValue)")
    }
}

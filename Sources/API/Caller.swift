/// What somebody may do; each role may also do what those before it may.
public enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Looks at everything.
    case viewer
    /// Also triggers, backfills, clears, marks, cancels, pauses.
    case `operator`
    /// Also changes pools, prunes, reloads, drains.
    case admin

    public static func < (one: Role, other: Role) -> Bool { one.rank < other.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Who is behind a request.
public struct Caller: Sendable, Hashable {
    /// As the audit log names it.
    public var name: String
    public var role: Role
    /// The only DAGs that it may change; nil: all of them.
    public var dags: Set<String>?

    public init(name: String, role: Role, dags: Set<String>? = nil) {
        self.name = name
        self.role = role
        self.dags = dags
    }
}

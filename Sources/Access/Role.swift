/// What a user may do; each role may all that those before it may.
public enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Looks at everything that is not secret.
    case viewer
    /// Also starts, clears, marks and cancels runs.
    case `operator`
    /// Also changes users, tokens and settings.
    case admin

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .admin: 2
        }
    }

    public static func < (a: Role, b: Role) -> Bool { a.rank < b.rank }
}

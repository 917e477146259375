import Access

/// Who is behind a request.
public struct Caller: Sendable, Hashable {
    /// As the audit log names it.
    public var name: String
    public var role: Role
    /// The only DAGs that it may change; nil: all of them.
    public var dags: Set<String>?
    /// Of the token that the request came with; nil: it came with none.
    public var token: String?

    public init(name: String, role: Role, dags: Set<String>? = nil, token: String? = nil) {
        self.name = name
        self.role = role
        self.dags = dags
        self.token = token
    }
}

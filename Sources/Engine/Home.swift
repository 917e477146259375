/// The places under `WEIR_HOME`. Nothing else builds these paths.
public struct Home: Sendable, Hashable {
    /// Absolute path, without a slash at its end.
    public let path: String

    public init(path: String) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    public var dags: String { path + "/dags" }
    public var settings: String { path + "/weir.json" }
    public var state: String { path + "/state" }
    public var database: String { state + "/weir.db" }
    /// Users, sessions and tokens.
    public var accessDatabase: String { state + "/access.db" }
    public var socket: String { state + "/weir.sock" }
    public var lock: String { state + "/weir.lock" }
    public var attempts: String { state + "/attempts" }
    public var landing: String { state + "/landing" }
    public var lake: String { state + "/lake" }
    public var outbox: String { state + "/outbox" }

    public func attempt(_ id: Int64) -> String { "\(attempts)/\(id)" }
}

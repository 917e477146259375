import SchedulerCore

/// Tells who asks, from what a request brings along. It takes microseconds, but for a commit at most once a minute for each
/// session and token.
public struct Authenticator: Sendable {
    private let store: AccessStore

    public init(_ store: AccessStore) { self.store = store }

    /// Methods that change nothing (RFC 9110, section 9.2.1). They are written in capitals.
    private static let safe: Set<String> = ["GET", "HEAD", "OPTIONS"]

    /// Who asks. A header counts before a cookie: where it is wrong, the cookie is not looked at.
    ///
    /// - Parameters:
    ///   - authorization: the header of that name; nil: none was sent.
    ///   - session: the value of the session's cookie.
    ///   - csrf: the header with the CSRF token, which a session needs for every method but GET, HEAD and OPTIONS.
    ///   - method: as it stands in the request.
    ///   - address: the client's, noted as where a token was used last.
    public func authenticate(
        authorization: String?, session: String?, csrf: String?, method: String, address: String, now: Instant
    ) -> Result<Principal, AccessRefusal> {
        do {
            if let authorization {
                guard let token = Self.bearer(authorization),
                    let principal = try store.check(token: token, address: address, now: now)
                else { return .failure(.invalidToken) }
                return .success(principal)
            }
            guard let session else { return .failure(.notSignedIn) }
            let isProven =
                Self.safe.contains(method) || csrf.map { Secret.areEqual($0, Sessions.csrf(session)) } ?? false
            // A forged request is none of its user's, and keeps no session alive.
            guard let principal = try store.check(session: session, isUse: isProven, now: now) else {
                return .failure(.sessionEnded)
            }
            return isProven ? .success(principal) : .failure(.csrf)
        } catch {
            return .failure(.unavailable)
        }
    }

    /// The CSRF token of a session, for a page that is loaded again.
    ///
    /// - Parameter session: its id, as in the cookie.
    public static func csrf(ofSession session: String) -> String { Sessions.csrf(session) }

    /// The credentials of RFC 6750, section 2.1; schemes have no case.
    private static func bearer(_ header: String) -> String? {
        guard header.utf8.count <= 200 else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }
}

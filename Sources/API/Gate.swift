import Access
import HTTPServer
import SchedulerCore

/// Lets requests in, or not.
public struct Gate: Sendable {
    /// Who is behind a request.
    ///
    /// - Throws: ``Refusal``.
    public typealias Identify = @Sendable (HTTPRequest) throws -> Caller

    /// Why nobody is let in.
    public struct Refusal: Error, Sendable, Hashable {
        /// 401 or 403.
        public var status: Int
        public var detail: String

        public init(_ status: Int, _ detail: String) {
            self.status = status
            self.detail = detail
        }
    }

    private let identify: Identify
    /// Whether a request has to say who sends it.
    let hasSignIn: Bool

    public init(hasSignIn: Bool, _ identify: @escaping Identify) {
        self.hasSignIn = hasSignIn
        self.identify = identify
    }

    /// Everybody is this caller: on the control socket its file's mode is the sign-in.
    public static func open(to caller: Caller) -> Gate { Gate(hasSignIn: false) { _ in caller } }

    /// For users and tokens: a bearer token counts before the cookie of a session.
    ///
    /// - Parameter isNeeded: asked at each request; while it is false, ``loopback(_:)`` for `local` is the gate.
    public static func signIn(
        _ signIn: SignIn, local: Caller, isNeeded: @escaping @Sendable () throws -> Bool
    ) throws -> Gate {
        let authenticator = Authenticator(signIn.store)
        let open = loopback(local)
        return Gate(hasSignIn: try isNeeded()) { request in
            guard try isNeeded() else { return try open.identify(request) }
            let answer = authenticator.authenticate(
                authorization: request.header("Authorization"), session: SignIn.session(of: request),
                csrf: request.header(SignIn.csrfHeader), method: request.method, address: request.client ?? "",
                now: signIn.now())
            switch answer {
            case .success(let principal):
                var caller = Caller(name: principal.user, role: principal.role, dags: principal.dags)
                if case .token(let id) = principal.origin { caller.token = id }
                return caller
            case .failure(let refusal): throw SignIn.refusal(refusal)
            }
        }
    }

    /// For a loopback address without sign-in. Every program of this machine may come in, but no page of a browser that
    /// came from elsewhere: neither by a request across origins (its `Origin` tells) nor by a name that was made to point
    /// here (DNS rebinding; its `Host` tells).
    public static func loopback(_ caller: Caller) -> Gate {
        Gate(hasSignIn: false) { request throws(Refusal) in
            let host = request.header("Host") ?? ""
            // Its client may be anywhere, whatever the proxy says: this gate trusts none.
            guard !TrustedProxies.isForwarded(request) else {
                throw Refusal(403, "this came through a proxy: name it in trusted_proxies, and set up sign-in")
            }
            guard isLoopback(host) else {
                throw Refusal(403, "the host '\(host)' is not this machine: ask for localhost, or set up sign-in")
            }
            if let origin = request.header("Origin"), origin != "http://\(host)" {
                throw Refusal(403, "a page of '\(origin)' may not ask here")
            }
            return caller
        }
    }

    /// - Parameter host: with or without a port.
    private static func isLoopback(_ host: String) -> Bool {
        (ListenAddress(host) ?? ListenAddress(host + ":0"))?.isLoopback ?? false
    }

    func enter(_ request: HTTPRequest, _ route: Route) throws -> Caller {
        // Before anything else: what is open to everybody is so to pages of any host, too.
        guard let role = route.role else { return Caller(name: "", role: .viewer) }
        let caller: Caller
        do { caller = try identify(request) } catch let refusal as Refusal {
            throw Problem(refusal.status, refusal.detail)
        }
        guard caller.role >= role else {
            throw Problem(403, "this is for the role \(role.rawValue); '\(caller.name)' is \(caller.role.rawValue)")
        }
        return caller
    }
}

import Access
import HTTPServer
import JSONText
import SchedulerCore

/// Users who sign in with a password, for a session.
public struct SignIn: Sendable {
    let store: AccessStore
    let now: @Sendable () -> Instant

    public init(_ store: AccessStore, now: @escaping @Sendable () -> Instant) {
        self.store = store
        self.now = now
    }

    static let cookie = "weir_session"
    /// The header that a session sends with whatever changes something.
    static let csrfHeader = "Weir-CSRF-Token"

    /// The value of the session's cookie (RFC 6265, section 5.4).
    static func session(of request: HTTPRequest) -> String? {
        for part in (request.header("Cookie") ?? "").split(separator: ";") {
            let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if pair.count == 2, pair[0] == cookie { return String(pair[1]) }
        }
        return nil
    }

    static func refusal(_ refusal: AccessRefusal) -> Gate.Refusal {
        switch refusal.code {
        case .forbidden, .csrf: Gate.Refusal(403, refusal.message)
        case .overloaded, .unavailable: Gate.Refusal(503, refusal.message)
        case .notSignedIn, .wrongCredentials, .sessionEnded, .invalidToken: Gate.Refusal(401, refusal.message)
        }
    }

    private static let answer = Schema.object([
        .required("user", .string()), .required("role", .words(of: Role.self)),
        .required("dags", .nullable(.array(.string())), "the only DAGs that may be changed; null: all"),
        .required(
            "csrf_token", .nullable(.string()), "to be sent as the header Weir-CSRF-Token; null without a session"),
    ])

    private static func answer(_ caller: Caller, session: String?) -> HTTPResponse {
        return .json {
            $0.object {
                $0.member("user", caller.name)
                $0.member("role", caller.role.rawValue)
                $0.key("dags")
                if let dags = caller.dags {
                    $0.array { writer in for dag in dags.sorted() { writer.string(dag) } }
                } else {
                    $0.null()
                }
                $0.member("csrf_token", session.map { Authenticator.csrf(ofSession: $0) })
            }
        }
    }

    /// HttpOnly: no script reads it. SameSite: no other site's page sends it.
    ///
    /// - Parameter isSecure: it came over TLS and is to be sent over nothing else.
    private static func setCookie(_ value: String, isSecure: Bool, _ age: String = "") -> (String, String) {
        let secure = isSecure ? "; Secure" : ""
        return ("Set-Cookie", "\(cookie)=\(value); Path=/; HttpOnly; SameSite=Strict\(secure)\(age)")
    }

    var routes: [Route] {
        let (store, now) = (store, now)
        return [
            Route(
                method: .post, path: "/api/v1/session", name: "sign_in",
                summary: "sign in with a name and a password: a session in a cookie", role: nil,
                body: [.required("name", .string()), .required("password", .string())], answer: .json(Self.answer),
                failures: [401, 403, 415, 429, 503], lane: .slow
            ) { request in
                // A page of another site must not sign anybody in: forms cannot send JSON, and scripts name their origin.
                let host = request.http.header("Host") ?? ""
                if let origin = request.http.header("Origin"), origin != "http://\(host)", origin != "https://\(host)" {
                    throw Problem(403, "a page of '\(origin)' may not sign in here")
                }
                var body = try BodyReader(request.http.body)
                let name = try body.required(body.string("name"), "name")
                let password = try body.required(body.string("password"), "password")
                try body.end()
                switch store.signIn(name: name, password: password, address: request.http.client ?? "", now: now()) {
                case .success(let signedIn):
                    let caller = Caller(name: signedIn.principal.user, role: signedIn.principal.role)
                    var response = Self.answer(caller, session: signedIn.session)
                    response.headers.append(Self.setCookie(signedIn.session, isSecure: request.http.isSecure))
                    return response
                case .failure(let refusal):
                    let why = Self.refusal(refusal)
                    var response = Problem(why.status, why.detail).response
                    if let wait = refusal.retryAfter {
                        response.headers.removeAll { $0.name == "Retry-After" }
                        response.headers.append(("Retry-After", "\(max(1, wait.microseconds / 1_000_000))"))
                    }
                    return response
                }
            },
            Route(
                method: .get, path: "/api/v1/session", name: "get_session", summary: "who asks, and what they may",
                role: .viewer, answer: .json(Self.answer)
            ) { request in
                let session = request.http.header("Authorization") == nil ? Self.session(of: request.http) : nil
                return Self.answer(request.caller, session: session)
            },
            Route(
                method: .delete, path: "/api/v1/session", name: "sign_out", summary: "end the session", role: .viewer,
                answer: .json(.object([.required("done", .boolean)])), lane: .slow
            ) { request in
                if let session = Self.session(of: request.http) { try store.signOut(session: session, now: now()) }
                var response = HTTPResponse.json(Array(#"{"done":true}"#.utf8))
                response.headers.append(Self.setCookie("", isSecure: request.http.isSecure, "; Max-Age=0"))
                return response
            },
        ]
    }
}

import SchedulerCore

/// Why a request is not let in. The texts are constant: they tell nothing that a guess could be checked with.
public struct AccessRefusal: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// Nobody has signed in, and no token was sent.
        case notSignedIn = "not_signed_in"
        /// A sign-in with a name or a password that is not right, or that is locked out.
        case wrongCredentials = "wrong_credentials"
        /// The session is unknown, or over.
        case sessionEnded = "session_ended"
        /// The token is unknown, revoked or over, its user is disabled, or the header is no bearer token at all.
        case invalidToken = "invalid_token"
        /// A request of a session that changes something lacks the session's CSRF token.
        case csrf
        /// The role is not enough.
        case forbidden
        /// Too many sign-ins at once.
        case overloaded
        /// The database of the users cannot be read or written.
        case unavailable
    }

    public var code: Code
    /// One line for a person.
    public var message: String
    /// After this time the same may be tried again; nil: at once.
    public var retryAfter: TimeAmount?

    init(_ code: Code, _ message: String, retryAfter: TimeAmount? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    static let notSignedIn = AccessRefusal(.notSignedIn, "sign in, or send an API token")
    static let sessionEnded = AccessRefusal(.sessionEnded, "the session has ended; sign in again")
    static let invalidToken = AccessRefusal(.invalidToken, "the API token is unknown, revoked or expired")
    static let csrf = AccessRefusal(.csrf, "the request lacks the CSRF token of its session")
    static let overloaded = AccessRefusal(
        .overloaded, "too many sign-ins at once; try again in a moment", retryAfter: TimeAmount(seconds: 1))
    static let unavailable = AccessRefusal(
        .unavailable, "the database of the users cannot be used now; `weir doctor` says more")

    static func wrongCredentials(retryAfter: TimeAmount? = nil) -> AccessRefusal {
        AccessRefusal(
            .wrongCredentials, "the name or the password is wrong, or the user is disabled", retryAfter: retryAfter)
    }
}

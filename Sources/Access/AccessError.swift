import Store

/// Why users, sessions or tokens could not be read or changed.
public struct AccessError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// There is no such user or token, or no database yet.
        case notFound = "not_found"
        /// There is one of that name already.
        case exists
        /// A name, a password, a role or a time that cannot be.
        case invalid
        /// Nobody could manage the users any more.
        case lastAdmin = "last_admin"
        /// Another process held the database for too long.
        case busy
        /// The database cannot be used.
        case store
    }

    public var code: Code
    /// One line: what is wrong, and what instead.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// What a change or a look has thrown.
    init(_ error: any Error) {
        switch error {
        case let error as AccessError: self = error
        case let error as StoreError: self.init(error.code == .busy ? .busy : .store, error.message)
        default: self.init(.store, "\(error)")
        }
    }
}

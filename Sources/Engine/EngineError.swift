/// Why the engine could not start or had to stop.
public struct EngineError: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// Another process owns the state directory.
        case locked
        /// The store is unusable.
        case store
        /// A file or directory is unusable.
        case io
    }

    public var code: Code
    /// One line: what failed, where, and what to do.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

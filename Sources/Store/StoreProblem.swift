/// Something in a store that should not be.
public struct StoreProblem: Sendable, Hashable {
    public enum Code: String, Sendable, Hashable {
        /// The file itself is damaged.
        case damaged
        /// A row names another one that is not there.
        case dangling
        /// Rows contradict each other.
        case inconsistent
        /// The format is older than this Weir.
        case oldFormat = "old_format"
    }

    public var code: Code
    /// One line: what is wrong.
    public var message: String
    /// What to do about it.
    public var remedy: String

    public init(_ code: Code, _ message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }
}

import JSONText
import Spawn

/// What a query gave.
public struct QueryAnswer: ~Copyable, Sendable {
    public let columns: [Column]
    /// A value for each column; empty where the answer is in a file.
    public internal(set) var rows: [[JSONNode]] = []
    /// The answer as a file that has no name any more.
    public internal(set) var file: FileDescriptor?
    /// Rows of the answer.
    public internal(set) var count = 0
    /// Whether the limit has cut the answer.
    public internal(set) var hasMore = false

    init(columns: [Column]) { self.columns = columns }
}

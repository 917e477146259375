import Glibc
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

    /// The file of the answer under a descriptor of its own, which belongs to the caller, and its size; nil where there is
    /// none.
    public borrowing func duplicatedFile() throws(SystemError) -> (descriptor: Int32, size: Int64)? {
        guard let raw = descriptor else { return nil }
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw SystemError("fstat") }
        let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SystemError("fcntl") }
        return (copy, Int64(status.st_size))
    }

    private var descriptor: Int32? {
        switch file {
        case .some(let file): file.raw
        case .none: nil
        }
    }
}

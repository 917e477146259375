import Store
import Synchronization

/// Read-only connections to one store, for the threads of a server: one each, kept for the next.
public final class SQLiteReaders: StoreReaders {
    private struct Idle: @unchecked Sendable {
        // A reader is used by one thread at a time: it is taken out for each call.
        var readers: [SQLiteReader] = []
    }

    private let path: String
    private let idle = Mutex(Idle())
    /// A connection holds some descriptors and some memory.
    private static let mostIdle = 16

    /// - Parameter path: the database; it may appear later.
    public init(path: String) { self.path = path }

    public func read<Value>(_ body: (any StoreReader) throws -> Value) throws -> Value {
        let reader = try idle.withLock { $0.readers.popLast() } ?? SQLiteReader(path: path)
        // Not kept after a failure, which may be one of the connection.
        let value = try body(reader)
        let kept = Idle(readers: [reader])
        idle.withLock { if $0.readers.count < Self.mostIdle { $0.readers += kept.readers } }
        return value
    }
}

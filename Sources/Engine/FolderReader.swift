import SchedulerCore
import Synchronization

/// Reads the DAG folder outside the loop's thread, one reader at a time.
final class FolderReader: Sendable {
    private let configuration: EngineConfiguration
    private let cache = Mutex(DAGFolder.Cache())

    init(_ configuration: EngineConfiguration) { self.configuration = configuration }

    func read() -> DAGFolderContents { read { $0 } }

    /// Reads, and hands on what was read before the next reading begins: an older one never arrives after a newer.
    func read<Value: Sendable>(_ deliver: (DAGFolderContents) -> Value) -> Value {
        cache.withLock { deliver($0.load(configuration.home, kinds: configuration.kinds)) }
    }
}

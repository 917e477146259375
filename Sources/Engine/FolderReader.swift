import SchedulerCore
import Synchronization

/// Reads the DAG folder outside the loop's thread, one reader at a time.
final class FolderReader: Sendable {
    private let configuration: EngineConfiguration
    private let cache = Mutex(DAGFolder.Cache())

    init(_ configuration: EngineConfiguration) { self.configuration = configuration }

    func read() -> DAGFolderContents {
        cache.withLock { $0.load(configuration.home, kinds: configuration.kinds) }
    }
}

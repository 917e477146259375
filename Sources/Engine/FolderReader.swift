import SchedulerCore
import Synchronization

/// Reads the DAG folder outside the loop's thread, one reader at a time.
final class FolderReader: Sendable {
    private let configuration: EngineConfiguration
    private let cache = Mutex(DAGFolder.Cache())

    init(_ configuration: EngineConfiguration) { self.configuration = configuration }

    /// Hands on what it read before the next reader may begin: nobody gets an older state after a newer one.
    func read(_ hand: (DAGFolderContents) -> Void) {
        cache.withLock { hand($0.load(configuration.home, kinds: configuration.kinds)) }
    }
}

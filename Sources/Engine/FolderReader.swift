import SchedulerCore
import Synchronization

/// Reads the DAG folder outside the loop's thread, one reader at a time.
final class FolderReader: Sendable {
    private let settings: Mutex<EngineConfiguration>
    private let cache = Mutex(DAGFolder.Cache())

    init(_ configuration: EngineConfiguration) { settings = Mutex(configuration) }

    /// What names files may use from now on.
    func apply(_ configuration: EngineConfiguration) { settings.withLock { $0 = configuration } }

    /// Hands on what it read before the next reader may begin: nobody gets an older state after a newer one.
    func read(_ hand: (DAGFolderContents) -> Void) {
        cache.withLock {
            let configuration = settings.withLock { $0 }
            hand($0.load(configuration.home, kinds: configuration.kinds, names: configuration.names))
        }
    }
}

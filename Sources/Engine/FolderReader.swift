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
    ///
    /// - Parameter dag: who asks only wants to know about this one. When its file is as it was, nothing is read or handed on.
    func read(dag: String? = nil, _ hand: (DAGFolderContents) -> Void) {
        cache.withLock {
            let configuration = settings.withLock { $0 }
            if let dag, $0.isCurrent(dag, configuration.home, names: configuration.names) { return }
            hand($0.load(configuration.home, kinds: configuration.kinds, names: configuration.names))
        }
    }
}

import SchedulerCore
import Store
import Synchronization

/// What the files of DAGs say, read once for each version.
public final class DAGDetails: Sendable {
    /// Reads a version; nil for one that is not valid any more.
    public typealias Parse = @Sendable (DAGVersionRecord) -> DAG?

    /// By version; nil for those that are not valid.
    private let known = Mutex<[Int64: DAG?]>([:])
    private let parse: Parse
    private static let most = 20_000

    public init(parse: @escaping Parse) { self.parse = parse }

    /// The DAG of a version; nil when it is not there, or not valid.
    func dag(ofVersion id: Int64, _ reader: any StoreReader) throws -> DAG? {
        if let dag = known.withLock({ $0[id] }) { return dag }
        guard let version = try reader.version(id) else { return nil }
        let dag = parse(version)
        known.withLock { known in
            if known.count >= Self.most { known = [:] }
            known.updateValue(dag, forKey: id)
        }
        return dag
    }
}

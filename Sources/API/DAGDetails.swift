import SchedulerCore
import Store
import Synchronization

/// What the files of DAGs say, read once for each version.
public final class DAGDetails: Sendable {
    /// Reads a version; nil for one that is not valid any more.
    public typealias Parse = @Sendable (DAGVersionRecord) -> DAG?

    private enum Entry: Sendable { case dag(DAG), invalid }

    private let known = Mutex<[Int64: Entry]>([:])
    private let parse: Parse
    private static let most = 20_000

    public init(parse: @escaping Parse) { self.parse = parse }

    /// The DAG of a version; nil when it is not there, or not valid.
    func dag(ofVersion id: Int64, _ reader: any StoreReader) throws -> DAG? {
        if let entry = known.withLock({ $0[id] }) {
            if case .dag(let dag) = entry { return dag }
            return nil
        }
        guard let version = try reader.version(id) else { return nil }
        let dag = parse(version)
        known.withLock { known in
            if known.count >= Self.most { known = [:] }
            known[id] = dag.map { .dag($0) } ?? .invalid
        }
        return dag
    }
}

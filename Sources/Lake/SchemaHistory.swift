/// How the columns of a table differ from one day to the next.
///
/// This goes by the days' present generations: what an earlier generation of a day had is not known any more.
public struct SchemaChange: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case added(type: String)
        case removed
        case changed(from: String, to: String)
    }

    public var column: String
    public var kind: Kind

    /// `added BIGINT`, `removed`, `BIGINT became VARCHAR`.
    public var words: String {
        switch kind {
        case .added(let type): "added \(type)"
        case .removed: "removed"
        case .changed(let from, let to): "\(from) became \(to)"
        }
    }

    /// What turns one list of columns into another, in their order; their order itself is no difference.
    public static func between(_ old: [Column], _ new: [Column]) -> [SchemaChange] {
        let before = Dictionary(old.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first })
        let after = Set(new.map(\.name))
        let changed = new.compactMap { column -> SchemaChange? in
            guard let type = before[column.name] else {
                return SchemaChange(column: column.name, kind: .added(type: column.type))
            }
            guard type != column.type else { return nil }
            return SchemaChange(column: column.name, kind: .changed(from: type, to: column.type))
        }
        let removed = old.filter { !after.contains($0.name) }
        return changed + removed.map { SchemaChange(column: $0.name, kind: .removed) }
    }

    /// A day from which on a table's columns were others.
    public struct Step: Sendable, Hashable {
        public var day: String
        public var generation: Int64
        public var changes: [SchemaChange]
    }
}

extension LakeTable {
    /// The days on which the columns changed, oldest first. Days whose columns are not known are passed over.
    public var schemaHistory: [SchemaChange.Step] {
        var steps: [SchemaChange.Step] = []
        var before: [Column]?
        for partition in partitions where !partition.columns.isEmpty {
            if let before {
                let changes = SchemaChange.between(before, partition.columns)
                if !changes.isEmpty {
                    steps.append(
                        .init(day: partition.day, generation: partition.manifest.generation, changes: changes))
                }
            }
            before = partition.columns
        }
        return steps
    }
}

import SchedulerCore
import Spawn

/// Names in a lake, for completion while somebody types: from its folders, without reading every manifest as `Catalogue`
/// does. What cannot be read has no names.
public struct LakeNames: Sendable {
    private let lake: LakeRoot

    public init(_ lake: LakeRoot) { self.lake = lake }

    /// Full names, such as `lakestorage/plate`, in order.
    public var tables: [String] {
        // Nobody waits for a network while typing.
        if lake.remote != nil { return [] }
        var names: [String] = []
        for bucket in Self.folders(lake.path) {
            if isTable(bucket) { names.append(bucket) }
            for dataset in Self.folders(lake.bucket(bucket)) {
                if isTable("\(bucket)/\(dataset)") { names.append("\(bucket)/\(dataset)") }
            }
        }
        return names
    }

    /// What is enough to tell each table: its short name where no other has the same.
    public var shortTables: [String] {
        let tables = tables
        let counts = Dictionary(tables.map { (Self.short($0), 1) }, uniquingKeysWith: +)
        return tables.map { counts[Self.short($0)] == 1 ? Self.short($0) : $0 }
    }

    /// The days of a table that is told by its full or its short name, newest first.
    public func days(of table: String) -> [String] {
        guard let name = fullName(table) else { return [] }
        return ((try? lake.days(name)) ?? []).filter { CivilDate($0) != nil }.reversed()
    }

    /// The columns of its newest day that has a manifest.
    public func columns(of table: String) -> [Column] {
        guard let name = fullName(table) else { return [] }
        for day in days(of: name) {
            let partition = lake.partition(name, day)
            guard let manifest = try? partition.publishedManifest() else { continue }
            return TablePartition(day: day, partition: partition, manifest: manifest).columns
        }
        return []
    }

    private func fullName(_ table: String) -> String? {
        let tables = tables
        if tables.contains(table) { return table }
        let named = tables.filter { Self.short($0) == table }
        return named.count == 1 ? named[0] : nil
    }

    private static func short(_ name: String) -> String { name.split(separator: "/").last.map(String.init) ?? name }

    /// Whether it has a day with a manifest. The newest day is looked at first, and is nearly always enough.
    private func isTable(_ name: String) -> Bool {
        let days = (try? lake.days(name)) ?? []
        return days.reversed().contains { day in
            CivilDate(day) != nil && File.exists(lake.partition(name, day).path + "/" + Partition.manifestName)
        }
    }

    private static func folders(_ path: String) -> [String] {
        ((try? File.list(path)) ?? []).filter {
            !$0.hasPrefix(".") && !$0.hasPrefix("dt=") && File.status(path + "/" + $0)?.kind == .directory
        }.sorted()
    }
}

import Glibc
import SchedulerCore
import Spawn

/// Reads the catalogue of a lake again and again, each time only what has changed since.
///
/// Every publish is a rename in the folder of its table, which changes that folder's time: one look at each bucket and
/// each dataset tells which tables to read. File systems count time in steps of some milliseconds, so that two changes can
/// leave the same time: what was read while its folder's time was new is read once more.
struct CatalogueReader {
    private let lake: LakeRoot
    private var known: [String: Folder] = [:]
    private var manifests: [String: KnownManifest] = [:]
    /// Rises whenever something was found changed.
    private(set) var changes = 0
    private var schemas = 0
    private var last: Catalogue?

    /// What a folder had when it was read.
    private struct Folder {
        let stamp: Stamp
        let names: [String]
        /// Nil for a folder that has no days with manifests.
        let table: LakeTable?
    }

    private struct KnownManifest {
        let stamp: Stamp
        let manifest: Manifest?
    }

    /// The state of a file or folder, and since when it was seen.
    private struct Stamp {
        let status: File.Status
        let seen: ContinuousClock.Instant
        let isSettled: Bool

        /// Longer than any step in which a file system counts time; FAT and old ones count in two seconds.
        private static let step = Duration.milliseconds(50)
        private static let coarseStep = Duration.milliseconds(2100)

        /// - Parameter before: the one of the last look.
        init(_ status: File.Status, after before: Stamp?) {
            let now = ContinuousClock.now
            self.status = status
            seen = before.map { $0.status == status ? $0.seen : now } ?? now
            let step = status.modified % 1_000_000 == 0 ? Self.coarseStep : Self.step
            isSettled = now - seen > step
        }

        /// Whether what was read after this look is still what is there.
        func holds(_ status: File.Status) -> Bool { isSettled && self.status == status }
    }

    init(_ lake: LakeRoot) { self.lake = lake }

    /// The lake as it is now.
    mutating func catalogue() throws -> Catalogue {
        guard lake.isThere else {
            known = [:]
            manifests = [:]
            throw LakeError("there is no lake at \(lake.path); a run of a DAG that loads makes it")
        }
        // Nothing is known of a look that ends in an error.
        let (before, former) = (changes, last)
        last = nil
        var tables: [LakeTable] = []
        var seen: Set<String> = []
        func add(_ name: String, _ folder: Folder) {
            seen.insert(name)
            if let table = folder.table { tables.append(table) }
        }
        guard let root = try look("", nil, nil) else { return Catalogue(lake, []) }
        seen.insert("")
        for bucket in root.names {
            guard let folder = try look(bucket, bucket, nil) else { continue }
            add(bucket, folder)
            for dataset in folder.names where !dataset.hasPrefix("dt=") {
                let name = bucket + "/" + dataset
                if let folder = try look(name, bucket, dataset) { add(name, folder) }
            }
        }
        if known.count > seen.count {
            known = known.filter { seen.contains($0.key) }
            changes += 1
        }
        if let former, changes == before {
            last = former
            return former
        }
        let partitions = Set(tables.flatMap { $0.partitions.map(\.partition.name) })
        manifests = manifests.filter { partitions.contains($0.key) }
        let catalogue = Catalogue(lake, tables)
        last = catalogue
        return catalogue
    }

    /// - Parameter name: within the lake; empty for the lake itself, which is no table.
    private mutating func look(_ name: String, _ bucket: String?, _ dataset: String?) throws -> Folder? {
        let path = name.isEmpty ? lake.path : lake.bucket(name)
        let before = known[name]
        // Looked at before it is read: what changes meanwhile is seen by the next look.
        guard let status = File.status(path), status.kind == .directory else { return nil }
        if let before, before.stamp.holds(status) { return before }
        let stamp = Stamp(status, after: before?.stamp)
        let names = try Self.folders(path)
        var table: LakeTable?
        if let bucket {
            let partitions = try names.compactMap { try partition($0, of: name) }
            if !partitions.isEmpty {
                table = LakeTable(
                    bucket: bucket, dataset: dataset, partitions: partitions.sorted { $0.day < $1.day })
            }
        }
        if let columns = table?.columns {
            if let before = before?.table, before.columns == columns {
                table?.schema = before.schema
            } else {
                schemas += 1
                table?.schema = schemas
            }
        }
        changes += 1
        // A folder is read again, too, when it may have changed and has not.
        if let former = before?.table, let now = table?.partitions,
            former.partitions.elementsEqual(now, by: { $0.isSame(as: $1) })
        {
            table?.version = former.version
        } else {
            table?.version = changes
        }
        let folder = Folder(stamp: stamp, names: names, table: table)
        known[name] = folder
        return folder
    }

    private mutating func partition(_ folder: String, of table: String) throws -> TablePartition? {
        let day = String(folder.dropFirst(3))
        guard folder.hasPrefix("dt="), CivilDate(day) != nil else { return nil }
        let partition = lake.partition(table, day)
        let before = manifests[partition.name]
        guard let status = File.status(partition.path + "/" + Partition.manifestName) else { return nil }
        let manifest: Manifest?
        if let before, before.stamp.holds(status) {
            manifest = before.manifest
        } else {
            let stamp = Stamp(status, after: before?.stamp)
            manifest = try partition.publishedManifest()
            manifests[partition.name] = KnownManifest(stamp: stamp, manifest: manifest)
        }
        return manifest.map { TablePartition(day: day, partition: partition, manifest: $0) }
    }

    private static func folders(_ path: String) throws -> [String] {
        let names: [String]
        do throws(SystemError) { names = try File.list(path) } catch {
            // Removed since its name was read.
            if error.code == ENOENT { return [] }
            throw error
        }
        return names.filter { !$0.hasPrefix(".") && File.status(path + "/" + $0)?.kind == .directory }
    }
}

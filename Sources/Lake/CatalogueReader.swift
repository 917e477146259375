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
    private let remoteLook: Duration
    private var known: [String: Folder] = [:]
    private var manifests: [String: KnownManifest] = [:]
    /// Rises whenever something was found changed.
    private(set) var changes = 0
    private var schemas = 0
    private var last: Catalogue?
    /// Of a lake in S3, with the tags of their objects.
    private var remoteManifests: [String: (tag: String, manifest: Manifest)] = [:]
    private var looked: ContinuousClock.Instant?

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

    /// - Parameter remoteLook: so long what was seen of a bucket is good enough: each look is a request for every thousand
    ///   objects.
    init(_ lake: LakeRoot, remoteLook: Duration = .seconds(2)) {
        self.lake = lake
        self.remoteLook = remoteLook
    }

    /// The lake as it is now.
    mutating func catalogue() throws -> Catalogue {
        guard lake.isThere else {
            known = [:]
            manifests = [:]
            throw LakeError("there is no lake at \(lake.path); a run of a DAG that loads makes it")
        }
        if let remote = lake.remote { return try catalogue(of: remote) }
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

    // MARK: In S3

    /// A list of the objects tells which manifests are other ones than before: only those are read.
    private mutating func catalogue(of remote: RemoteLake) throws -> Catalogue {
        let now = ContinuousClock.now
        if let last, let looked, now - looked < remoteLook { return last }
        let former = last
        last = nil
        var found: [String: (tag: String, manifest: Manifest)] = [:]
        var days: [String: [TablePartition]] = [:]
        var present: [(partition: Partition, tag: String)] = []
        let cache = ManifestCache(lake)
        for (name, tag) in try remote.manifests("") {
            guard let partition = lake.partition(named: name), let day = name.split(separator: "/").last?.dropFirst(3)
            else { continue }
            let known = remoteManifests[name].flatMap { $0.tag == tag ? $0.manifest : nil }
            guard let manifest = try known ?? cache.manifest(partition, remote, tag: tag) else { continue }
            found[name] = (tag, manifest)
            present.append((partition, tag))
            let table = name.split(separator: "/").dropLast().joined(separator: "/")
            days[table, default: []].append(
                TablePartition(day: String(day), partition: partition, manifest: manifest))
        }
        cache.sweep(present)
        let isSame =
            found.count == remoteManifests.count && found.allSatisfy { remoteManifests[$0.key]?.tag == $0.value.tag }
        remoteManifests = found
        looked = now
        if let former, isSame {
            last = former
            return former
        }
        changes += 1
        let tables = days.sorted { $0.key < $1.key }.map { name, partitions in
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            let table = LakeTable(
                bucket: parts[0], dataset: parts.count > 1 ? parts[1] : nil,
                partitions: partitions.sorted { $0.day < $1.day })
            return numbered(table, after: former?.tables.first { $0.name == name })
        }
        let catalogue = Catalogue(lake, tables)
        last = catalogue
        return catalogue
    }

    // MARK: In folders

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
        changes += 1
        // A folder is read again, too, when it may have changed and has not.
        table = table.map { numbered($0, after: before?.table) }
        let folder = Folder(stamp: stamp, names: names, table: table)
        known[name] = folder
        return folder
    }

    /// With the numbers that tell its columns and its content from others.
    private mutating func numbered(_ new: LakeTable, after before: LakeTable?) -> LakeTable {
        var table = new
        if let before, before.columns == table.columns {
            table.schema = before.schema
        } else {
            schemas += 1
            table.schema = schemas
        }
        if let before, before.partitions.elementsEqual(table.partitions, by: { $0.isSame(as: $1) }) {
            table.version = before.version
        } else {
            table.version = changes
        }
        return table
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

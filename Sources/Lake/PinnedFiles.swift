import Glibc
import Spawn

/// Holds the files of partitions for one reader, as they stand now, whatever becomes of the partitions meanwhile.
///
/// DuckDB opens a file more than once while it runs; a partition that is replaced between two of them would give a mix of
/// both. So the files get another name each, by hard links in the lake's staging area, where those that a killed reader
/// leaves are swept away. Gone with its owner.
struct PinnedFiles: ~Copyable {
    private let folder: String
    /// Whether every file could be held; where the lake cannot be written to, it is read as it stands.
    private(set) var isComplete = true

    static let prefix = "query-"
    private static let maximumTries = 100

    /// Begins the names of folders within it, where one holder has several.
    static let numbered = "hold-"

    init(_ lake: LakeRoot) { folder = Self.folder(in: lake) }

    /// A name for a new folder of held files.
    static func folder(in lake: LakeRoot) -> String {
        "\(lake.allStaging)/\(prefix)\(getpid())-\(UInt32.random(in: 0 ... .max))"
    }

    deinit { try? File.removeTree(folder) }

    /// The partition with the names that its files are held under; nil when it is not there any more.
    mutating func hold(_ wanted: TablePartition) throws -> TablePartition? {
        // Objects are never written over, and stay for a while.
        if wanted.partition.remote != nil { return wanted }
        let place = folder + "/" + wanted.partition.name
        for _ in 1...Self.maximumTries {
            guard let manifest = try wanted.partition.publishedManifest() else { return nil }
            guard link(manifest, wanted.partition, place) else { continue }
            // The generation rises with each publish: it is the same before and after, so the files are of this one.
            guard try wanted.partition.publishedManifest()?.generation == manifest.generation else { continue }
            let held = isComplete ? Partition(path: place, name: wanted.partition.name) : wanted.partition
            return TablePartition(day: wanted.day, partition: held, manifest: manifest)
        }
        throw LakeError("\(wanted.partition.name) is replaced again and again; ask later")
    }

    /// False when a file is not there any more, so that the partition has to be looked at again.
    private mutating func link(_ manifest: Manifest, _ partition: Partition, _ place: String) -> Bool {
        do {
            try File.removeTree(place)
            try File.makeDirectory(place, recursive: true)
        } catch {
            isComplete = false
            return true
        }
        for file in manifest.files {
            guard Glibc.link(partition.path + "/" + file.name, place + "/" + file.name) != 0 else { continue }
            if errno == ENOENT { return false }
            isComplete = false
            return true
        }
        return true
    }
}

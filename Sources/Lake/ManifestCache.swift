import Spawn

/// Manifests of a lake in S3 as files of this machine, so that a command need not ask for each of thousands again. A file's name
/// tells the partition and the tag of the object that it is a copy of: what it holds is never out of date.
struct ManifestCache {
    private let folder: String

    init(_ lake: LakeRoot) { folder = lake.path + "/.manifests" }

    /// The manifest of a partition; nil when it is not there any more.
    ///
    /// - Parameter tag: as a list of the objects has told it just now.
    func manifest(_ partition: Partition, _ remote: RemoteLake, tag: String) throws -> Manifest? {
        let path = folder + "/" + Self.name(partition, tag)
        if let bytes = try? File.read(path), let manifest = try? Manifest(parsing: bytes, path) { return manifest }
        guard let (manifest, tag) = try remote.current(partition) else { return nil }
        // Where nothing can be written, everything is asked for again.
        try? File.makeDirectory(folder, recursive: true)
        try? File.writeAtomically(folder + "/" + Self.name(partition, tag), manifest.json)
        return manifest
    }

    /// Removes what is no copy of any of these, once that is more than half.
    func sweep(_ present: [(partition: Partition, tag: String)]) {
        guard let files = try? File.list(folder), files.count > 2 * present.count + 100 else { return }
        let names = Set(present.map { Self.name($0.partition, $0.tag) })
        for name in files where !names.contains(name) { try? File.removeTree(folder + "/" + name) }
    }

    private static func name(_ partition: Partition, _ tag: String) -> String {
        String(SHA256.hex("\(partition.path) \(tag)").prefix(40))
    }
}

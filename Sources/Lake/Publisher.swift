import CPosix
import Glibc
import Spawn

/// Publishes partitions whole: a reader sees the former one or the new one, never a part of either.
public struct Publisher {
    private let lake: LakeRoot
    private let isRevoked: () -> Bool

    /// How long the former content of a partition stays readable for those who have opened it.
    private static let keepMicroseconds: Int64 = 600_000_000

    /// After this a staging area that nobody has touched belongs to an attempt that is dead.
    private static let abandonedMicroseconds: Int64 = 86_400_000_000

    /// - Parameter isRevoked: asked under the partition's lock: an attempt that was revoked publishes nothing.
    public init(_ lake: LakeRoot, isRevoked: @escaping () -> Bool) {
        self.lake = lake
        self.isRevoked = isRevoked
    }

    /// Begins a partition: an empty folder in this attempt's staging area.
    public func stage(_ partition: Partition) throws -> String {
        let folder = lake.staging + "/" + partition.name
        if File.exists(folder) { try File.removeTree(folder) }
        try File.makeDirectory(folder, recursive: true)
        try sweep()
        return folder
    }

    /// Removes what attempts left that were killed a day ago or longer.
    private func sweep() throws {
        guard let now = File.status(lake.staging)?.modified else { return }
        for name in try File.list(lake.allStaging) {
            let path = lake.allStaging + "/" + name
            guard path != lake.retired, path != lake.staging, let status = File.status(path, followLinks: false),
                status.modified < now - Self.abandonedMicroseconds
            else { continue }
            try? File.removeTree(path)
        }
    }

    /// Calls `body` while nobody else changes the partition.
    public func locked<Value>(_ partition: Partition, _ body: () throws -> Value) throws -> Value {
        let name = partition.name.split(separator: "/").joined(separator: "~")
        return try FileLock.hold("\(lake.locks)/\(name)", body)
    }

    /// Puts what was staged in the place of the partition. To be called under the partition's lock.
    ///
    /// The manifest gets the next generation; files, folder and parent are synced before and after the rename.
    /// - Parameter allowShrink: false refuses a partition with under half of the rows that it had.
    /// - Returns: the manifest as published.
    @discardableResult
    public func publish(
        _ staged: String, as partition: Partition, _ manifest: Manifest, allowShrink: Bool = false
    ) throws -> Manifest {
        try publish(staged, as: partition, manifest, over: try partition.manifest(), allowShrink: allowShrink)
    }

    /// The same for what was made from the partition itself.
    ///
    /// - Parameter before: the manifest that it was made from; nil: there was none. In S3, where no lock keeps other machines
    ///   away, nothing is published when another one is there by now.
    @discardableResult
    public func publish(
        _ staged: String, as partition: Partition, _ manifest: Manifest, over before: Manifest?,
        allowShrink: Bool = false
    ) throws -> Manifest {
        if let before, !allowShrink, manifest.rows * 2 < before.rows {
            throw LakeError(
                "\(partition.name): \(manifest.rows) rows would replace \(before.rows); set \"allow_shrink\": true if that is right",
                mayRetry: false)
        }
        var manifest = manifest
        manifest.generation = (before?.generation ?? 0) + 1
        return try put(staged, partition, manifest, over: before?.generation)
    }

    /// Takes the data out of a partition and leaves its manifest, of the same generation, with what is staged. To be called
    /// under the partition's lock.
    public func empty(_ staged: String, as partition: Partition, _ manifest: Manifest) throws {
        _ = try put(staged, partition, manifest, over: manifest.generation)
    }

    /// Removes a partition with its manifest. To be called under the partition's lock.
    public func remove(_ partition: Partition) throws {
        if partition.remote == nil, !File.exists(partition.path) { return }
        guard !isRevoked() else { throw LakeError("\(partition.name): this attempt was revoked; nothing is removed") }
        if let remote = partition.remote { return try remote.remove(partition) }
        try File.makeDirectory(lake.staging, recursive: true)
        let place = lake.staging + "/removed"
        if File.exists(place) { try File.removeTree(place) }
        try rename(partition.path, place, UInt32(WEIR_RENAME_NOREPLACE))
        try File.syncDirectory(File.parent(of: partition.path))
        try File.removeTree(place)
    }

    /// - Returns: the manifest as it stands there.
    private func put(
        _ staged: String, _ partition: Partition, _ manifest: Manifest, over generation: Int64?
    ) throws -> Manifest {
        if let remote = partition.remote {
            return try remote.put(staged, partition, manifest, over: generation, isRevoked)
        }
        try putFolder(staged, partition, manifest)
        return manifest
    }

    private func putFolder(_ staged: String, _ partition: Partition, _ manifest: Manifest) throws {
        try File.writeAtomically(staged + "/" + Partition.manifestName, manifest.json, sync: true)
        for name in try File.list(staged) where name != Partition.manifestName { try sync(staged + "/" + name) }
        try File.syncDirectory(staged)

        let parent = File.parent(of: partition.path)
        try File.makeDirectory(parent, recursive: true)
        Fault.point("publish.before_rename")
        guard !isRevoked() else { throw LakeError("\(partition.name): this attempt was revoked; nothing is published") }
        if File.exists(partition.path) {
            try rename(staged, partition.path, UInt32(WEIR_RENAME_EXCHANGE))
            try retire(staged, partition)
        } else {
            try rename(staged, partition.path, UInt32(WEIR_RENAME_NOREPLACE))
        }
        try File.syncDirectory(parent)
        Fault.point("publish.after_rename")
    }

    private func rename(_ from: String, _ to: String, _ flags: UInt32) throws {
        guard weir_renameat2(from, to, flags) == 0 else {
            let error = SystemError("renameat2", path: to)
            guard error.code == EINVAL || error.code == ENOSYS else { throw error }
            throw LakeError(
                "\(to): this file system cannot exchange folders; put the lake on ext4, xfs, btrfs or tmpfs",
                mayRetry: false)
        }
    }

    private func sync(_ path: String) throws {
        let file = try FileDescriptor.open(path, O_RDONLY)
        guard fsync(file.raw) == 0 else { throw SystemError("fsync", path: path) }
    }

    /// Keeps the former content for readers that have begun on it, and removes what was kept long enough.
    private func retire(_ former: String, _ partition: Partition) throws {
        let name = partition.name.split(separator: "/").joined(separator: "~")
        try File.makeDirectory(lake.retired, recursive: true)
        let place = "\(lake.retired)/\(name)~\(lake.attempt)"
        if File.exists(place) { try File.removeTree(place) }
        guard Glibc.rename(former, place) == 0 else { throw SystemError("rename", path: place) }
        // The kernel stamps the folder: its time says when it was retired, and what time it is now.
        utimensat(AT_FDCWD, place, nil, 0)
        let now = File.status(place)?.modified ?? 0
        for old in try File.list(lake.retired) {
            let path = lake.retired + "/" + old
            guard let status = File.status(path), status.modified < now - Self.keepMicroseconds
            else { continue }
            try File.removeTree(path)
        }
    }

    /// Removes this attempt's staging area.
    public func cleanUp() {
        if File.exists(lake.staging) { try? File.removeTree(lake.staging) }
    }
}

/// A lock between processes, by flock(2): the kernel drops it with its holder.
public enum FileLock {
    public static func hold<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        try File.makeDirectory(File.parent(of: path), recursive: true)
        let file = try FileDescriptor.open(path, O_RDWR | O_CREAT)
        while flock(file.raw, LOCK_EX) != 0 {
            guard errno == EINTR else { throw SystemError("flock", path: path) }
        }
        return try body()
    }
}

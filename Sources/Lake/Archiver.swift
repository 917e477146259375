import Glibc
import JSONText
import Spawn

/// Takes the raw data of a day out of the lake into one compressed archive, and brings it back.
///
/// Nothing is removed before the archive stands on disk and was read back whole. The raw partition's manifest stays and says
/// where the data is: the day is closed.
public struct Archiver {
    /// The one data file of an archive partition: a tar archive of the raw partition, compressed by zstd.
    public static let fileName = "raw.tar.zst"

    private let lake: LakeRoot
    private let raw: String
    private let archive: String
    private let publisher: Publisher
    /// `dag/run/task`, or who did it by hand.
    private let run: String

    /// - Parameters:
    ///   - raw: bucket whose days are archived.
    ///   - archive: bucket that holds the archives, each under the raw bucket's name.
    public init(lake: LakeRoot, raw: String, archive: String, publisher: Publisher, run: String) {
        self.lake = lake
        self.raw = raw
        self.archive = archive
        self.publisher = publisher
        self.run = run
    }

    /// The archive of a day.
    public func partition(_ day: String) -> Partition { lake.partition("\(archive)/\(raw)", day) }

    // MARK: Archiving

    /// Archives a day and removes its raw data; nil when there is nothing to archive.
    /// - Returns: the manifest of the archive.
    @discardableResult
    public func store(_ day: String) throws -> Manifest? {
        let source = lake.partition(raw, day)
        return try publisher.locked(source) {
            guard let manifest = try source.manifest(), manifest.archived == nil else { return nil }
            let stored = try publisher.locked(partition(day)) { try pack(source, manifest, day) }
            Fault.point("archive.before_removal")
            let stub = try publisher.stage(source)
            var closed = manifest
            closed.files = []
            closed.archived = .init(partition: partition(day).name, rows: manifest.rows, bytes: manifest.bytes)
            try publisher.empty(stub, as: source, closed)
            Fault.point("archive.after_removal")
            return stored
        }
    }

    private func pack(_ source: Partition, _ manifest: Manifest, _ day: String) throws -> Manifest {
        let target = partition(day)
        let staged = try publisher.stage(target)
        let file = staged + "/" + Self.fileName
        let names = [Partition.manifestName, RawIndex.fileName] + manifest.files.map(\.name)
        // The same bytes whoever packs them, and whenever.
        try tar(
            [
                "--create", "--format=ustar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner",
                "--mode=0644", "--use-compress-program=zstd -9 -T1", "--file", file, "--directory", source.path,
            ] + names.filter { File.exists(source.path + "/" + $0) })
        // Read back from the disk as it will be restored: a file that cannot be unpacked is no archive.
        let copy = try unpack(file, expecting: manifest)
        let index = RawIndex.fileName
        if File.exists(source.path + "/" + index) {
            guard try SHA256.file(copy + "/" + index).sha256 == SHA256.file(source.path + "/" + index).sha256 else {
                throw LakeError("\(target.name): the index that was read back is another one")
            }
        }
        try File.removeTree(copy)
        let (bytes, sha256) = try SHA256.file(file)
        Fault.point("archive.before_publish")
        return try publisher.publish(
            staged, as: target,
            Manifest(
                files: [.init(name: Self.fileName, rows: manifest.rows, bytes: bytes, sha256: sha256)], run: run,
                inputs: [.init(partition: source.name, generation: manifest.generation)], counts: manifest.counts),
            allowShrink: true)
    }

    // MARK: Restoring

    public enum Restored: Sendable, Hashable {
        case restored(rows: Int64)
        /// Its raw data is in the lake.
        case notArchived
    }

    /// Brings the raw data of a day back, verified.
    @discardableResult
    public func restore(_ day: String) throws -> Restored {
        let target = lake.partition(raw, day)
        return try publisher.locked(target) {
            guard let closed = try target.manifest() else {
                throw LakeError("\(target.name) is not there, and was never archived")
            }
            guard closed.archived != nil else { return .notArchived }
            let source = partition(day)
            return try publisher.locked(source) {
                guard let stored = try source.manifest(), let file = stored.files.first else {
                    throw LakeError("\(source.name) is not there any more: archives are deleted when they are old")
                }
                let path = source.path + "/" + file.name
                guard try SHA256.file(path).sha256 == file.sha256 else {
                    throw LakeError("\(path) is damaged: its SHA-256 is not that of its manifest")
                }
                let copy = try unpack(path, expecting: nil)
                var manifest = try Manifest(reading: copy + "/" + Partition.manifestName)
                try check(copy, manifest)
                var index = try RawIndex(reading: copy + "/" + RawIndex.fileName)
                let late = try RawIndex(reading: target.path + "/" + RawIndex.fileName)
                if !late.entries.isEmpty {
                    index.addQuarantined(of: late)
                    try index.write(to: copy + "/" + RawIndex.fileName)
                    manifest.counts = index.counts.keeping(manifest.counts)
                }
                let staged = try publisher.stage(target)
                try File.removeTree(staged)
                guard rename(copy, staged) == 0 else { throw SystemError("rename", path: staged) }
                Fault.point("restore.before_publish")
                manifest.generation = closed.generation
                try publisher.empty(staged, as: target, manifest)
                return .restored(rows: manifest.rows)
            }
        }
    }

    /// Deletes the archive of a day. The day stays closed.
    public func delete(_ day: String) throws {
        let target = partition(day)
        try publisher.locked(target) { try publisher.remove(target) }
    }

    // MARK: Parts

    /// Unpacks an archive into the staging area; the folder. Each file is held against the manifest, when one is given.
    private func unpack(_ file: String, expecting manifest: Manifest?) throws -> String {
        let copy = lake.staging + "/unpacked"
        if File.exists(copy) { try File.removeTree(copy) }
        try File.makeDirectory(copy, recursive: true)
        // Owners and names of the archive are not trusted with anything outside of this folder.
        try tar([
            "--extract", "--no-same-owner", "--no-same-permissions", "--use-compress-program=zstd", "--file", file,
            "--directory", copy,
        ])
        if let manifest { try check(copy, manifest) }
        return copy
    }

    private func check(_ folder: String, _ manifest: Manifest) throws {
        for file in manifest.files {
            let path = folder + "/" + file.name
            guard File.exists(path), try SHA256.file(path).sha256 == file.sha256 else {
                throw LakeError("\(file.name) did not come out of the archive as it went in")
            }
        }
    }

    private func tar(_ arguments: [String]) throws {
        let done: ChildProcess.Result
        do {
            done = try ChildProcess.run(
                ["/bin/tar"] + arguments, environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"],
                directory: lake.path)
        } catch {
            throw LakeError("tar: \(error)")
        }
        guard done.status.isSuccess else {
            let words = done.errorText.split(separator: "\n").prefix(4).joined(separator: " | ")
            throw LakeError("tar: \(done.status): \(words)")
        }
    }
}

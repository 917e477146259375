import Glibc
import JSONText
import ObjectStore
import Spawn

/// Takes the raw data of a day out of the lake into one compressed archive, and brings it back.
///
/// Nothing is removed before the archive stands on disk and was read back whole. The raw partition's manifest stays and says
/// where the data is: the day is closed.
public struct Archiver {
    /// The one data file of an archive partition: a tar archive of the raw partition, compressed by zstd.
    public static let fileName = "raw" + suffix
    static let suffix = ".tar.zst"

    private let lake: LakeRoot
    private let raw: String
    private let archive: any ArchivePlace
    private let publisher: Publisher
    /// `dag/run/task`, or who did it by hand.
    private let run: String
    private let remote: RemoteArchive

    /// - Parameters:
    ///   - raw: bucket whose days are archived.
    ///   - archive: bucket of the lake that holds the archives, each under the raw bucket's name, or `s3://BUCKET/PREFIX`.
    ///   - remote: what counts for archives in S3.
    /// - Throws: when `archive` is neither, or the settings of S3 are wrong.
    public init(
        lake: LakeRoot, raw: String, archive: String, publisher: Publisher, run: String, remote: RemoteArchive
    ) throws {
        self.lake = lake
        self.raw = raw
        self.publisher = publisher
        self.run = run
        self.remote = remote
        self.archive = try Self.place(archive, lake, raw, publisher, remote)
    }

    private static func place(
        _ name: String, _ lake: LakeRoot, _ raw: String, _ publisher: Publisher, _ remote: RemoteArchive
    ) throws -> any ArchivePlace {
        // Of a lake in S3 the archive is a bucket beside the others.
        let place = lake.remote.map { name.hasPrefix(S3Location.scheme) ? name : $0.url(name) } ?? name
        guard place.hasPrefix(S3Location.scheme) else {
            return LocalArchive(lake: lake, publisher: publisher, bucket: "\(name)/\(raw)")
        }
        guard let location = S3Location(place) else {
            throw LakeError("'\(name)' names no bucket of S3; it is s3://BUCKET or s3://BUCKET/PREFIX")
        }
        let store = S3Store(bucket: location.bucket, settings: try remote.settings())
        return S3Archive(lake: lake, store: store, location: location, raw: raw, options: remote)
    }

    /// The days that have an archive, in order.
    func days() throws -> [String] { try archive.days() }

    // MARK: Archiving

    /// Archives a day and removes its raw data; nil when there is nothing to archive.
    /// - Returns: the manifest of the archive.
    @discardableResult
    public func store(_ day: String) throws -> Manifest? {
        let source = lake.partition(raw, day)
        return try publisher.locked(source) {
            guard let manifest = try source.manifest(), manifest.archived == nil else { return nil }
            let stored = try archive.locked(day) { try pack(source, manifest, day) }
            Fault.point("archive.before_removal")
            let stub = try publisher.stage(source)
            var closed = manifest
            closed.files = []
            closed.archived = .init(partition: archive.name(day), rows: manifest.rows, bytes: manifest.bytes)
            try publisher.empty(stub, as: source, closed)
            Fault.point("archive.after_removal")
            return stored
        }
    }

    private func pack(_ source: Partition, _ manifest: Manifest, _ day: String) throws -> Manifest {
        let staged = try archive.stage(day)
        let file = staged + "/" + Self.fileName
        let folder = try source.folder(manifest, copiedTo: lake.staging + "/fetched")
        let names = [Partition.manifestName, RawIndex.fileName] + manifest.files.map(\.name)
        // The same bytes whoever packs them, and whenever.
        try tar(
            [
                "--create", "--format=ustar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner",
                "--mode=0644", "--use-compress-program=zstd -9 -T1", "--file", file, "--directory", folder,
            ] + names.filter { File.exists(folder + "/" + $0) })
        // Read back from the disk as it will be restored: a file that cannot be unpacked is no archive.
        let copy = try unpack(file, expecting: manifest)
        let index = RawIndex.fileName
        if File.exists(folder + "/" + index) {
            guard try SHA256.file(copy + "/" + index).sha256 == SHA256.file(folder + "/" + index).sha256 else {
                throw LakeError("\(archive.name(day)): the index that was read back is another one")
            }
        }
        try File.removeTree(copy)
        let (bytes, sha256) = try SHA256.file(file)
        Fault.point("archive.before_publish")
        return try archive.keep(
            staged, day,
            Manifest(
                files: [.init(name: Self.fileName, rows: manifest.rows, bytes: bytes, sha256: sha256)], run: run,
                inputs: [.init(partition: source.name, generation: manifest.generation)], counts: manifest.counts))
    }

    // MARK: Restoring

    public enum Restored: Sendable, Hashable {
        case restored(rows: Int64)
        /// Its raw data is in the lake.
        case notArchived
        /// Its archive was asked for, and can be read later: some hours, as a rule.
        case requested
        /// It was asked for before, and cannot be read yet.
        case awaited

        /// Whether it is worth while to come again.
        public var isAwaited: Bool { self == .requested || self == .awaited }
    }

    /// Brings the raw data of a day back, verified.
    @discardableResult
    public func restore(_ day: String) throws -> Restored {
        let target = lake.partition(raw, day)
        return try publisher.locked(target) {
            guard let closed = try target.manifest() else {
                throw LakeError("\(target.name) is not there, and was never archived")
            }
            guard let archived = closed.archived else { return .notArchived }
            let place = try place(of: archived, day)
            return try place.locked(day) {
                guard let stored = try place.manifest(day) else { throw place.missing(day) }
                let path: String
                switch try place.fetch(day, stored) {
                case .requested: return .requested
                case .awaited: return .awaited
                case .file(let file): path = file
                }
                let copy = try unpack(path, expecting: nil)
                var manifest = try Manifest(reading: copy + "/" + Partition.manifestName)
                try check(copy, manifest)
                var index = try RawIndex(reading: copy + "/" + RawIndex.fileName)
                let late = try target.rawIndex(closed)
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
        try archive.locked(day) { try archive.delete(day) }
    }

    /// Where a day was archived to, which may be another place than the one that is used now.
    private func place(of archived: Manifest.Archived, _ day: String) throws -> any ArchivePlace {
        let end = "/\(raw)/dt=\(day)"
        guard archived.partition.hasSuffix(end), archived.partition != archive.name(day) else { return archive }
        return try Self.place(String(archived.partition.dropLast(end.count)), lake, raw, publisher, remote)
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

import ObjectStore
import Spawn

/// Where the archives of a raw bucket are kept, one for each day.
protocol ArchivePlace {
    /// The archive of a day, as manifests and messages name it.
    func name(_ day: String) -> String

    /// The days that have one, in order.
    func days() throws -> [String]

    /// Nil: the day has none.
    func manifest(_ day: String) throws -> Manifest?

    /// Calls `body` while no other attempt of this lake changes the archive of the day.
    func locked<Value>(_ day: String, _ body: () throws -> Value) throws -> Value

    /// An empty folder for the file that is to be kept.
    func stage(_ day: String) throws -> String

    /// Keeps what was staged, in the place of what is there, whole or not at all.
    ///
    /// - Returns: the manifest as it stands there.
    func keep(_ staged: String, _ day: String, _ manifest: Manifest) throws -> Manifest

    /// The archive's file, to be read.
    func fetch(_ day: String, _ manifest: Manifest) throws -> FetchedArchive

    /// Removes the archive of a day. It is no error when there is none.
    func delete(_ day: String) throws
}

enum FetchedArchive {
    case file(String)
    /// Its place was asked to make it readable, which takes a while.
    case requested
    /// It was asked before.
    case awaited
}

extension ArchivePlace {
    /// What is said when a day's archive is needed and gone.
    func missing(_ day: String) -> LakeError {
        LakeError("\(name(day)) is not there any more: archives are deleted when they are old")
    }
}

/// Archives in a bucket of the lake.
struct LocalArchive: ArchivePlace {
    let lake: LakeRoot
    let publisher: Publisher
    /// `archive/ultimatealpr`.
    let bucket: String

    private func partition(_ day: String) -> Partition { lake.partition(bucket, day) }

    func name(_ day: String) -> String { partition(day).name }
    func days() throws -> [String] { try lake.days(bucket) }
    func manifest(_ day: String) throws -> Manifest? { try partition(day).manifest() }
    func stage(_ day: String) throws -> String { try publisher.stage(partition(day)) }
    func delete(_ day: String) throws { try publisher.remove(partition(day)) }

    func locked<Value>(_ day: String, _ body: () throws -> Value) throws -> Value {
        try publisher.locked(partition(day), body)
    }

    func keep(_ staged: String, _ day: String, _ manifest: Manifest) throws -> Manifest {
        try publisher.publish(staged, as: partition(day), manifest, allowShrink: true)
    }

    func fetch(_ day: String, _ manifest: Manifest) throws -> FetchedArchive {
        guard let file = manifest.files.first else { throw missing(day) }
        let path = partition(day).path + "/" + file.name
        guard try SHA256.file(path).sha256 == file.sha256 else {
            throw LakeError("\(path) is damaged: its SHA-256 is not that of its manifest")
        }
        return .file(path)
    }
}

/// Archives in a bucket of S3: `PREFIX/RAW/dt=DAY/raw-SHA256.tar.zst`, which never changes, and `_manifest.json` beside it,
/// which says that it counts.
///
/// The manifest is written on the condition that it is still the one that was read, so that of two who archive a day into
/// the same place one is told (Amazon S3 User Guide, "Conditional writes"). It is never put into a slow storage class.
struct S3Archive: ArchivePlace {
    let lake: LakeRoot
    let store: any ObjectStore
    let location: S3Location
    let raw: String
    let options: RemoteArchive

    private var base: String { (location.prefix.isEmpty ? "" : location.prefix + "/") + raw + "/" }
    private func folder(_ day: String) -> String { "\(base)dt=\(day)/" }
    private func manifestKey(_ day: String) -> String { folder(day) + Partition.manifestName }

    func name(_ day: String) -> String { "\(location)/\(raw)/dt=\(day)" }

    func days() throws -> [String] {
        try store.all(base, isFlat: false).folders.compactMap { folder in
            let name = folder.dropFirst(base.count).dropLast()
            return name.hasPrefix("dt=") ? String(name.dropFirst(3)) : nil
        }.sorted()
    }

    func manifest(_ day: String) throws -> Manifest? { try tagged(day)?.manifest }

    private func tagged(_ day: String) throws -> (manifest: Manifest, tag: String)? {
        guard let (bytes, tag) = try store.contents(manifestKey(day)) else { return nil }
        return (try Manifest(parsing: bytes, name(day) + "/" + Partition.manifestName), tag)
    }

    /// The lock of the raw day, which its caller holds, is enough: only that day is archived here.
    func locked<Value>(_ day: String, _ body: () throws -> Value) throws -> Value { try body() }

    func stage(_ day: String) throws -> String {
        let folder = lake.staging + "/to-archive"
        if File.exists(folder) { try File.removeTree(folder) }
        try File.makeDirectory(folder, recursive: true)
        return folder
    }

    func keep(_ staged: String, _ day: String, _ manifest: Manifest) throws -> Manifest {
        guard let file = manifest.files.first else { throw LakeError("\(name(day)): there is nothing to keep") }
        let before = try tagged(day)
        var manifest = manifest
        manifest.generation = (before?.manifest.generation ?? 0) + 1
        let kept = "raw-\(file.sha256)" + Archiver.suffix
        manifest.files[0].name = kept
        // An attempt that was killed may have brought it there already; the key says what it holds.
        let there = try store.head(folder(day) + kept)
        if there?.sha256 != file.sha256 {
            try store.upload(
                staged + "/" + file.name, to: folder(day) + kept, WriteOptions(storageClass: options.storageClass))
        }
        Fault.point("archive.before_manifest")
        do throws(ObjectStoreError) {
            try store.write(
                manifestKey(day), manifest.json, WriteOptions(before.map { .tag($0.tag) } ?? .absent))
        } catch {
            guard error.code == .preconditionFailed else { throw error }
            throw LakeError("\(name(day)): somebody else has archived this day meanwhile; the next try looks again")
        }
        let left = try store.all(folder(day)).objects.map(\.key)
        try store.remove(left.filter { $0 != manifestKey(day) && $0 != folder(day) + kept })
        return manifest
    }

    func fetch(_ day: String, _ manifest: Manifest) throws -> FetchedArchive {
        guard let file = manifest.files.first, let info = try store.head(folder(day) + file.name) else {
            throw missing(day)
        }
        switch info.readability {
        case .archived:
            try store.requestRestore(info.key, days: options.days, tier: options.tier)
            return .requested
        case .beingRestored: return .awaited
        case .now: break
        }
        let path = try stage(day) + "/" + file.name
        try store.download(info.key, to: path)
        guard try SHA256.file(path).sha256 == file.sha256 else {
            throw LakeError("\(name(day))/\(file.name) is damaged: its SHA-256 is not that of its manifest")
        }
        return .file(path)
    }

    /// First what says that it counts.
    func delete(_ day: String) throws {
        try store.remove([manifestKey(day)])
        try store.remove(try store.all(folder(day)).objects.map(\.key))
    }
}

/// How archives in S3 are written and brought back.
public struct RemoteArchive: Sendable {
    /// `GLACIER`, `DEEP_ARCHIVE` …; nil for the bucket's usual one.
    public var storageClass: String?
    /// How fast an object is wanted that has to be retrieved: `Expedited`, `Standard` or `Bulk`.
    public var tier = "Standard"
    /// So many days it can be read then.
    public var days = 7
    /// Asked when a bucket is used for the first time.
    public var settings: @Sendable () throws -> S3Settings

    public init(settings: @escaping @Sendable () throws -> S3Settings) { self.settings = settings }

    /// With the settings that the AWS tools would use, by these variables.
    public init(variable: @escaping @Sendable (String) -> String?) {
        self.init { try S3Settings(variable: variable) }
    }
}

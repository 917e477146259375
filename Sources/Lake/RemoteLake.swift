import ObjectStore
import SchedulerCore
import Spawn
import Synchronization

/// Where the buckets of a lake are that lies in S3: `PREFIX/BUCKET[/DATASET]/dt=DAY/`.
///
/// There is no rename in S3. Data are objects that never change, under names that no other publish uses, and the partition's
/// `_manifest.json` says which of them count. Writing it is the commit, on the condition that it is still the one that was
/// read (Amazon S3 User Guide, "Conditional writes").
public final class RemoteLake: Sendable {
    public let location: S3Location
    private let find: @Sendable () throws -> S3Settings
    private let isShared: Bool
    private let abandoned: TimeAmount
    private let keepsConditions = Mutex(false)
    private let known = Mutex<(settings: S3Settings, store: S3Store)?>(nil)

    /// - Parameters:
    ///   - isShared: whether other machines may publish there, too; then nothing is published on a server that does not keep
    ///     conditions of writes.
    ///   - settings: asked when the bucket is used for the first time.
    public convenience init(
        _ location: S3Location, isShared: Bool, settings: @escaping @Sendable () throws -> S3Settings
    ) {
        self.init(location, isShared: isShared, abandonedAfter: TimeAmount(seconds: 86_400), settings: settings)
    }

    /// - Parameter abandonedAfter: objects that nothing names are left alone for so long.
    init(
        _ location: S3Location, isShared: Bool = true, abandonedAfter: TimeAmount,
        settings: @escaping @Sendable () throws -> S3Settings
    ) {
        self.isShared = isShared
        self.location = location
        abandoned = abandonedAfter
        find = settings
    }

    private func opened() throws -> (settings: S3Settings, store: S3Store) {
        try known.withLock { known in
            if let known { return known }
            let settings = try find()
            let opened = (settings, S3Store(bucket: location.bucket, settings: settings))
            known = opened
            return opened
        }
    }

    private func store() throws -> any ObjectStore { try opened().store }

    /// Asks the bucket for a list, with little patience.
    ///
    /// - Throws: why it cannot be used.
    public func check() throws {
        var settings = try find()
        settings.tries = min(settings.tries, 2)
        _ = try S3Store(bucket: location.bucket, settings: settings).list(key(""), isFlat: false, page: nil)
    }

    // MARK: Names

    private func key(_ name: String) -> String { location.prefix.isEmpty ? name : location.prefix + "/" + name }
    private func key(_ partition: Partition, _ object: String) -> String { key(partition.name) + "/" + object }

    /// The address of what lies below a name of the lake.
    func url(_ name: String) -> String { "\(location)/\(name)" }

    /// What is directly below a bucket or a dataset.
    func folders(_ bucket: String) throws -> [String] {
        let prefix = key(bucket) + "/"
        return try store().all(prefix, isFlat: false).folders.map { String($0.dropFirst(prefix.count).dropLast()) }
    }

    /// The manifests of all partitions, by their names, with their tags.
    ///
    /// - Parameter bucket: only those of this bucket or dataset; empty for all.
    func manifests(_ bucket: String) throws -> [(partition: String, tag: String)] {
        let end = "/" + Partition.manifestName
        let base = location.prefix.isEmpty ? "" : location.prefix + "/"
        return try store().all(bucket.isEmpty ? base : base + bucket + "/dt=").objects.compactMap { object in
            guard object.key.hasSuffix(end) else { return nil }
            return (String(object.key.dropFirst(base.count).dropLast(end.count)), object.tag)
        }
    }

    // MARK: Reading

    /// The manifest of a partition, and what tells it from another one; nil when it was never published.
    func current(_ partition: Partition) throws -> (manifest: Manifest, tag: String)? {
        guard let (bytes, tag) = try store().contents(key(partition, Partition.manifestName)) else { return nil }
        return (try Manifest(parsing: bytes, partition.path + "/" + Partition.manifestName), tag)
    }

    func read(_ partition: Partition, _ object: String) throws -> [UInt8] {
        try store().read(key(partition, object))
    }

    /// Brings all files of a partition into a folder, which it makes anew.
    func download(_ partition: Partition, _ manifest: Manifest, to folder: String) throws {
        if File.exists(folder) { try File.removeTree(folder) }
        try File.makeDirectory(folder, recursive: true)
        for file in manifest.files {
            try store().download(key(partition, file.name), to: folder + "/" + file.name)
            guard try SHA256.file(folder + "/" + file.name).sha256 == file.sha256 else {
                throw LakeError("\(partition.path)/\(file.name) is damaged: its SHA-256 is not that of its manifest")
            }
        }
        if let index = manifest.index {
            try store().download(key(partition, index), to: folder + "/" + RawIndex.fileName)
        }
        try File.writeAtomically(folder + "/" + Partition.manifestName, manifest.json)
    }

    // MARK: Publishing

    /// Puts what was staged in the place of the partition.
    ///
    /// - Parameters:
    ///   - manifest: its files are in the folder, or in the generation that is there.
    ///   - generation: the one that is there, as the caller knows it; nil: none.
    /// - Returns: the manifest with the names of the objects.
    func put(
        _ staged: String, _ partition: Partition, _ manifest: Manifest, over generation: Int64?, _ isRevoked: () -> Bool
    ) throws -> Manifest {
        try checkConditions()
        let before = try current(partition)
        guard before?.manifest.generation == generation else { throw overtaken(partition) }
        let former = before.map { $0.manifest.files.map(\.name) + [$0.manifest.index].compactMap(\.self) } ?? []
        let mark = Self.mark()
        var manifest = manifest
        func upload(_ name: String) throws -> String {
            let object = Self.name(name, mark)
            try store().upload(staged + "/" + name, to: key(partition, object), WriteOptions())
            return object
        }
        for place in manifest.files.indices {
            let name = manifest.files[place].name
            if File.exists(staged + "/" + name) {
                manifest.files[place].name = try upload(name)
            } else if !former.contains(name) {
                throw LakeError("\(partition.name): \(name) was not staged, and is not there")
            }
        }
        manifest.index = File.exists(staged + "/" + RawIndex.fileName) ? try upload(RawIndex.fileName) : nil
        let present = manifest.files.map(\.name) + [manifest.index].compactMap(\.self)
        manifest.former = former.filter { !present.contains($0) }
        Fault.point("publish.before_rename")
        guard !isRevoked() else { throw LakeError("\(partition.name): this attempt was revoked; nothing is published") }
        do throws(ObjectStoreError) {
            try store(
                partition, manifest.json, before.map { .tag($0.tag) } ?? .absent)
        } catch {
            guard error.code == .preconditionFailed else { throw error }
            throw overtaken(partition)
        }
        Fault.point("publish.after_rename")
        try sweep(partition, keeping: Set(present + manifest.former))
        return manifest
    }

    private func store(
        _ partition: Partition, _ manifest: [UInt8], _ condition: WriteOptions.Condition
    ) throws(ObjectStoreError) {
        let store: any ObjectStore
        do { store = try self.store() } catch { throw ObjectStoreError(.refused, "\(error)") }
        try store.write(key(partition, Partition.manifestName), manifest, WriteOptions(condition))
    }

    /// There are servers that take the condition of a write and do not keep it. Amazon's does since 2024.
    private func checkConditions() throws {
        let (settings, store) = try opened()
        guard isShared, settings.endpoint != nil, !keepsConditions.withLock({ $0 }) else { return }
        for _ in 1...2 {
            do throws(ObjectStoreError) { try store.write(key(".weir/conditions"), [], WriteOptions(.absent)) } catch {
                guard error.code == .preconditionFailed else { throw error }
                return keepsConditions.withLock { $0 = true }
            }
        }
        throw LakeError(
            "\(location): its server does not keep conditions of writes (If-None-Match), so two machines could publish over each other; when this one alone publishes there, set lake_writers to one"
        )
    }

    private func overtaken(_ partition: Partition) -> LakeError {
        LakeError(
            "\(partition.path): somebody else has published it meanwhile; the next try begins with what is there now")
    }

    /// Removes a partition, first what says that it counts.
    func remove(_ partition: Partition) throws {
        try store().remove([key(partition, Partition.manifestName)])
        try store().remove(try store().all(key(partition.name) + "/").objects.map(\.key))
    }

    /// Objects of attempts that were killed, and of generations that nobody reads any more. Those of an attempt that is at work
    /// are younger than a day.
    private func sweep(_ partition: Partition, keeping names: Set<String>) throws {
        let prefix = key(partition.name) + "/"
        let objects = try store().all(prefix).objects
        func written(_ object: ObjectInfo) -> Instant? { object.modified.flatMap { Instant(rfc3339: $0) } }
        // By the store's clock: the manifest was written just now.
        guard let now = objects.first(where: { $0.key == prefix + Partition.manifestName }).flatMap(written) else {
            return
        }
        let left = objects.filter { object in
            let name = String(object.key.dropFirst(prefix.count))
            guard name != Partition.manifestName, !names.contains(name), let written = written(object) else {
                return false
            }
            return now - written > abandoned
        }
        try store().remove(left.map(\.key))
    }

    /// Letters, so that the numbers in the names of segments stay what they are.
    private static func mark() -> String {
        String((0..<markLength).map { _ in Character(UnicodeScalar(UInt8.random(in: 0x61...0x7A))) })
    }

    private static let markLength = 16

    /// `data.parquet` becomes `data-MARK.parquet`; a mark that it has already is replaced.
    static func name(_ name: String, _ mark: String) -> String {
        let dot = name.dropFirst().firstIndex(of: ".") ?? name.endIndex
        var stem = name[..<dot]
        let end = stem.suffix(markLength + 1)
        if end.count == markLength + 1, end.first == "-", end.dropFirst().allSatisfy({ ("a"..."z").contains($0) }) {
            stem = stem.dropLast(markLength + 1)
        }
        let visible = stem.drop { $0 == "." || $0 == "_" }
        return "\(visible)-\(mark)\(name[dot...])"
    }

    // MARK: DuckDB

    /// Statements that let DuckDB read below the lake's address, and nothing else of S3.
    ///
    /// - Parameter program: DuckDB's; its extension stands beside it.
    func access(by program: String) throws -> String {
        let (settings, store) = try opened()
        var words = ["TYPE s3", "SCOPE \(SQL.text("\(location)"))", "REGION \(SQL.text(settings.region))"]
        if let keys = try store.credentials() {
            words += ["KEY_ID \(SQL.text(keys.id))", "SECRET \(SQL.text(keys.secret))"]
            if let token = keys.sessionToken { words.append("SESSION_TOKEN \(SQL.text(token))") }
        }
        if let endpoint = settings.endpoint {
            let isPlain = endpoint.hasPrefix("http://")
            words += ["ENDPOINT \(SQL.text(String(endpoint.dropFirst(isPlain ? 7 : 8))))", "USE_SSL \(!isPlain)"]
        }
        words.append("URL_STYLE '\(settings.isPathStyle ? "path" : "vhost")'")
        return """
            \(try DuckDB.Extension.httpfs.loading(into: program))SET http_retries = \(settings.tries);
            SET http_retry_wait_ms = \(settings.firstPause);
            .once /dev/null
            CREATE TEMPORARY SECRET weir (\(words.joined(separator: ", ")));

            """
    }
}

extension RemoteLake: Hashable {
    public static func == (one: RemoteLake, other: RemoteLake) -> Bool { one.location == other.location }
    public func hash(into hasher: inout Hasher) { hasher.combine(location) }
}

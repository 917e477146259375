import ObjectStore
import SchedulerCore
import Spawn

/// The lake: buckets with their partitions, in a folder or in S3, and a folder for what is not published yet.
public struct LakeRoot: Sendable, Hashable {
    /// The folder of a lake that is one. Of a lake in S3: where this machine keeps what it works on, what it has set aside,
    /// its ledgers of sources and its reports.
    public let path: String
    /// Names the attempt that works on it, among all homes that use this lake: its unfinished files stand apart.
    public let attempt: String
    /// Where the buckets are; nil: folders at its path.
    public let remote: RemoteLake?

    public init(path: String, attempt: String, remote: RemoteLake? = nil) {
        self.path = path
        self.attempt = attempt
        self.remote = remote
    }

    /// The lake of a home.
    ///
    /// - Parameters:
    ///   - place: a folder, or `s3://BUCKET/PREFIX`; nil: the usual folder.
    ///   - isShared: whether other machines may publish there, when it is in S3.
    ///   - variable: of the environment, for the settings of S3.
    public init(
        _ place: String?, home: String, attempt: String, isShared: Bool,
        variable: @escaping @Sendable (String) -> String?
    ) {
        let usual = home + "/state/lake"
        if let place, let location = S3Location(place) {
            self.init(
                path: usual, attempt: attempt,
                remote: RemoteLake(location, isShared: isShared) {
                    try S3Settings(variable: variable)
                })
        } else {
            self.init(path: place ?? usual, attempt: attempt)
        }
    }

    /// Whether there is something at its place.
    public var isThere: Bool { remote != nil || File.status(path)?.kind == .directory }

    /// Its place, for people.
    public var place: String { remote.map { "\($0.location)" } ?? path }

    /// Below which places tasks of this lake let SQL read.
    public var readable: [String] { [path] + (remote.map { ["\($0.location)/"] } ?? []) }

    /// A bucket that is a folder.
    public func bucket(_ name: String) -> String { path + "/" + name }

    /// Where this attempt prepares files. Never inside a bucket: DuckDB's globs read hidden folders too.
    public var staging: String { "\(path)/.staging/\(attempt)" }

    var allStaging: String { path + "/.staging" }
    var retired: String { path + "/.staging/retired" }
    var locks: String { path + "/.locks" }
    public var quarantine: String { path + "/quarantine" }
    var ledgers: String { path + "/.ledger" }

    /// The days of a bucket, or of a dataset within it, in order.
    public func days(_ bucket: String) throws -> [String] {
        try folders(bucket).filter { $0.hasPrefix("dt=") }.map { String($0.dropFirst(3)) }
            .filter { CivilDate($0) != nil }.sorted()
    }

    /// The days of a bucket, or of a dataset within it, that have a manifest, in order.
    ///
    /// - Parameter isWanted: the manifests of other days are not read.
    public func manifests(
        _ bucket: String, where isWanted: (_ day: String) -> Bool = { _ in true }
    ) throws -> [(day: String, manifest: Manifest)] {
        guard let remote else {
            return try days(bucket).filter(isWanted).compactMap { day in
                try partition(bucket, day).manifest().map { (day, $0) }
            }
        }
        let cache = ManifestCache(self)
        return try remote.manifests(bucket).compactMap { name, tag in
            guard let partition = partition(named: name), let day = name.split(separator: "/").last?.dropFirst(3),
                isWanted(String(day))
            else { return nil }
            return try cache.manifest(partition, remote, tag: tag).map { (String(day), $0) }
        }.sorted { $0.0 < $1.0 }
    }

    /// The datasets of a bucket, in order.
    public func datasets(_ bucket: String) throws -> [String] {
        try folders(bucket).filter { !$0.hasPrefix("dt=") && !$0.hasPrefix(".") }.sorted()
    }

    /// What is directly below a bucket or a dataset; none where there is no such.
    private func folders(_ bucket: String) throws -> [String] {
        if let remote { return try remote.folders(bucket) }
        guard File.exists(self.bucket(bucket)) else { return [] }
        return try File.list(self.bucket(bucket))
    }

    /// The partition `dt=DAY` of a bucket, or of a dataset within it.
    public func partition(_ bucket: String, _ day: String) -> Partition {
        let name = "\(bucket)/dt=\(day)"
        return Partition(path: remote?.url(name) ?? "\(path)/\(name)", name: name, remote: remote)
    }
}

/// One day of a bucket or dataset: data files and `_manifest.json`.
public struct Partition: Sendable, Hashable {
    /// A folder, or the `s3://` address of what its objects' keys begin with.
    public let path: String
    /// Its path within the lake, which names it in manifests and messages.
    public let name: String
    let remote: RemoteLake?

    init(path: String, name: String, remote: RemoteLake? = nil) {
        self.path = path
        self.name = name
        self.remote = remote
    }

    public static let manifestName = "_manifest.json"

    /// Its manifest; nil when it was never published.
    public func manifest() throws -> Manifest? {
        if let remote { return try remote.current(self)?.manifest }
        let file = path + "/" + Self.manifestName
        guard File.exists(file) else { return nil }
        return try Manifest(reading: file)
    }

    /// What DuckDB reads of it, by its manifest.
    public func files(_ manifest: Manifest) -> [String] { manifest.files.map { path + "/" + $0.name } }

    /// What was seen of its raw data.
    ///
    /// - Parameter manifest: its manifest, where that is at hand.
    func rawIndex(_ manifest: Manifest?, names: NameTable = NameTable()) throws -> RawIndex {
        guard let remote else { return try RawIndex(reading: path + "/" + RawIndex.fileName, names: names) }
        guard let object = manifest?.index else { return RawIndex(names: names) }
        return try RawIndex(parsing: remote.read(self, object), "\(path)/\(object)", names: names)
    }

    /// The bytes of a small file of it.
    func read(_ name: String, limit: Int) throws -> [UInt8] {
        if let remote { return try remote.read(self, name) }
        return try File.read(path + "/" + name, limit: limit)
    }

    /// A folder with all its files under the names that they have in a folder of the lake: its own, or a copy below `place`.
    func folder(_ manifest: Manifest, copiedTo place: String) throws -> String {
        guard let remote else { return path }
        try remote.download(self, manifest, to: place)
        return place
    }
}

import Spawn

/// The lake: a folder with one folder per bucket, and a place for what is not published yet.
public struct LakeRoot: Sendable, Hashable {
    public let path: String
    /// Names the attempt that works on it, among all homes that use this lake: its unfinished files stand apart.
    public let attempt: String

    public init(path: String, attempt: String) {
        self.path = path
        self.attempt = attempt
    }

    /// Whether there is a folder at its path.
    public var isThere: Bool { File.status(path)?.kind == .directory }

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
        guard File.exists(self.bucket(bucket)) else { return [] }
        return try File.list(self.bucket(bucket)).filter { $0.hasPrefix("dt=") }.map { String($0.dropFirst(3)) }
            .sorted()
    }

    /// The partition `dt=DAY` of a bucket, or of a dataset within it.
    public func partition(_ bucket: String, _ day: String) -> Partition {
        Partition(path: "\(path)/\(bucket)/dt=\(day)", name: "\(bucket)/dt=\(day)")
    }
}

/// One day of a bucket or dataset: a folder with data files and `_manifest.json`.
public struct Partition: Sendable, Hashable {
    public let path: String
    /// Its path within the lake, which names it in manifests and messages.
    public let name: String

    public static let manifestName = "_manifest.json"

    /// The one data file of a Parquet partition.
    public var data: String { path + "/data.parquet" }

    /// Its manifest; nil when it was never published.
    public func manifest() throws -> Manifest? {
        let file = path + "/" + Self.manifestName
        guard File.exists(file) else { return nil }
        return try Manifest(reading: file)
    }
}

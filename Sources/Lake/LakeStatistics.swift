import JSONText
import Spawn

/// What a lake holds, bucket by bucket, and what lies about beside it.
public struct LakeStatistics: Sendable {
    public struct Bucket: Sendable, Hashable {
        public var name: String
        public var tables = 0
        public var days = 0
        public var rows: Int64 = 0
        public var bytes: Int64 = 0
        public var files = 0
        /// Files under 1 MiB in partitions of more than one file: what could be merged.
        public var smallFiles = 0
    }

    /// A folder below `.staging`.
    public struct Leftover: Sendable, Hashable {
        /// The attempt that made it.
        public var attempt: String
        public var bytes: Int64
        /// Microseconds since 1970 UTC.
        public var modified: Int64
    }

    public let buckets: [Bucket]
    /// Records that were set aside, by reason, as the raw manifests count them.
    public let quarantined: [String: Int64]
    /// What attempts work on now, or left when they were killed; a day later it goes with the next publish.
    public let unfinished: [Leftover]
    /// Former partitions that are kept for a while for those who read them.
    public let retired: (partitions: Int, bytes: Int64)

    /// Smaller files cost engines more than they hold.
    private static let smallFile: Int64 = 1 << 20

    public init(_ catalogue: Catalogue) throws {
        var buckets: [Bucket] = []
        var days: [String: Set<String>] = [:]
        var reasons: [String: Int64] = [:]
        for table in catalogue.tables {
            if buckets.last?.name != table.bucket { buckets.append(Bucket(name: table.bucket)) }
            var bucket = buckets.removeLast()
            bucket.tables += 1
            bucket.rows += table.rows
            bucket.bytes += table.bytes
            for partition in table.partitions {
                let files = partition.manifest.files
                bucket.files += files.count
                if files.count > 1 { bucket.smallFiles += files.count { $0.bytes < Self.smallFile } }
                for reason in partition.manifest.counts["reasons"]?.object?.members ?? [] {
                    reasons[reason.key, default: 0] += reason.node.integer ?? 0
                }
            }
            days[table.bucket, default: []].formUnion(table.partitions.map(\.day))
            bucket.days = days[table.bucket]?.count ?? 0
            buckets.append(bucket)
        }
        self.buckets = buckets
        quarantined = reasons
        let lake = catalogue.lake
        unfinished = Self.folders(lake.allStaging).filter {
            $0.path != lake.retired && !$0.name.hasPrefix(PinnedFiles.prefix)
        }.map { name, path in
            Leftover(attempt: name, bytes: Self.size(path), modified: File.status(path)?.modified ?? 0)
        }
        let former = Self.folders(lake.retired)
        retired = (former.count, former.reduce(0) { $0 + Self.size($1.path) })
    }

    private static func folders(_ path: String) -> [(name: String, path: String)] {
        ((try? File.list(path)) ?? []).map { ($0, path + "/" + $0) }
    }

    /// Bytes of the files in a folder; what vanishes meanwhile counts as nothing.
    private static func size(_ path: String) -> Int64 {
        guard let status = File.status(path, followLinks: false) else { return 0 }
        guard status.kind == .directory else { return status.size }
        return folders(path).reduce(0) { $0 + size($1.path) }
    }
}

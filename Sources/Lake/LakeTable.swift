/// One day of a table, as it stood when the catalogue was read.
public struct TablePartition: Sendable {
    /// `2022-05-02`.
    public let day: String
    public let partition: Partition
    public var manifest: Manifest

    /// What DuckDB reads.
    public var files: [String] { partition.files(manifest) }

    /// Whether the data are NDJSON segments of a raw bucket, and not Parquet.
    public var isRaw: Bool { manifest.isRaw }
}

/// A dataset of a bucket, or a bucket that has partitions itself.
public struct LakeTable: Sendable {
    public let bucket: String
    /// Nil for a bucket that has partitions itself.
    public let dataset: String?
    /// By day.
    public var partitions: [TablePartition]
    /// Tells the columns of this table from others that it has had, as one reader saw them.
    var schema = 0
    /// Tells what is published from what was there before, as one reader saw it.
    public internal(set) var version = 0

    /// `lakestorage/plate`, or the bucket's name.
    public var name: String { dataset.map { bucket + "/" + $0 } ?? bucket }

    /// What it may be called where that is unambiguous.
    public var shortName: String { dataset ?? bucket }

    public var rows: Int64 { partitions.reduce(0) { $0 + $1.manifest.rows } }
    public var bytes: Int64 { partitions.reduce(0) { $0 + $1.manifest.bytes } }

    /// What the rows are, for people; as the newest day says it.
    public var description: String {
        partitions.last { !$0.manifest.description.isEmpty }?.manifest.description ?? ""
    }

    /// The columns: those of the newest day, then what only older days have. Empty when no partition tells them.
    public var columns: [Column] {
        var columns: [Column] = []
        var names: Set<String> = []
        for partition in partitions.reversed() {
            for column in partition.columns where names.insert(column.name).inserted { columns.append(column) }
        }
        return columns
    }

    /// - Throws: where its days are archives, of which nothing can be read without restoring them.
    func mustBeReadable() throws(CatalogueProblem) {
        guard !partitions.isEmpty,
            partitions.allSatisfy({ $0.manifest.files.contains { $0.name.hasSuffix(Archiver.suffix) } })
        else { return }
        throw CatalogueProblem(
            .badValue,
            "\(name) holds packed archives, which have no rows to ask for; `weir lake restore` brings a day back")
    }

    /// The days from one to another, both included; nil for no bound. Days compare as texts.
    public func partitions(from: String?, to: String?) -> [TablePartition] {
        partitions.filter { $0.day >= from ?? "" && $0.day <= to ?? "9999-12-31" }
    }

    /// The partition of a day.
    public func partition(_ day: String) throws(CatalogueProblem) -> TablePartition {
        if let found = partitions.first(where: { $0.day == day }) { return found }
        let span = partitions.first.flatMap { first in partitions.last.map { "\(first.day) to \($0.day)" } } ?? "none"
        throw CatalogueProblem(
            .noSuchDay,
            "\(name) has no day \(day); it has \(partitions.count) (\(span)), which `weir lake partitions` lists")
    }
}

extension TablePartition {
    /// Whether this is what another look has found, too.
    func isSame(as other: TablePartition) -> Bool {
        day == other.day && manifest.generation == other.manifest.generation
            && manifest.archived == other.manifest.archived && manifest.isExpired == other.manifest.isExpired
    }

    /// What its data have; empty where its manifest does not tell.
    public var columns: [Column] { isRaw ? Self.envelope : manifest.columns }

    /// The lines of a raw segment, as the loader writes them.
    static let envelope = [
        Column("source", "VARCHAR", description: "file that the record came from; #N is its line"),
        Column("source_id", "VARCHAR", description: "the folder below the landing folder; empty for none"),
        Column("sha256", "VARCHAR", description: "of the record's bytes"),
        Column("event_time", "TIMESTAMP", description: "time of the event, UTC"),
        Column("extra", "JSON", description: "fields that the schema does not know"),
        Column("doc", "JSON", description: "the record as it came"),
    ]
}

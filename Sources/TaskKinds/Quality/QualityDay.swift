import Lake
import SchedulerCore
import Spawn

/// The day whose datasets are checked, and what is known of the days before.
struct QualityDay {
    let lake: LakeRoot
    /// Bucket of the datasets.
    let bucket: String
    /// `YYYY-MM-DD`.
    let day: String
    /// End of the run's data interval, RFC 3339.
    let intervalEnd: String

    private var date: CivilDate? { CivilDate(day) }

    /// Midnight UTC at the day's end: partitions are days in UTC.
    var dayEnd: String { "\((date?.adding(days: 1)).map { "\($0)" } ?? day)T00:00:00Z" }

    /// 0 for Sunday.
    var weekday: Int? { date?.weekday }

    func partition(_ dataset: String) -> Partition { lake.partition("\(bucket)/\(dataset)", day) }

    /// The datasets of the bucket that have the day.
    func published() throws -> [PublishedDataset] {
        try lake.datasets(bucket).compactMap { name in
            let partition = partition(name)
            guard let manifest = try partition.manifest() else { return nil }
            return PublishedDataset(dataset: name, rows: manifest.rows, files: partition.files(manifest))
        }
    }

    /// Rows of the dataset on each earlier day that it was published for, oldest first, by the manifests.
    ///
    /// - Parameter isWanted: whether days of this weekday count.
    func rowsBefore(of dataset: String, where isWanted: (Int) -> Bool) throws -> [(day: String, rows: Int64)] {
        try lake.manifests("\(bucket)/\(dataset)") { earlier in
            earlier < day && CivilDate(earlier).map { isWanted($0.weekday) } ?? false
        }.map { ($0.day, $0.manifest.rows) }
    }
}

/// A dataset as it was published for a day.
struct PublishedDataset {
    let dataset: String
    /// By its manifest.
    let rows: Int64
    /// What DuckDB reads.
    let files: [String]
}

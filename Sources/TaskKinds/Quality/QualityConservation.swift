import JSONText
import Lake

/// What is always asked: nothing is lost between the files and the datasets.
enum QualityConservation {
    /// The rows that the data files of a day's datasets really have; an empty answer when they cannot be read.
    static func rows(of datasets: [PublishedDataset], _ duckdb: DuckDB) -> [String: Int64] {
        guard !datasets.isEmpty else { return [:] }
        let counts = datasets.map { item in
            "SELECT \(SQL.text(item.dataset)) AS dataset, count(*) AS n FROM read_parquet(\(SQL.list(item.files)))"
        }
        let answer = (try? duckdb.run(counts.joined(separator: " UNION ALL ") + ";")) ?? []
        return Dictionary(
            answer.compactMap { row in
                row["dataset"]?.string.flatMap { name in row["n"]?.integer.map { (name, $0) } }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Seen = loaded + duplicates + quarantined, loaded = frames, and each dataset has the rows that were published.
    ///
    /// - Parameters:
    ///   - counts: what the raw partition counts; nil when there is none.
    ///   - frames: name of the dataset that has a row for each loaded record.
    ///   - published: rows of the datasets by their manifests.
    ///   - found: rows of their data files.
    static func checks(
        _ counts: JSONNode?, frames: String, published: [PublishedDataset], found: [String: Int64]
    ) -> [QualityReport.Check] {
        let frames = found[frames]
        let seen = counts?["seen"]?.integer
        let loaded = counts?["loaded"]?.integer
        let duplicates = counts?["duplicates"]?.integer
        let quarantined = counts?["quarantined"]?.integer
        let sum = loaded.flatMap { loaded in duplicates.flatMap { d in quarantined.map { loaded + d + $0 } } }
        func text(_ value: Int64?) -> String { value.map { "\($0)" } ?? "?" }
        return [
            check(
                "every record seen is accounted for", seen, sum,
                "\(text(seen)) seen = \(text(loaded)) loaded + \(text(duplicates)) duplicates + \(text(quarantined)) quarantined"
            ),
            check("every loaded record is a frame", loaded, frames, "\(text(loaded)) loaded, \(text(frames)) frames"),
        ] + (published.isEmpty ? [] : [whole(published, found)])
    }

    private static func whole(
        _ published: [PublishedDataset], _ found: [String: Int64]
    ) -> QualityReport.Check {
        let name = "every dataset has the rows that were published"
        guard !found.isEmpty else {
            return QualityReport.Check(
                name: name, type: "conservation", dataset: "all", severity: .error, status: .notEvaluated,
                detail: "the day's datasets cannot be read")
        }
        let wrong = published.filter { found[$0.dataset] != $0.rows }
        let words = wrong.map { "\($0.dataset) has \(found[$0.dataset] ?? 0) of \($0.rows)" }
        var check = QualityReport.Check(
            name: name, type: "conservation", dataset: "all", severity: .error, status: wrong.isEmpty ? .pass : .fail,
            detail: wrong.isEmpty ? "\(published.count) datasets" : words.joined(separator: ", "))
        check.failing = wrong.reduce(0) { $0 + abs($1.rows - (found[$1.dataset] ?? 0)) }
        check.total = published.reduce(0) { $0 + $1.rows }
        return check
    }

    private static func check(_ name: String, _ left: Int64?, _ right: Int64?, _ detail: String) -> QualityReport.Check
    {
        var check = QualityReport.Check(
            name: name, type: "conservation", dataset: "raw", severity: .error, status: .notEvaluated,
            detail: "the day has no raw manifest, or no frames")
        guard let left, let right else { return check }
        check.status = left == right ? .pass : .fail
        check.failing = abs(left - right)
        check.total = left
        check.detail = detail
        return check
    }
}

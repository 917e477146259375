import JSONText

/// What is always asked: nothing is lost between the files and the datasets.
enum QualityConservation {
    /// Seen = loaded + duplicates + quarantined, and loaded = frames.
    ///
    /// - Parameters:
    ///   - counts: what the raw partition counts; nil when there is none.
    ///   - frames: rows of the dataset that has one for each loaded record.
    static func checks(_ counts: JSONNode?, _ frames: Int64?) -> [QualityReport.Check] {
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
        ]
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

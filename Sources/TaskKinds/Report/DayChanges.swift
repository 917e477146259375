import JSONText

/// What is different from the last day that was checked before.
struct DayChanges {
    /// The day that is compared with.
    let since: String
    private let before: QualityReport
    private let now: QualityReport
    /// Checks that need attention and did not before, and the other way round.
    let broken: [QualityReport.Check]
    let mended: [String]

    /// nil when there is nothing to compare with.
    init?(_ now: QualityReport, since before: QualityReport?) {
        guard let before else { return nil }
        since = before.ds
        self.before = before
        self.now = now
        func needsAttention(_ check: QualityReport.Check?) -> Bool {
            check.map { $0.isFailure || $0.isWarning } ?? false
        }
        broken = now.inOrder.filter { needsAttention($0) && !needsAttention(before.check($0.name)) }
        // One that is no longer asked is not mended.
        mended = before.checks.filter { check in
            guard let today = now.check(check.name) else { return false }
            return needsAttention(check) && today.status == .pass
        }.map(\.name)
    }

    /// `+12`, or that there were none.
    func ofRows(_ dataset: String) -> String {
        guard let rows = now.rows(of: dataset) else { return "" }
        guard let earlier = before.rows(of: dataset) else { return "new" }
        return Figures.signed(Double(rows - earlier))
    }

    /// Datasets that had rows and have no partition now.
    var lost: [String] { before.rows.map(\.dataset).filter { now.rows(of: $0) == nil } }

    /// `was 74.2 %`.
    func ofNumber(_ number: QualityReport.Number) -> String {
        before.number(number.title).map { "was \($0.text)" } ?? ""
    }
}

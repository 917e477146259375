import JSONText
import Lake

/// The answers to what a report's file asks.
struct ReportQueries {
    struct Chart: Sendable {
        var title: String
        var shape: ReportFile.Chart.Shape
        /// Each with its label.
        var values: [(label: String, value: Double)]
        /// Why there are none.
        var problem: String?
    }

    private(set) var numbers: [QualityReport.Number] = []
    private(set) var charts: [Chart] = []

    /// A query that fails takes nothing from the others: it is shown as such, and logged.
    init(_ file: ReportFile, _ runner: QualityRunner) {
        let (views, _) = runner.views(Set(file.datasets))
        func rows(_ title: String, _ sql: String) -> Result<[JSONNode], LakeError> {
            do {
                return .success(try runner.ask(views + sql + "\n;"))
            } catch {
                runner.log("report: \(title): \(error)")
                return .failure(LakeError("\(error)"))
            }
        }
        let together = file.numbers.enumerated().map { "(\($1.sql)\n)::DOUBLE::VARCHAR AS \"\($0)\"" }
        let all = together.isEmpty ? nil : try? runner.ask(views + "SELECT \(together.joined(separator: ", "));")
        for (place, number) in file.numbers.enumerated() {
            var text = all?.first?["\(place)"]?.string
            if all == nil, case .success(let found) = rows(number.title, "SELECT \(together[place])") {
                text = found.first?["\(place)"]?.string
            }
            let value = text.flatMap(Double.init).flatMap { $0.isFinite ? $0 : nil }
            numbers.append(QualityReport.Number(title: number.title, format: number.format, value: value))
        }
        for chart in file.charts {
            switch rows(chart.title, chart.sql) {
            case .success(let found):
                charts.append(
                    Chart(title: chart.title, shape: chart.shape, values: Self.values(found, limit: chart.limit)))
            case .failure(let error):
                charts.append(Chart(title: chart.title, shape: chart.shape, values: [], problem: error.description))
            }
        }
    }

    /// The first column names a row, the second one is its number.
    private static func values(_ rows: [JSONNode], limit: Int) -> [(label: String, value: Double)] {
        let all = rows.compactMap { row -> (label: String, value: Double)? in
            guard let members = row.object?.members, members.count >= 2, let value = members[1].node.double,
                value.isFinite
            else { return nil }
            return (label(members[0].node), value)
        }
        guard all.count > limit else { return all }
        let rest = all[limit...]
        return all.prefix(limit) + [("\(rest.count) others", rest.reduce(0) { $0 + $1.value })]
    }

    private static func label(_ node: JSONNode) -> String {
        if let text = node.string { return text }
        if node.isNull { return "unknown" }
        var writer = JSONWriter()
        writer.node(node)
        return writer.text
    }
}

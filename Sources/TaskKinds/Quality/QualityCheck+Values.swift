import JSONText
import Lake
import SchedulerCore

/// Checks of one number that is computed from a column.
extension QualityCheck.Builder {
    func ofValues() -> QualityCheck.Parts? { type == "freshness" ? freshness() : aggregate() }

    private func column() -> String? {
        if let column = reader.text("column") { return column }
        if reader.node["column"] == nil { reader.problem("\(type) needs 'column'") }
        return nil
    }

    // MARK: Freshness

    private enum End: String, CaseIterable { case interval, day }

    private func freshness() -> QualityCheck.Parts? {
        let column = column()
        let rows = rows()
        let end = reader.word("of", default: End.interval)
        guard let within = reader.duration("within") else {
            if reader.node["within"] == nil { reader.problem("freshness needs 'within', such as \"18h\"") }
            return nil
        }
        guard let column else { return nil }
        let newest = "max(\(SQL.name(column))::TIMESTAMP)"
        let limit = within.seconds
        return QualityCheck.Parts(
            name: "\(dataset).\(column) is fresh",
            question: { day in
                let limitText = SQL.text(end == .day ? day.dayEnd : day.intervalEnd)
                return .ask(
                    QualityCheck.answer(
                        // A time after the end is as wrong as one that is long before it.
                        failing: "CASE WHEN age IS NULL THEN NULL WHEN abs(age) <= \(limit) THEN 0 ELSE 1 END",
                        total: "n", metric: "age",
                        detail: "coalesce('the newest is ' || strftime(newest, '%Y-%m-%d %H:%M:%S'), 'no times')",
                        from:
                            "(SELECT epoch(\(limitText)::TIMESTAMP - \(newest)) AS age, \(newest) AS newest, count(*) AS n FROM \(rows))"
                    ))
            },
            words: { answer in
                guard let age = answer.metric, let detail = answer.detail else { return answer.detail }
                let amount = TimeAmount(seconds: Int64(min(max(abs(age), 0), 1e15).rounded()))
                return "\(detail), \(amount) \(age < 0 ? "after" : "before") the \(end)'s end; \(within) is allowed"
            })
    }

    // MARK: Aggregates

    private enum Metric: String, CaseIterable {
        case min, max, avg, stddev, median, quantile, sum
        case countDistinct = "count_distinct"
    }

    private func aggregate() -> QualityCheck.Parts? {
        let column = column()
        let rows = rows()
        if reader.node["metric"] == nil { reader.problem("aggregate needs 'metric'") }
        let metric = reader.word("metric", default: Metric.avg)
        let (least, most) = bounds(needed: true)
        var quantile = 0.5
        if metric == .quantile {
            guard let given = reader.number("quantile"), (0...1).contains(given) else {
                reader.problem("metric quantile needs 'quantile', from 0 to 1", at: reader.node["quantile"])
                return nil
            }
            quantile = given
        }
        guard let column else { return nil }
        let name = SQL.name(column)
        let value =
            switch metric {
            case .quantile: "quantile_cont(\(name), \(quantile))"
            case .countDistinct: "count(DISTINCT \(name))"
            default: "\(metric.rawValue)(\(name))"
            }
        let words = metric == .quantile ? "quantile \(quantile)" : metric.rawValue
        let bad = [least.map { "v < \($0)" }, most.map { "v > \($0)" }, "NOT isfinite(v)"].compactMap(\.self)
        return QualityCheck.Parts(
            name: "\(words) of \(dataset).\(column) is \(QualityCheck.words(least, most))",
            question: { _ in
                .ask(
                    QualityCheck.answer(
                        failing: """
                            CASE WHEN v IS NULL OR n = 0 THEN NULL WHEN \(bad.joined(separator: " OR ")) THEN 1 ELSE 0 END
                            """,
                        total: "n", metric: "v",
                        detail:
                            "CASE WHEN v IS NULL OR n = 0 THEN 'there are no values' ELSE \(SQL.text(words + " is ")) || round(v, 6) END",
                        from: "(SELECT (\(value))::DOUBLE AS v, count(*) AS n FROM \(rows))"))
            })
    }
}

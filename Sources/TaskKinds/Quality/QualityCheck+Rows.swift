import JSONText
import Lake
import SchedulerCore

/// Checks that count rows: alone, against another dataset, and against earlier days.
extension QualityCheck.Builder {
    func ofRows() -> QualityCheck.Parts? {
        switch type {
        case "row_count": rowCount()
        case "same_rows": sameRows()
        case "join": join()
        default: volume()
        }
    }

    private func rowCount() -> QualityCheck.Parts {
        let rows = rows()
        let least = reader.integer("min", in: 0...Int64.max)
        let most = reader.integer("max", in: 0...Int64.max)
        if let least, let most, least > most { reader.problem("'min' is above 'max'", at: reader.node["min"]) }
        let range = "\(least ?? 0) to \(most ?? .max)"
        return QualityCheck.Parts(
            name: "\(dataset) has \(most == nil ? "at least \(least ?? 0)" : range) rows",
            question: { _ in
                .ask(
                    QualityCheck.answer(
                        failing: "CASE WHEN count(*) BETWEEN \(least ?? 0) AND \(most ?? .max) THEN 0 ELSE 1 END",
                        total: "count(*)", metric: "count(*)", detail: "count(*) || ' rows'", from: rows))
            })
    }

    /// Row conservation between datasets: as many rows here as the other one counts.
    private func sameRows() -> QualityCheck.Parts? {
        let (other, sum) = (reader.text("as"), reader.text("sum"))
        guard let other, let sum else {
            reader.problem("same_rows needs 'as' (a dataset) and 'sum' (its column that counts)")
            return nil
        }
        let here = "(SELECT count(*) FROM \(table))"
        let there = "(SELECT coalesce(sum(\(SQL.name(sum))), 0) FROM \(SQL.name(other)))"
        return QualityCheck.Parts(
            name: "\(dataset) has as many rows as \(other).\(sum) counts", others: [other],
            question: { _ in
                .ask(
                    QualityCheck.answer(
                        failing: "abs(\(here) - \(there))", total: here, metric: here,
                        detail: "\(here) || ' rows, ' || \(there) || ' counted'"))
            })
    }

    private func join() -> QualityCheck.Parts? {
        let columns = columns()
        let equal = reader.texts("equal") ?? []
        let mostly = mostly()
        let samples = samples()
        guard let other = reader.text("to") else {
            if reader.node["to"] == nil { reader.problem("join needs 'to' (a dataset)") }
            return nil
        }
        let (list, right) = (list(columns), SQL.name(other))
        let differs =
            equal.isEmpty
            ? "false"
            : equal.map { "l.\(SQL.name($0)) IS DISTINCT FROM r.\(SQL.name($0))" }.joined(separator: " OR ")
        let missing = "SELECT \(list) FROM \(table) ANTI JOIN \(right) USING (\(list))"
        let extra = "SELECT \(list) FROM \(right) ANTI JOIN \(table) USING (\(list))"
        let pairs = "(SELECT \(list), count(*) AS n FROM \(table) JOIN \(right) USING (\(list)) GROUP BY \(list))"
        let values = equal.map { column in
            "l.\(SQL.name(column)), r.\(SQL.name(column)) AS \(SQL.name("\(other).\(column)"))"
        }
        let unequal = ([list] + values).joined(separator: ", ")
        return QualityCheck.Parts(
            name: "\(dataset) joins \(other) one to one"
                + (equal.isEmpty ? "" : " with equal \(equal.joined(separator: ", "))"),
            others: [other], mostly: mostly, samples: samples,
            question: { _ in
                .ask(
                    QualityCheck.answer(
                        failing: """
                            (SELECT count(*) FROM (\(missing))) + (SELECT count(*) FROM (\(extra)))
                            + (SELECT coalesce(sum(n - 1), 0) FROM \(pairs))
                            + (SELECT count(*) FROM \(table) l JOIN \(right) r USING (\(list)) WHERE \(differs))
                            """, total: "(SELECT count(*) FROM \(table))"))
            },
            sample: """
                SELECT \(SQL.text("not in \(other)")) AS problem, * FROM (\(missing))
                UNION ALL BY NAME SELECT \(SQL.text("not in \(dataset)")) AS problem, * FROM (\(extra))
                UNION ALL BY NAME SELECT n || ' pairs' AS problem, * EXCLUDE n FROM \(pairs) WHERE n > 1
                UNION ALL BY NAME SELECT 'differs' AS problem, \(unequal)
                    FROM \(table) l JOIN \(right) r USING (\(list)) WHERE \(differs)
                """)
    }

    // MARK: Against earlier days

    private enum Against: String, CaseIterable { case last, sameWeekday = "same_weekday" }

    private func volume() -> QualityCheck.Parts? {
        let against = reader.word("against", default: Against.last)
        let count = reader.integer("count", in: 1...1000).map { Int($0) } ?? (against == .last ? 7 : 4)
        let (least, most) = (reader.number("min_ratio"), reader.number("max_ratio"))
        if reader.node["min_ratio"] == nil, reader.node["max_ratio"] == nil {
            reader.problem("volume needs 'min_ratio', 'max_ratio' or both")
        }
        if let least, let most, least > most {
            reader.problem("'min_ratio' is above 'max_ratio'", at: reader.node["min_ratio"])
        }
        let (needed, severity) = minHistory()
        if needed > count { reader.problem("'min_history' is above 'count', \(count)", at: reader.node["min_history"]) }
        let span = against == .last ? "last \(count) days" : "same weekday of the last \(count) weeks"
        return QualityCheck.Parts(
            name: "\(dataset) has about as many rows as the \(span)",
            question: { [dataset, table] day in
                let earlier = try day.rowsBefore(of: dataset) { against == .last || $0 == day.weekday }.suffix(count)
                guard earlier.count >= needed else {
                    let kind = against == .last ? "days" : "days of its weekday"
                    return .cannotAsk(
                        "\(earlier.count) earlier \(kind) with \(dataset), \(needed) needed", severity)
                }
                let usual = Figures.median(earlier.map { Double($0.rows) })
                // Against nothing every ratio is infinite.
                guard usual > 0 else { return .cannotAsk("\(dataset) had no rows on the earlier days", severity) }
                let bad = [
                    least.map { "count(*) < \($0 * usual)" }, most.map { "count(*) > \($0 * usual)" },
                ].compactMap(\.self).joined(separator: " OR ")
                let words = SQL.text(" of \(Figures.plain(usual)), the median of \(earlier.count) days")
                return .ask(
                    QualityCheck.answer(
                        failing: "CASE WHEN \(bad) THEN 1 ELSE 0 END", total: "count(*)", metric: "count(*)",
                        detail: "format('{} rows, {:.2f}', count(*), count(*) / \(usual)) || \(words)",
                        from: table))
            })
    }

    /// `3`, or `{"days": 3, "severity": "info"}`: fewer days before are too few, and how bad that is.
    private func minHistory() -> (days: Int, severity: QualityReport.Severity) {
        guard let node = reader.any("min_history") else { return (1, .warn) }
        guard node.object != nil else {
            return (reader.integer("min_history", in: 1...1000).map { Int($0) } ?? 1, .warn)
        }
        let inner = DeclarationReader(node, reader.file)
        let days = inner.integer("days", in: 1...1000).map { Int($0) } ?? 1
        let severity = inner.word("severity", default: QualityReport.Severity.warn)
        inner.finish()
        reader.take(inner.problems)
        return (days, severity)
    }
}

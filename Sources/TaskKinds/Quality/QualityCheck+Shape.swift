import JSONText
import Lake

/// Checks of a dataset's columns, and those in the user's own words.
extension QualityCheck.Builder {
    func ofShape(isNamed: Bool) -> QualityCheck.Parts? { type == "schema" ? schema() : custom(isNamed: isNamed) }

    private enum Extra: String, CaseIterable { case allow, warn, fail }

    private func schema() -> QualityCheck.Parts? {
        let extra = reader.word("extra", default: Extra.allow)
        guard let node = reader.any("columns") else {
            reader.problem("schema needs 'columns', an object of names and types")
            return nil
        }
        let members = node.object?.members ?? []
        let wanted = members.compactMap { member in member.node.string.map { (name: member.key, type: $0) } }
        guard !wanted.isEmpty, wanted.count == members.count else {
            reader.problem("'columns' must be an object of names and types, such as {\"id\": \"BIGINT\"}", at: node)
            return nil
        }
        let list = wanted.map { "(\(SQL.text($0.name)), \(SQL.text($0.type.uppercased())))" }.joined(separator: ", ")
        // Every difference is a row: what is it, and does it count.
        let differences = """
            (SELECT CASE WHEN h.n IS NULL THEN w.n || ' is missing'
                WHEN w.n IS NULL THEN h.n || ' is not declared'
                ELSE h.n || ' is ' || h.t || ', not ' || w.t END AS d,
                w.n IS NULL AS extra
            FROM (VALUES \(list)) w (n, t)
            FULL JOIN (SELECT column_name AS n, column_type AS t FROM (DESCRIBE \(table))) h ON w.n = h.n
            WHERE w.n IS NULL OR h.n IS NULL OR upper(h.t) <> w.t)
            """
        let counted = extra == .fail ? "true" : "NOT extra"
        let shown = extra == .allow ? "NOT extra" : "true"
        return QualityCheck.Parts(
            name: "\(dataset) has its declared columns",
            question: { [table] _ in
                .ask(
                    QualityCheck.answer(
                        failing: "count(*) FILTER (WHERE \(counted))", total: "(SELECT count(*) FROM \(table))",
                        detail:
                            "coalesce(string_agg(d, '; ' ORDER BY d) FILTER (WHERE \(shown)), '\(wanted.count) columns')",
                        remarks: extra == .warn ? "count(*) FILTER (WHERE extra)" : "0", from: differences))
            })
    }

    private func custom(isNamed: Bool) -> QualityCheck.Parts? {
        let mostly = mostly()
        let samples = samples()
        let others = reader.texts("datasets") ?? []
        if !isNamed { reader.problem("custom needs a 'name' that says what holds") }
        guard var sql = reader.text("sql") else {
            if reader.node["sql"] == nil { reader.problem("custom needs 'sql', a SELECT of the rows that fail") }
            return nil
        }
        while let last = sql.last, last.isWhitespace || last == ";" { sql.removeLast() }
        // The line break ends a comment in the last line.
        let rows = "(\(sql)\n)"
        return QualityCheck.Parts(
            name: "", others: others.filter { $0 != dataset }, mostly: mostly, samples: samples,
            question: { [table] _ in
                .ask(
                    QualityCheck.answer(
                        failing: "(SELECT count(*) FROM \(rows))", total: "(SELECT count(*) FROM \(table))"))
            },
            sample: "SELECT * FROM \(rows)")
    }
}

import JSONText
import Lake

/// Checks that look at each row by itself, and at whether it stands once.
extension QualityCheck.Builder {
    func ofColumns() -> QualityCheck.Parts? {
        let columns = columns()
        let rows = rows()
        let mostly = mostly()
        let samples = samples()
        let words = columns.joined(separator: ", ")
        func parts(_ name: String, fails conditions: [String]) -> QualityCheck.Parts {
            let condition = conditions.joined(separator: " OR ")
            return QualityCheck.Parts(
                name: name, mostly: mostly, samples: samples,
                question: { _ in
                    .ask(
                        QualityCheck.answer(
                            failing: "count(*) FILTER (WHERE \(condition))", total: "count(*)", from: rows))
                },
                sample: "SELECT \(list(key + columns)) FROM \(rows) WHERE \(condition)")
        }
        switch type {
        case "not_null":
            return parts("\(dataset).\(words) is never missing", fails: columns.map { SQL.name($0) + " IS NULL" })
        case "range":
            let (least, most) = bounds(needed: false)
            let conditions = columns.map { column in
                [
                    least.map { "\(SQL.name(column)) < \($0)" }, most.map { "\(SQL.name(column)) > \($0)" },
                    "NOT isfinite(\(SQL.name(column)))",
                ].compactMap(\.self).joined(separator: " OR ")
            }
            return parts("\(dataset).\(words) is within its range", fails: conditions)
        case "accepted_values":
            guard let values = values() else { return nil }
            return parts(
                "\(dataset).\(words) has a known value", fails: columns.map { "\(SQL.name($0)) NOT IN (\(values))" })
        case "pattern":
            guard let pattern = reader.text("pattern") else {
                if reader.node["pattern"] == nil { reader.problem("pattern needs 'pattern', a regular expression") }
                return nil
            }
            return parts(
                "\(dataset).\(words) matches its pattern",
                fails: columns.map { "NOT regexp_matches(\(SQL.name($0)), \(SQL.text(pattern)))" })
        default:
            let list = list(columns)
            // A missing value is a value here: two rows without one are two of the same.
            let groups = "(SELECT \(list), count(*) AS \"rows\" FROM \(rows) GROUP BY \(list))"
            return QualityCheck.Parts(
                name: "\(dataset).\(words) is unique", mostly: mostly, samples: samples,
                question: { _ in
                    .ask(
                        QualityCheck.answer(
                            failing: "coalesce(sum(\"rows\" - 1), 0)", total: "coalesce(sum(\"rows\"), 0)",
                            from: groups))
                },
                sample: "SELECT * FROM \(groups) WHERE \"rows\" > 1 ORDER BY \"rows\" DESC")
        }
    }

    /// The accepted values as literals.
    private func values() -> String? {
        guard let node = reader.any("values") else {
            reader.problem("accepted_values needs 'values'")
            return nil
        }
        let literals = (node.array ?? []).map { value -> String? in
            if let text = value.string { return SQL.text(text) }
            if let integer = value.integer { return "\(integer)" }
            if let flag = value.bool { return flag ? "true" : "false" }
            return value.double.map { "\($0)" }
        }
        guard !literals.isEmpty, !literals.contains(nil) else {
            reader.problem("'values' must be a list of texts or numbers", at: node)
            return nil
        }
        return literals.compactMap(\.self).joined(separator: ", ")
    }
}

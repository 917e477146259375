import JSONText
import Lake
import SchedulerCore

/// One check of a quality file, as declared. Each group of types has a file of its own.
struct QualityCheck {
    enum Severity: String, CaseIterable { case error, warn }

    /// What is asked of the data.
    enum Question {
        /// A SELECT of the columns of `Answer`.
        case ask(String)
        /// It makes no sense on this day, and why; how bad that is.
        case cannotAsk(String, QualityReport.Severity)
    }

    /// What the data says. `failing` is nil when there is nothing to judge.
    struct Answer {
        var failing: Int64?
        var total: Int64
        /// What was measured, for the history.
        var metric: Double?
        /// Instead of the words about failing rows.
        var detail: String?
        /// What only deserves a warning, whatever the severity.
        var remarks: Int64 = 0
    }

    var name: String
    let type: String
    let dataset: String
    /// Every dataset that it reads.
    var datasets: [String]
    let severity: Severity
    /// The share of rows that must hold; 1 for all.
    let mostly: Double
    /// So many failing rows are kept in the report.
    let samples: Int
    var question: (QualityDay) throws -> Question
    /// A SELECT of the rows that fail, with what tells them from others; nil when single rows are not what fails.
    var sample: String?
    /// The answer in words, given what was measured.
    var words: ((Answer) -> String?)?

    static let types = [
        "row_count", "not_null", "unique", "range", "accepted_values", "pattern", "same_rows", "join", "freshness",
        "schema", "volume", "aggregate", "custom",
    ]

    /// - Parameters:
    ///   - reader: keeps what is wrong.
    ///   - keys: of each dataset, the columns that tell a row from the others.
    init?(_ reader: DeclarationReader, keys: [String: [String]]) {
        guard let type = reader.text("type") else {
            if reader.node["type"] == nil { reader.problem("the check has no 'type'") }
            return nil
        }
        guard Self.types.contains(type) else {
            let near = nearestName(to: type, among: Self.types).map { "; did you mean '\($0)'?" } ?? ""
            let all = Self.types.joined(separator: ", ")
            reader.problem("unknown check type '\(type)'\(near) (\(all))", at: reader.node["type"])
            return nil
        }
        guard let dataset = reader.text("dataset") else {
            if reader.node["dataset"] == nil { reader.problem("the check has no 'dataset'") }
            return nil
        }
        let given = reader.text("name")
        let severity = reader.word("severity", default: Severity.error)
        let build = Builder(reader: reader, type: type, dataset: dataset, key: keys[dataset] ?? keys["*"] ?? [])
        let made: Parts? =
            switch type {
            case "not_null", "unique", "range", "accepted_values", "pattern": build.ofColumns()
            case "row_count", "same_rows", "join", "volume": build.ofRows()
            case "freshness", "aggregate": build.ofValues()
            default: build.ofShape(isNamed: given != nil)
            }
        reader.finish()
        guard reader.problems.isEmpty, let made else { return nil }
        name = given ?? made.name
        self.type = type
        self.dataset = dataset
        datasets = [dataset] + made.others
        self.severity = severity
        mostly = made.mostly
        samples = made.samples
        question = made.question
        sample = made.sample
        words = made.words
    }

    // MARK: Judging

    /// - Parameter samples: rows that fail.
    func judge(_ answer: Answer, samples: [JSONNode] = []) -> QualityReport.Check {
        let words = words?(answer) ?? answer.detail
        guard let failing = answer.failing else { return notEvaluated(words ?? "it has no answer") }
        let total = answer.total
        let share = total == 0 ? (failing == 0 ? 1.0 : 0.0) : Double(total - failing) / Double(total)
        let holds = failing == 0 || (mostly < 1 && share >= mostly)
        let allowed = holds && failing > 0 ? ", which mostly \(mostly) allows" : ""
        // A join counts both sides, and can fail more often than there are rows.
        let fails = failing > total ? "\(failing) failures in \(total) rows" : "\(failing) of \(total) rows fail"
        let detail = words ?? (failing == 0 ? "\(total) rows" : fails + allowed)
        let bad: QualityReport.Status = severity == .warn ? .warn : .fail
        return report(
            holds ? (answer.remarks > 0 ? .warn : .pass) : bad, detail, answer: answer, samples: samples)
    }

    func notEvaluated(_ why: String, severity: QualityReport.Severity? = nil) -> QualityReport.Check {
        var check = report(.notEvaluated, why, answer: nil, samples: [])
        if let severity { check.severity = severity }
        return check
    }

    private func report(
        _ status: QualityReport.Status, _ detail: String, answer: Answer?, samples: [JSONNode]
    ) -> QualityReport.Check {
        QualityReport.Check(
            name: name, type: type, dataset: dataset, severity: severity == .warn ? .warn : .error, status: status,
            failing: answer?.failing, total: answer?.total, metric: answer?.metric, detail: detail, samples: samples)
    }
}

extension QualityCheck {
    /// What a type makes of its declaration.
    struct Parts {
        var name: String
        var others: [String] = []
        var mostly = 1.0
        var samples = 5
        var question: (QualityDay) throws -> Question
        var sample: String?
        var words: ((Answer) -> String?)?
    }

    /// What the types need to make their questions.
    struct Builder {
        let reader: DeclarationReader
        let type: String
        let dataset: String
        /// Columns that tell a row from the others.
        let key: [String]

        var table: String { SQL.name(dataset) }

        /// The rows that are looked at: all of the dataset, or those of `where`.
        func rows() -> String {
            // The line break ends a comment at the condition's end.
            let filter = reader.text("where").map { " WHERE (\($0)\n)" } ?? ""
            return "(SELECT * FROM \(table)\(filter))"
        }

        func columns() -> [String] {
            if let columns = reader.texts("columns") { return columns }
            if reader.node["columns"] == nil { reader.problem("\(type) needs 'columns'") }
            return []
        }

        /// The share that must hold, for types that judge rows one by one.
        func mostly() -> Double {
            guard let share = reader.number("mostly") else { return 1 }
            if !(share > 0 && share <= 1) {
                reader.problem("'mostly' must be above 0 and at most 1", at: reader.node["mostly"])
            }
            return share
        }

        func samples() -> Int { reader.integer("samples", in: 0...100).map { Int($0) } ?? 5 }

        /// `min` and `max`, in order.
        func bounds(needed: Bool) -> (least: Double?, most: Double?) {
            let (least, most) = (reader.number("min"), reader.number("max"))
            if let least, let most, least > most {
                reader.problem("'min' is above 'max'", at: reader.node["min"])
            }
            if needed, reader.node["min"] == nil, reader.node["max"] == nil {
                reader.problem("\(type) needs 'min', 'max' or both")
            }
            return (least, most)
        }

        /// Names of columns as a list for a statement, without one that stands twice.
        func list(_ columns: [String]) -> String {
            var names: [String] = []
            for column in columns where !names.contains(column) { names.append(column) }
            return names.map(SQL.name).joined(separator: ", ")
        }
    }

    /// The SELECT of an answer's columns.
    static func answer(
        failing: String, total: String, metric: String = "NULL", detail: String = "NULL", remarks: String = "0",
        from source: String = ""
    ) -> String {
        """
        SELECT (\(failing))::BIGINT, (\(total))::BIGINT, (\(metric))::VARCHAR, (\(detail))::VARCHAR, (\(remarks))::BIGINT\
        \(source.isEmpty ? "" : " FROM " + source)
        """
    }

    /// `at least 3`, `at most 5`, `3 to 5`.
    static func words(_ least: Double?, _ most: Double?) -> String {
        switch (least, most) {
        case (let least?, let most?) where least == most: "exactly \(Figures.plain(least))"
        case (let least?, let most?): "\(Figures.plain(least)) to \(Figures.plain(most))"
        case (let least?, nil): "at least \(Figures.plain(least))"
        case (nil, let most?): "at most \(Figures.plain(most))"
        case (nil, nil): "finite"
        }
    }
}

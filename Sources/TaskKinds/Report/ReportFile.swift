import JSONText

/// What a day's report shows beside the checks: `{"title", "datasets", "numbers", "charts"}`, queries over the datasets.
struct ReportFile {
    struct Number {
        var title: String
        var format: QualityReport.Number.Format
        /// A SELECT of one value.
        var sql: String
    }

    struct Chart {
        /// `columns` stand side by side, for a scale such as hours; `bars` lie below each other, for names.
        enum Shape: String, CaseIterable { case bars, columns }

        var title: String
        var shape: Shape
        /// A SELECT of a label and a number, in the order in which they are shown.
        var sql: String
        /// What comes after so many is added up.
        var limit: Int
    }

    var title: String?
    /// Datasets that the queries read.
    var datasets: [String] = []
    var numbers: [Number] = []
    var charts: [Chart] = []

    init() {}

    /// - Throws: everything that is wrong with the file, each with its place.
    init(path: String) throws {
        let file = try DeclarationFile(path: path)
        let reader = DeclarationReader(file.document.root, file)
        title = reader.text("title")
        datasets = reader.texts("datasets") ?? []
        if reader.node["datasets"] == nil { reader.problem("the report has no 'datasets'") }
        _ = reader.any("$schema")
        for node in reader.list("numbers") {
            let inner = DeclarationReader(node, file)
            let format = inner.word("format", default: QualityReport.Number.Format.number)
            if let (title, sql) = Self.query(inner) { numbers.append(Number(title: title, format: format, sql: sql)) }
            inner.finish()
            reader.take(inner.problems)
        }
        for node in reader.list("charts") {
            let inner = DeclarationReader(node, file)
            let shape = inner.word("shape", default: Chart.Shape.bars)
            let limit = inner.integer("limit", in: 1...100).map { Int($0) } ?? 24
            if let (title, sql) = Self.query(inner) {
                charts.append(Chart(title: title, shape: shape, sql: sql, limit: limit))
            }
            inner.finish()
            reader.take(inner.problems)
        }
        reader.finish()
        guard reader.problems.isEmpty else { throw DeclarationFile.failure(reader.problems) }
    }

    private static func query(_ reader: DeclarationReader) -> (title: String, sql: String)? {
        let (title, sql) = (reader.text("title"), reader.text("sql"))
        if reader.node["title"] == nil { reader.problem("'title' is missing") }
        if reader.node["sql"] == nil { reader.problem("'sql' is missing") }
        guard let title, var sql else { return nil }
        while let last = sql.last, last.isWhitespace || last == ";" { sql.removeLast() }
        return (title, sql)
    }
}

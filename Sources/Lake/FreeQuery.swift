/// A SELECT that somebody has written, over the lake's tables. It can read those and nothing else, and write nothing.
///
/// The text never becomes part of a script: it is a value for DuckDB's function `query`, which takes one SELECT and no
/// other statement. Files, network and settings are shut before it runs; see ``DuckDB``.
public struct FreeQuery: Sendable, Hashable {
    public var sql: String
    public var bounds = QueryBounds()

    public init(_ sql: String) { self.sql = sql }

    /// The tables that its text may mean: those whose name it has.
    func tables(of catalogue: Catalogue) -> [LakeTable] {
        let text = sql.lowercased()
        return catalogue.tables.filter { text.contains($0.shortName.lowercased()) }
    }

    /// The query over the tables that its text may mean.
    func checked(_ catalogue: Catalogue) throws(CatalogueProblem) -> CheckedQuery {
        guard !sql.utf8.contains(0) else { throw CatalogueProblem(.badValue, "the SQL has a zero byte") }
        try bounds.check()
        var sources: [TableSource] = []
        var views = ""
        for table in tables(of: catalogue) {
            let source = TableSource(table, bounds)
            sources.append(source)
            let isAlone = catalogue.tables.count { $0.shortName.lowercased() == table.shortName.lowercased() } == 1
            if let dataset = table.dataset {
                let schema = SQL.name(table.bucket)
                views += "CREATE SCHEMA IF NOT EXISTS \(schema);\n"
                views += "CREATE VIEW \(schema).\(SQL.name(dataset)) AS \(source.sql);\n"
            }
            // A name that two tables have means neither.
            if isAlone { views += "CREATE VIEW \(SQL.name(table.shortName)) AS \(source.sql);\n" }
        }
        var checked = CheckedQuery(
            sql: "SELECT * FROM query(\(SQL.line(sql)))", columns: [], bounds: bounds, sources: sources)
        checked.views = views
        return checked
    }
}

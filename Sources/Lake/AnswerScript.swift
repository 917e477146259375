import Glibc
import JSONText
import Spawn

/// The statements that answer a checked query in one form, and what they give.
///
/// The query stands in them as a value for DuckDB's function `query`, which takes one SELECT and nothing else, and each
/// statement is one line: no text from outside can end a statement, and none begins a line, where DuckDB's program would
/// take a dot for a command of its own.
struct AnswerScript {
    private let query: CheckedQuery
    private let form: QueryRunner.Form
    private let file: String

    /// - Parameter file: where an answer that is a file is written to.
    init(_ query: CheckedQuery, _ form: QueryRunner.Form, file: String) {
        self.query = query
        self.form = form
        self.file = file
    }

    private static let drop = "DROP TABLE IF EXISTS temp.answer;"

    /// A statement a line. What they make they remove, so that an engine can be asked again.
    var statements: [String] {
        switch form {
        case .values, .texts:
            let list = query.columns.map { form == .values ? Self.value($0) : Self.text($0) }
            let select = "SELECT \(list.joined(separator: ", ")) FROM (\(query.limitedSQL)) AS answer"
            return ["SELECT * FROM query(\(SQL.line(select)));"]
        case .csv, .parquet:
            let options = form == .csv ? "FORMAT csv, HEADER, NEW_LINE '\\r\\n'" : "FORMAT parquet, COMPRESSION zstd"
            let limit = query.bounds.limit.map { " LIMIT \($0)" } ?? ""
            return [
                Self.drop, "CREATE TEMP TABLE answer AS SELECT * FROM query(\(SQL.line(query.limitedSQL)));",
                "COPY (SELECT * FROM temp.answer\(limit)) TO \(SQL.line(file)) (\(options));",
                "SELECT count(*) AS rows FROM temp.answer;", Self.drop,
            ]
        }
    }

    /// - Parameter rows: those of the last statement that gave any.
    func answer(_ rows: [JSONNode]) throws -> QueryAnswer {
        let columns = query.columns
        var answer = QueryAnswer(columns: columns)
        switch form {
        case .values, .texts:
            answer.rows = rows.map { row in columns.map { Self.exact(row[$0.name] ?? JSONNode(.null), $0) } }
            answer.count = answer.rows.count
        case .csv, .parquet:
            answer.count = Int(rows.first?["rows"]?.integer ?? 0)
            answer.file = try FileDescriptor.open(file, O_RDONLY)
            // The next answer of this engine has the same name.
            unlink(file)
        }
        if let limit = query.bounds.limit, answer.count > limit {
            answer.count = limit
            answer.rows = Array(answer.rows.prefix(limit))
            answer.hasMore = true
        }
        return answer
    }

    private static func text(_ column: Column) -> String {
        "CAST(\(SQL.name(column.name)) AS VARCHAR) AS \(SQL.name(column.name))"
    }

    /// JSON has no NaN and no infinity.
    private static func value(_ column: Column) -> String {
        let name = SQL.name(column.name)
        return ["DOUBLE", "FLOAT"].contains(column.type)
            ? "CASE WHEN isfinite(\(name)) THEN \(name) END AS \(name)" : name
    }

    /// DuckDB's program writes wide numbers as texts.
    private static func exact(_ node: JSONNode, _ column: Column) -> JSONNode {
        guard ColumnType(column.type) == .decimal, let text = node.string, let number = Double(text) else {
            return node
        }
        return JSONNode(.number(number, text: text))
    }
}

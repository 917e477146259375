import JSONText

/// A column of a table, in DuckDB's words.
public struct Column: Sendable, Hashable {
    public var name: String
    /// Such as `BIGINT` or `STRUCT(a INTEGER, b VARCHAR[])`.
    public var type: String
    /// For people; empty when nobody has described it.
    public var description: String

    public init(_ name: String, _ type: String, description: String = "") {
        self.name = name
        self.type = type
        self.description = description
    }

    /// An SQL expression that gives the columns of a Parquet file, as `read` takes them.
    public static func query(parquet path: String) -> String {
        "(SELECT list({'name': column_name, 'type': column_type}) FROM (DESCRIBE SELECT * FROM read_parquet(\(SQL.text(path)), hive_partitioning = false)))"
    }

    /// Columns from a list of `{name, type}`; what is no column is passed over.
    public static func read(_ node: JSONNode?) -> [Column] {
        (node?.array ?? []).compactMap { item in
            guard let name = item["name"]?.string, let type = item["type"]?.string else { return nil }
            return Column(name, type, description: item["description"]?.string ?? "")
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("name", name)
            $0.member("type", type)
            if !description.isEmpty { $0.member("description", description) }
        }
    }
}

extension [Column] {
    /// The same columns with what is known of their meaning.
    public func described(by words: [String: String]) -> [Column] {
        map { Column($0.name, $0.type, description: words[$0.name] ?? $0.description) }
    }
}

/// A question about one table: which rows and columns, in which order. It becomes SQL only after each name was found in
/// the catalogue and each value was held against its column's type.
public struct LakeQuery: Sendable, Hashable {
    public struct Order: Sendable, Hashable {
        public var column: String
        public var isDescending: Bool

        public init(_ column: String, isDescending: Bool = false) {
            self.column = column
            self.isDescending = isDescending
        }

        /// Reads `column`, or `-column` for falling order.
        public init(parsing text: String) {
            isDescending = text.hasPrefix("-")
            column = isDescending ? String(text.dropFirst()) : text
        }
    }

    /// The partition's day, as a column of each table.
    public static let day = Column("dt", "DATE", description: "day of the partition")

    /// How many rows are equal; see ``counts``.
    public static let count = Column("count", "BIGINT", description: "how many rows are equal")

    /// `plate` or `lakestorage/plate`.
    public var table: String
    /// All of them when empty.
    public var columns: [String] = []
    /// Joined by AND.
    public var filters: [QueryFilter] = []
    public var order: [Order] = []
    /// Equal rows once, each with their number as the column `count`, the most frequent first; `order` does not count then.
    public var counts = false
    public var bounds = QueryBounds()

    public init(table: String) { self.table = table }

    /// What a catalogue makes of it.
    ///
    /// - Throws: A name that is not there, with the nearest one, or a value that does not fit its column.
    public func checked(_ catalogue: Catalogue) throws(CatalogueProblem) -> CheckedQuery {
        try checked(catalogue.table(table))
    }

    /// The same of a table that was found already.
    public func checked(_ table: LakeTable) throws(CatalogueProblem) -> CheckedQuery {
        try bounds.check()
        let source = TableSource(table, bounds)
        let known = source.columns
        let wanted =
            columns.isEmpty
            ? known
            : try columns.map { name throws(CatalogueProblem) in
                try source.column(name)
            }
        if let twice = Dictionary(grouping: wanted, by: \.name).first(where: { $0.value.count > 1 }) {
            throw CatalogueProblem(.badValue, "the column '\(twice.key)' is asked for twice")
        }
        let conditions = try filters.map { filter throws(CatalogueProblem) in
            try filter.sql(source.column(filter.column))
        }
        let filter = conditions.isEmpty ? "" : "\nWHERE " + conditions.joined(separator: " AND ")
        let names = wanted.map { SQL.name($0.name) }.joined(separator: ", ")
        if counts {
            guard !wanted.contains(where: { $0.name == Self.count.name }) else {
                throw CatalogueProblem(.badValue, "rows with a column 'count' cannot be counted; choose others by name")
            }
            let number = SQL.name(Self.count.name)
            return CheckedQuery(
                sql: "SELECT \(names), count(*) AS \(number)\nFROM (\(source.sql(place: nil)))\(filter)"
                    + "\nGROUP BY ALL\nORDER BY \(number) DESC, \(names)",
                columns: wanted + [Self.count], bounds: bounds, sources: [source])
        }
        // Rows that are equal in what is ordered by keep one order among themselves, so that pages fit together.
        let place = order.isEmpty ? nil : source.placeName
        var sql = "SELECT \(names)\nFROM (\(source.sql(place: place)))\(filter)"
        let orders = try order.map { order throws(CatalogueProblem) in
            SQL.name(try source.column(order.column).name) + (order.isDescending ? " DESC" : " ASC") + " NULLS LAST"
        }
        if !orders.isEmpty {
            sql += "\nORDER BY " + (orders + source.lastOrder.map(SQL.name)).joined(separator: ", ")
        }
        return CheckedQuery(sql: sql, columns: wanted, bounds: bounds, sources: [source])
    }
}

/// SQL that may be run, and what it reads.
public struct CheckedQuery: Sendable {
    /// A SELECT without its limit and offset.
    let sql: String
    /// What the rows have; empty where only DuckDB can tell.
    var columns: [Column]
    let bounds: QueryBounds
    let sources: [TableSource]
    /// What makes the tables that `sql` names.
    var views = ""

    var limitedSQL: String { sql + bounds.sql }

    /// Partitions that are read.
    public var partitions: [TablePartition] { sources.flatMap(\.partitions) }
}

extension QueryFilter {
    /// The condition on a column, with every value quoted and cast.
    func sql(_ column: Column) throws(CatalogueProblem) -> String {
        let name = SQL.name(column.name)
        let type = ColumnType(column.type)
        func value(_ text: String) throws(CatalogueProblem) -> String {
            guard let literal = type.literal(text) else {
                throw CatalogueProblem(
                    .badValue, "\(column.name) is \(column.type), so '\(text)' must be \(type.meaning)")
            }
            return "CAST(\(SQL.text(literal)) AS \(column.type))"
        }
        switch condition {
        case .compare(let comparison, let text):
            if type == .boolean, comparison != .equal, comparison != .notEqual {
                throw CatalogueProblem(.badValue, "\(column.name) is BOOLEAN, which has no order; use = or !=")
            }
            return "\(name) \(comparison.rawValue) \(try value(text))"
        case .oneOf(let texts):
            return "\(name) IN (\(try texts.map(value).joined(separator: ", ")))"
        case .between(let low, let high): return "\(name) BETWEEN \(try value(low)) AND \(try value(high))"
        case .like(let pattern):
            guard type == .text else {
                throw CatalogueProblem(.badValue, "\(column.name) is \(column.type); 'like' is for VARCHAR")
            }
            return "\(name) LIKE \(try value(pattern))"
        case .isNull: return "\(name) IS NULL"
        case .isNotNull: return "\(name) IS NOT NULL"
        }
    }
}

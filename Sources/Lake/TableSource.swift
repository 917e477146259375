import SchedulerCore

/// The partitions of a table that a query reads, as SQL: files by their names, never a pattern, each with its day.
struct TableSource: Sendable {
    let name: String
    /// What SQL may call it.
    let shortName: String
    let partitions: [TablePartition]
    /// The table's own, over all of its days, so that what may be asked does not depend on the span.
    private let own: [Column]

    init(_ table: LakeTable, _ bounds: QueryBounds = QueryBounds()) {
        name = table.name
        shortName = table.shortName
        partitions = table.partitions(from: bounds.from, to: bounds.to)
        own = table.columns
    }

    /// The table's columns, and `dt`. A column of that name in the data gives way to the day.
    var columns: [Column] { own.filter { $0.name != LakeQuery.day.name } + [LakeQuery.day] }

    /// A column by its name; letter case counts only where two names differ in nothing else.
    func column(_ name: String) throws(CatalogueProblem) -> Column {
        if let column = columns.first(where: { $0.name == name }) { return column }
        let alike = columns.filter { $0.name.lowercased() == name.lowercased() }
        if alike.count == 1 { return alike[0] }
        let near = nearestName(to: name, among: columns.map(\.name)).map { "; did you mean '\($0)'?" }
        let all = "; it has \(columns.map(\.name).joined(separator: ", "))"
        throw CatalogueProblem(.noSuchColumn, "\(self.name) has no column '\(name)'" + (near ?? all))
    }

    /// A SELECT of all rows. Days with the same columns are read together; a column that a day lacks is NULL, and one
    /// that had another type is cast to the present one.
    var sql: String { sql(place: nil) }

    /// A name that no column has, for where a row stands in the table.
    var placeName: String {
        var name = "weir place"
        while columns.contains(where: { $0.name.lowercased() == name }) { name += "_" }
        return name
    }

    /// What tells rows apart that are equal in everything asked: the place, and in files of JSON, whose rows DuckDB does
    /// not count, the record.
    var lastOrder: [String] {
        [placeName] + (partitions.contains(where: \.isRaw) ? ["source", "sha256"] : [])
    }

    /// - Parameter place: name of one more column, a number that rises in the order of days, files and rows.
    func sql(place: String?) -> String {
        var groups: [(columns: [Column], isRaw: Bool, partitions: [TablePartition])] = []
        for partition in partitions where !partition.files.isEmpty {
            let columns = partition.columns.map { Column($0.name, $0.type) }
            if let place = groups.firstIndex(where: { $0.columns == columns && $0.isRaw == partition.isRaw }) {
                groups[place].partitions.append(partition)
            } else {
                groups.append((columns, partition.isRaw, [partition]))
            }
        }
        func placed(_ number: String) -> String { place.map { ", \(number) AS \(SQL.name($0))" } ?? "" }
        guard !groups.isEmpty else { return "SELECT \(list(nil, day: "NULL::DATE"))\(placed("0")) WHERE false" }
        var before = 0
        return groups.map { group in
            let files = group.partitions.flatMap(\.files)
            let days = group.partitions.flatMap { part in part.files.map { _ in "DATE \(SQL.text(part.day))" } }
            // `file_index` is DuckDB's: the place of a row's file in the list. Its reading of days from paths
            // (hive_partitioning) fails on min(dt) in 1.5.5.
            let day = "([\(days.joined(separator: ", "))])[file_index::BIGINT + 1]"
            // No file has as many rows as the factor.
            let number = "(\(before) + file_index::BIGINT) * \(1 << 40)" + (group.isRaw ? "" : " + file_row_number")
            before += files.count
            return
                "SELECT \(list(group.columns, day: day))\(placed(number)) FROM \(Self.reader(files, isRaw: group.isRaw))"
        }.joined(separator: "\nUNION ALL\n")
    }

    /// The table's own columns out of those that some files have; nil for no files.
    private func list(_ present: [Column]?, day: String) -> String {
        let types = present.map {
            Dictionary($0.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first })
        }
        let wanted = own.filter { $0.name != LakeQuery.day.name }
        let columns = wanted.map { column in
            let name = SQL.name(column.name)
            guard let type = types?[column.name] else { return "CAST(NULL AS \(column.type)) AS \(name)" }
            return type == column.type ? name : "CAST(\(name) AS \(column.type)) AS \(name)"
        }
        return (columns + ["\(day) AS \(LakeQuery.day.name)"]).joined(separator: ", ")
    }

    private static func reader(_ files: [String], isRaw: Bool) -> String {
        guard isRaw else { return "read_parquet(\(SQL.list(files)), hive_partitioning = false)" }
        let columns = TablePartition.envelope.map { "\(SQL.name($0.name)): \(SQL.text($0.type))" }
        return """
            read_json(\(SQL.list(files)), format = 'newline_delimited', hive_partitioning = false,
                columns = {\(columns.joined(separator: ", "))})
            """
    }
}

import JSONText
import Lake
import SchedulerCore

/// One check of a quality file, as declared.
struct QualityCheck {
    enum Severity: String { case error, warn }

    /// What a check says once it was asked.
    struct Result {
        enum Status: String { case pass, warn, fail, notEvaluated = "not_evaluated" }

        var name: String
        var dataset: String
        var severity: Severity
        var status: Status
        /// Rows that fail it; nil when it was not evaluated.
        var failing: Int64?
        /// Rows that were looked at.
        var total: Int64?
        var detail: String
    }

    var name: String
    var type: String
    var dataset: String
    /// Every dataset that it reads.
    var datasets: [String]
    var severity: Severity
    /// The share of rows that must hold; 1 for all.
    var mostly: Double
    /// A SELECT of two numbers: failing rows and rows looked at.
    var sql: String

    /// - Throws: what is wrong with the declaration.
    init(_ node: JSONNode, place: String) throws {
        func problem(_ message: String) -> TaskFailure { TaskFailure("\(place): \(message)", mayRetry: false) }
        guard let type = node["type"]?.string else { throw problem("the check has no 'type'") }
        guard let dataset = node["dataset"]?.string else { throw problem("the check has no 'dataset'") }
        self.type = type
        self.dataset = dataset
        datasets = [dataset]
        mostly = node["mostly"]?.double ?? 1
        guard let severity = Severity(rawValue: node["severity"]?.string ?? "error") else {
            throw problem("'severity' must be error or warn")
        }
        self.severity = severity
        let columns = (node["columns"]?.array ?? []).compactMap(\.string)
        let list = columns.map(SQL.name).joined(separator: ", ")
        func needColumns() throws {
            if columns.isEmpty { throw problem("\(type) needs 'columns'") }
        }
        let table = SQL.name(dataset)
        let words = columns.joined(separator: ", ")
        let filter = node["where"]?.string.map { "WHERE (\($0))" } ?? ""
        let rows = "(SELECT * FROM \(table) \(filter))"
        func counted(_ condition: String) -> String {
            "SELECT count(*) FILTER (WHERE \(condition)), count(*) FROM \(rows)"
        }
        let defaultName: String
        switch type {
        case "row_count":
            let least = node["min"]?.integer ?? 0
            let most = node["max"]?.integer ?? .max
            sql = "SELECT CASE WHEN count(*) BETWEEN \(least) AND \(most) THEN 0 ELSE 1 END, count(*) FROM \(rows)"
            defaultName = "\(dataset) has \(most == .max ? "at least \(least)" : "\(least) to \(most)") rows"
        case "not_null":
            try needColumns()
            sql = counted(columns.map { SQL.name($0) + " IS NULL" }.joined(separator: " OR "))
            defaultName = "\(dataset).\(words) is never missing"
        case "unique":
            try needColumns()
            sql = "SELECT count(*) - count(DISTINCT (\(list))), count(*) FROM \(rows)"
            defaultName = "\(dataset).\(words) is unique"
        case "range":
            try needColumns()
            let bounds = columns.map { column in
                let least = node["min"]?.double.map { "\(SQL.name(column)) < \($0)" }
                let most = node["max"]?.double.map { "\(SQL.name(column)) > \($0)" }
                return [least, most, "NOT isfinite(\(SQL.name(column)))"].compactMap(\.self).joined(separator: " OR ")
            }
            sql = counted(bounds.joined(separator: " OR "))
            defaultName = "\(dataset).\(words) is within its range"
        case "accepted_values":
            try needColumns()
            let values = (node["values"]?.array ?? []).compactMap(\.string).map(SQL.text).joined(separator: ", ")
            guard !values.isEmpty else { throw problem("accepted_values needs 'values'") }
            sql = counted(columns.map { "\(SQL.name($0)) NOT IN (\(values))" }.joined(separator: " OR "))
            defaultName = "\(dataset).\(words) has a known value"
        case "same_rows":
            // Row conservation between datasets: as many rows here as the other one counts.
            guard let other = node["as"]?.string, let sum = node["sum"]?.string else {
                throw problem("same_rows needs 'as' (a dataset) and 'sum' (its column that counts)")
            }
            datasets.append(other)
            sql = """
                SELECT abs((SELECT count(*) FROM \(table)) - (SELECT coalesce(sum(\(SQL.name(sum))), 0) FROM \(SQL.name(other))))::BIGINT,
                (SELECT count(*) FROM \(table))
                """
            defaultName = "\(dataset) has as many rows as \(other).\(sum) counts"
        case "join":
            try needColumns()
            guard let other = node["to"]?.string else { throw problem("join needs 'to' (a dataset)") }
            datasets.append(other)
            let right = SQL.name(other)
            let equal = (node["equal"]?.array ?? []).compactMap(\.string).map {
                "l.\(SQL.name($0)) IS DISTINCT FROM r.\(SQL.name($0))"
            }
            let differs = equal.isEmpty ? "false" : equal.joined(separator: " OR ")
            sql = """
                SELECT (SELECT count(*) FROM \(table) ANTI JOIN \(right) USING (\(list)))
                + (SELECT count(*) FROM \(right) ANTI JOIN \(table) USING (\(list)))
                + (SELECT count(*) - count(DISTINCT (\(list))) FROM (SELECT \(list) FROM \(table) JOIN \(right) USING (\(list))))
                + (SELECT count(*) FROM \(table) l JOIN \(right) r USING (\(list)) WHERE \(differs)),
                (SELECT count(*) FROM \(table))
                """
            let also = (node["equal"]?.array ?? []).compactMap(\.string)
            defaultName =
                "\(dataset) joins \(other) one to one"
                + (also.isEmpty ? "" : " with equal \(also.joined(separator: ", "))")
        default:
            let near = nearestName(to: type, among: Self.types).map { "; did you mean '\($0)'?" } ?? ""
            throw problem("unknown check type '\(type)'\(near) (\(Self.types.joined(separator: ", ")))")
        }
        name = node["name"]?.string ?? defaultName
    }

    static let types = ["row_count", "not_null", "unique", "range", "accepted_values", "same_rows", "join"]

    func judge(failing: Int64, total: Int64) -> Result {
        let share = total == 0 ? (failing == 0 ? 1.0 : 0.0) : Double(total - failing) / Double(total)
        let holds = failing == 0 || (mostly < 1 && share >= mostly)
        let allowed = holds && failing > 0 ? ", which mostly \(mostly) allows" : ""
        let detail = failing == 0 ? "\(total) rows" : "\(failing) of \(total) rows fail\(allowed)"
        return Result(
            name: name, dataset: dataset, severity: severity,
            status: holds ? .pass : severity == .warn ? .warn : .fail, failing: failing, total: total, detail: detail)
    }

    func notEvaluated(_ why: String) -> Result {
        Result(
            name: name, dataset: dataset, severity: severity, status: .notEvaluated, failing: nil, total: nil,
            detail: why)
    }
}

import CSQLite
import Glibc
import SQLite
import SchedulerCore
import Store

/// Looks through a store for what should not be; beside a running daemon or without one.
public enum StoreCheck {
    static let remedy = SQLiteConnection.damageRemedy

    /// So many problems of a kind are told one by one.
    private static let shown = 20

    /// All problems, of one moment. Reads the whole database, which takes seconds for one of a gigabyte.
    ///
    /// - Throws: `.missing` when there is no database, `.tooNew`, and what keeps it from being read.
    public static func problems(path: String) throws(StoreError) -> [StoreProblem] {
        guard access(path, F_OK) == 0 else {
            throw StoreError(.missing, "\(path) does not exist: nothing has run here yet")
        }
        do throws(StoreError) {
            let connection = try SQLiteConnection.reading(path)
            return try connection.reading { () throws(StoreError) in try problems(of: connection) }
        } catch {
            guard error.code == .corrupt else { throw error }
            // What SQLite's own words are followed by says what to do, too.
            let message = error.message.replacing(", \(remedy))", with: ")")
            return [StoreProblem(.damaged, message, remedy: remedy)]
        }
    }

    /// The quick look, for `weir doctor`: the format, and what damage SQLite sees without comparing indexes.
    ///
    /// - Throws: as `problems`.
    public static func quick(path: String) throws(StoreError) -> (format: Int, newest: Int, damage: [String]) {
        guard access(path, F_OK) == 0 else {
            throw StoreError(.missing, "\(path) does not exist: nothing has run here yet")
        }
        let connection = try SQLiteConnection.reading(path)
        let version = try Schema.version(of: connection)
        return (version, Schema.migrations.count, try damage(of: connection, "quick_check"))
    }

    private static func problems(of connection: SQLiteConnection) throws(StoreError) -> [StoreProblem] {
        let version = try Schema.version(of: connection)
        guard version <= Schema.migrations.count else { throw Schema.tooNew(connection.path, version) }
        let damage = try damage(of: connection, "integrity_check")
        // Of a damaged database nothing else can be told for sure.
        guard damage.isEmpty else { return damage.map { StoreProblem(.damaged, $0, remedy: remedy) } }
        var problems = try dangling(connection)
        guard version == Schema.migrations.count else {
            let message = "the format is \(version), this Weir's is \(Schema.migrations.count); rows were not compared"
            problems.append(
                StoreProblem(.oldFormat, message, remedy: "`weir db migrate`, or a start of the daemon, brings it up"))
            return problems
        }
        for rule in rules { problems += try broken(rule, connection) }
        return problems
    }

    /// What SQLite says about the file; empty when it is sound.
    /// - Parameter pragma: `quick_check`, or `integrity_check`, which also compares the indexes with their tables.
    static func damage(of connection: SQLiteConnection, _ pragma: String) throws(StoreError) -> [String] {
        do throws(StoreError) {
            return try connection.rows("PRAGMA \(pragma)(\(shown))") { oneLine($0.text(0)) }.filter { $0 != "ok" }
        } catch {
            guard error.code == .corrupt else { throw error }
            return [error.message]
        }
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: "; ")
    }

    private static func dangling(_ connection: SQLiteConnection) throws(StoreError) -> [StoreProblem] {
        let rows = try connection.rows("PRAGMA foreign_key_check") {
            let row = $0.optionalInteger(1).map { " \($0)" } ?? ""
            return "a row\(row) of \($0.text(0)) names one of \($0.text(2)) that is not there"
        }
        return cut(rows).map { StoreProblem(.dangling, $0, remedy: remedy) }
    }

    private static func broken(_ rule: Rule, _ connection: SQLiteConnection) throws(StoreError) -> [StoreProblem] {
        let rows = try connection.rows("SELECT \(rule.subject) FROM \(rule.broken) LIMIT \(shown + 1)") { $0.text(0) }
        return cut(rows.map { "\($0): \(rule.says)" }).map { StoreProblem(.inconsistent, $0, remedy: rule.remedy) }
    }

    private static func cut(_ lines: [String]) -> [String] {
        guard let first = lines.first, lines.count > shown else { return lines }
        return lines.prefix(shown - 1) + ["and more such as \(first)"]
    }
}

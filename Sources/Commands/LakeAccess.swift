import Engine
import JSONText
import Lake
import SchedulerCore

/// The lake as commands see it: where it stands, and what goes wrong with it as exit statuses.
struct LakeAccess {
    let lake: LakeRoot
    let session: Session

    init(_ arguments: Arguments, _ surroundings: Surroundings) throws(CommandFailure) {
        session = try Session(arguments, surroundings)
        lake = session.lake(attempt: "command")
    }

    /// Calls `body`; what it throws becomes a line and an exit status.
    func asking<Value: ~Copyable>(_ body: () throws -> Value) throws(CommandFailure) -> Value {
        do { return try body() } catch let problem as CatalogueProblem {
            let isMissing = [.noSuchTable, .noSuchColumn, .noSuchDay].contains(problem.code)
            throw CommandFailure(isMissing ? .notFound : .usage, problem.description)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
    }

    func catalogue() throws(CommandFailure) -> Catalogue {
        guard lake.isThere else {
            throw CommandFailure(
                .notFound, "there is no lake at \(lake.place) yet; a run of a DAG that loads makes it")
        }
        return try asking { try Catalogue(lake) }
    }

    /// A table by its name, with its columns where its manifests tell them.
    func table(_ name: String) throws(CommandFailure) -> LakeTable {
        let catalogue = try catalogue()
        return try asking { try catalogue.table(name) }
    }

    /// DuckDB with limits, for what the manifests do not tell.
    func runner(_ limits: DuckDB.Limits = .query) -> QueryRunner {
        QueryRunner(home: session.home.path, lake: lake, limits: limits, duckdb: session.settings.duckdb)
    }

    /// A day that an option or an argument names.
    static func day(_ text: String, _ name: String) throws(CommandFailure) -> String {
        guard CivilDate(text) != nil else {
            throw CommandFailure(.usage, "\(name) is '\(text)'; it must be a date such as 2022-05-02")
        }
        return text
    }

    /// The options --from and --to.
    static func span(_ arguments: Arguments) throws(CommandFailure) -> (from: String?, to: String?) {
        let from = try arguments.value("--from").map { text throws(CommandFailure) in try day(text, "--from") }
        let to = try arguments.value("--to").map { text throws(CommandFailure) in try day(text, "--to") }
        if let from, let to, from > to { throw arguments.usage("--to is \(to), which comes before --from \(from)") }
        return (from, to)
    }

    static let spanOptions: [CommandSpec.Option] = [
        .value("--from", "DATE", values: .day, "days from this one on"),
        .value("--to", "DATE", values: .day, "days up to this one"),
    ]

    static let tableArgument = CommandSpec.Positional(
        name: "TABLE", values: .table, help: "such as plate, or lakestorage/plate where two buckets have one")
}

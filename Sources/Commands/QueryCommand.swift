import Lake
import SchedulerCore

/// `weir query`: rows of the lake.
enum QueryCommand {
    enum Format: String, CaseIterable { case table, json, csv, parquet }

    static let spec = CommandSpec(
        name: "query", summary: "show or export rows of a table, or the answer to a SELECT",
        positionals: [
            .init(
                name: "TABLE", count: .optional, values: .table,
                help: "such as plate, or lakestorage/plate; not with --sql")
        ],
        options: [
            .value(
                "--where", "CONDITION", repeats: true, "rows that meet it: country=Germany, rank in (0,1), name like A%"
            ),
            .value("--columns", "A,B", values: .columns, "these columns, in this order"),
            .value("--order", "COLUMN", values: .column, repeats: true, "sort by it; -COLUMN for falling order"),
            .value("--limit", short: "-n", "N", values: .number, "so many rows at most (100), or all"),
            .value("--offset", "N", values: .number, "leave out so many rows first"),
        ] + LakeAccess.spanOptions + [
            .value("--sql", "SELECT", "one SELECT over the tables, which it names as plate or lakestorage.plate"),
            .value(
                "--format", "FORMAT", values: .words(of: Format.self),
                "table, json, csv or parquet; as the name of --out says, else table"),
            .value("--out", "FILE", values: .file, "write the answer to this file"),
            .value("--timeout", "DURATION", "end a query that takes longer (60s)"),
            .value("--memory", "SIZE", "memory of the engine (1GB)"),
            .flag("--json", "as --format json"),
        ],
        examples: [
            (
                "weir query country --where country=Germany --where 'countryConfidence >= 90' --order -countryConfidence",
                "conditions are = != < <= > >=, in (a,b), between a and b, like, is null, is not null"
            ),
            (
                "weir query car --from 2022-05-01 --to 2022-05-31 --limit all --out may.parquet",
                "a month of a table as a file"
            ),
            (
                "weir query --sql 'SELECT dt, count(*) AS plates FROM plate GROUP BY dt ORDER BY dt'",
                "any SELECT of DuckDB; dt is the day of the partition"
            ),
        ]
    ) { arguments, surroundings in
        let access = try LakeAccess(arguments, surroundings)
        let question = try question(arguments)
        let format = try format(arguments)
        let limits = try limits(arguments)
        guard format != .parquet || arguments.value("--out") != nil else {
            throw arguments.usage("parquet is no text; say where to: --out FILE")
        }
        _ = try access.catalogue()
        let form: QueryRunner.Form =
            switch format {
            case .table: .texts
            case .json: .values
            case .csv: .csv
            case .parquet: .parquet
            }
        let answer = try access.asking { try access.runner(limits).answer(question, form) }
        let (count, hasMore) = (answer.count, answer.hasMore)
        try access.asking {
            try QueryOutput(terminal: access.session.terminal, file: arguments.value("--out")).write(answer, format)
        }
        if hasMore {
            access.session.terminal.error("there are more than these \(count) rows; see --limit and --offset")
        }
        return .done
    }

    private static func question(_ arguments: Arguments) throws(CommandFailure) -> QueryRunner.Question {
        var bounds = QueryBounds()
        (bounds.from, bounds.to) = try LakeAccess.span(arguments)
        bounds.limit = try limit(arguments)
        bounds.offset = try arguments.integer("--offset", in: 0...1_000_000_000_000) ?? 0
        if let text = arguments.value("--sql") {
            if arguments[0] != nil {
                throw arguments.usage("--sql names its tables itself: leave out '\(arguments.required(0))'")
            }
            for option in ["--where", "--columns", "--order"] where !arguments.all(option).isEmpty {
                throw arguments.usage("\(option) goes with a TABLE; say it within --sql")
            }
            var query = FreeQuery(text)
            query.bounds = bounds
            return .sql(query)
        }
        guard let table = arguments[0] else {
            throw arguments.usage("TABLE is missing, or --sql: \(arguments.command.usage)")
        }
        var query = LakeQuery(table: table)
        query.bounds = bounds
        if let columns = arguments.value("--columns") {
            query.columns = columns.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
        }
        query.order = arguments.all("--order").map(LakeQuery.Order.init(parsing:))
        query.filters = try arguments.all("--where").map { text throws(CommandFailure) in
            do throws(CatalogueProblem) { return try QueryFilter(parsing: text) } catch {
                throw CommandFailure(.usage, "--where \(error)")
            }
        }
        return .table(query)
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// Nil for all rows.
    private static func limit(_ arguments: Arguments) throws(CommandFailure) -> Int? {
        if arguments.value("--limit") == "all" { return nil }
        return try arguments.integer("--limit", in: 0...1_000_000_000) ?? QueryBounds().limit
    }

    private static func format(_ arguments: Arguments) throws(CommandFailure) -> Format {
        if let format = try arguments.word("--format", Format.self) { return format }
        if arguments.has("--json") { return .json }
        let ending = arguments.value("--out").flatMap { $0.split(separator: ".").last }.map(String.init)
        return ending.flatMap(Format.init) ?? .table
    }

    private static func limits(_ arguments: Arguments) throws(CommandFailure) -> DuckDB.Limits {
        var limits = DuckDB.Limits.query
        if let text = arguments.value("--timeout") {
            guard let time = TimeAmount(parsing: text), time.microseconds > 0 else {
                throw arguments.usage("--timeout is '\(text)'; it must be a duration such as 90s or 5m")
            }
            limits.time = time.microseconds
        }
        if let text = arguments.value("--memory") {
            guard let bytes = ByteAmount.parse(text), (50_000_000...1 << 50).contains(bytes) else {
                throw arguments.usage("--memory is '\(text)'; it must be from 50MB to 1024TiB, such as 512MB or 2GiB")
            }
            limits.memory = bytes
        }
        return limits
    }
}

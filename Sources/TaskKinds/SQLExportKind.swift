import Glibc
import JSONText
import Lake
import SchedulerCore
import Spawn

/// `sql_export`: the days of the run's interval of a dataset, or what a query makes of them, to one file for hand-over.
enum SQLExportKind: TaskKind {
    static let spec = KindSpec(
        name: "sql_export", summary: "writes a dataset, or what SQL makes of it, to a file for others",
        parameters: [
            KindParameter("dataset", .string, required: true, help: "such as plate; the days of the run's interval"),
            KindParameter("from", .string, default: "lakestorage", help: "bucket of the dataset"),
            KindParameter(
                "sql", .string,
                help:
                    "a SELECT over the dataset by its name; getvariable('ds') is the run's date; all rows when left out"
            ),
            KindParameter(
                "to", .string, required: true, help: "the file; what is there is replaced, whole or not at all"),
            KindParameter(
                "format", .string, allowed: Format.allCases.map(\.rawValue),
                help: "as the file's name ends when left out: .csv, .csv.gz, .parquet, .sqlite or .db"),
        ] + TaskContext.engineParameters)

    private enum Format: String, CaseIterable {
        case csv, parquet, sqlite

        init?(ofFile path: String) {
            switch path.split(separator: "/").last?.split(separator: ".").dropFirst().last {
            case "csv": self = .csv
            case "gz" where path.hasSuffix(".csv.gz"): self = .csv
            case "parquet": self = .parquet
            case "sqlite", "sqlite3", "db": self = .sqlite
            default: return nil
            }
        }
    }

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let target = context.path(try context.required("to"))
        guard !target.hasPrefix(context.lake.path + "/") else {
            throw TaskFailure("to is '\(target)', which lies in the lake; name a file outside of it", mayRetry: false)
        }
        let format = try format(context, target)
        let (name, files, bytes) = try input(context)
        let scratch = context.lake.staging + "/export"
        try? File.removeTree(scratch)
        try File.makeDirectory(scratch, recursive: true)
        defer { try? File.removeTree(scratch) }

        // The only statement of a person, in an engine that reaches the lake and nothing else.
        let query = context.string("sql") ?? "SELECT * FROM \(SQL.name(name))"
        let made = scratch + "/" + (format == .csv ? "file.csv" : "file.parquet")
        let options =
            format == .csv
            ? "FORMAT csv, HEADER, NEW_LINE '\\r\\n', COMPRESSION \(target.hasSuffix(".gz") ? "gzip" : "none")"
            : "FORMAT parquet, COMPRESSION zstd"
        let answer = try context.duckdb(input: bytes).run(
            """
            CREATE TEMP VIEW \(SQL.name(name)) AS SELECT * FROM read_parquet(\(SQL.list(files)), hive_partitioning = true);
            CREATE TEMP TABLE answer AS SELECT * FROM query(\(SQL.line(query)));
            COPY answer TO \(SQL.text(made)) (\(options));
            SELECT count(*) AS rows FROM answer;
            """, variables: ["ds": context.ds])
        let file = format == .sqlite ? try database(context, made, scratch) : made

        let (size, digest) = try SHA256.file(file)
        try handOver(context, file, to: target)
        let rows = answer.first?["rows"]?.integer ?? 0
        context.log("\(target): \(rows) rows, \(ByteAmount.words(size))")
        try context.output("rows", JSONNode(.integer(rows)))
        try context.output("file", JSONNode(.string(target)))
        try context.output("sha256", JSONNode(.string(digest)))
        return .success
    }

    private static func format(_ context: TaskContext, _ target: String) throws -> Format {
        if let format = context.string("format").flatMap({ Format(rawValue: $0) }) { return format }
        guard let format = Format(ofFile: target) else {
            throw TaskFailure(
                "to is '\(target)', whose name does not tell the format; let it end with .csv, .csv.gz, .parquet or .sqlite, or set format",
                mayRetry: false)
        }
        return format
    }

    /// The files of the days that there are.
    private static func input(_ context: TaskContext) throws -> (name: String, files: [String], bytes: Int64) {
        let name = try context.required("dataset")
        let bucket = context.string("from", default: "lakestorage")
        var files: [String] = []
        var bytes: Int64 = 0
        let days = try context.days()
        for day in days {
            let partition = context.lake.partition("\(bucket)/\(name)", day)
            guard let manifest = try partition.manifest() else { continue }
            files += partition.files(manifest)
            bytes += manifest.bytes
        }
        guard !files.isEmpty else {
            throw TaskFailure(
                "\(bucket)/\(name) has nothing of \(days.first ?? "")\(days.count > 1 ? " to \(days.last ?? "")" : ""); transform "
                    + (days.count > 1 ? "these days first" : "this day first, or trigger the run with --date"),
                mayRetry: false)
        }
        return (name, files, bytes)
    }

    /// An SQLite database with one table, `data`. What SQLite has no type for becomes text: lists and structures as JSON.
    private static func database(_ context: TaskContext, _ parquet: String, _ scratch: String) throws -> String {
        let path = scratch + "/file.sqlite"
        let source = "read_parquet(\(SQL.text(parquet)))"
        let engine = try context.duckdb(extensions: [.sqlite])
        let columns = try engine.run("DESCRIBE SELECT * FROM \(source);").map { column in
            let name = SQL.name(column["column_name"]?.string ?? "")
            switch column["column_type"]?.string ?? "" {
            case "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "FLOAT",
                "DOUBLE",
                "VARCHAR", "BLOB":
                return name
            case let type where type.hasSuffix("]") || type.hasPrefix("STRUCT") || type.hasPrefix("MAP"):
                return "CAST(to_json(\(name)) AS VARCHAR) AS \(name)"
            default: return "CAST(\(name) AS VARCHAR) AS \(name)"
            }
        }
        try engine.run(
            """
            ATTACH \(SQL.text(path)) AS handed (TYPE sqlite);
            CREATE TABLE handed.data AS SELECT \(columns.joined(separator: ", ")) FROM \(source);
            DETACH handed;
            """)
        return path
    }

    /// Puts a file in the place of what is there: beside it first, since it may come from another file system.
    private static func handOver(_ context: TaskContext, _ file: String, to target: String) throws {
        let folder = File.parent(of: target)
        try File.makeDirectory(folder, recursive: true)
        let beside = "\(folder)/.\(target.split(separator: "/").last ?? "export").\(context.attempt)"
        defer { unlink(beside) }
        try File.copy(file, to: beside)
        guard !context.isRevoked else { throw TaskFailure("this attempt was revoked; \(target) stays as it was") }
        guard rename(beside, target) == 0 else { throw SystemError("rename", path: target) }
        try File.syncDirectory(folder)
    }
}

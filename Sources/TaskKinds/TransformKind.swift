import JSONText
import Lake
import SchedulerCore
import Spawn

/// `transform`: SQL files to datasets, one partition each.
enum TransformKind: TaskKind {
    static let spec = KindSpec(
        name: "transform", summary: "makes datasets of a staged day, one SQL file each",
        parameters: [
            KindParameter("from", .string, default: "ultimatealpr_staging", help: "staging bucket"),
            KindParameter("to", .string, default: "lakestorage", help: "bucket of the datasets"),
            KindParameter(
                "sql", .string, required: true,
                help:
                    "folder: NAME.sql is the SELECT of dataset NAME over the table `staging`; _NAME.sql runs before them; for spark NAME.spark.sql counts where there is one"
            ),
            KindParameter(
                "dictionary", .string, help: "file that says what the datasets and their columns mean"),
            KindParameter(
                "allow_shrink", .boolean, default: "false", help: "publish also under half of the rows there were"),
        ] + [Spark.engine] + TaskContext.engineParameters)

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let lake = context.lake
        let staging = lake.partition(context.string("from", default: "ultimatealpr_staging"), context.ds)
        let bucket = context.string("to", default: "lakestorage")
        guard let input = try staging.manifest() else {
            throw TaskFailure("\(staging.name) is not there; convert it first", mayRetry: false)
        }
        guard !input.isExpired else {
            throw TaskFailure("\(staging.name) was removed because it is old; convert it again", mayRetry: false)
        }
        let folder = context.path(try context.required("sql"))
        let statements = try Statements(folder, forSpark: Spark.isWanted(context))
        let dictionary = try dictionary(context, statements.datasets.map(\.name), folder)
        let publisher = Publisher(lake, isRevoked: { context.isRevoked })
        defer { publisher.cleanUp() }
        let staged = try statements.datasets.map { dataset in
            let partition = lake.partition(bucket + "/" + dataset.name, context.ds)
            return Staged(name: dataset.name, partition: partition, folder: try publisher.stage(partition))
        }
        let made =
            statements.isForSpark
            ? try bySpark(context, statements, staged, staging.files(input), input.bytes)
            : try byDuckDB(context, statements, staged, staging.files(input), input.bytes)
        var columns: [String: [Column]] = [:]
        for (name, content) in made { columns[name] = try described(content.columns, of: name, dictionary) }

        // Everything was made before anything is published: a mistake in one file leaves all datasets as they were.
        var counts: [JSONMember] = []
        for item in staged {
            let (name, partition) = (item.name, item.partition)
            let files = made[name]?.files ?? []
            let written = files.reduce(0) { $0 + $1.rows }
            try publisher.locked(partition) {
                _ = try publisher.publish(
                    item.folder, as: partition,
                    Manifest(
                        files: files, run: context.lineage,
                        inputs: [.init(partition: staging.name, generation: input.generation)],
                        columns: columns[name] ?? [], description: dictionary?[name]?.description ?? ""),
                    allowShrink: context.bool("allow_shrink", default: false))
            }
            context.log("\(partition.name): \(written) rows")
            counts.append(JSONMember(key: name, node: JSONNode(.integer(written))))
        }
        try context.output("rows", JSONNode(.object(JSONObject(counts))))
        return .success
    }

    // MARK: Engines

    private struct Staged {
        let name: String
        let partition: Partition
        let folder: String
    }

    /// What an engine has made of a dataset.
    private struct Content {
        var files: [Manifest.DataFile]
        var columns: [Column]
    }

    private static func byDuckDB(
        _ context: TaskContext, _ statements: Statements, _ staged: [Staged], _ data: [String], _ bytes: Int64
    ) throws -> [String: Content] {
        // To hold the rows of a dataset without an ORDER BY back until their turn takes a third of the time.
        let duckdb = try context.duckdb(input: bytes, keepsOrder: false)
        var script = "CREATE TEMP VIEW staging AS SELECT * FROM read_parquet(\(SQL.list(data)));\n"
        script += statements.setup.map { $0.sql + ";\n" }.joined()
        for (item, dataset) in zip(staged, statements.datasets) {
            script += """
                COPY (\(dataset.sql)) TO \(SQL.text(item.folder + "/data.parquet")) (FORMAT parquet, COMPRESSION zstd);

                """
        }
        let files = staged.map { (name: $0.name, files: [$0.folder + "/data.parquet"]) }
        do {
            return try contents(duckdb.run(script + question(files), variables: ["ds": context.ds]).first, files)
        } catch {
            throw blame(error, statements, data, duckdb, context.ds)
        }
    }

    private static func bySpark(
        _ context: TaskContext, _ statements: Statements, _ staged: [Staged], _ data: [String], _ bytes: Int64
    ) throws -> [String: Content] {
        let spark = try Spark(context)
        let parts =
            statements.setup.map { Spark.Part(file: $0.file, sql: $0.sql, folder: nil) }
            + statements.datasets.map { Spark.Part(file: $0.file, sql: $0.sql, folder: "\(spark.place)/\($0.name)") }
        try spark.run(parts, over: Spark.View(name: "staging", files: data, bytes: bytes))
        let files = try staged.map { item in
            (name: item.name, files: try spark.take("\(spark.place)/\(item.name)", to: item.folder))
        }
        return try contents(context.duckdb().run(question(files)).first, files)
    }

    /// How many rows each of these files has, and which columns a dataset has.
    private static func question(_ made: [(name: String, files: [String])]) -> String {
        "SELECT "
            + made.map { name, files in
                let columns = files.first.map { Column.query(parquet: $0) } ?? "[]"
                return "{'rows': \(DataFiles.counts(files)), 'columns': \(columns)} AS \(SQL.name(name))"
            }.joined(separator: ", ") + ";"
    }

    private static func contents(
        _ answer: JSONNode?, _ made: [(name: String, files: [String])]
    ) throws -> [String: Content] {
        var contents: [String: Content] = [:]
        for (name, files) in made {
            let described = try DataFiles.describe(files, counts: answer?[name]?["rows"])
            contents[name] = Content(files: described, columns: Column.read(answer?[name]?["columns"]))
        }
        return contents
    }

    // MARK: The folder

    /// What the datasets mean; nil when no file says it.
    private static func dictionary(
        _ context: TaskContext, _ datasets: [String], _ folder: String
    ) throws -> DataDictionary? {
        guard let path = context.string("dictionary") else { return nil }
        do throws(LakeError) {
            let dictionary = try DataDictionary(path: context.path(path))
            try dictionary.check(datasets: datasets, folder: folder)
            return dictionary
        } catch {
            throw TaskFailure(error.description, mayRetry: false)
        }
    }

    private static func described(
        _ columns: [Column], of dataset: String, _ dictionary: DataDictionary?
    ) throws -> [Column] {
        do throws(LakeError) { return try dictionary?.described(columns, of: dataset) ?? columns } catch {
            throw TaskFailure(error.description, mayRetry: false)
        }
    }

    /// The same error with the name of the file that it comes from: each is asked by itself whether it can be understood.
    private static func blame(
        _ error: any Error, _ statements: Statements, _ data: [String], _ duckdb: DuckDB, _ day: String
    ) -> any Error {
        let table = "CREATE TEMP TABLE staging AS SELECT * FROM read_parquet(\(SQL.list(data))) LIMIT 0;\n"
        func words(_ statements: String) -> String? {
            do { try duckdb.run(table + statements, variables: ["ds": day]) } catch { return "\(error)" }
            return nil
        }
        let setup = statements.setup.map { $0.sql + ";\n" }.joined()
        if let words = words(setup) { return TaskFailure("\(statements.folder)/_*.sql: \(words)", mayRetry: false) }
        for dataset in statements.datasets {
            if let words = words(setup + "EXPLAIN \(dataset.sql);") {
                return TaskFailure("\(statements.folder)/\(dataset.file): \(words)", mayRetry: false)
            }
        }
        return error
    }

    /// The statements of a folder: what runs first, and the SELECT of each dataset.
    private struct Statements {
        let folder: String
        let isForSpark: Bool
        private(set) var setup: [(file: String, sql: String)] = []
        private(set) var datasets: [(name: String, file: String, sql: String)] = []

        private static let sparks = ".spark.sql"

        init(_ folder: String, forSpark: Bool) throws {
            self.folder = folder
            isForSpark = forSpark
            let all: [String]
            do throws(SystemError) { all = try File.list(folder) } catch {
                throw TaskFailure("\(error)", mayRetry: Shortage.isBehind(error))
            }
            let files = all.filter { $0.hasSuffix(".sql") && !$0.hasPrefix(".") }
            let names = Set(
                files.compactMap { file -> String? in
                    if !file.hasSuffix(Self.sparks) { return String(file.dropLast(4)) }
                    return forSpark ? String(file.dropLast(Self.sparks.utf8.count)) : nil
                })
            for name in names.sorted() {
                let own = name + Self.sparks
                let file = forSpark && files.contains(own) ? own : name + ".sql"
                var text = String(decoding: try File.read(folder + "/" + file, limit: 1 << 20), as: UTF8.self)
                while let last = text.last, last.isWhitespace || last == ";" { text.removeLast() }
                if name.hasPrefix("_") {
                    setup.append((file, text))
                } else {
                    // The line break ends a comment in the file's last line.
                    datasets.append((name, file, text + "\n"))
                }
            }
            guard !datasets.isEmpty else {
                throw TaskFailure("\(folder) has no SQL file of a dataset (NAME.sql)", mayRetry: false)
            }
        }
    }
}

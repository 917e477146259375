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
                    "folder: NAME.sql is the SELECT of dataset NAME over the table `staging`; _NAME.sql runs before them"
            ),
            KindParameter(
                "dictionary", .string, help: "file that says what the datasets and their columns mean"),
            KindParameter(
                "allow_shrink", .boolean, default: "false", help: "publish also under half of the rows there were"),
        ] + TaskContext.engineParameters)

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
        let (setup, datasets) = try statements(folder)
        let dictionary = try dictionary(context, datasets.map(\.name), folder)
        let publisher = Publisher(lake, isRevoked: { context.isRevoked })
        defer { publisher.cleanUp() }

        let data = staging.files(input)
        var script = "CREATE TEMP VIEW staging AS SELECT * FROM read_parquet(\(SQL.list(data)));\n" + setup
        var staged: [(name: String, partition: Partition, folder: String)] = []
        for dataset in datasets {
            let partition = lake.partition(bucket + "/" + dataset.name, context.ds)
            let place = try publisher.stage(partition)
            staged.append((dataset.name, partition, place))
            script += """
                COPY (\(dataset.sql)) TO \(SQL.text(place + "/data.parquet")) (FORMAT parquet, COMPRESSION zstd);

                """
        }
        script += "SELECT "
        script += staged.map { item in
            let file = item.folder + "/data.parquet"
            return """
                {'rows': (SELECT count(*) FROM read_parquet(\(SQL.text(file)))), 'columns': \(Column.query(parquet: file))}
                AS \(SQL.name(item.name))
                """
        }.joined(separator: ", ")
        // To hold the rows of a dataset without an ORDER BY back until their turn takes a third of the time.
        let duckdb = try context.duckdb(input: input.bytes, keepsOrder: false)
        let rows: [JSONNode]
        do { rows = try duckdb.run(script + ";", variables: ["ds": context.ds]) } catch {
            throw blame(error, folder, setup, datasets, data, duckdb, context.ds)
        }

        var columns: [String: [Column]] = [:]
        for (name, _, _) in staged {
            columns[name] = try described(Column.read(rows.first?[name]?["columns"]), of: name, dictionary)
        }

        // Everything was made before anything is published: a mistake in one file leaves all datasets as they were.
        var counts: [JSONMember] = []
        for (name, partition, folder) in staged {
            let written = rows.first?[name]?["rows"]?.integer ?? 0
            try publisher.locked(partition) {
                _ = try publisher.publish(
                    folder, as: partition,
                    Manifest(
                        files: [try DataFiles.describe(folder, "data.parquet", rows: written)], run: context.lineage,
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
        _ error: any Error, _ folder: String, _ setup: String, _ datasets: [(name: String, sql: String)],
        _ data: [String], _ duckdb: DuckDB, _ day: String
    ) -> any Error {
        let table = "CREATE TEMP TABLE staging AS SELECT * FROM read_parquet(\(SQL.list(data))) LIMIT 0;\n"
        func words(_ statements: String) -> String? {
            do { try duckdb.run(table + statements, variables: ["ds": day]) } catch { return "\(error)" }
            return nil
        }
        if let words = words(setup) { return TaskFailure("\(folder)/_*.sql: \(words)", mayRetry: false) }
        for dataset in datasets {
            if let words = words(setup + "EXPLAIN \(dataset.sql);") {
                return TaskFailure("\(folder)/\(dataset.name).sql: \(words)", mayRetry: false)
            }
        }
        return error
    }

    /// The statements of the folder: what runs first, and the SELECT of each dataset.
    private static func statements(_ folder: String) throws -> (setup: String, datasets: [(name: String, sql: String)])
    {
        let names = try File.list(folder).filter { $0.hasSuffix(".sql") && !$0.hasPrefix(".") }.sorted()
        var setup = ""
        var datasets: [(name: String, sql: String)] = []
        for name in names {
            var text = String(decoding: try File.read(folder + "/" + name, limit: 1 << 20), as: UTF8.self)
            while let last = text.last, last.isWhitespace || last == ";" { text.removeLast() }
            if name.hasPrefix("_") {
                setup += text + ";\n"
            } else {
                // The line break ends a comment in the file's last line.
                datasets.append((String(name.dropLast(4)), text + "\n"))
            }
        }
        guard !datasets.isEmpty else {
            throw TaskFailure("\(folder) has no SQL file of a dataset (NAME.sql)", mayRetry: false)
        }
        return (setup, datasets)
    }
}

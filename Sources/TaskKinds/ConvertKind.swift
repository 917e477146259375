import JSONText
import Lake
import SchedulerCore
import Spawn

/// `convert`: a day's raw records to Parquet, with the declared schema.
enum ConvertKind: TaskKind {
    static let spec = KindSpec(
        name: "convert", summary: "makes Parquet of a day's raw records",
        parameters: [
            KindParameter("from", .string, default: "ultimatealpr", help: "raw bucket"),
            KindParameter("to", .string, default: "ultimatealpr_staging", help: "staging bucket"),
            KindParameter("schema", .string, required: true, help: "file of the declared record schema"),
            KindParameter(
                "drift", .string, allowed: ["allow", "warn", "fail"], default: "warn",
                help:
                    "fields that the schema does not know, or that are missing since the day before: note, tell, or fail"
            ),
            KindParameter(
                "allow_shrink", .boolean, default: "false", help: "publish also under half of the rows there were"),
        ] + [Spark.engine] + TaskContext.engineParameters)

    static func run(_ context: TaskContext) throws -> TaskOutcome {
        let lake = context.lake
        let raw = lake.partition(context.string("from", default: "ultimatealpr"), context.ds)
        let target = lake.partition(context.string("to", default: "ultimatealpr_staging"), context.ds)
        let schema = try RecordSchema(path: context.path(try context.required("schema")))
        let present = try raw.manifest()
        if present?.archived != nil {
            throw TaskFailure(
                "\(raw.name) is archived; `weir lake restore --from \(context.ds)` brings it back", mayRetry: false)
        }
        guard let input = present, !input.files.isEmpty else {
            throw TaskFailure("\(raw.name) has no records; load them first", mayRetry: false)
        }
        let publisher = Publisher(lake, isRevoked: { context.isRevoked })
        defer { publisher.cleanUp() }
        let staged = try publisher.stage(target)
        let duckdb = try context.duckdb(input: input.bytes)
        let (files, facts) =
            Spark.isWanted(context)
            ? try bySpark(context, schema, raw.files(input), input.bytes, to: staged, duckdb)
            : try byDuckDB(schema, raw.files(input), input, to: staged, duckdb)
        let data = try DataFiles.describe(files, counts: facts?["counts"])
        let written = data.reduce(0) { $0 + $1.rows }
        let expected = input.counts["loaded"]?.integer ?? -1
        guard written == expected else {
            throw TaskFailure(
                "\(raw.name) counts \(expected) records, but \(written) were converted; its index or segments are damaged",
                mayRetry: false)
        }
        let drift = Drift(
            unknown: facts?["drift"], present: facts?["present"], rows: written,
            before: try manifest(before: context.ds, in: context.string("to", default: "ultimatealpr_staging"), lake))
        let policy = context.string("drift", default: "warn")
        if policy == "fail", !drift.isEmpty {
            throw TaskFailure(
                "\(raw.name) has drifted, and \"drift\" is \"fail\": \(drift.words.joined(separator: "; "))",
                mayRetry: false)
        }
        let manifest = try publisher.locked(target) {
            try publisher.publish(
                staged, as: target,
                Manifest(
                    files: data, run: context.lineage,
                    inputs: [.init(partition: raw.name, generation: input.generation)],
                    counts: drift.counts,
                    columns: Column.read(facts?["columns"]).described(by: meanings(schema))),
                allowShrink: context.bool("allow_shrink", default: false))
        }
        context.log("\(target.name): generation \(manifest.generation), \(written) rows")
        try context.output("rows", JSONNode(.integer(written)))
        if policy != "allow" {
            for line in drift.words { context.log("drift: \(line)") }
            try context.output("drift", drift.unknown)
            try context.output("missing_fields", drift.missing)
        }
        try context.output("consumed", JSONNode(.integer(input.generation)))
        return .success
    }

    /// The manifest of the last day before this one; nil for the first.
    private static func manifest(before day: String, in bucket: String, _ lake: LakeRoot) throws -> Manifest? {
        try lake.days(bucket).last { $0 < day }.flatMap { try lake.partition(bucket, $0).manifest() }
    }

    /// What the columns mean: the loader's own, and the schema's.
    private static func meanings(_ schema: RecordSchema) -> [String: String] {
        let own = [
            "sourceId": "the folder below the landing folder; empty for none",
            "sourceFile": "file that the record came from; #N is its line",
            "createDateTime": "time of the event, UTC",
            "_extra": "fields that the schema does not know",
        ]
        return schema.meanings.merging(own) { _, own in own }
    }

    // MARK: Engines

    /// Of records with one key the best counts: more elements in the ranking field, then the smaller hash.
    private static func byDuckDB(
        _ schema: RecordSchema, _ files: [String], _ input: Manifest, to staged: String, _ duckdb: DuckDB
    ) throws -> (files: [String], facts: JSONNode?) {
        // DuckDB reads with several threads only where its buffers, which are made for the largest record, are small.
        let largest = max(input.counts[Manifest.largestRecord]?.integer ?? 1 << 30, 1 << 24)
        let target = staged + "/data.parquet"
        let key = SQL.name(schema.key)
        let rank = SQL.name(schema.rank)
        // DuckDB keeps the order of its input: where that is right, half of the work falls away.
        let best = """
            QUALIFY row_number() OVER (
                PARTITION BY source_id, event_time, doc.\(key)
                ORDER BY coalesce(len(doc.\(rank)), 0) DESC, sha256, source) = 1
            ORDER BY source_id, event_time, doc.\(key)
            """
        let copy = """
            COPY (
                SELECT source_id AS "sourceId", source AS "sourceFile", event_time AS "createDateTime", extra AS _extra,
                    doc.*
                FROM read_json(\(SQL.list(files)), format = 'newline_delimited', maximum_object_size = \(largest),
                    columns = {
                        source: 'VARCHAR', source_id: 'VARCHAR', sha256: 'VARCHAR', event_time: 'TIMESTAMP', extra: 'JSON',
                        doc: \(SQL.text(schema.structType))
                    })
                \(input.counts[Manifest.inOrder]?.integer == 1 ? "" : best)
            ) TO \(SQL.text(target)) (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);

            """
        return ([target], try duckdb.run(copy + facts([target])).first)
    }

    private static func bySpark(
        _ context: TaskContext, _ schema: RecordSchema, _ files: [String], _ bytes: Int64, to staged: String,
        _ duckdb: DuckDB
    ) throws -> (files: [String], facts: JSONNode?) {
        let spark = try Spark(context)
        let (key, rank) = (SparkSQL.name(schema.key), SparkSQL.name(schema.rank))
        let sql = """
            SELECT source_id AS sourceId, source AS sourceFile, cast(event_time AS TIMESTAMP_NTZ) AS createDateTime,
                extra AS _extra, doc.*
            FROM (
                SELECT *, row_number() OVER (
                    PARTITION BY source_id, event_time, doc.\(key)
                    ORDER BY coalesce(size(doc.\(rank)), 0) DESC, sha256, source) AS place
                FROM raw)
            WHERE place = 1
            ORDER BY source_id, event_time, doc.\(key)
            """
        var view = Spark.View(name: "raw", files: files, bytes: bytes)
        view.schema =
            "source STRING, source_id STRING, sha256 STRING, event_time STRING, extra STRING, doc \(schema.sparkType)"
        try spark.run([Spark.Part(file: "convert", sql: sql, folder: spark.place + "/staging")], over: view)
        let made = try spark.take(spark.place + "/staging", to: staged)
        return (made, try duckdb.run(facts(made)).first)
    }

    /// What was written, and the fields that the schema does not know.
    private static func facts(_ files: [String]) -> String {
        let list = SQL.list(files)
        return """
            SELECT \(DataFiles.counts(files)) AS counts,
                (SELECT json_group_object(field, records) FROM (
                    SELECT field, count(*) AS records
                    FROM (SELECT unnest(list_distinct(json_keys(_extra))) AS field FROM read_parquet(\(list)))
                    GROUP BY field ORDER BY field)) AS drift,
                (SELECT json_group_object(field, present) FROM (
                    -- From the files' own statistics, which cost nothing: how often each declared field has a value.
                    SELECT replace(replace(path_in_schema, ', list, element', '[]'), ', ', '.') AS field,
                        sum(num_values - stats_null_count)::BIGINT AS present
                    FROM parquet_metadata(\(list))
                    -- In DuckDB 1.5.5 these count a null twice where an object within an array is missing.
                    WHERE NOT regexp_matches(path_in_schema, 'element, [^,]+, [^,]+$')
                        AND path_in_schema NOT IN ('sourceId', 'sourceFile', 'createDateTime', '_extra')
                    GROUP BY ALL ORDER BY field)) AS present,
                \(Column.query(parquet: files.first ?? "")) AS columns;
            """
    }
}

/// Files of a staged partition, as its manifest describes them.
enum DataFiles {
    /// How many rows each of them has, as an expression of DuckDB.
    static func counts(_ files: [String]) -> String {
        "[" + files.map { "(SELECT count(*) FROM read_parquet(\(SQL.text($0))))" }.joined(separator: ", ") + "]"
    }

    /// - Parameter counts: what DuckDB says of them.
    static func describe(_ files: [String], counts: JSONNode?) throws -> [Manifest.DataFile] {
        let rows = counts?.array ?? []
        guard rows.count == files.count else { throw LakeError("DuckDB has not counted the rows that were written") }
        return try zip(files, rows).map { try describe($0, rows: $1.integer ?? 0) }
    }

    static func describe(_ path: String, rows: Int64) throws -> Manifest.DataFile {
        let (bytes, sha256) = try SHA256.file(path)
        let name = path.dropFirst(File.parent(of: path).utf8.count + 1)
        return Manifest.DataFile(name: String(name), rows: rows, bytes: bytes, sha256: sha256)
    }
}

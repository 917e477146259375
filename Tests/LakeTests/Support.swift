import Glibc
import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// A folder that is gone when the test ends.
final class Scratch {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-lake-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit { try? File.removeTree(path) }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = path + "/" + name
        try File.makeDirectory(File.parent(of: file), recursive: true)
        try File.writeAtomically(file, bytes)
    }

    /// The lake of this folder, as one attempt sees it.
    func lake(attempt: Int64 = 1) -> LakeRoot { LakeRoot(path: path + "/state/lake", attempt: "\(attempt)") }
}

enum Project {
    /// The project's folder, found from this file.
    static let root: String = {
        var folder = File.parent(of: #filePath)
        while folder != "/", !File.exists(folder + "/Package.swift") { folder = File.parent(of: folder) }
        return folder
    }()

    /// The recognizer's own logs: `WEIR_SAMPLES`, or ../shared/samples beside the project; none when they are not here.
    static let samples: [String] = {
        let folder = getenv("WEIR_SAMPLES").map { String(cString: $0) } ?? root + "/../shared/samples"
        return ((try? File.list(folder)) ?? []).map { folder + "/" + $0 }
    }()

    static func alprSchema() throws -> RecordSchema {
        try RecordSchema(path: root + "/dags/alpr/record_schema.json")
    }
}

extension Publisher {
    /// One that is never revoked.
    init(_ lake: LakeRoot) { self.init(lake, isRevoked: { false }) }
}

enum Attempt {
    /// What a task of a run is told, without a supervisor around it.
    static func context(
        _ scratch: Scratch, kind: String, day: String, end: String? = nil, with: String, taskID: String? = nil,
        tasks: String = "[]", more: String = ""
    ) throws -> TaskContext {
        let directory = AttemptDirectory(path: scratch.path + "/attempt")
        try directory.create()
        let text = """
            {"kind": "\(kind)", "dag_id": "d", "run_id": "r", "task_id": "\(taskID ?? kind)", "home": "\(scratch.path)", "ds": "\(day)",
             "logical_date": "\(day)T00:00:00Z", "data_interval_start": "\(day)T00:00:00Z",
             "data_interval_end": "\(end ?? day)T00:00:00Z", "with": \(with), "tasks": \(tasks)\(more.isEmpty ? "" : ", " + more)}
            """
        return try TaskContext(directory: directory, attempt: 1, task: try JSONDocument(parsing: text).root)
    }
}

extension Scratch {
    /// Publishes what a SELECT gives as a day of a table, by the real DuckDB.
    ///
    /// - Parameter knowsColumns: false writes a manifest without columns, as Weir did before it had them.
    @discardableResult
    func publish(
        _ table: String, _ day: String, _ select: String, inputs: [Manifest.Input] = [], knowsColumns: Bool = true
    ) throws -> Manifest {
        let lake = lake()
        let publisher = Publisher(lake)
        let partition = lake.partition(table, day)
        let staged = try publisher.stage(partition)
        let duckdb = try DuckDB(home: path, allowed: [lake.path], temporary: path + "/tmp")
        let file = staged + "/data.parquet"
        let rows = try duckdb.run(
            """
            COPY (\(select)) TO \(SQL.text(file)) (FORMAT parquet);
            SELECT (SELECT count(*) FROM read_parquet(\(SQL.text(file)))) AS rows, \(Column.query(parquet: file)) AS columns;
            """)
        let data = try DataFiles.describe(file, rows: rows.first?["rows"]?.integer ?? 0)
        let columns = knowsColumns ? Column.read(rows.first?["columns"]) : []
        return try publisher.publish(
            staged, as: partition, Manifest(files: [data], run: "d/r/t", inputs: inputs, columns: columns),
            allowShrink: true)
    }

    /// Publishes raw records of a day, a line each.
    func publishRaw(_ bucket: String, _ day: String, records: [String], sources: [String]) throws {
        let lake = lake()
        let publisher = Publisher(lake)
        let partition = lake.partition(bucket, day)
        let staged = try publisher.stage(partition)
        var index = RawIndex()
        _ = index.names.number("")
        var lines = ""
        for (record, source) in zip(records, sources) {
            let key = RecordKey(source: 0, time: 0, number: Int64(index.entries.count))
            _ = index.add(RecordSource(source, index.names), .init(of: record), key: key, rank: 0)
            lines += """
                {"source":"\(source)","source_id":"","sha256":"\(SHA256.hex(record))","event_time":"\(day)T01:02:03","doc":\(record)}

                """
        }
        let segment = "segment-000001.ndjson"
        try File.writeAtomically(staged + "/" + segment, Array(lines.utf8))
        try File.writeAtomically(staged + "/" + RawIndex.fileName, index.lines)
        let data = try DataFiles.describe(staged + "/" + segment, rows: Int64(records.count))
        _ = try publisher.publish(
            staged, as: partition, Manifest(files: [data], run: "d/r/load", counts: index.counts), allowShrink: true)
    }
}

extension SHA256.Digest {
    init(of text: String) { self = Array(text.utf8).withUnsafeBytes { SHA256.Digest(of: $0) } }
}

/// What a segment holds, by zstd(1).
func unpacked(_ path: String) throws -> [UInt8] {
    let done = try ChildProcess.run(["/usr/bin/zstd", "-dc", "--", path], environment: [:])
    #expect(done.status.isSuccess, "\(done.errorText)")
    return done.output
}

extension Partition {
    /// The one data file of a Parquet partition that is a folder.
    var data: String { path + "/data.parquet" }
}

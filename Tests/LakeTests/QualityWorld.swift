import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// A lake of small tables, and checks that are asked of it through the task kind.
final class QualityWorld {
    let scratch: Scratch
    static let day = "2022-05-02"

    private let duckdb: DuckDB

    /// - Parameter tables: of each dataset, the SELECT of its rows on the day.
    init(_ tables: [String: String] = [:]) throws {
        scratch = try Scratch()
        duckdb = try DuckDB(
            home: scratch.path, allowed: [scratch.path + "/state/lake"], temporary: scratch.path + "/tmp")
        for (name, sql) in tables { try put(name, sql) }
    }

    func put(_ dataset: String, _ sql: String, day: String = day) throws {
        let partition = scratch.lake().partition("lakestorage/\(dataset)", day)
        try File.makeDirectory(partition.path, recursive: true)
        try duckdb.run("COPY (\(sql)) TO \(SQL.text(partition.data)) (FORMAT parquet);")
        guard try partition.manifest() == nil else { return }
        let rows = try duckdb.run("SELECT count(*) AS n FROM (\(sql));").first?["n"]?.integer ?? 0
        try publish("lakestorage/\(dataset)", day: day, rows: rows)
    }

    /// A day of a dataset as its manifest tells it, which is all that a history needs.
    func publish(_ dataset: String, day: String, rows: Int64, counts: String = "{}") throws {
        let manifest = Manifest(
            generation: 1, files: [.init(name: "data.parquet", rows: rows, bytes: 1, sha256: "")], run: "d/r/t",
            counts: try JSONDocument(parsing: counts).root)
        try scratch.write(
            "state/lake/\(dataset)/dt=\(day)/\(Partition.manifestName)", manifest.json)
    }

    /// Runs checks of a day; the failure of the task, and the report as a mail would read it.
    func report(
        _ file: String, day: String = day, end: String = "2022-05-03", with: String = "", tasks: String = "[]"
    ) throws -> (failure: String?, report: QualityReport) {
        try scratch.write("checks.json", file)
        let context = try Attempt.context(
            scratch, kind: "quality", day: day, end: end, with: #"{"checks": "\#(scratch.path)/checks.json"\#(with)}"#,
            tasks: tasks)
        var failure: String?
        do { _ = try QualityKind.run(context) } catch let error as TaskFailure { failure = error.message }
        let path = "\(scratch.path)/state/lake/quality/d/dt=\(day)/r.json"
        return (failure, try QualityReport(reading: path))
    }

    func ask(_ checks: String) throws -> (failure: String?, answers: [QualityReport.Check]) {
        let (failure, report) = try report("{\"checks\": [\(checks)]}")
        return (failure, report.checks)
    }

    /// What the task says of a file of checks that is wrong.
    func declaring(_ file: String) throws -> String? {
        try scratch.write("checks.json", file)
        let with = #"{"checks": "\#(scratch.path)/checks.json"}"#
        let context = try Attempt.context(scratch, kind: "quality", day: Self.day, with: with)
        let failure = #expect(throws: TaskFailure.self) { try QualityKind.run(context) }
        #expect(failure?.mayRetry == false)
        return failure?.message
    }
}

extension JSONNode {
    /// As compact JSON.
    var jsonText: String {
        var writer = JSONWriter()
        writer.node(self)
        return writer.text
    }
}

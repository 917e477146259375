import Glibc
import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// What is handed over, as others read it.
@Suite struct SQLExportKindTests {
    private static let (first, second) = ("2022-05-02", "2022-05-03")
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        for (day, plate) in [(Self.first, "B \u{22}AR, 1"), (Self.second, "Ü2")] {
            try scratch.publish(
                "lakestorage/plate", day,
                """
                SELECT 9007199254740993 AS plate_id, '\(plate)' AS plate, TIMESTAMP '\(day) 01:02:03' AS seen, 0.5::DOUBLE AS score,
                       true AS ok, [1, 2] AS box, {'a': 1} AS more, NULL::VARCHAR AS none
                """)
        }
    }

    @discardableResult
    private func export(_ with: String, end: String? = nil) throws -> TaskOutcome {
        if File.exists(scratch.path + "/attempt") { try File.removeTree(scratch.path + "/attempt") }
        return try SQLExportKind.run(
            Attempt.context(
                scratch, kind: "sql_export", day: Self.first, end: end, with: "{\"dataset\":\"plate\",\(with)}"))
    }

    private func failure(_ with: String) -> String? {
        do { try export(with) } catch { return "\(error)" }
        return nil
    }

    private func outputs(_ key: String) throws -> JSONNode? {
        try File.read(scratch.path + "/attempt/output").split(separator: 0x0A)
            .map { try JSONDocument(parsing: Array($0)).root }.first { $0["key"]?.string == key }?["value"]
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try File.read("\(scratch.path)/\(name)"), as: UTF8.self)
    }

    private func python(_ program: String, _ file: String) throws -> String {
        let done = try ChildProcess.run(
            ["/usr/bin/python3", "-c", program, "\(scratch.path)/\(file)"], environment: ["PYTHONUTF8": "1"])
        #expect(done.status.isSuccess, "\(done.errorText)")
        return String(decoding: done.output, as: UTF8.self)
    }

    @Test func aDayAsCSV() throws {
        try export(#""to":"out/plates.csv""#)
        #expect(
            try text("out/plates.csv")
                == "plate_id,plate,seen,score,ok,box,more,none,dt\r\n"
                + "9007199254740993,\"B \"\"AR, 1\",2022-05-02 01:02:03,0.5,true,\"[1, 2]\",{'a': 1},,2022-05-02\r\n")
        #expect(try File.list(scratch.path + "/out") == ["plates.csv"], "nothing unfinished beside it")
        #expect(try outputs("rows")?.integer == 1)
        #expect(try outputs("file")?.string == scratch.path + "/out/plates.csv")
        #expect(try outputs("sha256")?.string == SHA256.file(scratch.path + "/out/plates.csv").sha256)
        #expect(!File.exists(scratch.lake().staging + "/export"))
    }

    /// The days of the interval, by a query that knows the run's date.
    @Test func whatAQueryMakesOfTheInterval() throws {
        let sql = "SELECT plate, getvariable('ds') AS ds FROM plate ORDER BY seen DESC -- the newest first"
        try export(#""to":"two.csv.gz","sql":"\#(sql)""#, end: "2022-05-04")
        #expect(
            try python("import gzip, sys; print(repr(gzip.open(sys.argv[1], 'rt', newline='').read()))", "two.csv.gz")
                == #"'plate,ds\r\nÜ2,2022-05-02\r\n"B ""AR, 1",2022-05-02\r\n'"# + "\n")
    }

    @Test func asParquet() throws {
        try export(#""to":"plates.parquet""#, end: "2022-05-04")
        let duckdb = try DuckDB(home: scratch.path, allowed: [scratch.path], temporary: scratch.path + "/tmp")
        let file = SQL.text(scratch.path + "/plates.parquet")
        let rows = try duckdb.run(
            "SELECT plate_id, box, typeof(seen) AS type FROM read_parquet(\(file)) ORDER BY seen;")
        #expect(rows.count == 2 && rows.allSatisfy { $0["plate_id"]?.integer == 9_007_199_254_740_993 })
        #expect(rows.first?["box"]?.array?.count == 2 && rows.first?["type"]?.string == "TIMESTAMP")
    }

    /// By the SQLite of another program; what it has no type for is text.
    @Test(arguments: ["plates.sqlite", "plates.db"]) func asSQLite(name: String) throws {
        try export("\"to\":\"\(name)\"", end: "2022-05-04")
        let program =
            "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); print(d.execute('SELECT * FROM data ORDER BY seen').fetchall())"
        #expect(
            try python(program, name)
                == "[(9007199254740993, 'B \"AR, 1', '2022-05-02 01:02:03', 0.5, 1, '[1,2]', '{\"a\":1}', None, '2022-05-02'), "
                + "(9007199254740993, 'Ü2', '2022-05-03 01:02:03', 0.5, 1, '[1,2]', '{\"a\":1}', None, '2022-05-03')]\n"
        )
        // Again: another takes its place.
        try export("\"to\":\"\(name)\"")
        #expect(try outputs("rows")?.integer == 1)
        #expect(try python(program, name).hasSuffix("None, '2022-05-02')]\n"))
    }

    @Test func theFormatMayBeSaid() throws {
        try export(#""to":"plates.txt","format":"csv""#)
        #expect(try text("plates.txt").hasPrefix("plate_id,"))
    }

    @Test func whatCannotBeIsTold() throws {
        #expect(
            failure(#""to":"plates.xls""#)?.contains("whose name does not tell the format; let it end with .csv")
                == true)
        #expect(
            failure(#""to":"p.csv","from":"nope""#)?.contains(
                "nope/plate has nothing of 2022-05-02; transform this day") == true)
        #expect(failure(#""to":"state/lake/p.csv""#)?.contains("lies in the lake") == true)
    }

    /// A mistake leaves what was handed over before; and a statement is one SELECT over the lake.
    @Test(arguments: [
        "SELECT nope FROM plate", "SELECT 1; COPY (SELECT 1) TO '/tmp/weir-escaped.csv'",
        "ATTACH '/tmp/weir-escaped.db'",
        "SELECT * FROM read_text('/etc/passwd')", "",
    ]) func anotherStatementChangesNothing(sql: String) throws {
        try scratch.write("p.csv", "before")
        #expect(failure("\"to\":\"p.csv\",\"sql\":\"\(sql)\"") != nil)
        #expect(try text("p.csv") == "before")
        #expect(!File.exists("/tmp/weir-escaped.csv") && !File.exists("/tmp/weir-escaped.db"))
        #expect(try File.list(scratch.path).contains { $0.hasPrefix(".p.csv") } == false)
    }
}

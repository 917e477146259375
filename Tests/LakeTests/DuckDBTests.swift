import JSONText
import Spawn
import Testing

@testable import Lake

/// The real program, as `make setup` installs it.
@Suite struct DuckDBTests {
    private let scratch: Scratch
    private let duckdb: DuckDB

    init() throws {
        scratch = try Scratch()
        try File.makeDirectory(scratch.path + "/state/lake", recursive: true)
        duckdb = try DuckDB(
            home: scratch.path, allowed: [scratch.path + "/state/lake"], temporary: scratch.path + "/tmp")
    }

    @Test func theLastStatementWithRowsIsTheAnswer() throws {
        let rows = try duckdb.run(
            "SELECT 1 AS a; CREATE TABLE t (x BIGINT); INSERT INTO t VALUES (9007199254740993), (NULL); SELECT x FROM t ORDER BY x NULLS LAST;"
        )
        #expect(rows.map { $0["x"]?.integer } == [9_007_199_254_740_993, nil], "64-bit integers stay exact")
        #expect(try duckdb.run("SELECT 1 AS a WHERE false;").isEmpty)
    }

    @Test func valuesWithLineBreaksAndBracketsComeBackAsTheyWere() throws {
        let odd = "a]\n[{\"b\": 'c'},\n]\\"
        let rows = try duckdb.run("SELECT \(SQL.text(odd)) AS v UNION ALL SELECT 'x' ORDER BY v;")
        #expect(rows.compactMap { $0["v"]?.string } == [odd, "x"])
    }

    @Test func variablesAreValuesNotText() throws {
        let rows = try duckdb.run("SELECT getvariable('ds') AS v;", variables: ["ds": "'; DROP TABLE t; --"])
        #expect(rows.first?["v"]?.string == "'; DROP TABLE t; --")
    }

    @Test func anErrorComesInDuckDBsOwnWords() {
        let error = #expect(throws: LakeError.self) { try duckdb.run("SELECT nothing FROM nowhere;") }
        #expect(error?.description.contains("nowhere does not exist") == true, "\(error?.description ?? "")")
        let later = #expect(throws: LakeError.self) { try duckdb.run("SELECT error('stop here'); SELECT 1 AS a;") }
        #expect(later?.description.contains("stop here") == true)
    }

    @Test(arguments: [
        "SELECT * FROM read_text('/etc/passwd');",
        "COPY (SELECT 1) TO '/tmp/weir-outside.csv';",
        "SELECT * FROM read_csv('https://127.0.0.1:1/x.csv');",
        "SET enable_external_access = true;",
        "SET allowed_directories = ['/'];",
        "INSTALL httpfs;",
    ])
    func statementsReachNothingButTheLake(statement: String) {
        #expect(throws: LakeError.self) { try duckdb.run(statement) }
    }

    @Test func statementsReadAndWriteTheLake() throws {
        let file = SQL.text(scratch.path + "/state/lake/it's.parquet")
        let rows = try duckdb.run(
            "COPY (SELECT TIMESTAMP '2022-05-02 07:15:49.999546' AS t) TO \(file) (FORMAT parquet); SELECT t FROM read_parquet(\(file));"
        )
        #expect(rows.first?["t"]?.string == "2022-05-02 07:15:49.999546")
    }
}

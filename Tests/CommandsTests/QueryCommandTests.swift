import JSONText
import Lake
import Spawn
import Testing

@testable import Commands

/// `weir query`: rows as tables, JSON, CSV and Parquet.
@Suite(.serialized) struct QueryCommandTests {
    @Test func rowsAreShownAsATable() throws {
        let home = try CommandHome.withLake()
        let output = home.weir("query", "plate", "--columns", "id, country", "--order", "-id", "--limit", "3")
        #expect(output.status == 0)
        #expect(output.out == "id  country\n4   Germany\n3   Spain\n2   \n")
        #expect(output.err == "there are more than these 3 rows; see --limit and --offset\n")
        let rest = home.weir("query", "plate", "--columns", "id", "--order", "-id", "--offset", "3", "--limit", "all")
        #expect(rest.out == "id\n1\n" && rest.err.isEmpty)
    }

    @Test func conditionsAreJoined() throws {
        let home = try CommandHome.withLake()
        let output = home.weir(
            "query", "plate", "--where", "country=Germany", "--where", "dt>=2022-05-03", "--format", "csv")
        #expect(output.out == "id,country,extra,score,dt\r\n4,Germany,1,,2022-05-03\r\n")
        let none = home.weir("query", "plate", "--where", "country=Atlantis", "--columns", "id,country")
        #expect(none.status == 0)
        #expect(none.out == "id  country\n")
        #expect(home.weir("query", "plate", "--where", "country=Atlantis", "--json").out == "[]\n")
        #expect(
            home.weir("query", "plate", "--to", "2022-01-01", "--format", "csv").out == "id,country,extra,score,dt\r\n")
    }

    @Test func jsonKeepsTypesAndNulls() throws {
        let home = try CommandHome.withLake()
        let rows = try #require(try home.json("query", "plate", "--order", "id", "--from", "2022-05-02").array)
        #expect(rows.count == 4)
        #expect(rows[0]["id"]?.integer == 1)
        #expect(rows[0]["score"]?.double == 90.5)
        #expect(rows[1]["country"]?.isNull == true)
        #expect(rows[3]["dt"]?.string == "2022-05-03")
    }

    @Test func answersGoToFiles() throws {
        let home = try CommandHome.withLake()
        for ending in ["csv", "json", "parquet", "txt"] {
            let output = home.weir("query", "car", "--out", home.path + "/car." + ending)
            #expect(output.status == 0 && output.out.isEmpty && output.err.isEmpty, "\(ending): \(output.err)")
        }
        #expect(home.read("car.csv") == "id,color,dt\r\n1,red,2022-05-02\r\n")
        #expect(home.read("car.json") == "[\n{\"id\":1,\"color\":\"red\",\"dt\":\"2022-05-02\"}\n]\n")
        #expect(home.read("car.txt") == "id  color  dt\n1   red    2022-05-02\n")
        #expect(try File.read(home.path + "/car.parquet").starts(with: Array("PAR1".utf8)))
        let nowhere = home.weir("query", "car", "--out", home.path + "/no/such/folder.csv")
        #expect(nowhere.status == 1 && nowhere.err.contains("no/such/folder.csv"))
    }

    @Test func aSelectIsAnswered() throws {
        let home = try CommandHome.withLake()
        let output = home.weir("query", "--sql", "SELECT color, country FROM car JOIN lakestorage.plate USING (id)")
        #expect(output.out == "color  country\nred    Germany\n")
        let empty = home.weir("query", "--sql", "SELECT id, color FROM car WHERE id > 5")
        #expect(empty.status == 0)
        #expect(empty.out == "id  color\n")
        let span = home.weir("query", "--sql", "SELECT count(*) AS n FROM plate", "--from", "2022-05-03")
        #expect(span.out == "n\n1\n")
    }

    @Test func wrongInputHasItsExitStatus() throws {
        let home = try CommandHome.withLake()
        let cases: [([String], Int32, String)] = [
            ([], 2, "TABLE is missing, or --sql"),
            (["plat"], 4, "no table 'plat' in \(home.lake.path); did you mean 'plate'?"),
            (["plate", "--where", "cuntry=x"], 4, "lakestorage/plate has no column 'cuntry'; did you mean 'country'?"),
            (["plate", "--where", "country"], 2, "--where 'country': after the column comes one of"),
            (["plate", "--where", "id=x"], 2, "id is INTEGER, so 'x' must be a whole number"),
            (["plate", "--columns", "id,,country"], 4, "lakestorage/plate has no column ''"),
            (["plate", "--order", "-cuntry"], 4, "lakestorage/plate has no column 'cuntry'; did you mean 'country'?"),
            (["plate", "--limit", "many"], 2, "--limit is 'many'"),
            (["plate", "--offset", "-1"], 2, "--offset is '-1'"),
            (["plate", "--from", "May"], 2, "--from is 'May'"),
            (["plate", "--format", "xml"], 2, "--format is 'xml'; it must be one of table, json, csv, parquet"),
            (["plate", "--format", "parquet"], 2, "parquet is no text; say where to: --out FILE"),
            (["plate", "--timeout", "soon"], 2, "--timeout is 'soon'"),
            (["plate", "--memory", "1MB"], 2, "--memory is '1MB'"),
            (["plate", "--sql", "SELECT 1"], 2, "--sql names its tables itself"),
            (["--sql", "SELECT 1", "--where", "id=1"], 2, "--where goes with a TABLE"),
            (["--sql", "SELECT * FROM plat"], 1, "no table 'plat' in \(home.lake.path); did you mean 'plate'?"),
            (["--sql", "SELECT colour FROM car"], 1, "DuckDB: Binder Error: Referenced column \"colour\" not found"),
            (["--sql", "SELECT 1; SELECT 2"], 1, "the SQL must be one SELECT statement, which only reads"),
            (["--sql", "DROP VIEW plate"], 1, "the SQL must be one SELECT statement, which only reads"),
            (["--sql", "SELEC 1"], 1, "DuckDB: Parser Error: syntax error at or near \"SELEC\""),
        ]
        for (words, status, message) in cases {
            let output = run(["query"] + words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == status, "\(words): \(output.err)")
            #expect(output.err.hasPrefix("weir: " + message), "\(words): \(output.err)")
            #expect(output.err.split(separator: "\n").count == 1, "one line: \(output.err)")
            #expect(output.out.isEmpty)
        }
    }
}

import JSONText
import Lake
import Spawn
import Testing

@testable import Commands

/// `weir lake …`: what the manifests tell.
@Suite(.serialized) struct LakeCommandTests {
    private func words(_ output: CommandHome.Output) -> [[String]] {
        output.out.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    @Test func tablesAreListed() throws {
        let home = try CommandHome.withLake()
        let output = home.weir("lake", "tables")
        #expect(output.status == 0 && output.err.isEmpty)
        let rows = words(output)
        #expect(rows.map(\.first) == ["TABLE", "lakestorage/car", "lakestorage/plate", "staging"])
        #expect(rows[2][1...2] == ["2", "4"])
        #expect(rows[2].suffix(2) == ["2022-05-02", "2022-05-03"])
        let json = try #require(try home.json("lake", "tables").array)
        #expect(json.map { $0["table"]?.string } == ["lakestorage/car", "lakestorage/plate", "staging"])
        #expect(json[1]["rows"]?.integer == 4)
        #expect(json[1]["dataset"]?.string == "plate")
        #expect(json[2]["dataset"]?.isNull == true)
        #expect(json[1]["last_day"]?.string == "2022-05-03")
    }

    @Test func aTableIsDescribedWithItsHistory() throws {
        let home = try CommandHome.withLake()
        let output = home.weir("lake", "describe", "plate")
        #expect(
            output.out == """
                lakestorage/plate: what was read

                COLUMN   TYPE          MEANING
                id       INTEGER       
                country  VARCHAR       
                extra    BIGINT        
                score    DECIMAL(4,2)  
                dt       DATE          day of the partition

                FROM DAY    GENERATION  COLUMN  CHANGE
                2022-05-03  1           extra   added BIGINT
                2022-05-03  1           score   removed

                """)
        let json = try home.json("lake", "describe", "lakestorage/plate")
        #expect(json["columns"]?.array?.map { $0["name"]?.string } == ["id", "country", "extra", "score"])
        #expect(json["history"]?.array?.first?["from_day"]?.string == "2022-05-03")
        #expect(json["history"]?.array?.first?["changes"]?.array?.map { $0["change"]?.string } == ["added", "removed"])
    }

    @Test func daysAreListed() throws {
        let home = try CommandHome.withLake()
        #expect(words(home.weir("lake", "partitions", "plate")).map(\.first) == ["DAY", "2022-05-02", "2022-05-03"])
        let json = try #require(try home.json("lake", "partitions", "plate", "--from", "2022-05-03").array)
        #expect(json.count == 1)
        #expect(json[0]["run"]?.string == "d/r/t")
        #expect(json[0]["generation"]?.integer == 1 && json[0]["rows"]?.integer == 1 && json[0]["files"]?.integer == 1)
        #expect(try home.json("lake", "partitions", "plate", "--to", "2022-01-01").array?.isEmpty == true)
    }

    @Test func lineageSaysWhatIsNewerThanWhatWasUsed() throws {
        let home = try CommandHome.withLake()
        let output = home.weir("lake", "lineage", "plate", "2022-05-02")
        #expect(
            output.out == """
                lakestorage/plate/dt=2022-05-02: generation 1
                  3 rows in 1 file, by d/r/t
                  staging/dt=2022-05-02: generation 1
                    3 rows in 1 file, by d/r/t

                """)
        try home.publish("staging", "2022-05-02", "SELECT 1 AS id")
        #expect(
            home.weir("lake", "lineage", "plate", "2022-05-02").out.contains(
                "staging/dt=2022-05-02: generation 1 was used, generation 2 is there now: what was made from it is out of date"
            ))
        let json = try home.json("lake", "lineage", "plate", "2022-05-02")
        #expect(json["is_stale"]?.bool == true)
        #expect(json["inputs"]?.array?.first?["is_newer"]?.bool == true)
        #expect(json["inputs"]?.array?.first?["generation_used"]?.integer == 1)
        try File.removeTree(home.lake.bucket("staging"))
        #expect(
            home.weir("lake", "lineage", "plate", "2022-05-02").out.contains(
                "staging/dt=2022-05-02: generation 1 was used; it is not there any more"))
    }

    @Test func twoDaysAreCompared() throws {
        let home = try CommandHome.withLake()
        let output = home.weir("lake", "diff", "plate", "2022-05-02", "2022-05-03")
        #expect(output.status == 0)
        #expect(words(output).contains(["rows", "3", "1", "-2"]))
        #expect(output.out.hasSuffix("column extra: added BIGINT\ncolumn score: removed\n"))
        #expect(home.weir("lake", "diff", "plate", "2022-05-02", "2022-05-02").out.contains("the columns are the same"))
        #expect(try home.json("lake", "diff", "plate", "2022-05-02", "2022-05-03")["rows"]?.integer == -2)
    }

    @Test func statisticsAreShown() throws {
        let home = try CommandHome.withLake()
        let output = home.weir("lake", "stats")
        #expect(words(output).contains { $0.starts(with: ["lakestorage", "2", "2", "5"]) }, "\(output.out)")
        #expect(output.out.contains("quarantine: 0 records\n"))
        #expect(try home.json("lake", "stats")["buckets"]?.array?.count == 2)
    }

    @Test func theLakeMayStandElsewhere() throws {
        let home = try CommandHome.withLake()
        let other = try CommandHome()
        #expect(other.weir("lake", "tables").status == 4)
        let output = other.weir("lake", "tables", environment: ["WEIR_LAKE": home.lake.path])
        #expect(output.out.contains("lakestorage/plate"))
        #expect(
            other.weir("query", "car", "--columns", "color", environment: ["WEIR_LAKE": home.lake.path]).out
                == "color\nred\n")
    }

    @Test func aDamagedManifestIsNamed() throws {
        let home = try CommandHome.withLake()
        try home.write("state/lake/lakestorage/car/dt=2022-05-02/_manifest.json", "{")
        let output = home.weir("lake", "tables")
        #expect(output.status == 1)
        #expect(output.err.contains("car/dt=2022-05-02/_manifest.json"))
    }

    @Test func wrongInputHasItsExitStatus() throws {
        let home = try CommandHome.withLake()
        let cases: [([String], Int32, String)] = [
            (["lake", "table"], 2, "no command 'lake table'; did you mean 'tables'?"),
            (["lake", "describe"], 2, "TABLE is missing"),
            (["lake", "describe", "plat"], 4, "no table 'plat' in \(home.lake.path); did you mean 'plate'?"),
            (["lake", "describe", "xyzzy"], 4, "no table 'xyzzy' in \(home.lake.path); `weir lake tables` lists them"),
            (["lake", "partitions", "plate", "--from", "May"], 2, "--from is 'May'; it must be a date"),
            (["lake", "partitions", "plate", "--from", "2022-05-03", "--to", "2022-05-02"], 2, "--to is 2022-05-02"),
            (["lake", "lineage", "plate"], 2, "DAY is missing"),
            (["lake", "lineage", "plate", "2022-5-2"], 2, "DAY is '2022-5-2'; it must be a date"),
            (["lake", "lineage", "plate", "2022-06-01"], 4, "lakestorage/plate has no day 2022-06-01; it has 2"),
            (["lake", "diff", "plate", "2022-05-02"], 2, "OTHER is missing"),
            (["lake", "stats", "x"], 2, "'x' is too much"),
        ]
        for (words, status, message) in cases {
            let output = run(words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == status, "\(words): \(output.err)")
            #expect(output.err.hasPrefix("weir: " + message), "\(words): \(output.err)")
            #expect(output.out.isEmpty)
        }
    }
}

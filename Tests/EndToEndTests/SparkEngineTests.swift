import JSONText
import Spawn
import Testing

/// What Weir gives to `spark-submit`, and what it makes of the answer; scripts/check-spark.py has the real one.
@Suite struct SparkEngineTests {
    private static let day = "2022-05-02"

    /// A home with a staged day, and something that says it is Spark: it notes its arguments and the plan, and does what the
    /// lines say.
    private func home(_ lines: String) throws -> WeirHome {
        let home = try WeirHome()
        try home.copy(WeirHome.root + "/dags/alpr", to: "dags/alpr")
        let generated = try home.program([
            "python3", WeirHome.root + "/scripts/generate-logs.py", "--out", "landing", "--from", Self.day, "--days",
            "1",
            "--frames", "10",
        ])
        try #require(generated.status == 0, "\(generated.err)")
        try File.makeDirectory(home.path + "/spark/bin", recursive: true)
        try home.script(
            "spark/bin/spark-submit",
            """
            echo "$@" >> arguments
            for plan in "$@"; do :; done
            cp "$plan" plan.json
            \(lines)
            """)
        home.extraEnvironment = ["SPARK_HOME": home.path + "/spark"]
        let schema = "dags/alpr/record_schema.json"
        #expect(
            try home.task(attempt: 1, kind: "load", day: Self.day, with: ["from": "landing", "schema": schema])
                == .exited(0))
        #expect(try home.task(attempt: 2, kind: "convert", day: Self.day, with: ["schema": schema]) == .exited(0))
        return home
    }

    private func transform(_ home: WeirHome, _ number: Int64) throws -> Spawn.ExitStatus {
        try home.task(
            attempt: number, kind: "transform", day: Self.day, with: ["sql": "dags/alpr/sql", "engine": "spark"])
    }

    private func plates(_ home: WeirHome) throws -> JSONNode {
        try home.document("state/lake/lakestorage/plate/dt=\(Self.day)/_manifest.json")
    }

    @Test func theFilesThatSparkHasMadeArePublished() throws {
        // Two files for each dataset, beside what else Spark leaves there.
        let home = try home(
            """
            python3 - "$plan" <<'PYTHON'
            import json, os, subprocess, sys
            for part in json.load(open(sys.argv[1]))["parts"]:
                if part["folder"]:
                    os.makedirs(part["folder"])
                    open(part["folder"] + "/_SUCCESS", "w")
                    for number in 0, 1:
                        copy = f"COPY (SELECT {number} AS a) TO '{part['folder']}/part-0000{number}-x.parquet' (FORMAT parquet)"
                        subprocess.run(["\(WeirHome.root)/.tools/duckdb", "-no-init", "-c", copy], check=True)
            PYTHON
            """)
        try home.write("spark.properties", "spark.master spark://nowhere:7077\n")
        #expect(try transform(home, 3) == .exited(0))
        let manifest = try plates(home)
        #expect(manifest["files"]?.array?.map { $0["name"]?.string } == ["data-1.parquet", "data-2.parquet"])
        #expect(manifest["rows"]?.integer == 2 && manifest["columns"]?.array?.count == 1)
        #expect(
            try home.weir("query", "plate", "--columns", "a", "--order", "a", "--format", "csv").out
                == "a\r\n0\r\n1\r\n")
        // Its own SQL where there is some, what runs first at the front, and what SQL means.
        let parts = try #require(try home.document("plan.json")["parts"]?.array)
        #expect(parts.first?["file"]?.string == "_plates.spark.sql" && parts.first?["folder"]?.isNull == true)
        #expect(parts.count == 9 && parts.allSatisfy { $0["file"]?.string?.hasSuffix(".spark.sql") == true })
        let arguments = home.read("arguments")
        for words in [
            "--properties-file \(home.path)/spark.properties", "--conf spark.sql.session.timeZone=UTC",
            "--conf spark.sql.ansi.enabled=true", "--name weir by_hand/by_hand/transform",
        ] { #expect(arguments.contains(words), "\(arguments)") }
        #expect(!arguments.contains("--master"))
        #expect(try File.list(home.path + "/state/lake/.staging").allSatisfy { $0 == "retired" })
    }

    /// Two rows are not all that were loaded: whatever Spark says, they are not published.
    @Test func rowsThatSparkHasLostAreNoticed() throws {
        let home = try home(
            """
            python3 - "$plan" <<'PYTHON'
            import json, os, subprocess, sys
            folder = json.load(open(sys.argv[1]))["parts"][0]["folder"]
            os.makedirs(folder)
            copy = f"COPY (SELECT range AS frame_id, NULL::VARCHAR AS _extra FROM range(2)) TO '{folder}/part-0.parquet' (FORMAT parquet)"
            subprocess.run(["\(WeirHome.root)/.tools/duckdb", "-no-init", "-c", copy], check=True)
            PYTHON
            """)
        let manifest = "state/lake/ultimatealpr_staging/dt=\(Self.day)/_manifest.json"
        let before = home.read(manifest)
        #expect(
            try home.task(
                attempt: 3, kind: "convert", day: Self.day,
                with: ["schema": "dags/alpr/record_schema.json", "engine": "spark"]) == .exited(98))
        #expect(home.read(manifest) == before && !before.isEmpty)
        let plan = try home.document("plan.json")
        #expect(plan["view"]?.string == "raw")
        #expect(plan["schema"]?.string?.contains("doc STRUCT<`duration`: BIGINT") == true)
        #expect(plan["inputs"]?.array?.allSatisfy { $0.string?.hasSuffix(".ndjson.zst") == true } == true)
    }

    @Test func whatSparkSaysIsTheReason() throws {
        let home = try home(
            """
            problem=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["problem"])' "$plan")
            printf 'color.spark.sql: no such column' > "$problem"
            exit 98
            """)
        #expect(try transform(home, 3) == .exited(98), "another try would not mend it")
        #expect(!File.exists(home.path + "/state/lake/lakestorage/plate/dt=\(Self.day)"))
        home.extraEnvironment["SPARK_HOME"] = home.path + "/nowhere"
        #expect(try transform(home, 5) == .exited(98))
    }
}

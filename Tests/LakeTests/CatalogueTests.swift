import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// Tables, their columns and where they come from, read from manifests.
@Suite(.serialized) struct CatalogueTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func problem(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "none"
    }

    @Test func tablesAreDatasetsAndBucketsWithDays() throws {
        try scratch.publish("lakestorage/plate", "2022-05-02", "SELECT 1 AS a")
        try scratch.publish("lakestorage/plate", "2022-05-03", "SELECT unnest([1, 2]) AS a")
        try scratch.publish("staging", "2022-05-02", "SELECT 1 AS a")
        // No tables: without a manifest, hidden, or no day.
        try scratch.write("state/lake/quarantine/dt=2022-05-02/x.reason.json", "{}")
        try scratch.write("state/lake/quality/alpr/dt=2022-05-02/report.json", "{}")
        try scratch.write("state/lake/.staging/9/lakestorage/plate/dt=2022-05-02/_manifest.json", "{}")
        try scratch.write("state/lake/lakestorage/plate/dt=latest/_manifest.json", "{}")
        let catalogue = try Catalogue(scratch.lake())
        #expect(catalogue.tables.map(\.name) == ["lakestorage/plate", "staging"])
        let plate = try catalogue.table("plate")
        #expect(plate.partitions.map(\.day) == ["2022-05-02", "2022-05-03"])
        #expect(plate.rows == 3)
        #expect(plate.columns == [Column("a", "INTEGER")])
        #expect(plate.partitions(from: "2022-05-03", to: nil).map(\.day) == ["2022-05-03"])
        #expect(plate.partitions(from: nil, to: "2022-05-02").map(\.day) == ["2022-05-02"])
    }

    /// Without reading the manifests, for completion.
    @Test func namesAreThoseOfTheCatalogue() throws {
        try scratch.publish("lakestorage/plate", "2022-05-02", "SELECT 1 AS a")
        try scratch.publish("lakestorage/plate", "2022-05-03", "SELECT 1 AS a, 2 AS b")
        try scratch.publish("other/plate", "2022-05-02", "SELECT 1 AS c")
        try scratch.publish("staging", "2022-05-02", "SELECT 1 AS a")
        try scratch.write("state/lake/quarantine/dt=2022-05-02/x.reason.json", "{}")
        try scratch.write("state/lake/.staging/9/lakestorage/plate/dt=2022-05-02/_manifest.json", "{}")
        try scratch.write("state/lake/lakestorage/car/dt=latest/_manifest.json", "{}")
        let names = LakeNames(scratch.lake())
        #expect(names.tables == (try Catalogue(scratch.lake()).tables.map(\.name)))
        #expect(names.shortTables == ["lakestorage/plate", "other/plate", "staging"])
        #expect(names.days(of: "lakestorage/plate") == ["2022-05-03", "2022-05-02"])
        #expect(names.columns(of: "lakestorage/plate").map(\.name) == ["a", "b"])
        #expect(names.days(of: "plate").isEmpty, "it could be two")
        #expect(names.days(of: "staging") == ["2022-05-02"])
        #expect(names.days(of: "../lake/staging").isEmpty && names.columns(of: "nothing").isEmpty)
        #expect(LakeNames(LakeRoot(path: scratch.path + "/nowhere", attempt: "1")).tables.isEmpty)
    }

    @Test func aNameMeansOneTable() throws {
        try scratch.publish("lakestorage/plate", "2022-05-02", "SELECT 1 AS a")
        try scratch.publish("other/plate", "2022-05-02", "SELECT 1 AS a")
        try scratch.publish("other/frame", "2022-05-02", "SELECT 1 AS a")
        let catalogue = try Catalogue(scratch.lake())
        #expect(try catalogue.table("other/plate").name == "other/plate")
        #expect(try catalogue.table("frame").name == "other/frame")
        #expect(
            problem { _ = try catalogue.table("plate") }
                == "'plate' could be lakestorage/plate or other/plate; say which")
        #expect(problem { _ = try catalogue.table("frme") }.hasSuffix("did you mean 'frame'?"))
        #expect(problem { _ = try catalogue.table("xyzzy") }.hasSuffix("`weir lake tables` lists them"))
        #expect(problem { _ = try catalogue.table("frame").partition("2022-05-09") }.contains("has no day 2022-05-09"))
    }

    @Test func aManifestWithoutColumnsIsReadAndDuckDBKnowsThem() throws {
        try scratch.publish("lakestorage/plate", "2022-05-02", "SELECT 1::BIGINT AS a, 'x' AS b", knowsColumns: false)
        #expect(try Catalogue(scratch.lake()).table("plate").columns.isEmpty)
        let runner = QueryRunner(home: scratch.path, lake: scratch.lake())
        #expect(try runner.table("plate").columns == [Column("a", "BIGINT"), Column("b", "VARCHAR")])
    }

    @Test func aManifestKeepsItsColumnsAndWords() throws {
        let columns = [Column("a", "STRUCT(x INTEGER, \"y z\" VARCHAR[])", description: "both"), Column("b", "DATE")]
        let manifest = Manifest(files: [], run: "d/r/t", columns: columns, description: "rows")
        try scratch.write("_manifest.json", manifest.json)
        let read = try Manifest(reading: scratch.path + "/_manifest.json")
        #expect(read.columns == columns)
        #expect(read.description == "rows")
    }

    @Test(arguments: ["../../secret.json", "/etc/passwd", ".hidden", "a/b"])
    func aManifestNamesFilesOfItsFolderOnly(name: String) throws {
        let file = "{\"name\": \"\(name)\", \"rows\": 1, \"bytes\": 1, \"sha256\": \"\"}"
        try scratch.write(
            "state/lake/b/t/dt=2022-05-02/_manifest.json", "{\"generation\": 1, \"run\": \"x\", \"files\": [\(file)]}")
        #expect(problem { _ = try Catalogue(scratch.lake()) }.contains("names a file '\(name)'"))
    }

    @Test func theDaysOnWhichColumnsChangedAreKnown() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS a, 'x' AS b")
        try scratch.publish("b/t", "2022-05-02", "SELECT 1 AS a, 'x' AS b", knowsColumns: false)
        try scratch.publish("b/t", "2022-05-03", "SELECT 'x' AS b, 1::BIGINT AS a")
        try scratch.publish("b/t", "2022-05-03", "SELECT 'x' AS b, 1::BIGINT AS a, DATE '2022-01-01' AS c")
        try scratch.publish("b/t", "2022-05-04", "SELECT 1::BIGINT AS a, DATE '2022-01-01' AS c")
        let history = try Catalogue(scratch.lake()).table("t").schemaHistory
        #expect(history.map(\.day) == ["2022-05-03", "2022-05-04"])
        #expect(history.map(\.generation) == [2, 1])
        #expect(
            history.map { step in step.changes.map { "\($0.column) \($0.words)" } }
                == [["a INTEGER became BIGINT", "c added DATE"], ["b removed"]])
    }

    // MARK: Lineage

    @Test func lineageGoesDownToTheFilesAndTellsWhatIsNewer() throws {
        let day = "2022-05-02"
        try scratch.publishRaw(
            "raw", day, records: ["{}", "{\"a\":1}", "{\"a\":2}"], sources: ["x.json", "l.ndjson#1", "l.ndjson#2"])
        try scratch.publish(
            "staging", day, "SELECT 1 AS a", inputs: [.init(partition: "raw/dt=\(day)", generation: 1)])
        try scratch.publish(
            "b/t", day, "SELECT 1 AS a", inputs: [.init(partition: "staging/dt=\(day)", generation: 1)])
        func lineage() throws -> Lineage {
            try Lineage(of: try Catalogue(scratch.lake()).table("t").partition(day), in: scratch.lake())
        }
        let whole = try lineage()
        #expect(!whole.isStale)
        let raw = try #require(whole.inputs.first?.inputs.first)
        #expect(raw.name == "raw/dt=\(day)")
        #expect(raw.sourceFiles == 2)
        #expect(raw.manifest?.counts["seen"]?.integer == 3)

        try scratch.publishRaw("raw", day, records: ["{}"], sources: ["x.json"])
        let stale = try lineage()
        #expect(stale.isStale)
        #expect(stale.inputs.first?.isNewer == false)
        #expect(stale.inputs.first?.inputs.first?.isNewer == true)

        try File.removeTree(scratch.lake().bucket("raw"))
        #expect(try lineage().inputs.first?.inputs.first?.manifest == nil)
    }

    @Test func aManifestNamesNoPlaceOutsideTheLake() throws {
        let lake = scratch.lake()
        for name in [
            "../x/dt=2022-05-02", "a/../../b/dt=2022-05-02", "/etc/dt=2022-05-02", "a", "a/dt=x", "dt=2022-05-02",
        ] {
            #expect(lake.partition(named: name) == nil, "\(name)")
        }
        #expect(lake.partition(named: "a/b/dt=2022-05-02")?.path == lake.path + "/a/b/dt=2022-05-02")
        // One that names itself comes to an end.
        try scratch.publish(
            "t", "2022-05-02", "SELECT 1 AS a", inputs: [.init(partition: "t/dt=2022-05-02", generation: 1)])
        _ = try Lineage(of: try Catalogue(lake).table("t").partition("2022-05-02"), in: lake)
    }

    // MARK: Figures

    @Test func statisticsCountFilesQuarantineAndLeftovers() throws {
        try scratch.publish("b/t", "2022-05-02", "SELECT 1 AS a")
        try scratch.publish("b/u", "2022-05-03", "SELECT 1 AS a")
        try scratch.publish("b/u", "2022-05-03", "SELECT 2 AS a")
        Publisher(scratch.lake()).cleanUp()
        try scratch.write("state/lake/.staging/killed/b/t/data.parquet", "12345")
        let statistics = try LakeStatistics(try Catalogue(scratch.lake()))
        #expect(statistics.buckets.count == 1)
        let bucket = try #require(statistics.buckets.first)
        #expect(
            bucket.tables == 2 && bucket.days == 2 && bucket.rows == 2 && bucket.files == 2 && bucket.smallFiles == 0)
        #expect(statistics.unfinished.map(\.attempt) == ["killed"])
        #expect(statistics.unfinished.map(\.bytes) == [5])
        #expect(statistics.retired.partitions == 1)
    }
}

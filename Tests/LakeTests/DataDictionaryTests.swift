import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// The file that says what datasets mean.
@Suite(.serialized) struct DataDictionaryTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func problem(_ text: String) throws -> String {
        try scratch.write("datasets.json", text)
        do {
            let dictionary = try DataDictionary(path: scratch.path + "/datasets.json")
            try dictionary.check(datasets: ["plate", "frame"], folder: "sql")
            _ = try dictionary.described([Column("plateText", "VARCHAR"), Column("id", "BIGINT")], of: "plate")
            return "none"
        } catch {
            return "\(error)".replacing(scratch.path + "/", with: "")
        }
    }

    @Test func everyMistakeIsToldWithItsPlace() throws {
        let cases = [
            ("{", "datasets.json:1:2: "),
            ("{}", "datasets.json:1:1: 'datasets' is missing"),
            (
                "{\"datasets\": [], \"dataset\": 1}",
                "datasets.json:1:18: unknown key 'dataset'; did you mean 'datasets'?"
            ),
            ("{\"datasets\": [{\"description\": \"x\"}]}", "datasets.json:1:15: 'name' is missing"),
            (
                "{\"datasets\": [{\"name\": \"plate\", \"columns\": []}]}",
                "datasets.json:1:44: 'columns' must be an object"
            ),
            (
                "{\"datasets\": [{\"name\": \"plate\", \"columns\": {\"id\": 1}}]}",
                "datasets.json:1:51: the meaning of 'id'"
            ),
            (
                "{\"datasets\": [\n{\"name\": \"plates\"}]}",
                "datasets.json:2:10: there is no sql/plates.sql; did you mean 'plate'?"
            ),
            (
                "{\"datasets\": [{\"name\": \"plate\"},\n{\"name\": \"plate\"}]}",
                "datasets.json:2:1: the dataset 'plate' stands twice"
            ),
            (
                "{\"datasets\": [{\"name\": \"plate\", \"columns\":\n {\"plateTxt\": \"x\"}}]}",
                "datasets.json:2:3: 'plate' has no column 'plateTxt'; did you mean 'plateText'?"
            ),
            (
                "{\"datasets\": [{\"name\": \"plate\", \"name\": \"frame\"}]}",
                "datasets.json:1:33: the key 'name' stands twice"
            ),
            ("{\"datasets\": [{\"name\": \"plate\", \"columns\": {\"id\": \"the id\"}}]}", "none"),
        ]
        for (text, expected) in cases {
            let told = try problem(text)
            #expect(told.hasPrefix(expected), "\(text): \(told)")
        }
    }

    @Test func aFileThatIsNotThereIsNamed() {
        let error = #expect(throws: LakeError.self) { try DataDictionary(path: "/no/such/datasets.json") }
        #expect(error?.description.contains("/no/such/datasets.json") == true)
    }

    /// The project's own file describes all of its datasets, and nothing else.
    @Test func theProjectsDictionaryDescribesEveryColumn() throws {
        let lake = scratch.lake()
        try scratch.publish("ultimatealpr_staging", "2022-05-02", Self.emptyStaging(try Project.alprSchema()))
        let with = """
            {"sql": "\(Project.root)/dags/alpr/sql", "dictionary": "\(Project.root)/dags/alpr/datasets.json"}
            """
        let context = try Attempt.context(scratch, kind: "transform", day: "2022-05-02", with: with)
        #expect(try TransformKind.run(context) == .success)
        let tables = try Catalogue(lake).tables.filter { $0.bucket == "lakestorage" }
        #expect(tables.count == 8)
        for table in tables {
            #expect(!table.description.isEmpty, "\(table.name)")
            for column in table.columns { #expect(!column.description.isEmpty, "\(table.name).\(column.name)") }
        }
    }

    @Test func aMistakeInTheDictionaryPublishesNothing() throws {
        try scratch.publish("ultimatealpr_staging", "2022-05-02", Self.emptyStaging(try Project.alprSchema()))
        try scratch.write(
            "datasets.json", "{\"datasets\": [{\"name\": \"frame\", \"columns\": {\"plateCont\": \"x\"}}]}")
        let with = "{\"sql\": \"\(Project.root)/dags/alpr/sql\", \"dictionary\": \"datasets.json\"}"
        let context = try Attempt.context(scratch, kind: "transform", day: "2022-05-02", with: with)
        let failure = #expect(throws: TaskFailure.self) { try TransformKind.run(context) }
        #expect(failure?.message.hasSuffix("'frame' has no column 'plateCont'; did you mean 'plateCount'?") == true)
        #expect(failure?.mayRetry == false)
        #expect(!File.exists(scratch.lake().bucket("lakestorage")))
    }

    /// What `convert` makes of no records.
    private static func emptyStaging(_ schema: RecordSchema) -> String {
        """
        SELECT '' AS "sourceId", '' AS "sourceFile", TIMESTAMP '2022-05-02 00:00:00' AS "createDateTime", doc.*
        FROM (SELECT NULL::\(schema.structType) AS doc)
        """
    }
}

import JSONText
import Spawn

@testable import Commands
@testable import Lake

extension CommandHome {
    /// The lake of this home, as one attempt sees it.
    var lake: LakeRoot { LakeRoot(path: path + "/state/lake", attempt: "1") }

    /// Publishes what a SELECT gives as a day of a table, by the real DuckDB.
    func publish(
        _ table: String, _ day: String, _ select: String, inputs: [Manifest.Input] = [],
        words: [String: String] = [:], description: String = ""
    ) throws {
        let publisher = Publisher(lake, isRevoked: { false })
        let partition = lake.partition(table, day)
        let staged = try publisher.stage(partition)
        let duckdb = try DuckDB(home: path, allowed: [lake.path], temporary: path + "/tmp")
        let file = staged + "/data.parquet"
        let rows = try duckdb.run(
            """
            COPY (\(select)) TO \(SQL.text(file)) (FORMAT parquet);
            SELECT (SELECT count(*) FROM read_parquet(\(SQL.text(file)))) AS rows, \(Column.query(parquet: file)) AS columns;
            """)
        let (bytes, sha256) = try SHA256.file(file)
        let data = Manifest.DataFile(
            name: "data.parquet", rows: rows.first?["rows"]?.integer ?? 0, bytes: bytes, sha256: sha256)
        try publisher.publish(
            staged, as: partition,
            Manifest(
                files: [data], run: "d/r/t", inputs: inputs,
                columns: Column.read(rows.first?["columns"]).described(by: words), description: description),
            allowShrink: true)
        publisher.cleanUp()
    }

    /// A small lake: two days of plates with a country, and of cars.
    static func withLake() throws -> CommandHome {
        let home = try CommandHome()
        try home.publish("staging", "2022-05-02", "SELECT range AS id FROM range(3)")
        try home.publish(
            "lakestorage/plate", "2022-05-02",
            "SELECT * FROM (VALUES (1, 'Germany', 90.5), (2, NULL, 80.0), (3, 'Spain', 70.25)) t (id, country, score)",
            inputs: [.init(partition: "staging/dt=2022-05-02", generation: 1)], words: ["country": "of the plate"],
            description: "what was read")
        try home.publish("lakestorage/plate", "2022-05-03", "SELECT 4 AS id, 'Germany' AS country, 1::BIGINT AS extra")
        try home.publish("lakestorage/car", "2022-05-02", "SELECT 1 AS id, 'red' AS color")
        return home
    }
}

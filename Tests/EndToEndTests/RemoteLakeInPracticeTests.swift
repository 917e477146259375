import Glibc
import JSONText
import Spawn
import Testing

@testable import ObjectStore

/// The licence-plate pipeline with its lake in S3: the same DAG, and the same rows, whatever the server or the power does.
@Suite(.serialized) struct RemoteLakeInPracticeTests {
    private static let days = ["2022-05-02", "2022-05-03"]
    private static let datasets = [
        "bodyStyle", "car", "color", "country", "makeModelYear", "plate", "frame", "candidate",
    ]

    private let server: TestServer
    private let store: S3Store
    /// The lake of one is a folder, that of the other a bucket; both have the same files to load.
    private let local: WeirHome
    private let remote: WeirHome

    init() throws {
        server = try TestServer()
        store = try server.store()
        local = try WeirHome()
        remote = try WeirHome()
        try remote.write(
            "credentials",
            "[default]\naws_access_key_id = \(TestServer.keys.id)\naws_secret_access_key = \(TestServer.keys.secret)\n")
        remote.extraEnvironment = [
            "AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": "eu-central-1",
            "AWS_SHARED_CREDENTIALS_FILE": remote.path + "/credentials", "WEIR_LAKE": "s3://\(store.bucket)/lakes/one",
        ]
        for home in [local, remote] {
            try home.copy(WeirHome.root + "/dags", to: "dags")
            try File.makeDirectory(home.path + "/state/landing", recursive: true)
        }
    }

    private func generate(_ frames: String = "20", _ more: [String] = ["--faults"]) throws {
        for home in [local, remote] {
            let done = try home.program(
                [
                    "python3", WeirHome.root + "/scripts/generate-logs.py", "--out", "state/landing", "--from",
                    Self.days[0],
                    "--days", "2", "--frames", frames,
                ] + more)
            try #require(done.status == 0, "\(done.err)")
        }
    }

    private func backfill(_ home: WeirHome, _ options: String...) throws {
        let done = try home.weir(["backfill", "alpr_daily", "--from", Self.days[0], "--to", Self.days[1]] + options)
        #expect(done.status == 0, "\(done.err)")
    }

    /// All rows of all datasets.
    private func rows(_ home: WeirHome) throws -> [String: String] {
        var rows: [String: String] = [:]
        for dataset in Self.datasets {
            let done = try home.weir(
                "query", "--sql", "SELECT * FROM \(dataset) ORDER BY ALL", "--format", "csv", "--limit", "all")
            try #require(done.status == 0, "\(done.err)")
            rows[dataset] = done.out
        }
        return rows
    }

    /// How many rows each dataset has, and a number that is the same for the same rows.
    private func digest(_ home: WeirHome) throws -> String {
        let selects = Self.datasets.map {
            "SELECT '\($0)' AS name, count(*) AS n, bit_xor(hash(t)) AS h FROM \($0) AS t"
        }
        let done = try home.weir("query", "--sql", selects.joined(separator: " UNION ALL "), "--json")
        try #require(done.status == 0, "\(done.err)")
        return done.out
    }

    private func counts(_ home: WeirHome, _ day: String) throws -> String? {
        let done = try home.weir("quality", "report", "alpr_daily", day, "--json")
        return try JSONDocument(parsing: done.out).root["counts"]?.jsonText
    }

    private func objects(_ prefix: String) throws -> [String] {
        try store.all("lakes/one/" + prefix).objects.map { String($0.key.dropFirst("lakes/one/".count)) }
    }

    @Test func theSameRowsComeFromABucketAsFromAFolder() throws {
        try generate()
        try backfill(local)
        try backfill(remote)
        let expected = try rows(local)
        #expect(try rows(remote) == expected)
        #expect(expected["candidate"].map { $0.split(whereSeparator: \.isNewline).count > 100 } == true)
        for day in Self.days { #expect(try counts(remote, day) == counts(local, day), "\(day)") }
        // Nothing of the buckets lies in the home; every request was signed as it must be.
        #expect(!File.exists(remote.path + "/state/lake/ultimatealpr"))
        #expect(!File.exists(remote.path + "/state/lake/lakestorage"))
        #expect(try server.requests(store).allSatisfy { $0.refused == nil })

        // Once more: the next generation, whose objects stand beside those of the one before.
        try backfill(remote, "--reprocess", "completed")
        #expect(try rows(remote) == expected)
        let plates = try objects("lakestorage/plate/dt=\(Self.days[0])/")
        #expect(plates.count { $0.hasSuffix(".parquet") } == 2, "\(plates)")
        let partitions = try remote.weir("lake", "partitions", "plate", "--json").out
        #expect(try JSONDocument(parsing: partitions).root.array?.allSatisfy { $0["generation"]?.integer == 2 } == true)

        // What people ask of it: lineage down to the files, and the API of a daemon that keeps what it knows.
        let lineage = try remote.weir("lake", "lineage", "plate", Self.days[0]).out
        #expect(lineage.contains("source files: seen"), "\(lineage)")
        try remote.startDaemon()
        for _ in 1...2 {
            let answer = try remote.program([
                "curl", "-sS", "--unix-socket", "state/weir.sock",
                "http://weir/api/v1/lake/tables/plate/rows?columns=plate_id&order=plate_id&limit=3",
            ])
            let rows = try JSONDocument(parsing: answer.out).root["rows"]?.array
            #expect(rows?.count == 3, "\(answer.out)")
        }
    }

    @Test func theDoctorAsksTheBucket() throws {
        func finding() throws -> JSONNode {
            let done = try remote.weir("doctor", "--json")
            return try #require(try JSONDocument(parsing: done.out).root.array?.first { $0["check"]?.string == "lake" })
        }
        #expect(try finding()["message"]?.string == "s3://\(store.bucket)/lakes/one answers")
        try remote.write("credentials", "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n")
        let refused = try finding()
        #expect(refused["status"]?.string == "FAIL")
        #expect(refused["message"]?.string?.contains("another access key") == true, "\(refused.jsonText)")
    }

    /// The logs wait in a bucket, as a camera's gateway may put them there; the server fails now and then.
    @Test func logsThatWaitInABucketMakeTheSameRows() throws {
        try generate("20", [])
        let landing = local.path + "/state/landing"
        var logs = 0
        for camera in try File.list(landing) {
            for name in try File.list("\(landing)/\(camera)") {
                _ = try store.upload("\(landing)/\(camera)/\(name)", to: "landing/\(camera)/\(name)", WriteOptions())
                logs += 1
            }
        }
        #expect(logs > 20)
        try backfill(local)
        try server.fail(["pass", "503", "pass", "pass", "cut", "pass", "lost", "429", "pass"], store)
        try backfill(remote, "-p", "landing=s3://\(store.bucket)/landing")
        #expect(try digest(remote) == digest(local))
        for day in Self.days { #expect(try counts(remote, day) == counts(local, day), "\(day)") }
        #expect(try store.all("landing/").objects.count == logs, "they stay")

        let refused = try remote.weir(
            "trigger", "alpr_daily", "--date", Self.days[0], "--wait", "-p", "landing=s3://X/y")
        #expect(refused.status == 1)
        #expect(try remote.weir("why", "alpr_daily", "manual").out.contains("which is no place in S3"))
        #expect(
            try remote.task(
                attempt: 9, kind: "load", day: Self.days[0],
                with: ["from": "s3:/\(store.bucket)/landing", "schema": "dags/alpr/record_schema.json"])
                == .exited(98), "it is no folder")
    }

    /// A month later the raw data goes into an archive, and comes back.
    @Test func rawDataIsArchivedWithinTheBucketAndComesBack() throws {
        try generate()
        try backfill(remote)
        let before = try objects("ultimatealpr/dt=\(Self.days[0])/").count
        let with = ["storage_class": "STANDARD_IA"]
        #expect(try remote.task(attempt: 1, kind: "archive", day: "2022-07-01", with: with) == .exited(0))
        let archive = "archive/ultimatealpr/dt=\(Self.days[0])/"
        let stored = try #require(try objects(archive).first { $0.hasSuffix(".tar.zst") })
        #expect(try store.head("lakes/one/" + stored)?.storageClass == "STANDARD_IA")
        #expect(try remote.weir("lake", "tables").out.contains("archive/ultimatealpr"))
        let again = try remote.weir("backfill", "alpr_daily", "--from", Self.days[0], "--reprocess", "completed")
        #expect(again.status == 1, "its raw data is archived")
        #expect(try remote.weir("lake", "restore", "--from", Self.days[0], "--to", Self.days[1]).status == 0)
        try backfill(local)
        try backfill(remote, "--reprocess", "completed")
        #expect(try digest(remote) == digest(local))
        #expect(try objects("ultimatealpr/dt=\(Self.days[0])/").count >= before)
    }

    /// The server fails as servers do, and the runs end right: nothing twice, nothing half published.
    @Test(arguments: [
        ["503", "pass", "lost", "500", "gone", "pass", "cut", "pass", "pass", "429"],
        ["pass", "cut", "gone", "lost", "pass", "503", "503", "503", "pass", "pass", "500", "pass"],
    ])
    func aServerInTroubleChangesNothing(faults: [String]) throws {
        try generate()
        try backfill(local)
        var many: [String] = []
        for _ in 1...8 { many += faults + Array(repeating: "pass", count: 9) }
        try server.fail(many, store)
        try backfill(remote)
        let seen = try server.requests(store)
        #expect(seen.count { $0.fault != "pass" } > 30, "\(seen.count) requests")
        try server.fail([], store)
        #expect(try digest(remote) == digest(local))
        for day in Self.days { #expect(try counts(remote, day) == counts(local, day), "\(day)") }
    }

    /// Files come in while a daemon runs, which is killed as they arrive and comes back.
    @Test func whatArrivesIsLoadedOnceAcrossKills() throws {
        try generate("12", [])
        try remote.write(
            "dags/stream.json",
            """
            {"id": "stream", "schedule": {"files": {"folder": "in", "pattern": "*/*.json", "settle": "0s", "every": "50ms",
                                                      "batch": {"files": 20, "age": "300ms"}}},
             "tasks": [{"id": "load", "kind": "load", "retries": 5, "retry_delay": "10ms",
                        "with": {"from": "in", "schema": "dags/alpr/record_schema.json", "when_empty": "ok"}}]}
            """)
        let landing = remote.path + "/state/landing"
        let cameras = try File.list(landing).sorted()
        for camera in cameras { try File.makeDirectory("\(remote.path)/in/\(camera)", recursive: true) }
        let files = try cameras.flatMap { camera in
            try File.list("\(landing)/\(camera)").sorted().map { "\(camera)/\($0)" }
        }.filter { $0.hasSuffix(".json") && File.status("\(landing)/\($0)")?.kind == .file }
        try #require(files.count > 12)
        func seen() throws -> Int64 {
            try store.all("lakes/one/ultimatealpr/").objects.filter { $0.key.hasSuffix("_manifest.json") }
                .reduce(0) { sum, object in
                    let root = try JSONDocument(parsing: try store.read(object.key)).root
                    return sum + (root["counts"]?["seen"]?.integer ?? 0)
                }
        }
        var arrived = 0
        for number in 1...3 {
            try remote.startDaemon()
            for file in files.dropFirst(arrived).prefix(files.count / 3) {
                #expect(rename("\(landing)/\(file)", "\(remote.path)/in/\(file)") == 0)
                arrived += 1
            }
            // The first time it may finish; then it dies at once, and the next one takes over what it left.
            if number > 1 {
                remote.killDaemon()
                try remote.startDaemon()
            }
            try remote.wait(for: "batch \(number)") { try seen() >= Int64(arrived) }
            remote.killDaemon()
        }
        #expect(try seen() == Int64(arrived), "each record once")
        try remote.startDaemon()
        // What the last one did not live to note is started once more, and finds nothing new.
        try remote.wait(for: "nothing to wait") {
            try remote.program(["curl", "-sS", "--unix-socket", "state/weir.sock", "http://weir/metrics"]).out
                .contains("weir_dag_arrived_files{dag_id=\"stream\"} 0\n")
        }
        #expect(try seen() == Int64(arrived), "each record still once")
        #expect(try server.requests(store).allSatisfy { $0.refused == nil })
    }

    @Test(arguments: [
        "load publish.before_rename", "load publish.after_rename", "convert publish.before_rename",
        "transform publish.after_rename:5",
    ])
    func aTaskThatDiesIsMadeGoodByTheNext(what: String) throws {
        try generate("6")
        try backfill(local)
        let words = what.split(separator: " ").map(String.init)
        let parameters: [String: [String: String]] = [
            "load": ["from": "state/landing", "schema": "dags/alpr/record_schema.json"],
            "convert": ["schema": "dags/alpr/record_schema.json"], "transform": ["sql": "dags/alpr/sql"],
        ]
        for (number, kind) in ["load", "convert", "transform"].enumerated() {
            let status = try remote.task(
                attempt: Int64(number + 1), kind: kind, day: Self.days[0], with: parameters[kind] ?? [:],
                fault: kind == words[0] ? words[1] : "")
            #expect(status == (kind == words[0] ? .signaled(SIGKILL) : .exited(0)), "\(kind)")
            if kind == words[0] { break }
        }
        try backfill(remote)
        #expect(try digest(remote) == digest(local))
        for day in Self.days { #expect(try counts(remote, day) == counts(local, day), "\(day)") }
    }
}

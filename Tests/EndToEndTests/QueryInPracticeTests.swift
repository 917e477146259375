import Glibc
import JSONText
import Spawn
import Testing

/// The lake that the licence-plate pipeline has made, looked at with the built program.
@Suite(.serialized) struct QueryInPracticeTests {
    private static let day = "2022-05-02"

    private func home() throws -> WeirHome {
        let home = try WeirHome()
        try home.copy(WeirHome.root + "/dags", to: "dags")
        let script = WeirHome.root + "/scripts/generate-logs.py"
        let made = try home.program(
            ["python3", script, "--out", "state/landing", "--from", Self.day, "--frames", "40", "--faults"])
        try #require(made.status == 0, "\(made.err)")
        let done = try home.weir("backfill", "alpr_daily", "--from", Self.day)
        try #require(done.status == 0, "\(done.err)")
        return home
    }

    @Test func theLakeTellsWhatItHolds() throws {
        let home = try home()
        let tables = try home.json("lake", "tables").array ?? []
        #expect(tables.count == 10)
        for table in tables {
            let name = try #require(table["table"]?.string)
            let columns = try home.json("lake", "describe", name)["columns"]?.array ?? []
            #expect(!columns.isEmpty, "\(name)")
            for column in columns {
                #expect(column["description"]?.string?.isEmpty == false, "\(name).\(column["name"]?.string ?? "")")
            }
            // Every table can be read, with each of its columns.
            let rows = try home.json("query", name, "--limit", "all").array ?? []
            #expect(Int64(rows.count) == table["rows"]?.integer, "\(name)")
            #expect(rows.first?.object?.members.map(\.key) == columns.map { $0["name"]?.string } + ["dt"], "\(name)")
        }
        // The same plates, whichever way they are counted.
        let counted = try home.json("query", "--sql", "SELECT count(*) AS n FROM plate JOIN car ON plate_id = car_id")
        let frames = try home.json("query", "--sql", "SELECT sum(\"plateCount\") AS n FROM frame")
        #expect(counted.array?.first?["n"]?.integer == frames.array?.first?["n"]?.integer)

        let lineage = try home.json("lake", "lineage", "plate", Self.day)
        let raw = try #require(lineage["inputs"]?.array?.first?["inputs"]?.array?.first)
        #expect(lineage["is_stale"]?.bool == false)
        #expect(raw["partition"]?.string == "ultimatealpr/dt=\(Self.day)")
        #expect(raw["source_files"]?.integer ?? 0 > 200 && raw["counts"]?["seen"]?.integer ?? 0 > 200)

        // More records for the day: its datasets are out of date until it runs again.
        let script = WeirHome.root + "/scripts/generate-logs.py"
        let more = try home.program(
            ["python3", script, "--out", "state/landing", "--from", Self.day, "--frames", "5", "--cameras", "3"])
        try #require(more.status == 0, "\(more.err)")
        #expect(try home.weir("backfill", "alpr_daily", "--from", "2022-05-09").status == 0)
        #expect(try home.json("lake", "lineage", "plate", Self.day)["is_stale"]?.bool == true)
    }

    @Test func aQueryEndsWithTheOneWhoAsked() throws {
        let home = try WeirHome()
        try File.makeDirectory(home.path + "/state/lake")
        let temporary = home.path + "/tmp"
        try File.makeDirectory(temporary)
        home.extraEnvironment["TMPDIR"] = temporary
        let slow = "SELECT count(*) AS n FROM range(1000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1"
        let query = home.start(["query", "--sql", slow], log: "query.log")
        // The first process only tells the columns.
        try home.wait(for: "DuckDB to be at work") { Self.engines(of: home).contains { Self.ticks($0) > 30 } }
        let name = try #require(try File.list(temporary).first)
        let scratch = try FileDescriptor.open(temporary + "/" + name, O_RDONLY | O_DIRECTORY)
        #expect(flock(scratch.raw, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK, "the query holds its folder")
        query.kill()
        try home.wait(for: "DuckDB to end") { Self.engines(of: home).isEmpty }
        #expect(flock(scratch.raw, LOCK_EX | LOCK_NB) == 0, "nobody holds what a killed one left")
    }

    /// Processor time of a process, in hundredths of a second; see proc_pid_stat(5).
    private static func ticks(_ pid: Int32) -> Int {
        let text = String(decoding: (try? File.read("/proc/\(pid)/stat")) ?? [], as: UTF8.self)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        return fields.count > 12 ? Int(fields[12]) ?? 0 : 0
    }

    /// Processes of DuckDB that work in a home.
    private static func engines(of home: WeirHome) -> [Int32] {
        ((try? File.list("/proc")) ?? []).compactMap { name in
            guard let pid = Int32(name), let folder = realpath("/proc/\(pid)/cwd", nil) else { return nil }
            defer { free(folder) }
            let words = (try? File.read("/proc/\(pid)/cmdline")) ?? []
            let program = String(decoding: words.prefix { $0 != 0 }, as: UTF8.self)
            return String(cString: folder) == home.path && program.hasSuffix("duckdb") ? pid : nil
        }
    }
}

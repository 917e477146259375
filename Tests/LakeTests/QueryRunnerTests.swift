import Glibc
import JSONText
import Spawn
import Testing

@testable import Lake

/// Questions and answers with the real DuckDB.
@Suite(.serialized) struct QueryRunnerTests {
    private let scratch: Scratch
    private let runner: QueryRunner

    init() throws {
        scratch = try Scratch()
        runner = QueryRunner(home: scratch.path, lake: scratch.lake())
    }

    private func rows(
        _ form: QueryRunner.Form = .values, _ change: (inout LakeQuery) throws -> Void = { _ in }
    ) throws -> [String] {
        var query = LakeQuery(table: "t")
        try change(&query)
        return Self.lines(try runner.answer(.table(query), form))
    }

    private func sql(_ text: String, _ form: QueryRunner.Form = .values) throws -> [String] {
        Self.lines(try runner.answer(.sql(FreeQuery(text)), form))
    }

    private func problem(_ text: String) -> String {
        do { return "answered: \(try sql(text))" } catch { return "\(error)" }
    }

    private static func lines(_ answer: borrowing QueryAnswer) -> [String] {
        answer.rows.map { row in
            row.map { node in
                var writer = JSONWriter()
                writer.node(node)
                return writer.text
            }.joined(separator: " ")
        }
    }

    // MARK: Tables

    @Test func conditionsColumnsOrderAndLimitsHold() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT range AS id, 'n' || range AS name FROM range(5)")
        try scratch.publish("b/t", "2022-05-02", "SELECT range + 5 AS id, NULL::VARCHAR AS name FROM range(3)")
        #expect(
            try rows {
                $0.columns = ["id", "dt"]; $0.bounds.limit = 2
            } == ["0 \"2022-05-01\"", "1 \"2022-05-01\""])
        #expect(
            try rows {
                $0.order = [.init("id", isDescending: true)]; ($0.bounds.limit, $0.bounds.offset) = (2, 1)
            }
                == ["6 null \"2022-05-02\"", "5 null \"2022-05-02\""])
        func ids(_ filters: String...) throws -> [String] {
            try rows {
                $0.columns = ["id"]
                $0.filters = try filters.map { try QueryFilter(parsing: $0) }
                $0.order = [.init("id")]
            }
        }
        #expect(try ids("id>=6") == ["6", "7"])
        #expect(try ids("id>1", "id!=3", "id<5") == ["2", "4"])
        #expect(try ids("name=n3") == ["3"])
        #expect(try ids("name like n%", "id in (0,4,7)") == ["0", "4"])
        #expect(try ids("id between 2 and 3") == ["2", "3"])
        #expect(try ids("name is null") == ["5", "6", "7"])
        #expect(try ids("dt=2022-05-02", "id<7") == ["5", "6"])
        #expect(try ids("name=n1' OR '1'='1") == [])
        #expect(
            try rows {
                $0.bounds.from = "2022-05-02"; $0.columns = ["id"]
            } == ["5", "6", "7"])
        #expect(try rows { $0.bounds.to = "2022-04-30" } == [])
        // A name in other letter case, as DuckDB has it.
        #expect(
            try rows {
                $0.columns = ["ID"]; $0.bounds.limit = 1
            } == ["0"])
    }

    @Test func anAnswerTellsWhetherThereIsMore() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT range AS id FROM range(5)")
        for form in [QueryRunner.Form.values, .texts, .csv, .parquet] {
            var query = LakeQuery(table: "t")
            query.bounds.limit = 4
            let cut = try runner.answer(.table(query), form)
            #expect(cut.count == 4 && cut.hasMore)
            query.bounds.limit = 5
            let whole = try runner.answer(.table(query), form)
            #expect(whole.count == 5 && !whole.hasMore)
            query.bounds.limit = nil
            let all = try runner.answer(.table(query), form)
            #expect(all.count == 5 && !all.hasMore)
        }
    }

    @Test func aTableWithoutRowsAndOneWithoutDaysInTheSpanHaveColumns() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x WHERE false")
        #expect(try runner.answer(.table(LakeQuery(table: "t")), .values).columns.map(\.name) == ["x", "dt"])
        #expect(try rows() == [])
        #expect(try rows { $0.bounds.limit = 0 } == [])
        var query = FreeQuery("SELECT count(*) AS n, min(dt) AS d FROM t")
        query.bounds.from = "2023-01-01"
        #expect(Self.lines(try runner.answer(.sql(query), .values)) == ["0 null"])
    }

    @Test func daysWithOtherColumnsAreReadTogether() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1::INTEGER AS a, 'old' AS gone")
        try scratch.publish("b/t", "2022-05-02", "SELECT 2::BIGINT AS a, 2.5 AS new", knowsColumns: false)
        try scratch.publish("b/t", "2022-05-03", "SELECT 2.5::DOUBLE AS new, 3::BIGINT AS a")
        #expect(
            try rows { $0.order = [.init("a")] } == [
                "null 1 \"old\" \"2022-05-01\"", "2.5 2 null \"2022-05-02\"", "2.5 3 null \"2022-05-03\"",
            ])
        #expect(try sql("SELECT min(dt) AS d, count(*) AS n, sum(a) AS s FROM t") == ["\"2022-05-01\" 3 6"])
    }

    @Test func valuesKeepTheirTypes() throws {
        try scratch.publish(
            "b/t", "2022-05-01",
            """
            SELECT 9007199254740993 AS big, 1.50::DECIMAL(9,2) AS price,
                'nan'::DOUBLE AS nan, '-inf'::DOUBLE AS inf, 0.1::DOUBLE AS tenth, true AS ok, '' AS empty, NULL AS nothing,
                [1, NULL] AS list, {'x': 'a"b'} AS s, TIMESTAMP '2022-05-02 07:15:49.999546' AS seen
            """)
        #expect(
            try rows { $0.columns = ["big", "price", "nan", "inf", "tenth", "ok", "empty", "nothing"] }
                == ["9007199254740993 1.50 null null 0.1 true \"\" null"])
        #expect(try sql("SELECT 12345678901234567890123::HUGEINT AS wide") == ["12345678901234567890123"])
        #expect(
            try rows { $0.columns = ["list", "s", "seen"] }
                == [#"[1,null] {"x":"a\"b"} "2022-05-02 07:15:49.999546""#])
        #expect(
            try rows(.texts) { $0.columns = ["nan", "ok", "nothing", "list"] } == [#""nan" "true" null "[1, NULL]""#])
    }

    @Test func csvIsAsRFC4180HasIt() throws {
        try scratch.publish(
            "b/t", "2022-05-01", "SELECT 'a,\"b\"' AS x, 'two\nlines' AS \"odd,name\", NULL AS n, '' AS e")
        var query = LakeQuery(table: "t")
        let answer = try runner.answer(.table(query), .csv)
        let text = String(decoding: try Self.content(answer), as: UTF8.self)
        #expect(text == "x,\"odd,name\",n,e,dt\r\n\"a,\"\"b\"\"\",\"two\nlines\",,\"\",2022-05-01\r\n")
        query.bounds.from = "2023-01-01"
        let none = try runner.answer(.table(query), .csv)
        #expect(String(decoding: try Self.content(none), as: UTF8.self) == "x,\"odd,name\",n,e,dt\r\n")
    }

    private static func content(_ answer: borrowing QueryAnswer) throws -> [UInt8] {
        switch answer.file {
        case nil: []
        case .some(let file): try file.readAll(limit: 1 << 20)
        }
    }

    @Test func parquetIsParquet() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        let answer = try runner.answer(.table(LakeQuery(table: "t")), .parquet)
        #expect(try Self.content(answer).starts(with: Array("PAR1".utf8)))
    }

    @Test func rawRecordsAreATable() throws {
        try scratch.publishRaw(
            "raw", "2022-05-02", records: ["{\"a\":1}", "{\"a\":2}"], sources: ["x.json", "y.json"])
        var query = LakeQuery(table: "raw")
        query.columns = ["source", "event_time", "doc", "dt"]
        query.filters = [try QueryFilter(parsing: "source=y.json")]
        let answer = try runner.answer(.table(query), .values)
        #expect(Self.lines(answer) == [#""y.json" "2022-05-02 01:02:03" {"a":2} "2022-05-02""#])
        #expect(try sql("SELECT sum((doc->>'a')::INTEGER) AS s FROM raw") == ["3"])
    }

    @Test func aDamagedFileIsToldInOneLine() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        try scratch.write("state/lake/b/t/dt=2022-05-01/data.parquet", "not parquet at all")
        let problem = #expect(throws: LakeError.self) { try rows() }
        #expect(
            problem?.description.contains("'\(scratch.lake().path)/b/t/dt=2022-05-01/data.parquet'") == true,
            "\(problem?.description ?? "")")
        #expect(problem?.description.contains("\n") == false)
    }

    // MARK: SQL

    @Test func aSelectReadsTablesByTheirNames() throws {
        try scratch.publish("lakestorage/plate", "2022-05-01", "SELECT range AS id FROM range(3)")
        try scratch.publish("lakestorage/car", "2022-05-01", "SELECT range AS id, 'c' || range AS color FROM range(2)")
        #expect(try sql("SELECT count(*) FROM plate -- a comment") == ["3"])
        #expect(
            try sql("SELECT color FROM lakestorage.plate JOIN \"car\" USING (id) ORDER BY id DESC;") == [
                "\"c1\"", "\"c0\"",
            ])
        #expect(
            try sql("WITH p AS (SELECT * FROM plate) SELECT 'it''s\n.shell echo' AS x, count(*) AS n FROM p") == [
                #""it's\n.shell echo" 3"#
            ])
        #expect(try sql("SELECT 1 AS a, 2 AS a WHERE false") == [])
        #expect(try sql("SELECT 1 AS a, 2 AS a, 3 AS \"odd \"\"name\"") == ["1 2 3"])
        #expect(try sql("DESCRIBE plate").count == 2)
        #expect(try sql("SELECT * FROM range(3000) ORDER BY hash(range)").count == 100)
        #expect(
            problem("SELECT * FROM plat").hasSuffix("no table 'plat' in \(scratch.lake().path); did you mean 'plate'?"))
        let column = problem("SELECT colour FROM car")
        #expect(column.contains("colour") && column.contains("color") && !column.contains("\n"), "\(column)")
    }

    @Test func aNameOfTwoTablesNeedsItsBucket() throws {
        try scratch.publish("a/t", "2022-05-01", "SELECT 1 AS x")
        try scratch.publish("b/t", "2022-05-01", "SELECT 2 AS x")
        #expect(try sql("SELECT x FROM a.t UNION ALL SELECT x FROM b.t ORDER BY x") == ["1", "2"])
        #expect(problem("SELECT x FROM t").contains("no table 't'"))
    }

    /// Each would read or write something that is not the lake's, or change what the next statement may.
    private static let escapes = [
        "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/proc/self/environ')", "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_json('/etc/passwd')", "SELECT * FROM read_parquet('https://127.0.0.1:1/x.parquet')",
        "SELECT * FROM parquet_metadata('/etc/passwd')", "SELECT * FROM read_duckdb('/tmp/x.db')",
        "COPY t TO '/tmp/weir-escaped.csv'", "COPY (SELECT 1) TO '/tmp/weir-escaped.csv'",
        "ATTACH '/tmp/weir-escaped.db'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list",
        "PRAGMA enable_profiling", "SET memory_limit = '100GB'", "SET enable_external_access = true", "RESET threads",
        "SELECT getenv('HOME')", "SELECT getenv('PATH')", "SELECT 1; SELECT 2",
        "SELECT 1; COPY t TO '/tmp/weir-escaped.csv'",
        "CREATE TABLE x AS SELECT 1", "CREATE VIEW t AS SELECT 1", "DROP VIEW t", "INSERT INTO t VALUES (1)",
        "DELETE FROM t",
        "UPDATE t SET x = 1", "EXPLAIN SELECT 1", "CALL enable_logging()", "EXPORT DATABASE '/tmp/weir-escaped'",
        "USE system", "BEGIN", "CHECKPOINT", "VACUUM", "", ";", "--", "SELECT 1) TO '/tmp/weir-escaped.csv' --",
        "'); SELECT 1; --",
        "SELECT * FROM query('COPY t TO ''/tmp/weir-escaped.csv''')", "\n.shell touch /tmp/weir-escaped.csv",
        "SELECT 1\n.shell touch /tmp/weir-escaped.csv\n", ".shell touch /tmp/weir-escaped.csv", "\\'); SELECT 1; --",
        "SELECT * FROM enable_logging('QueryLog', storage='file', storage_path='/tmp/weir-escaped')",
    ]

    @Test func nothingButTheTablesCanBeReached() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        for statement in Self.escapes {
            let told = problem(statement)
            #expect(!told.hasPrefix("answered"), "\(statement): \(told)")
            #expect(!told.contains("\n"), "one line: \(told)")
            for path in ["/tmp/weir-escaped.csv", "/tmp/weir-escaped.db", "/tmp/weir-escaped"] {
                #expect(!File.exists(path), "\(statement) has written \(path)")
            }
        }
    }

    @Test func whatElseLiesInTheLakeCannotBeReadEither() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        try scratch.publish("b/t", "2022-05-02", "SELECT 1 AS x")
        try scratch.write("state/lake/quarantine/dt=2022-05-01/secret.json", "{}")
        let lake = scratch.lake().path
        for path in ["quarantine/dt=2022-05-01/secret.json", "b/t/dt=2022-05-01/_manifest.json"] {
            #expect(problem("SELECT 't', * FROM read_text('\(lake)/\(path)')").contains("Permission Error"))
        }
        // Days outside the span are out of reach, too.
        var query = FreeQuery("SELECT 't', * FROM read_parquet('\(lake)/b/t/dt=2022-05-01/data.parquet')")
        query.bounds.from = "2022-05-02"
        #expect(throws: LakeError.self) { _ = try runner.answer(.sql(query), .values) }
    }

    @Test func aQueryHasNoMoreTimeAndMemoryThanItMay() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT range AS x FROM range(100)")
        let hurried = QueryRunner(home: scratch.path, lake: scratch.lake(), limits: .init(time: 200_000))
        let slow = FreeQuery(
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1")
        let late = #expect(throws: LakeError.self) { _ = try hurried.answer(.sql(slow), .values) }
        #expect(late?.description.contains("took longer than") == true, "\(late?.description ?? "")")
        let small = QueryRunner(home: scratch.path, lake: scratch.lake(), limits: .init(memory: 20_000_000))
        let large = FreeQuery("SELECT length(string_agg(hash(range)::VARCHAR, '')) AS n FROM range(10000000)")
        let full = #expect(throws: LakeError.self) { _ = try small.answer(.sql(large), .values) }
        #expect(full?.description.contains("memory") == true, "\(full?.description ?? "")")
    }

    @Test func nothingIsLeftInTheTemporaryFolder() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        let path = try QueryScratch().path
        #expect(!File.exists(path))
        _ = try rows()
        #expect(try File.list(scratch.lake().allStaging).allSatisfy { !$0.hasPrefix(PinnedFiles.prefix) })
    }

    @Test func whatAKilledQueryLeftIsRemovedAndNothingElse() throws {
        let folder = scratch.path + "/tmp"
        for name in ["weir-query-dead", "weir-query-live", "other-dead"] {
            try File.makeDirectory(folder + "/" + name + "/deep")
            try File.writeAtomically(folder + "/" + name + "/deep/spill", [1])
        }
        try File.writeAtomically(folder + "/weir-query-file", [1])
        symlink(scratch.path, folder + "/weir-query-link")
        let live = try FileDescriptor.open(folder + "/weir-query-live", O_RDONLY | O_DIRECTORY)
        try #require(flock(live.raw, LOCK_EX | LOCK_NB) == 0)
        let made = try #require(File.changeTime(folder + "/weir-query-dead"))
        let all = try File.list(folder)
        QueryScratch.sweep(folder, now: made + 59_000_000)
        #expect(try File.list(folder) == all, "its owner may be about to lock it")
        QueryScratch.sweep(folder, now: made + 120_000_000)
        #expect(try File.list(folder) == all.filter { $0 != "weir-query-dead" })
        #expect(flock(live.raw, LOCK_UN) == 0)
        QueryScratch.sweep(folder, now: made + 120_000_000)
        #expect(try File.list(folder) == ["other-dead", "weir-query-file", "weir-query-link"])
    }

    @Test func aScratchFolderIsLockedWhileItIsUsed() throws {
        let used = try QueryScratch()
        let other = try FileDescriptor.open(used.path, O_RDONLY | O_DIRECTORY)
        #expect(flock(other.raw, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    }

    @Test func aLakeThatCannotBeWrittenToIsReadAsItStands() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        // No folder can be made below a file.
        try File.removeTree(scratch.lake().allStaging)
        try scratch.write("state/lake/.staging", "")
        #expect(try rows() == ["1 \"2022-05-01\""])
        #expect(try sql("SELECT x FROM t") == ["1"])
    }

    // MARK: While partitions are replaced

    /// One publisher replaces days, with other columns each time; each answer is of whole partitions.
    @Test func readersSeeWholePartitionsWhileTheyAreReplaced() throws {
        let days = ["2022-05-01", "2022-05-02"]
        func select(_ round: Int) -> String {
            let count = 10 + round % 3
            let extra = round.isMultiple(of: 2) ? ", 'x' AS extra" : ""
            return "SELECT \(round) AS round, \(count) AS total\(extra) FROM range(\(count))"
        }
        for day in days { try scratch.publish("b/t", day, select(0)) }
        let publisher = Racer(scratch) { scratch, round in
            for day in days { try scratch.publish("b/t", day, select(round)) }
        }
        publisher.start()
        defer { publisher.stop() }
        for _ in 1...8 {
            // Every row of a day is of one generation, which says how many rows it has.
            let answer = try sql(
                "SELECT dt, count(DISTINCT round) AS rounds, count(*) = max(total) AS whole FROM t GROUP BY dt ORDER BY dt"
            )
            #expect(answer == days.map { "\"\($0)\" 1 true" })
            #expect(try rows { $0.bounds.limit = nil }.count >= 20)
            let catalogue = try Catalogue(scratch.lake())
            #expect(try catalogue.table("t").partitions.map(\.day) == days)
            _ = try Lineage(of: try catalogue.table("t").partition(days[0]), in: scratch.lake())
            _ = try LakeStatistics(catalogue)
        }
        #expect(publisher.rounds > 0)
    }
}

/// Does something over and over on a thread of its own.
private final class Racer: @unchecked Sendable {
    // Safe: `rounds` and `isStopped` are touched under the lock only; the rest never changes.
    private let scratch: Scratch
    private let body: (Scratch, Int) throws -> Void
    private var mutex = pthread_mutex_t()
    private var thread = pthread_t()
    private var isStopped = false
    private var count = 0

    init(_ scratch: Scratch, _ body: @escaping (Scratch, Int) throws -> Void) {
        self.scratch = scratch
        self.body = body
        pthread_mutex_init(&mutex, nil)
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(&mutex)
        defer { pthread_mutex_unlock(&mutex) }
        return body()
    }

    var rounds: Int { locked { count } }

    func start() {
        pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Racer>.fromOpaque(pointer).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func run() {
        var round = 1
        while !locked({ isStopped }) {
            do { try body(scratch, round) } catch { Issue.record(error) }
            round += 1
            locked { count = round }
        }
    }

    func stop() {
        locked { isStopped = true }
        pthread_join(thread, nil)
    }
}

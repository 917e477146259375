import Glibc
import JSONText
import Spawn
import Synchronization
import Testing

@testable import Lake

/// Questions to processes that are kept running, with the real DuckDB.
@Suite(.serialized) struct QueryServiceTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func service(_ limits: QueryService.Limits = .init()) -> QueryService {
        QueryService(home: scratch.path, lake: scratch.lake(), limits: limits)
    }

    private static func limits(
        workers: Int = 2, waiting: Int = 64, time: Int64 = 30_000_000, cache: Int = 1 << 20, idle: Int64 = 60_000_000
    ) -> QueryService.Limits {
        QueryService.Limits(
            workers: workers, waiting: waiting, engine: .init(memory: 256 << 20, threads: 1, time: time),
            cacheBytes: cache, idle: idle)
    }

    private static func query(_ filters: String..., change: (inout LakeQuery) -> Void = { _ in }) throws -> LakeQuery {
        var query = LakeQuery(table: "t")
        query.filters = try filters.map { try QueryFilter(parsing: $0) }
        change(&query)
        return query
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

    private static func content(_ answer: borrowing QueryAnswer) throws -> String {
        switch answer.file {
        case nil: return ""
        case .some(let file): return String(decoding: try file.readAll(limit: 1 << 20), as: UTF8.self)
        }
    }

    /// Waits until a condition holds.
    private static func until(_ condition: () -> Bool) {
        while !condition() { usleep(1000) }
    }

    @Test func theVersionOfATableTellsWhetherItHasChanged() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS id")
        try scratch.publish("b/u", "2022-05-01", "SELECT 1 AS id")
        let service = service()
        func versions() throws -> [String: Int] {
            Dictionary(try service.catalogue().tables.map { ($0.name, $0.version) }, uniquingKeysWith: { $1 })
        }
        let first = try versions()
        // The folders are read again, being new.
        #expect(try versions() == first)
        try scratch.publish("b/t", "2022-05-01", "SELECT 2 AS id")
        let second = try versions()
        #expect(second["b/t"] != first["b/t"])
        #expect(second["b/u"] == first["b/u"])
    }

    // MARK: Answers

    @Test func theAnswersAreThoseOfAProcessOfItsOwn() throws {
        try scratch.publish(
            "b/t", "2022-05-01",
            "SELECT range AS id, 'n' || range AS name, 'nan'::DOUBLE AS nan, 1.50::DECIMAL(9,2) AS p FROM range(5)")
        try scratch.publish("b/t", "2022-05-02", "SELECT range + 5 AS id, [1, NULL] AS list FROM range(3)")
        let runner = QueryRunner(home: scratch.path, lake: scratch.lake())
        let service = service()
        let questions: [QueryRunner.Question] = [
            .table(try Self.query { $0.order = [.init("id", isDescending: true)] }),
            .table(try Self.query("id between 2 and 6", "dt=2022-05-02")),
            .table(try Self.query { ($0.columns, $0.bounds.limit, $0.bounds.offset) = (["id", "dt"], 3, 2) }),
            .table(try Self.query { $0.bounds.from = "2023-01-01" }),
            .table(try Self.query { $0.bounds.limit = 0 }),
            .sql(FreeQuery("SELECT count(*) AS n, 'it''s\n.shell' AS x FROM t")),
        ]
        for question in questions {
            for form in [QueryRunner.Form.values, .texts, .csv] {
                let alone = try runner.answer(question, form)
                let (expected, text) = (Self.lines(alone), try Self.content(alone))
                // The second time from memory, where it may be kept.
                for _ in 1...2 {
                    let answer = try service.answer(question, form)
                    #expect(Self.lines(answer) == expected)
                    #expect(try Self.content(answer) == text)
                    #expect(answer.count == alone.count && answer.hasMore == alone.hasMore)
                    #expect(answer.columns == alone.columns)
                }
            }
        }
        let parquet = try Self.content(service.answer(questions[0], .parquet))
        #expect(parquet.hasPrefix("PAR1"))
        service.stop()
    }

    @Test func rawRecordsAndOldManifestsAreAnsweredToo() throws {
        try scratch.publishRaw("t", "2022-05-02", records: ["{\"a\":1}", "{\"a\":2}"], sources: ["x.json", "y.json"])
        try scratch.publish("b/old", "2022-05-02", "SELECT 7 AS x", knowsColumns: false)
        let service = service()
        let raw = try Self.query("source=y.json") {
            ($0.columns, $0.order) = (["doc"], [.init("event_time")])
        }
        #expect(Self.lines(try service.answer(.table(raw), .values)) == [#"{"a":2}"#])
        #expect(Self.lines(try service.answer(.table(LakeQuery(table: "old")), .values)) == ["7 \"2022-05-02\""])
        service.stop()
    }

    @Test func pagesOfRowsThatAreEqualInTheirOrderFitTogether() throws {
        for day in 1...3 {
            try scratch.publish(
                "b/t", "2022-05-0\(day)", "SELECT range AS id, 1 AS same FROM range(3000) ORDER BY hash(range)")
        }
        let service = service()
        var seen: [String] = []
        for page in 0..<9 {
            let query = try Self.query {
                ($0.columns, $0.order) = (["id", "dt"], [.init("same")])
                ($0.bounds.limit, $0.bounds.offset) = (1000, page * 1000)
            }
            seen += Self.lines(try service.answer(.table(query), .values))
        }
        #expect(seen.count == 9000 && Set(seen).count == 9000)
        service.stop()
    }

    // MARK: What somebody may send

    @Test func noValueIsMoreThanAValue() throws {
        try scratch.publish(
            "b/t", "2022-05-01", "SELECT 'a' AS x, 1 AS n, 'q' AS \"odd \"\"\n.shell touch /tmp/weir-x\"")
        let service = service(Self.limits(workers: 1))
        let escaped = scratch.path + "/escaped"
        let hostile = [
            "'", "''", "\"", "a'; SELECT 1; --", "\n.shell touch \(escaped)", "\n.shell touch \(escaped)\n",
            "'\n.shell touch \(escaped)\n", "';\n.shell touch \(escaped)\n", "\r\n.output \(escaped)\r\n", "\\", "\\'",
            "\\\\'; --", "');\n.read \(escaped)\n", "E'", "$$", "$$;\n.quit\n", "/*", "--", "\n.quit\n", "\n.exit 3\n",
            "\u{1}\u{7f}",
            "\u{2028}.shell", "weir-1-1", "\n.print weir-1-1\n", "[{\"x\":1}]", "\n[{\"x\":1}]\n", "%", "😀'",
            String(repeating: "'", count: 100_000), String(repeating: "\n", count: 100_000),
            String(repeating: "x", count: 1_000_000),
        ]
        for value in hostile {
            var query = LakeQuery(table: "t")
            query.filters = [.init("x", .compare(.equal, value))]
            #expect(Self.lines(try service.answer(.table(query), .values)) == [], "\(value.prefix(40))")
            query.filters = [
                .init("x", .oneOf([value, "a"])), .init("x", .compare(.notEqual, value)),
                .init("x", .between("a", value > "a" ? value : "a")),
            ]
            #expect(try service.answer(.table(query), .csv).count == 1, "\(value.prefix(40))")
            // Where only a number or a name may stand, nothing else is taken.
            query.filters = [.init("n", .compare(.equal, value))]
            #expect(throws: CatalogueProblem.self) { _ = try service.answer(.table(query), .values) }
            query.filters = [.init(value, .isNull)]
            #expect(throws: CatalogueProblem.self) { _ = try service.answer(.table(query), .values) }
            query.filters = []
            query.order = [.init(value)]
            #expect(throws: CatalogueProblem.self) { _ = try service.answer(.table(query), .values) }
            #expect(throws: CatalogueProblem.self) {
                _ = try service.answer(.table(LakeQuery(table: value)), .values)
            }
        }
        var zero = LakeQuery(table: "t")
        zero.filters = [.init("x", .compare(.equal, "a\u{0}'; SELECT 1; --"))]
        #expect(throws: CatalogueProblem.self) { _ = try service.answer(.table(zero), .values) }
        #expect(!File.exists(escaped) && !File.exists("/tmp/weir-x"))
        // All of it went through one process, which still answers.
        #expect(try service.answer(.table(LakeQuery(table: "t")), .values).rows.count == 1)
        service.stop()
    }

    @Test func dataThatLookLikeTheEndOfAnAnswerAreData() throws {
        try scratch.publish(
            "b/t", "2022-05-01",
            """
            SELECT x FROM (VALUES ('weir-1-1'), (E'\\nweir-1-1\\n'), (E'\\n]\\n'), (E'"}]\\n.print weir'), (E'\\n.quit\\n')) v(x)
            """)
        let service = service()
        let answer = try service.answer(.table(try Self.query { $0.columns = ["x"] }), .values)
        #expect(
            answer.rows.compactMap { $0[0].string } == [
                "weir-1-1", "\nweir-1-1\n", "\n]\n", "\"}]\n.print weir", "\n.quit\n",
            ])
        service.stop()
    }

    @Test func aSelectReachesNothingOfWhatTheProcessesHold() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        try scratch.publish("b/u", "2022-05-01", "SELECT 2 AS x")
        let service = service()
        _ = try service.answer(.table(LakeQuery(table: "u")), .values)
        let staging = scratch.lake().allStaging
        let folder = try #require(try File.list(staging).first { $0.hasPrefix(PinnedFiles.prefix) })
        let hold = try #require(try File.list(staging + "/" + folder).first)
        let file = "\(staging)/\(folder)/\(hold)/b/u/dt=2022-05-01/data.parquet"
        #expect(File.exists(file))
        for sql in ["SELECT 't', * FROM read_parquet('\(file)')", "SELECT getenv('HOME')", "SELECT 1; SELECT 2"] {
            #expect(throws: LakeError.self) { _ = try service.answer(.sql(FreeQuery(sql)), .values) }
        }
        service.stop()
    }

    // MARK: Limits

    @Test func aQuestionThatTakesTooLongIsEndedAndTheNextOneIsAnswered() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        let service = service(Self.limits(workers: 1, time: 2_000_000))
        #expect(try service.answer(.table(LakeQuery(table: "t")), .values).count == 1)
        // It takes as long as nobody lets it go on.
        let stopped = Self.children()
        for pid in stopped { kill(pid, SIGSTOP) }
        let late = #expect(throws: LakeError.self) { _ = try service.answer(.table(try Self.query("x=1")), .values) }
        #expect(late?.description == "DuckDB took longer than 2s and was ended")
        #expect(try service.answer(.table(try Self.query("x=1")), .values).count == 1)
        #expect(Set(Self.children()).isDisjoint(with: stopped))
        service.stop()
    }

    @Test func aProcessThatIsKilledWhileItAnswersIsReplaced() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        let service = service(Self.limits(workers: 1))
        #expect(try service.answer(.table(LakeQuery(table: "t")), .values).count == 1)
        for pid in Self.children() { kill(pid, SIGSTOP) }
        let count = Mutex(0)
        let asker = Threads(1) { _ in
            do {
                let answer = try service.answer(.table(try Self.query("x=1")), .values)
                count.withLock { $0 = answer.count }
            } catch { Issue.record(error) }
        }
        Self.until { !service.answering.isEmpty }
        for pid in service.answering { kill(pid, SIGKILL) }
        asker.join()
        #expect(count.withLock { $0 } == 1)
        service.stop()
    }

    @Test func anEngineThatDoesNotStartIsToldInOneLine() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        let service = QueryService(home: scratch.path, lake: scratch.lake(), duckdb: "/bin/false")
        let problem = #expect(throws: LakeError.self) { _ = try service.answer(.table(LakeQuery(table: "t")), .values) }
        #expect(problem?.description == "DuckDB ended while it answered (exit status 1); ask again")
        service.stop()
    }

    @Test func aProcessThatDiedWhileItWaitedIsNotNoticed() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        let service = service(Self.limits(workers: 1))
        _ = try service.answer(.table(LakeQuery(table: "t")), .values)
        let mine = Self.children()
        #expect(mine.count == 1)
        for pid in mine { kill(pid, SIGKILL) }
        #expect(try service.answer(.table(try Self.query("x=1")), .values).count == 1)
        service.stop()
        #expect(Self.children() == [])
    }

    /// The processes of this one that are kept running to answer; those of one question each end at an error (-bail).
    private static func children() -> [Int32] {
        ((try? File.list("/proc")) ?? []).compactMap { Int32($0) }.filter { pid in
            guard let line = try? File.read("/proc/\(pid)/cmdline"), let stat = try? File.read("/proc/\(pid)/stat")
            else { return false }
            // After the name in parentheses: the state, then the parent.
            let fields = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
            let words = String(decoding: line, as: UTF8.self).split(separator: "\0")
            return fields.count > 1 && fields[0] != "Z" && fields[1] == "\(getpid())" && words.contains(":memory:")
                && !words.contains("-bail")
        }
    }

    @Test func manyAtOnceAreAnsweredOrRefused() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT range AS id FROM range(1000)")
        let service = service(Self.limits(workers: 2, waiting: 4, cache: 0))
        let counts = Mutex((answered: 0, busy: 0, other: [String]()))
        Threads(50) { number in
            for round in 0..<4 {
                do {
                    var query = LakeQuery(table: "t")
                    query.filters = [.init("id", .compare(.equal, "\(number * 10 + round)"))]
                    let answer = try service.answer(.table(query), .values)
                    let isRight = answer.rows.first?.first?.integer == Int64(number * 10 + round)
                    counts.withLock { if isRight { $0.answered += 1 } else { $0.other.append("wrong") } }
                } catch is QueryService.Busy {
                    counts.withLock { $0.busy += 1 }
                } catch {
                    counts.withLock { $0.other.append("\(error)") }
                }
            }
        }.join()
        let (answered, busy, other) = counts.withLock { $0 }
        #expect(other == [])
        #expect(answered >= 6 && answered + busy == 200)
        #expect(try service.answer(.table(try Self.query("id=1")), .values).count == 1)
        service.stop()
        #expect(throws: QueryService.Busy.self) {
            _ = try service.answer(.table(LakeQuery(table: "t")), .values)
        }
    }

    @Test func theSameQuestionOfManyIsAskedOnce() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT range AS id FROM range(1000)")
        // No room for more than two: the others wait for the answer of one.
        let service = service(Self.limits(workers: 1, waiting: 1))
        let query = try Self.query("id=5")
        let problems = Mutex([String]())
        Threads(50) { _ in
            do { _ = try service.answer(.table(query), .values) } catch {
                problems.withLock { $0.append("\(error)") }
            }
        }.join()
        #expect(problems.withLock { $0 } == [])
        service.stop()
    }

    @Test func everythingEndsWhenNobodyAsks() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        let service = service(Self.limits(idle: 50_000))
        for _ in 1...2 {
            #expect(try service.answer(.table(LakeQuery(table: "t")), .values).count == 1)
            Self.until { Self.children().isEmpty }
            let staging = scratch.lake().allStaging
            Self.until { (try? File.list(staging))?.contains { $0.hasPrefix(PinnedFiles.prefix) } == false }
        }
        service.stop()
    }

    // MARK: Publishing

    @Test func aPublishOfAnotherProcessIsSeenAtOnce() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 0 AS x")
        let service = service()
        let query = LakeQuery(table: "t")
        for round in 1...8 {
            for _ in 1...3 {
                #expect(
                    Self.lines(try service.answer(.table(query), .values)).first?.hasPrefix("\(round - 1) ") == true)
            }
            // As another process would: nothing of this one is told.
            let staged = scratch.path + "/staged"
            try File.removeTree(staged)
            let other = try Scratch()
            try other.publish("b/t", "2022-05-01", "SELECT \(round) AS x")
            let done = try ChildProcess.run(
                [
                    "/bin/sh", "-c",
                    "cp -r \"$1\" \"$2\" && mv \"$3\" \"$3.former\" && mv \"$2\" \"$3\" && rm -r \"$3.former\"", "sh",
                    other.lake().partition("b/t", "2022-05-01").path, staged,
                    scratch.lake().partition("b/t", "2022-05-01").path,
                ], environment: ["PATH": "/usr/bin:/bin"])
            #expect(done.status.isSuccess, "\(done.errorText)")
        }
        // New days, new tables, and what is gone.
        try scratch.publish("b/t", "2022-05-02", "SELECT 100 AS x")
        #expect(try service.answer(.table(query), .values).count == 2)
        try scratch.publish("c/new", "2022-05-02", "SELECT 1 AS x")
        #expect(try service.answer(.table(LakeQuery(table: "new")), .values).count == 1)
        try Publisher(scratch.lake()).remove(scratch.lake().partition("b/t", "2022-05-02"))
        #expect(try service.answer(.table(query), .values).count == 1)
        service.stop()
    }

    /// An answer of another day stays valid.
    @Test func onlyWhatReadAPartitionIsAskedAgain() throws {
        for day in ["2022-05-01", "2022-05-02"] { try scratch.publish("b/t", day, "SELECT 1 AS x") }
        let service = service()
        let query = try Self.query { ($0.bounds.from, $0.bounds.to) = ("2022-05-01", "2022-05-01") }
        _ = try service.answer(.table(query), .values)
        try scratch.publish("b/t", "2022-05-02", "SELECT 2 AS x")
        // Nothing could be asked: the answer comes from memory.
        for pid in Self.children() { kill(pid, SIGSTOP) }
        #expect(try service.answer(.table(query), .values).count == 1)
        for pid in Self.children() { kill(pid, SIGKILL) }
        service.stop()
    }

    @Test func readersSeeWholeAndPresentPartitionsWhileTheyAreReplaced() throws {
        let days = ["2022-05-01", "2022-05-02"]
        func select(_ round: Int) -> String {
            let extra = round.isMultiple(of: 2) ? ", 'x' AS extra" : ""
            return "SELECT \(round) AS round, \(10 + round % 3) AS total\(extra) FROM range(\(10 + round % 3))"
        }
        for day in days { try scratch.publish("b/t", day, select(0)) }
        let service = service()
        // The round that is published for certain, for both days.
        let published = Mutex(0)
        let isDone = Mutex(false)
        let scratch = self.scratch
        let readers = Threads(4) { number in
            while !isDone.withLock({ $0 }) {
                let atLeast = published.withLock { $0 }
                do {
                    var query = LakeQuery(table: "t")
                    query.columns = ["dt", "round", "total"]
                    if number.isMultiple(of: 2) { query.bounds.from = days[1] }
                    let answer = try service.answer(.table(query), .values)
                    let byDay = Dictionary(grouping: answer.rows) { $0[0].string ?? "" }
                    #expect(byDay.count == (number.isMultiple(of: 2) ? 1 : 2))
                    for rows in byDay.values {
                        #expect(Set(rows.compactMap { $0[1].integer }).count == 1)
                        #expect(rows[0][2].integer == Int64(rows.count))
                        #expect(rows[0][1].integer ?? -1 >= Int64(atLeast), "older than when it was asked")
                    }
                } catch { Issue.record(error) }
            }
        }
        for round in 1...12 {
            for day in days { try scratch.publish("b/t", day, select(round)) }
            published.withLock { $0 = round }
        }
        isDone.withLock { $0 = true }
        readers.join()
        service.stop()
    }

    @Test func whatWasRemovedUnderItIsTakenAgain() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        let service = service()
        _ = try service.answer(.table(LakeQuery(table: "t")), .values)
        for name in try File.list(scratch.lake().allStaging) where name.hasPrefix(PinnedFiles.prefix) {
            try File.removeTree(scratch.lake().allStaging + "/" + name)
        }
        #expect(try service.answer(.table(try Self.query("x=1")), .values).count == 1)
        service.stop()
    }

    @Test func aLakeThatCannotBeWrittenToIsAskedByProcessesOfTheirOwn() throws {
        try scratch.publish("b/t", "2022-05-01", "SELECT 1 AS x")
        try File.removeTree(scratch.lake().allStaging)
        try scratch.write("state/lake/.staging", "")
        let service = service()
        #expect(Self.lines(try service.answer(.table(LakeQuery(table: "t")), .values)) == ["1 \"2022-05-01\""])
        service.stop()
    }

    @Test func moreAnswersThanTheMemoryMayHoldPushEachOtherOut() throws {
        let cache = AnswerCache(bytes: 64 << 10)
        func key(_ number: Int) -> AnswerCache.Key {
            AnswerCache.Key(question: .table(LakeQuery(table: "t")), form: .values, schema: 0, holds: [number])
        }
        func keep(_ number: Int, letters: Int = 100) {
            var answer = QueryAnswer(columns: [])
            answer.rows = [[JSONNode(.string(String(repeating: "x", count: letters)))]]
            cache.keep(answer, key(number))
        }
        for number in 0..<1000 {
            keep(number)
            #expect(cache.bytes <= 64 << 10)
            // Used again and again.
            #expect(try cache.answer(key(0))?.rows.count == 1)
        }
        #expect(try cache.answer(key(999))?.rows.count == 1)
        #expect(try cache.answer(key(500)) == nil)
        keep(1000, letters: 5000)
        #expect(try cache.answer(key(1000)) == nil)
    }
}

/// Threads that do the same at once.
private final class Threads: Sendable {
    private let threads: [WorkerThread]

    init(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        threads = (0..<count).map { number in WorkerThread { body(number) } }
    }

    func join() { for thread in threads { thread.join() } }
}

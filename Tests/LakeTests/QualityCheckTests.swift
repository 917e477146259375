import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// The checks of one column, of time, of shape and in SQL, against real Parquet.
@Suite struct QualityCheckTests {
    private let world: QualityWorld

    init() throws {
        world = try QualityWorld([
            "t": """
            SELECT id::BIGINT AS id, name, v, "at"::TIMESTAMP AS "at" FROM (VALUES
                (1, 'AB12', 1.0::DOUBLE, '2022-05-02 01:00:00'), (2, 'ÄÖ*', 2.0, '2022-05-02 07:15:49.999546'),
                (3, NULL, 3.0, NULL), (4, '', 10.0, '2022-05-02 03:00:00')) t (id, name, v, "at")
            """,
            "other": "SELECT 1 AS id UNION ALL SELECT 2",
            "none": "SELECT NULL::DOUBLE AS v, NULL::TIMESTAMP AS \"at\" WHERE false",
            "nulls": "SELECT NULL::DOUBLE AS v, NULL::TIMESTAMP AS \"at\"",
            "odd": "SELECT 'inf'::DOUBLE AS v UNION ALL SELECT 1",
        ])
    }

    @Test(arguments: [
        // A missing value has no pattern; not_null is for that.
        (#""type": "pattern", "columns": ["name"], "pattern": "^[A-Z0-9ÄÖ*]*$""#, "pass", "4 rows"),
        (#""type": "pattern", "columns": ["name"], "pattern": "^[A-Z0-9]+$""#, "fail", "2 of 4 rows fail"),
        (
            #""type": "pattern", "columns": ["name"], "pattern": "^[A-Z0-9]+$", "mostly": 0.5"#, "pass",
            "2 of 4 rows fail, which mostly 0.5 allows"
        ),
        (#""type": "pattern", "columns": ["name"], "pattern": "[", "severity": "warn""#, "not_evaluated", "missing ]"),
        (#""type": "pattern", "columns": ["id"], "pattern": "1""#, "not_evaluated", "regexp_matches"),
        (
            #""type": "freshness", "column": "at", "within": "17h""#, "pass",
            "the newest is 2022-05-02 07:15:49, 16h44m10s before the interval's end; 17h is allowed"
        ),
        (#""type": "freshness", "column": "at", "within": "16h44m""#, "fail", "16h44m10s before the interval's end"),
        (#""type": "freshness", "column": "at", "within": "17h", "of": "day""#, "pass", "before the day's end"),
        (
            #""type": "freshness", "column": "at", "within": "17h", "where": "\"at\" IS NULL""#, "not_evaluated",
            "no times"
        ),
        (#""type": "freshness", "column": "name", "within": "17h""#, "not_evaluated", "AB12"),
        (#""type": "aggregate", "metric": "min", "column": "v", "min": 1, "max": 1"#, "pass", "min is 1"),
        (#""type": "aggregate", "metric": "max", "column": "v", "max": 9.5"#, "fail", "max is 10"),
        (#""type": "aggregate", "metric": "avg", "column": "v", "min": 4, "max": 4"#, "pass", "avg is 4"),
        (#""type": "aggregate", "metric": "sum", "column": "v", "min": 16.5"#, "fail", "sum is 16"),
        (#""type": "aggregate", "metric": "median", "column": "v", "min": 2.5, "max": 2.5"#, "pass", "median is 2.5"),
        (
            #""type": "aggregate", "metric": "quantile", "quantile": 1, "column": "v", "max": 10"#, "pass",
            "quantile 1.0 is 10"
        ),
        (#""type": "aggregate", "metric": "stddev", "column": "v", "max": 4"#, "fail", "stddev is 4.08"),
        (
            #""type": "aggregate", "metric": "count_distinct", "column": "name", "min": 3"#, "pass",
            "count_distinct is 3"
        ),
        (
            #""type": "aggregate", "metric": "avg", "column": "v", "min": 0, "where": "v > 99""#, "not_evaluated",
            "there are no values"
        ),
        (
            #""type": "aggregate", "metric": "count_distinct", "column": "v", "min": 0, "where": "v > 99""#,
            "not_evaluated", "there are no values"
        ),
        (#""type": "aggregate", "metric": "avg", "column": "name", "min": 0"#, "not_evaluated", "avg"),
        (
            #""type": "schema", "columns": {"id": "BIGINT", "name": "varchar", "v": "DOUBLE", "at": "TIMESTAMP"}"#,
            "pass", "4 columns"
        ),
        (
            #""type": "schema", "columns": {"id": "INTEGER", "nam": "VARCHAR"}"#, "fail",
            "id is BIGINT, not INTEGER; nam is missing"
        ),
        (#""type": "schema", "columns": {"id": "BIGINT"}"#, "pass", "1 columns"),
        (
            #""type": "schema", "columns": {"id": "BIGINT"}, "extra": "warn""#, "warn",
            "at is not declared; name is not declared; v is not declared"
        ),
        (#""type": "schema", "columns": {"id": "BIGINT"}, "extra": "fail""#, "fail", "name is not declared"),
        (#""type": "custom", "name": "c", "sql": "SELECT * FROM t WHERE v > 10; ""#, "pass", "4 rows"),
        (#""type": "custom", "name": "c", "sql": "SELECT * FROM t WHERE v > 2 -- no more""#, "fail", "2 of 4 rows"),
        (
            #""type": "custom", "name": "c", "sql": "SELECT * FROM t WHERE v > 2", "mostly": 0.5"#, "pass",
            "which mostly"
        ),
        (
            #""type": "custom", "name": "c", "datasets": ["other"], "sql": "FROM t ANTI JOIN other USING (id)""#,
            "fail",
            "2 of 4 rows"
        ),
        (
            #""type": "custom", "name": "c", "sql": "FROM t WHERE \"at\"::DATE <> getvariable('ds')::DATE""#, "pass",
            "4 rows"
        ),
        (#""type": "custom", "name": "c", "sql": "FROM other""#, "not_evaluated", "other"),
        (#""type": "custom", "name": "c", "datasets": ["gone"], "sql": "FROM gone""#, "not_evaluated", "gone has no"),
        (#""type": "accepted_values", "columns": ["v"], "values": [1, 2.0, 3, 10]"#, "pass", "4 rows"),
    ])
    func aCheckJudges(check: String, status: String, detail: String) throws {
        let answer = try #require(try world.ask("{\"dataset\": \"t\", \(check)}").answers.first)
        #expect(answer.status.rawValue == status, "\(answer.detail)")
        #expect(answer.detail.contains(detail), "\(answer.detail)")
        #expect((answer.failing == nil) == (status == "not_evaluated"), "nothing is counted of what was not asked")
    }

    @Test(arguments: ["none", "nulls"])
    func whatHasNoValuesIsNotEvaluated(dataset: String) throws {
        let answers = try world.ask(
            """
            {"type": "freshness", "dataset": "\(dataset)", "column": "at", "within": "1d"},
            {"type": "aggregate", "dataset": "\(dataset)", "metric": "max", "column": "v", "max": 1}
            """
        ).answers
        #expect(answers.prefix(2).map(\.status) == [.notEvaluated, .notEvaluated])
    }

    @Test func aValueThatIsNoNumberDoesNotPass() throws {
        let answers = try world.ask(
            """
            {"type": "aggregate", "dataset": "odd", "metric": "max", "column": "v", "min": 0},
            {"type": "aggregate", "dataset": "odd", "metric": "stddev", "column": "v", "min": 0},
            {"type": "row_count", "dataset": "odd", "min": 2}
            """
        ).answers
        #expect(answers.prefix(3).map(\.status) == [.fail, .notEvaluated, .pass])
        #expect(answers[0].metric == nil, "JSON has no infinity")
    }

    @Test func aTimeFarBehindTheEndIsNotFresh() throws {
        let (_, report) = try world.report(
            #"{"checks": [{"type": "freshness", "dataset": "t", "column": "at", "within": "1h"}]}"#, end: "2022-05-02")
        let check = try #require(report.checks.first)
        #expect(check.status == .fail)
        #expect(check.detail.contains("7h15m50s after the interval's end"), "\(check.detail)")
        #expect(check.metric == -26149.999546)
    }

    // MARK: Samples

    @Test func failingRowsAreKeptWithTheirKeyAndTheCheckedColumns() throws {
        let (_, report) = try world.report(
            """
            {"keys": {"t": ["id", "at"], "*": ["id"]}, "checks": [
                {"type": "range", "dataset": "t", "columns": ["v"], "max": 2},
                {"type": "range", "dataset": "t", "columns": ["id", "v"], "max": 1, "samples": 2, "name": "two"},
                {"type": "range", "dataset": "t", "columns": ["v"], "max": 1, "samples": 0, "name": "no samples"},
                {"type": "join", "dataset": "t", "to": "other", "columns": ["id"]},
                {"type": "unique", "dataset": "other", "columns": ["id"], "where": "id = id"},
                {"type": "not_null", "dataset": "t", "columns": ["name"], "severity": "warn"},
                {"type": "custom", "dataset": "t", "name": "c", "sql": "SELECT id, [v, v] AS list FROM t WHERE id = 4"}]}
            """)
        let samples = report.checks.map { $0.samples.map { $0.jsonText } }
        #expect(
            samples[0] == [
                #"{"id":"3","at":null,"v":"3.0"}"#, #"{"id":"4","at":"2022-05-02 03:00:00","v":"10.0"}"#,
            ])
        #expect(samples[1].count == 2 && samples[1].allSatisfy { $0.hasPrefix(#"{"id":"#) })
        #expect(samples[2].isEmpty)
        #expect(Set(samples[3]) == [#"{"problem":"not in other","id":"3"}"#, #"{"problem":"not in other","id":"4"}"#])
        #expect(samples[4].isEmpty, "it holds")
        #expect(samples[5] == [#"{"id":"3","at":null,"name":null}"#])
        #expect(samples[6] == [#"{"id":"4","list":"[10.0, 10.0]"}"#])
    }

    @Test func aSampleThatCannotBeTakenTakesNothingFromTheAnswers() throws {
        let (_, report) = try world.report(
            """
            {"keys": {"t": ["no_such_column"]}, "checks": [
                {"type": "range", "dataset": "t", "columns": ["v"], "max": 2},
                {"type": "unique", "dataset": "t", "columns": ["at"], "where": "id = 1"},
                {"type": "custom", "dataset": "t", "name": "c", "sql": "SELECT repeat('x', 500) AS long"}]}
            """)
        #expect(report.checks.prefix(3).map(\.status) == [.fail, .pass, .fail])
        #expect(report.checks[0].samples.isEmpty && report.checks[0].failing == 2)
        #expect(report.checks[2].samples.first?["long"]?.string?.count == 201, "long values are cut")
    }

    @Test func rowsThatPairTwiceOrDifferAreTold() throws {
        try world.put("l", "SELECT 1 AS id, 'a' AS x UNION ALL SELECT 1, 'a' UNION ALL SELECT 2, 'b'")
        try world.put("r", "SELECT 1 AS id, 'a' AS x UNION ALL SELECT 2, 'c'")
        let answer = try #require(
            try world.ask(
                #"{"type": "join", "dataset": "l", "to": "r", "columns": ["id"], "equal": ["x"]}"#
            ).answers.first)
        #expect(answer.failing == 2)
        #expect(
            Set(answer.samples.map { $0.jsonText }) == [
                #"{"problem":"2 pairs","id":"1","x":null,"r.x":null}"#,
                #"{"problem":"differs","id":"2","x":"b","r.x":"c"}"#,
            ])
    }

    @Test func hostileValuesArriveAsTheyAre() throws {
        let hostile = "<script>'\"\u{1}\u{1B}[2J\n]},\\ü🚗"
        try world.put("h", "SELECT 1 AS id, \(SQL.text(hostile)) AS v")
        let answer = try #require(
            try world.ask(
                #"{"type": "pattern", "dataset": "h", "columns": ["v"], "pattern": "^[a-z]$"}"#
            ).answers.first)
        #expect(answer.samples.first?["v"]?.string == hostile)
    }

    // MARK: Volume

    private func volume(_ keys: String, history: [(String, Int64)]) throws -> QualityReport.Check {
        for (day, rows) in history { try world.publish("lakestorage/t", day: day, rows: rows) }
        return try #require(
            try world.ask("{\"type\": \"volume\", \"dataset\": \"t\", \(keys)}").answers.first)
    }

    @Test(arguments: [
        (#""min_ratio": 0.5"#, "pass", "4 rows, 1.00 of 4, the median of 3 days"),
        (#""min_ratio": 1.01"#, "fail", "4 rows, 1.00 of 4"),
        (#""max_ratio": 0.9"#, "fail", "4 rows"),
        (#""min_ratio": 0.5, "count": 1"#, "fail", "4 rows, 0.04 of 100, the median of 1 days"),
        (#""min_ratio": 0.5, "against": "same_weekday""#, "pass", "4 rows, 2.00 of 2, the median of 1 days"),
        (
            #""min_ratio": 0.5, "against": "same_weekday", "min_history": 2"#, "not_evaluated",
            "1 earlier days of its weekday with t, 2 needed"
        ),
    ])
    func rowsAreHeldAgainstEarlierDays(keys: String, status: String, detail: String) throws {
        // 2022-05-02 is a Monday, as is 2022-04-25. What comes after the day says nothing of it.
        let answer = try volume(
            keys, history: [("2022-04-25", 2), ("2022-04-30", 4), ("2022-05-01", 100), ("2022-05-09", 9)])
        #expect(answer.status.rawValue == status, "\(answer.detail)")
        #expect(answer.detail.contains(detail), "\(answer.detail)")
    }

    @Test func aLakeWithoutAHistoryIsNotJudged() throws {
        let none = try volume(#""min_ratio": 0.5"#, history: [])
        #expect(none.status == .notEvaluated && none.severity == .warn && none.isWarning)
        let info = try volume(#""min_ratio": 0.5, "min_history": {"days": 2, "severity": "info"}"#, history: [])
        #expect(info.status == .notEvaluated && info.severity == .info && !info.isWarning && !info.isFailure)
        let error = try volume(#""min_ratio": 0.5, "min_history": {"severity": "error"}"#, history: [])
        #expect(error.isFailure)
        let empty = try volume(#""min_ratio": 0.5"#, history: [("2022-05-01", 0)])
        #expect(empty.status == .notEvaluated && empty.detail.contains("had no rows"))
    }
}

import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// The page of a day, read by another program.
@Suite struct ReportPageTests {
    private static let hostile = "</title><script>alert('x')</script>\" onload=\"y\u{1B}[2J\u{0}\u{202E}&amp;"

    private func check(
        _ name: String, _ status: QualityReport.Status, detail: String = "d", samples: [JSONNode] = []
    ) -> QualityReport.Check {
        .init(
            name: name, type: "t", dataset: "d", severity: .error, status: status, failing: 1, total: 2, detail: detail,
            samples: samples)
    }

    private func report(_ ds: String, rows: Int64, _ checks: [QualityReport.Check]) -> QualityReport {
        QualityReport(
            dagID: "alpr", runID: "r", ds: ds, at: 1, rows: [("plate", rows)],
            numbers: [.init(title: "empty", format: .percent, value: Double(rows) / 100)], checks: checks)
    }

    @Test func aPageShowsTheDayAndWhatChanged() throws {
        let page = ReportPage(
            report: report("2022-05-02", rows: 40, [check("a", .pass), check("b", .fail), check("c", .notEvaluated)]),
            title: "Plates",
            charts: [
                .init(title: "by hour", shape: .columns, values: [("00", 1), ("01", 0), ("02", 12.5)]),
                .init(title: "by country", shape: .bars, values: [("Norge", 3), ("unknown", 1)]),
                .init(title: "broken", shape: .bars, values: [], problem: "no such column"),
                .init(title: "none", shape: .bars, values: []),
            ], history: [report("2022-05-01", rows: 28, [check("a", .warn), check("b", .pass)])])
        let read = try HTMLReading(page.html)
        #expect(read.problems == [])
        for piece in [
            "Plates, 2022-05-02", "3 checks: 1 fail, 1 not_evaluated, 1 pass", "40.0 %", "was 28.0 %", "+12",
            "since 2022-05-01", "by hour", "02: 12.5", "Norge: 3", "It could not be computed: no such column",
            "There is nothing to show.", "b new", "mended", "2022-05-01: warn", "2022-05-01: not asked",
        ] {
            #expect(read.text.contains(piece), "\(piece)")
        }
        #expect(read.tags.isSuperset(of: ["svg", "rect", "style", "table"]) && !read.tags.contains("img"))
        #expect(page.html.contains("prefers-color-scheme:dark"))
    }

    @Test func theFirstDayHasNothingToCompareWith() throws {
        let page = ReportPage(report: report("2022-05-02", rows: 0, []))
        let read = try HTMLReading(page.html)
        #expect(read.problems == [])
        #expect(read.text.contains("alpr, 2022-05-02") && !read.text.contains("since"))
    }

    @Test func hostileValuesStayText() throws {
        let hostile = Self.hostile
        let sample = JSONNode(.object(JSONObject([JSONMember(key: hostile, node: JSONNode(.string(hostile)))])))
        var report = report("2022-05-02", rows: 1, [check(hostile, .fail, detail: hostile, samples: [sample])])
        report.dagID = hostile
        report.runID = hostile
        report.rows = [(hostile, 1)]
        report.drift = [(hostile, 2)]
        report.numbers = [.init(title: hostile, format: .number, value: 1)]
        report.counts = try JSONDocument(parsing: #"{"seen": 1, "reasons": {"<script>": 1}}"#).root
        let values = [(label: hostile, value: 1.0)]
        let page = ReportPage(
            report: report, title: hostile,
            charts: [
                .init(title: hostile, shape: .bars, values: values),
                .init(title: hostile, shape: .columns, values: values),
                .init(title: hostile, shape: .bars, values: [], problem: hostile),
            ], history: [report])
        let read = try HTMLReading(page.html)
        #expect(read.problems == [])
        #expect(read.text.contains("</title><script>alert('x')</script>\" onload=\"y\u{FFFD}[2J\u{FFFD}\u{FFFD}&amp;"))
        #expect(!page.html.contains("\u{202E}"), "nothing turns the line around")
    }

    // MARK: Through the task

    private func world() throws -> QualityWorld {
        try QualityWorld([
            "t": "SELECT id, CASE WHEN id < 4 THEN 'a' WHEN id < 6 THEN '<b>' END AS name FROM range(1, 8) r (id)"
        ])
    }

    private static let page = """
        {"title": "T", "datasets": ["t"],
         "numbers": [{"title": "rows", "sql": "SELECT count(*) FROM t;"},
            {"title": "share", "format": "percent", "sql": "SELECT avg((id = 1)::INT) FROM t -- a comment"}],
         "charts": [{"title": "names", "limit": 1, "sql": "SELECT name, count(*) FROM t GROUP BY ALL ORDER BY 2 DESC, 1"},
            {"title": "all names", "shape": "columns", "sql": "SELECT name, count(*) FROM t GROUP BY ALL ORDER BY 1 DESC NULLS LAST"}]}
        """

    @Test func theTaskWritesThePageAndKeepsItsNumbers() throws {
        let world = try world()
        try world.scratch.write("report.json", Self.page)
        let (_, report) = try world.report(
            #"{"checks": [{"type": "row_count", "dataset": "t", "min": 99}]}"#,
            with: ", \"report\": \"\(world.scratch.path)/report.json\"",
            tasks: #"[{"task_id": "convert", "state": "success", "outputs": {"drift": {"gps": 3}}}]"#)
        #expect(report.numbers.map(\.text) == ["7", "14.3 %"])
        #expect(report.drift.map(\.field) == ["gps"])
        let path = world.scratch.path + "/state/lake/reports/d/dt=2022-05-02/index.html"
        let read = try HTMLReading(String(decoding: try File.read(path), as: UTF8.self))
        #expect(read.problems == [])
        for piece in ["a: 3", "2 others: 4", "<b>: 2", "unknown: 2", "t has at least 99 rows", "gps"] {
            #expect(read.text.contains(piece), "\(piece)")
        }
        #expect(File.status(path)?.kind == .file)
    }

    @Test func aQueryThatFailsTakesNothingFromTheOthers() throws {
        let world = try world()
        try world.scratch.write(
            "report.json",
            """
            {"datasets": ["t", "gone"], "numbers": [{"title": "wrong", "sql": "SELECT x FROM t"},
                {"title": "right", "sql": "SELECT 3"}, {"title": "text", "sql": "SELECT 'a'"}],
             "charts": [{"title": "lost", "sql": "FROM gone"}, {"title": "narrow", "sql": "SELECT 1"},
                {"title": "found", "sql": "SELECT 'x', 5"}]}
            """)
        let (_, report) = try world.report(
            #"{"checks": [{"type": "row_count", "dataset": "t"}]}"#,
            with: ", \"report\": \"\(world.scratch.path)/report.json\"")
        #expect(report.numbers.map(\.text) == ["unknown", "3", "unknown"])
        #expect(report.checks.first?.status == .pass)
        let path = world.scratch.path + "/state/lake/reports/d/dt=2022-05-02/index.html"
        let read = try HTMLReading(String(decoding: try File.read(path), as: UTF8.self))
        #expect(read.problems == [])
        #expect(read.text.contains("It could not be computed") && read.text.contains("x: 5"))
    }

    @Test(arguments: [
        (#"{"numbers": []}"#, "1:1: the report has no 'datasets'"),
        (#"{"datasets": ["t"], "chart": []}"#, "1:21: unknown key 'chart'; did you mean 'charts'?"),
        (#"{"datasets": ["t"], "charts": [{"sql": "SELECT 1"}]}"#, "'title' is missing"),
        (#"{"datasets": ["t"], "charts": [{"title": "a"}]}"#, "'sql' is missing"),
        (
            #"{"datasets": ["t"], "charts": [{"title": "a", "sql": "b", "shape": "pie"}]}"#,
            "'shape' must be bars or columns, not 'pie'"
        ),
        (
            #"{"datasets": ["t"], "numbers": [{"title": "a", "sql": "b", "format": "percents"}]}"#,
            "did you mean 'percent'?"
        ),
        (#"{"datasets": ["t"], "charts": {}}"#, "'charts' must be a list"),
    ])
    func aWrongFileIsToldWithItsPlace(text: String, message: String) throws {
        let scratch = try Scratch()
        try scratch.write("report.json", text)
        let failure = #expect(throws: TaskFailure.self) { try ReportFile(path: scratch.path + "/report.json") }
        #expect(failure?.message.contains(message) == true, "\(failure?.message ?? "")")
    }

    @Test func theReportOfTheProjectIsValid() throws {
        let file = try ReportFile(path: Project.root + "/dags/alpr/report.json")
        #expect(file.charts.count == 4)
    }
}

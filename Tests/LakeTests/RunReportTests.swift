import JSONText
import Spawn
import Testing

@testable import TaskKinds

@Suite struct RunReportTests {
    @Test func aRunThatIsLateIsNotOK() throws {
        let scratch = try Scratch()
        let context = try Attempt.context(
            scratch, kind: "notify", day: "2022-05-02", with: "{}", taskID: "on_deadline:1",
            tasks: #"[{"task_id":"a","state":"running"}]"#,
            more: #""notice": {"event": "deadline", "state": "running"}"#)
        #expect(RunReport(context, reportTask: nil).verdict == "LATE")
    }

    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func report(_ tasks: String) throws -> RunReport {
        RunReport(
            try Attempt.context(scratch, kind: "notify", day: "2022-05-02", with: "{}", tasks: "[\(tasks)]"),
            reportTask: nil)
    }

    private func task(_ id: String, _ state: String, outputs: String = "{}", reason: String = "null") -> String {
        #"{"task_id": "\#(id)", "state": "\#(state)", "reason": \#(reason), "duration": 1.234, "outputs": \#(outputs)}"#
    }

    private func quality(_ checks: String) throws -> String {
        try scratch.write(
            "report.json",
            """
            {"counts": {"seen": 5, "loaded": 2, "duplicates": 1, "quarantined": 2, "reasons": {"empty": 2}},
             "checks": [\(checks)]}
            """)
        return task("quality", "success", outputs: #"{"report": "\#(scratch.path)/report.json"}"#)
    }

    @Test func whatNeedsAttentionComesFirst() throws {
        let checks = ["pass", "warn", "fail", "not_evaluated"].map {
            #"{"name": "n-\#($0)", "status": "\#($0)", "detail": "d"}"#
        }
        let report = try report(try quality(checks.joined(separator: ",")))
        let lines = report.text.split(separator: "\n").map(String.init)
        let names = lines.compactMap { line in line.split(separator: " ").first { $0.hasPrefix("n-") }.map(String.init)
        }
        #expect(names == ["n-fail", "n-not_evaluated", "n-warn", "n-pass"])
        #expect(lines.contains("4 checks: 1 fail, 1 not_evaluated, 1 warn, 1 pass"))
        #expect(report.verdict == "FAILED")
    }

    @Test func theReportHasRecordsDatasetsAndUnknownFields() throws {
        let text = try report(
            [
                task("convert", "success", outputs: #"{"rows": 7, "drift": {"gps": 3}}"#),
                task("transform", "success", outputs: #"{"rows": {"plate": 31, "car": 30}}"#), try quality(""),
            ].joined(separator: ",")
        ).text
        for line in ["seen                5", "quarantined: empty  2", "plate  31", "Unknown fields", "gps  3"] {
            #expect(text.contains(line), "\(line) in \(text)")
        }
    }

    @Test func aRunThatFailedBeforeItsChecksSaysSo() throws {
        let report = try report(
            task("load", "failed", reason: "\"exit 1\"") + "," + task("quality", "upstream_failed"))
        #expect(report.verdict == "FAILED")
        #expect(report.text.contains("There is no quality report: task quality is upstream_failed."))
        #expect(report.text.contains("exit 1"))
    }

    @Test func aFailureThatIsAllowedIsAWarningAndARunOfSkipsSaysSo() throws {
        let allowed = #"{"task_id": "a", "state": "failed", "allow_failure": true, "outputs": {}}"#
        #expect(try report(allowed).verdict == "WARN")
        #expect(try report(task("load", "skipped") + "," + task("convert", "skipped")).verdict == "SKIPPED")
    }

    @Test func aRunWithoutChecksDoesNotMissThem() throws {
        let plain = try report(task("count", "success"))
        #expect(!plain.text.contains("quality") && !plain.html.contains("Checks"))
    }

    @Test func recordsOfOtherDaysAreTold() throws {
        let text = try report(task("load", "success", outputs: #"{"other_days": {"2022-05-01": 7}}"#)).text
        #expect(text.contains("which run again") && text.contains("2022-05-01  7"))
    }

    @Test func theVerdictIsTheWorstOfTasksAndChecks() throws {
        #expect(try report(try quality(#"{"name": "a", "status": "pass"}"#)).verdict == "OK")
        #expect(try report(try quality(#"{"name": "a", "status": "warn"}"#)).verdict == "WARN")
        #expect(try report(try quality(#"{"name": "a", "status": "not_evaluated"}"#)).verdict == "WARN")
        #expect(try report(task("load", "success")).verdict == "OK")
    }

    @Test func nothingInTheDataBecomesMarkup() throws {
        let html = try report(
            task("<b>load</b>", "success", reason: #""a & 'b' \"c\"""#)
                + "," + (try quality(#"{"name": "<script>", "status": "pass", "detail": "<img src=x>"}"#))
        ).html
        for piece in ["<b>load", "<script>", "<img"] { #expect(!html.contains(piece)) }
        #expect(html.contains("&lt;script&gt;") && html.contains("a &amp; &#39;b&#39; &quot;c&quot;"))
    }

    // MARK: Against the day before

    private func put(_ day: String, _ members: String) throws -> String {
        let path = "state/lake/quality/d/dt=\(day)/r.json"
        try scratch.write(path, #"{"dag_id": "d", "run_id": "r", "ds": "\#(day)", "at": 1, \#(members)}"#)
        return scratch.path + "/" + path
    }

    @Test func whatIsDifferentFromTheDayBeforeIsTold() throws {
        _ = try put(
            "2022-05-01",
            """
            "rows": {"plate": 10, "old": 1}, "numbers": [{"title": "empty", "format": "percent", "value": 0.25}],
            "checks": [{"name": "was bad", "status": "fail"}, {"name": "is bad", "status": "pass"},
                {"name": "no longer asked", "status": "fail"}, {"name": "stays bad", "status": "warn"}]
            """)
        _ = try put("2022-05-03", #""rows": {"plate": 999}, "checks": []"#)
        let path = try put(
            "2022-05-02",
            """
            "rows": {"plate": 7, "car": 2}, "numbers": [{"title": "empty", "format": "percent", "value": 0.5}],
            "checks": [{"name": "was bad", "status": "pass"}, {"name": "stays bad", "status": "warn", "severity": "warn"},
                {"name": "is bad", "status": "fail", "detail": "2 of 7 rows fail",
                 "samples": [{"id": "1", "plateText": "<b>\\u001b"}, {"id": "2", "plateText": null}]}]
            """)
        let report = try report(task("quality", "failed", outputs: "{\"report\": \"\(path)\"}"))
        let lines = report.text.split(separator: "\n").map(String.init)
        for line in [
            "  plate  7  -3", "  car    2  new", "  empty  50.0 %  was 25.0 %", "Since 2022-05-01",
            "  new: is bad        fail  2 of 7 rows fail", "  mended: was bad    pass", "  no partition: old  gone",
            "      id=1  plateText=<b>\u{20}", "      id=2  plateText=NULL",
        ] {
            #expect(lines.contains(line), "\(line) in\n\(report.text)")
        }
        #expect(!report.text.contains("no longer asked") && !report.text.contains("999"))
        let read = try HTMLReading(report.html)
        #expect(read.problems == [])
        #expect(read.text.contains("What needs attention") && read.text.contains("<b>\u{FFFD}"))
        #expect(!report.html.contains("class=") && report.html.contains("bgcolor="))
    }

    @Test func thePageIsNamedAndGoesAlong() throws {
        let path = try put("2022-05-02", #""checks": []"#)
        try scratch.write("page.html", "<p>page</p>")
        let outputs = "{\"report\": \"\(path)\", \"page\": \"\(scratch.path)/page.html\"}"
        #expect(try report(task("quality", "success", outputs: outputs)).text.contains("\(scratch.path)/page.html"))
        let gone = "{\"report\": \"\(path)\", \"page\": \"\(scratch.path)/gone.html\"}"
        #expect(try report(task("quality", "success", outputs: gone)).page == nil)
    }

    @Test func aCheckWithoutAHistoryIsNoWarning() throws {
        let info = #"{"name": "a", "status": "not_evaluated", "severity": "info"}"#
        #expect(try report(try quality(info)).verdict == "OK")
    }
}

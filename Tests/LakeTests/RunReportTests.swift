import JSONText
import Spawn
import Testing

@testable import TaskKinds

@Suite struct RunReportTests {
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
        #expect(text.contains("have to run again") && text.contains("2022-05-01  7"))
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
}

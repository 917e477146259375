import JSONText
import Spawn
import Testing

@testable import Commands

/// `weir quality` over reports as the task writes them.
@Suite struct QualityCommandTests {
    private func home() throws -> CommandHome {
        let home = try CommandHome()
        func check(_ name: String, _ status: String, _ numbers: String, samples: String = "") -> String {
            #"{"name": "\#(name)", "type": "t", "dataset": "d", "severity": "error", "status": "\#(status)", \#(numbers), "detail": "words", "samples": [\#(samples)]}"#
        }
        func put(_ day: String, _ run: String, at: Int, _ checks: [String]) throws {
            try home.write(
                "state/lake/quality/alpr/dt=\(day)/\(run).json",
                """
                {"dag_id": "alpr", "run_id": "\(run)", "ds": "\(day)", "at": \(at), "counts": null, "rows": {}, "drift": {},
                 "numbers": [], "checks": [\(checks.joined(separator: ", "))]}
                """)
        }
        try put(
            "2022-05-01", "scheduled__2022-05-01T00-00-00Z", at: 1,
            [check("a is unique", "pass", #""failing": 0, "total": 9, "metric": null"#)])
        try put(
            "2022-05-02", "scheduled__2022-05-02T00-00-00Z", at: 5,
            [
                check("a is unique", "warn", #""failing": 1, "total": 9, "metric": null"#),
                check("rows", "pass", #""failing": 0, "total": 9, "metric": 9"#),
            ])
        // The later one counts, whatever it is called.
        try put(
            "2022-05-02", "manual__x", at: 6,
            [
                check("rows", "not_evaluated", #""failing": null, "total": null, "metric": null"#),
                check(
                    "a is unique", "fail", #""failing": 8, "total": 9, "metric": null"#,
                    samples: #"{"id": "1", "v": null}, {"id": "a\u001b[2Jb\n", "v": "ü"}"#),
            ])
        return home
    }

    @Test func aReportShowsWhatNeedsAttentionFirst() throws {
        let home = try home()
        let output = home.weir("quality", "report", "alpr")
        #expect(output.status == 1, "something failed: \(output.err)")
        #expect(
            output.out == """
                alpr 2022-05-02, run manual__x
                2 checks: 1 fail, 1 not_evaluated
                STATUS         CHECK        FAILING  OF  DETAIL
                fail           a is unique  8        9   words
                not_evaluated  rows                      words

                some rows that fail a is unique:
                  id=1  v=NULL
                  id=a [2Jb   v=ü

                """)
        #expect(home.weir("quality", "report", "alpr", "2022-05-01").status == 0)
        #expect(home.weir("quality", "report", "alpr", "scheduled__2022-05-02").out.contains("1 warn, 1 pass"))
        #expect(home.weir("quality", "report", "alpr", "manual").out.contains("run manual__x"))
        let json = home.weir("quality", "report", "alpr", "2022-05-02", "--json")
        #expect(json.status == 1)
        #expect(try JSONDocument(parsing: json.out).root["checks"]?.array?.count == 2)
    }

    @Test func theHistoryHasASignAndABlockForEachDay() throws {
        let home = try home()
        #expect(
            home.weir("quality", "history", "alpr").out == """
                alpr, 2022-05-01 to 2022-05-02: . pass  ! warn  x fail  ? not evaluated  - not asked
                CHECK        DAYS  FAILING  MEASURED  LAST
                rows         -?                       not_evaluated
                a is unique  .x    ▁█                 fail

                """)
        #expect(
            home.weir("quality", "history", "alpr", "--check", "a is unique").out == """
                DAY         STATUS  FAILING  OF     DETAIL
                2022-05-01  pass    0        9   ▁  words
                2022-05-02  fail    8        9   █  words

                """)
        let one = home.weir("quality", "history", "alpr", "--check", "rows", "--days", "2").out
        #expect(one.contains("2022-05-01") && one.contains("was not asked"))
        let json = try #require(try home.json("quality", "history", "alpr", "--days", "1").array)
        #expect(json.map { $0["check"]?.string } == ["rows", "a is unique"])
        #expect(json[1]["days"]?.array?.map { $0["failing"]?.integer } == [8])
    }

    @Test func whatIsNotThereIsToldWithTheNearestName() throws {
        let home = try home()
        let cases: [([String], Int32, String)] = [
            (["quality", "report", "alrp"], 4, "there are no quality reports of DAG 'alrp'; did you mean 'alpr'?"),
            (
                ["quality", "history", "xyzzy"], 4,
                "there are no quality reports of DAG 'xyzzy'; a task of kind quality"
            ),
            (
                ["quality", "report", "alpr", "2022-06-01"], 4,
                "DAG 'alpr' has no quality report of 2022-06-01; there are 2"
            ),
            (["quality", "report", "alpr", "scheduled"], 4, "'scheduled' could be scheduled__2022-05-02"),
            (["quality", "report", "alpr", "nope"], 4, "DAG 'alpr' has no quality report of a run 'nope'"),
            (
                ["quality", "history", "alpr", "--check", "a is uniqe"], 4,
                "no check 'a is uniqe' in the last 2 days of 'alpr'; did you mean 'a is unique'?"
            ),
            (["quality", "history", "alpr", "--days", "0"], 2, "--days is '0'"),
            (["quality", "hisotry", "alpr"], 2, "no command 'quality hisotry'; did you mean 'history'?"),
        ]
        for (words, status, message) in cases {
            let output = run(words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == status, "\(words): \(output.err)")
            #expect(output.err.hasPrefix("weir: " + message), "\(words): \(output.err)")
            #expect(output.out.isEmpty)
        }
        #expect(run(["quality"], environment: ["WEIR_HOME": home.path]).status == 2)
    }

    @Test func theLakeMayStandElsewhere() throws {
        let home = try home()
        let other = try CommandHome()
        let output = other.weir(
            "quality", "history", "alpr", environment: ["WEIR_LAKE": home.path + "/state/lake"])
        #expect(output.status == 0 && output.out.contains("a is unique"))
    }

    @Test func aLineIsScaledToItsLargestNumber() {
        #expect(Sparkline.text([0, 1, nil, 50, 100]) == "▁▂ ▅█")
        #expect(Sparkline.text([0, 0]) == "▁▁")
        #expect(Sparkline.text([nil]) == " ")
        #expect(Sparkline.text([-2, 4]) == "▅█")
    }
}

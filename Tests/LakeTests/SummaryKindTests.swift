import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// The mail about a week.
@Suite struct SummaryKindTests {
    private let world: QualityWorld

    init() throws {
        world = try QualityWorld()
        for (day, rows) in [("2022-05-01", 10), ("2022-05-02", 12), ("2022-05-04", 0)] {
            try world.publish("lakestorage/plate", day: day, rows: Int64(rows))
            try world.publish("raw", day: day, rows: 20, counts: #"{"seen": 23, "quarantined": 3}"#)
        }
        try world.publish("lakestorage/car", day: "2022-05-02", rows: 7)
        try world.publish("lakestorage/plate", day: "2022-05-05", rows: 99)
    }

    private func put(_ day: String, _ checks: String) throws {
        try world.scratch.write(
            "state/lake/quality/daily/dt=\(day)/r.json",
            #"{"dag_id": "daily", "run_id": "r", "ds": "\#(day)", "at": 1, "checks": [\#(checks)]}"#)
    }

    private func summary(
        from: String = "2022-05-01", to end: String = "2022-05-05", with: String = ""
    ) throws -> DaySummary {
        try DaySummary(
            try Attempt.context(
                world.scratch, kind: "summary", day: from, end: end,
                with: #"{"of": "daily", "raw": "raw", "to": "a@example.org"\#(with)}"#))
    }

    @Test func eachDayHasItsStateAndEachDatasetItsRows() throws {
        try put("2022-05-01", #"{"name": "x", "status": "pass"}"#)
        try put("2022-05-02", #"{"name": "x", "status": "warn", "severity": "warn", "detail": "3 of 12"}"#)
        let summary = try summary()
        #expect(summary.days.map(\.day) == ["2022-05-01", "2022-05-02", "2022-05-03", "2022-05-04"])
        #expect(summary.days.map(\.state) == ["pass", "warn", "missing", "not_evaluated"])
        #expect(summary.verdict == "WARN")
        for line in [
            "  2022-05-01  pass           23 seen, 3 quarantined  1 checks: 1 pass",
            "  2022-05-03  missing        no records              no quality report",
            "  plate    10     12     -      0      22", "  car      -      7      -      -      7",
            "  2022-05-02  warn  x  3 of 12",
        ] {
            #expect(summary.text.split(separator: "\n").map(String.init).contains(line), "\(line) in\n\(summary.text)")
        }
        let read = try HTMLReading(summary.html)
        #expect(read.problems == [])
        #expect(read.text.contains("missing") && read.text.contains("3 of 12"))
    }

    @Test func theWorstDayIsTheVerdict() throws {
        try put("2022-05-01", #"{"name": "x", "status": "pass"}"#)
        try put("2022-05-02", #"{"name": "x", "status": "fail"}"#)
        #expect(try summary(to: "2022-05-02").verdict == "OK")
        #expect(try summary(to: "2022-05-03").verdict == "FAILED")
        #expect(try summary(from: "2022-05-03", to: "2022-05-04").verdict == "WARN", "a day without anything")
        #expect(try summary(to: "2022-05-01").span == "2022-05-01", "an interval of no length is its day")
        #expect(try summary(with: #", "show": ["car"]"#).datasets == ["car"])
    }

    @Test func nothingInTheDataBecomesMarkup() throws {
        try put("2022-05-01", #"{"name": "<script>\u001b", "status": "fail", "detail": "'\"<img src=x>"}"#)
        let summary = try summary()
        let read = try HTMLReading(summary.html)
        #expect(read.problems == [] && read.text.contains("<img src=x>"))
        #expect(!summary.text.contains("\u{1B}"))
    }
}

import Spawn
import Testing

@testable import TaskKinds

/// What is wrong with a file of checks is told with its place, all of it at once.
@Suite struct QualityFileTests {
    private let world: QualityWorld

    init() throws { world = try QualityWorld() }

    @Test(arguments: [
        (#"{"type": "pattern", "columns": ["a"]}"#, "pattern needs 'pattern', a regular expression"),
        (#"{"type": "pattern", "columns": [], "pattern": "a"}"#, "'columns' must be a list of one or more texts"),
        (#"{"type": "pattern", "columns": ["a"], "pattern": 1}"#, "'pattern' must be a text"),
        (#"{"type": "pattern", "column": ["a"], "pattern": "a"}"#, "unknown key 'column'; did you mean 'columns'?"),
        (#"{"type": "range", "columns": ["a"], "min": 2, "max": 1}"#, "'min' is above 'max'"),
        (#"{"type": "range", "columns": ["a"], "min": "2"}"#, "'min' must be a number, not a string"),
        (#"{"type": "custom", "name": "", "sql": "SELECT 1"}"#, "'name' is empty"),
        (#"{"type": "row_count", "min": -1}"#, "'min' must be from 0"),
        (#"{"type": "row_count", "columns": ["a"]}"#, "unknown key 'columns'; there are dataset, max, min"),
        (#"{"type": "not_null", "columns": ["a"], "mostly": 2}"#, "'mostly' must be above 0 and at most 1"),
        (#"{"type": "not_null", "columns": ["a"], "samples": 101}"#, "'samples' must be from 0 to 100"),
        (#"{"type": "freshness", "column": "a"}"#, "freshness needs 'within'"),
        (#"{"type": "freshness", "within": "1h"}"#, "freshness needs 'column'"),
        (#"{"type": "freshness", "column": "a", "within": "soon"}"#, "'within' must be a length of time"),
        (
            #"{"type": "freshness", "column": "a", "within": "1h", "of": "week"}"#,
            "'of' must be interval or day, not 'week'"
        ),
        (#"{"type": "schema"}"#, "schema needs 'columns'"),
        (#"{"type": "schema", "columns": ["a"]}"#, "'columns' must be an object of names and types"),
        (
            #"{"type": "schema", "columns": {"a": "BIGINT"}, "extra": "alow"}"#,
            "'extra' must be one of allow, warn, fail, not 'alow'; did you mean 'allow'?"
        ),
        (#"{"type": "volume"}"#, "volume needs 'min_ratio', 'max_ratio' or both"),
        (#"{"type": "volume", "min_ratio": 2, "max_ratio": 1}"#, "'min_ratio' is above 'max_ratio'"),
        (#"{"type": "volume", "min_ratio": 1, "count": 2, "min_history": 3}"#, "'min_history' is above 'count', 2"),
        (#"{"type": "volume", "min_ratio": 1, "min_history": {"day": 3}}"#, "unknown key 'day'; did you mean 'days'?"),
        (#"{"type": "volume", "min_ratio": 1, "where": "true"}"#, "unknown key 'where'"),
        (#"{"type": "aggregate", "column": "a", "min": 1}"#, "aggregate needs 'metric'"),
        (#"{"type": "aggregate", "metric": "avg", "column": "a"}"#, "aggregate needs 'min', 'max' or both"),
        (#"{"type": "aggregate", "metric": "mode", "column": "a", "min": 1}"#, "'metric' must be one of min, max, avg"),
        (#"{"type": "aggregate", "metric": "quantile", "column": "a", "min": 1}"#, "metric quantile needs 'quantile'"),
        (#"{"type": "custom", "sql": "SELECT 1"}"#, "custom needs a 'name'"),
        (#"{"type": "custom", "name": "c"}"#, "custom needs 'sql'"),
        (#"{"type": "accepted_values", "columns": ["a"], "values": [null]}"#, "'values' must be a list of texts or"),
        (#"{"type": "row_count", "min": 1, "min": 2}"#, "the key 'min' stands twice"),
    ])
    func aWrongDeclarationIsTold(check: String, message: String) throws {
        let told = try #require(
            try world.declaring(
                "{\"checks\": [\(check.replacing("{\"type\"", with: "{\"dataset\": \"t\", \"type\"", maxReplacements: 1))]}"
            ))
        #expect(told.contains(message), "\(told)")
        #expect(told.contains("/checks.json:1:"), "\(told)")
    }

    @Test func everyMistakeIsToldAtOnceWithItsPlace() throws {
        let told = try #require(
            try world.declaring(
                """
                {"keys": {"t": "id"},
                 "cheks": [],
                 "checks": [
                  {"type": "row_count", "dataset": "t", "minimum": 1},
                  {"type": "uniq", "dataset": "t"},
                  {"type": "unique", "dataset": "t", "columns": ["a"]},
                  {"type": "unique", "dataset": "t", "columns": ["a"], "where": "a > 1"}]}
                """))
        let lines = told.split(separator: "\n").map { $0.split(separator: "/").last.map(String.init) ?? "" }
        #expect(
            lines.map { $0.prefix { $0 != " " } } == [
                "checks.json:1:16:", "checks.json:2:2:", "checks.json:4:41:", "checks.json:5:12:", "checks.json:7:3:",
            ], "\(told)")
        #expect(lines[1].hasSuffix("unknown key 'cheks'; did you mean 'checks'?"))
        #expect(lines[4].hasSuffix("two checks are called 't.a is unique'; give one a 'name'"))
    }

    @Test func theChecksOfTheProjectAreValid() throws {
        let checks = try QualityFile.checks(Project.root + "/dags/alpr/checks.json")
        #expect(checks.count >= 29)
    }
}

import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// Checks against real Parquet in the real DuckDB: each type once where it holds and once where it does not.
@Suite struct QualityKindTests {
    private let world: QualityWorld

    init() throws {
        world = try QualityWorld([
            "frame": "SELECT * FROM (VALUES (1, 2), (2, 0)) t (id, n)",
            "good": "SELECT * FROM (VALUES (1, 'a', 1.5::DOUBLE), (2, 'b', 2.5)) t (id, name, v)",
            "same": "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) t (id, name)",
            "bad": "SELECT * FROM (VALUES (1, 'a', 1.5::DOUBLE), (1, NULL, 'inf'), (3, 'z', 9)) t (id, name, v)",
        ])
    }

    @Test(arguments: [
        (#"{"type": "row_count", "dataset": "good", "min": 2, "max": 2}"#, "pass"),
        (#"{"type": "row_count", "dataset": "good", "min": 3}"#, "fail"),
        (#"{"type": "not_null", "dataset": "good", "columns": ["name"]}"#, "pass"),
        (#"{"type": "not_null", "dataset": "bad", "columns": ["id", "name"]}"#, "fail"),
        (#"{"type": "not_null", "dataset": "bad", "columns": ["name"], "mostly": 0.6}"#, "pass"),
        (#"{"type": "not_null", "dataset": "bad", "columns": ["name"], "mostly": 0.7}"#, "fail"),
        (#"{"type": "not_null", "dataset": "bad", "columns": ["name"], "severity": "warn"}"#, "warn"),
        (#"{"type": "not_null", "dataset": "bad", "columns": ["name"], "where": "id = 3"}"#, "pass"),
        (#"{"type": "unique", "dataset": "good", "columns": ["id"]}"#, "pass"),
        (#"{"type": "unique", "dataset": "bad", "columns": ["id"]}"#, "fail"),
        (#"{"type": "unique", "dataset": "bad", "columns": ["id", "v"]}"#, "pass"),
        (#"{"type": "range", "dataset": "good", "columns": ["v"], "min": 1, "max": 3}"#, "pass"),
        (#"{"type": "range", "dataset": "good", "columns": ["v"], "min": 2}"#, "fail"),
        (#"{"type": "range", "dataset": "bad", "columns": ["v"], "min": 0}"#, "fail"),
        (#"{"type": "accepted_values", "dataset": "good", "columns": ["name"], "values": ["a", "b"]}"#, "pass"),
        (#"{"type": "accepted_values", "dataset": "bad", "columns": ["name"], "values": ["a", "it's"]}"#, "fail"),
        (#"{"type": "same_rows", "dataset": "good", "as": "frame", "sum": "n"}"#, "pass"),
        (#"{"type": "same_rows", "dataset": "bad", "as": "frame", "sum": "n"}"#, "fail"),
        (#"{"type": "join", "dataset": "good", "to": "same", "columns": ["id"], "equal": ["name"]}"#, "pass"),
        (#"{"type": "join", "dataset": "bad", "to": "same", "columns": ["id"]}"#, "fail"),
        (#"{"type": "join", "dataset": "bad", "to": "good", "columns": ["id"], "equal": ["v"]}"#, "fail"),
        (#"{"type": "row_count", "dataset": "absent", "min": 0}"#, "not_evaluated"),
        (#"{"type": "not_null", "dataset": "good", "columns": ["nowhere"]}"#, "not_evaluated"),
    ])
    func aCheckJudges(check: String, status: String) throws {
        let (failure, answers) = try world.ask(check)
        #expect(answers.first?.status.rawValue == status, "\(answers.first?.detail ?? "")")
        if status == "fail" { #expect(failure?.contains("checks failed") == true) }
    }

    @Test func oneCheckThatCannotBeAskedDoesNotHideTheOthers() throws {
        let (_, answers) = try world.ask(
            """
            {"type": "not_null", "dataset": "good", "columns": ["nowhere"]},
            {"type": "unique", "dataset": "good", "columns": ["id"]}, {"type": "unique", "dataset": "bad", "columns": ["id"]}
            """)
        #expect(answers.prefix(3).map(\.status) == [.notEvaluated, .pass, .fail])
        #expect(answers[0].detail.contains("nowhere"), "in DuckDB's words")
    }

    @Test func aDayWithoutARawManifestIsNotCalledGood() throws {
        let (failure, answers) = try world.ask(#"{"type": "unique", "dataset": "good", "columns": ["id"]}"#)
        #expect(answers.map(\.status) == [.pass, .notEvaluated, .notEvaluated, .pass])
        #expect(failure?.contains("2 of 4 checks failed") == true, "\(failure ?? "")")
    }

    @Test(arguments: [
        (#"{"dataset": "good"}"#, "1:13: the check has no 'type'"),
        (#"{"type": "unique"}"#, "the check has no 'dataset'"),
        (#"{"type": "uniqe", "dataset": "good"}"#, "unknown check type 'uniqe'; did you mean 'unique'?"),
        (#"{"type": "unique", "dataset": "good"}"#, "unique needs 'columns'"),
        (
            #"{"type": "unique", "dataset": "good", "columns": ["id"], "severity": "bad"}"#,
            "'severity' must be error or warn"
        ),
        (#"{"type": "join", "dataset": "good", "columns": ["id"]}"#, "join needs 'to'"),
        (#"{"type": "same_rows", "dataset": "good"}"#, "same_rows needs 'as'"),
        (#"{"type": "accepted_values", "dataset": "good", "columns": ["id"]}"#, "accepted_values needs 'values'"),
        (#"{"#, ":1:"),
    ])
    func aWrongDeclarationIsToldWithItsPlace(check: String, message: String) throws {
        let told = try #require(try world.declaring("{\"checks\": [\(check)]}"))
        #expect(told.contains(message), "\(told)")
    }
}

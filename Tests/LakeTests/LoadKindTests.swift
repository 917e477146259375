import JSONText
import Spawn
import Testing

@testable import Lake
@testable import TaskKinds

/// What `load` says of a day, and the limits that it and the SQL engine take.
@Suite struct LoadKindTests {
    private let scratch: Scratch
    private static let day = "2022-05-02"

    init() throws {
        scratch = try Scratch()
        try File.makeDirectory(scratch.path + "/landing")
    }

    private func load(_ more: String = "") throws -> TaskOutcome {
        if File.exists(scratch.path + "/attempt") { try File.removeTree(scratch.path + "/attempt") }
        let schema = Project.root + "/dags/alpr/record_schema.json"
        return try LoadKind.run(
            try Attempt.context(
                scratch, kind: "load", day: Self.day,
                with: #"{"from":"\#(scratch.path)/landing","schema":"\#(schema)"\#(more)}"#))
    }

    private func failure(_ more: String) -> TaskFailure? {
        do { _ = try load(more) } catch { return error as? TaskFailure }
        return nil
    }

    @Test func tooManyBadRecordsFailTheTaskAndAreKept() throws {
        for id in 0..<8 {
            try scratch.write("landing/\(id).json", #"{"frame_id":\#(id),"timestamp":"\#(Self.day)T07:00:00"}"#)
        }
        for (name, text) in [("a", "{"), ("b", #"{"frame_id":"x","timestamp":"\#(Self.day)T07:00:00"}"#)] {
            try scratch.write("landing/\(name)_05.02.2022.07.00.00.000000.json", text)
        }
        #expect(
            failure(#","max_bad":"1""#)
                == TaskFailure(
                    "2 of 10 records of 2022-05-02 were set aside, more than max_bad (1): broken_json 1, wrong_type 1",
                    mayRetry: false))
        #expect(failure(#","max_bad":"19.9%""#)?.message.contains("more than max_bad (19.9%)") == true)
        #expect(try load(#","max_bad":"20%""#) == .success)
        #expect(try load(#","max_bad":"2""#) == .success)
        #expect(try load() == .success)
        let counts = try scratch.lake().partition("ultimatealpr", Self.day).manifest()?.counts
        #expect(counts?["seen"]?.integer == 10, "all of them were stored the first time")
        for wrong in ["few", "-1", "101%", "%", ""] {
            #expect(
                failure(#","max_bad":"\#(wrong)""#)?.message
                    == "max_bad is '\(wrong)'; it must be a number such as 100 or a share such as 5%")
        }
    }

    @Test func theEngineTakesLimits() throws {
        func context(_ with: String) throws -> TaskContext {
            if File.exists(scratch.path + "/attempt") { try File.removeTree(scratch.path + "/attempt") }
            return try Attempt.context(scratch, kind: "convert", day: Self.day, with: with)
        }
        let answer = try context(#"{"memory":"256MiB","threads":1}"#).duckdb().run(
            "SELECT current_setting('memory_limit') AS memory, current_setting('threads') AS threads;")
        #expect(answer.first?["memory"]?.string == "256.0 MiB")
        #expect(answer.first?["threads"]?.integer == 1)
        #expect(throws: TaskFailure.self) { try context(#"{"memory":"lots"}"#).duckdb() }
        #expect(throws: TaskFailure.self) { try context(#"{"memory":"1MiB"}"#).duckdb() }
        #expect(throws: TaskFailure.self) { try context(#"{"threads":0}"#).duckdb() }
    }
}

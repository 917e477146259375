import Glibc
import Spawn
import Testing

@testable import Commands

/// Names out of a real home, and that reading them leaves no trace.
@Suite(.serialized) struct CompletionNamesTests {
    private static let zonedDAG = """
        {"id": "zoned", "schedule": "daily", "start": "2022-05-01", "timezone": "America/New_York",
         "params": {"size": {"type": "string", "default": "s", "enum": ["s", "l"], "description": "how big"},
                    "fast": {"type": "boolean", "default": true}},
         "tasks": [{"id": "one", "kind": "command", "description": "the first", "with": {"command": ["/bin/true"]}},
                   {"id": "each", "kind": "command", "for_each": [1, 2], "with": {"command": ["/bin/true"]}}]}
        """

    private func home() throws -> CommandHome {
        let home = try CommandHome()
        try home.write("dags/hello.json", helloDAG)
        try home.write("dags/other name.json", Self.zonedDAG)
        return home
    }

    private func complete(_ home: CommandHome, _ words: String...) -> [String] {
        answer(home, words)
    }

    private func texts(_ home: CommandHome, _ words: String...) -> [String] {
        answer(home, words).map { line in String(line.prefix { $0 != "\t" }) }
    }

    private func answer(_ home: CommandHome, _ words: [String]) -> [String] {
        let output = run(["__complete", "--"] + words, environment: ["WEIR_HOME": home.path])
        #expect(output.status == 0 && output.err.isEmpty, "\(output.err)")
        return output.out.split(separator: "\n").map(String.init)
    }

    /// Every file of the home with what a write would change.
    private func traces(_ home: CommandHome) throws -> [String] {
        let found = try ChildProcess.run(
            ["find", home.path, "-printf", "%p %s %T@ %i\\n"], environment: ["PATH": "/usr/bin:/bin"])
        return found.outputText.split(separator: "\n").map(String.init).sorted()
    }

    @Test func beforeAnythingHasRun() throws {
        let home = try home()
        try home.write("dags/broken.json", "{")
        let before = try traces(home)
        #expect(
            texts(home, "trigger", "") == ["broken", "hello", "zoned"], "by the ids in the files, where these tell")
        #expect(complete(home, "clear", "zoned", "x", "") == ["one\tthe first", "each"])
        #expect(complete(home, "trigger", "zoned", "-p", "") == ["size=\thow big", "fast="])
        #expect(texts(home, "trigger", "zoned", "-p", "size=") == ["size=s", "size=l"])
        #expect(texts(home, "trigger", "zoned", "-p", "fast=f") == ["fast=false"])
        #expect(texts(home, "pools", "remove", "") == ["default"])
        #expect(complete(home, "tasks", "hello", "") == [])
        #expect(complete(home, "backfills", "show", "") == [])
        #expect(complete(home, "query", "") == [])
        #expect(try traces(home) == before)
    }

    @Test func withAHistory() throws {
        let home = try home()
        let span = ["--from", "2022-05-02", "--to", "2022-05-03"]
        #expect(run(["backfill", "hello", "-p", "count=0"] + span, environment: ["WEIR_HOME": home.path]).status == 0)
        #expect(run(["backfill", "zoned"] + span, environment: ["WEIR_HOME": home.path]).status == 0)
        #expect(home.weir("pools", "set", "duckdb", "2", "--description", "of queries").status == 0)
        #expect(home.weir("pause", "zoned").status == 0)
        let before = try traces(home)
        #expect(complete(home, "trigger", "") == ["hello", "zoned\tpaused"])
        #expect(
            complete(home, "tasks", "hello", "") == [
                "backfill__2022-05-03T00:00:00Z\tsuccess", "backfill__2022-05-02T00:00:00Z\tsuccess",
            ], "newest first")
        #expect(texts(home, "tasks", "hello", "backfill__2022-05-02T00:") == ["backfill__2022-05-02T00:00:00Z"])
        #expect(texts(home, "tasks", "hello", "2022-05") == ["2022-05-03", "2022-05-02"])
        #expect(texts(home, "tasks", "zoned", "2022-05-02") == ["2022-05-02"], "dates of the DAG's zone")
        #expect(
            complete(home, "why", "zoned", "2022-05-02", "") == [
                "one\tsuccess", "each[0]\tsuccess", "each[1]\tsuccess",
            ])
        #expect(texts(home, "why", "zoned", "2022-05-09", "") == ["one", "each"], "of the file, without such a run")
        #expect(texts(home, "why", "hello", "2022-05-03", "") == ["greet", "count"])
        #expect(texts(home, "clear", "hello", "--from", "") == ["2022-05-03", "2022-05-02"])
        #expect(complete(home, "backfills", "show", "") == ["2\tzoned, success", "1\thello, success"])
        #expect(complete(home, "pools", "set", "") == ["default", "duckdb\tof queries"])
        #expect(texts(home, "simulate", "hello", "--pool", "du") == ["duckdb="])
        #expect(complete(home, "tasks", "nobody", "") == [])
        #expect(complete(home, "tasks", "../../etc/passwd", "") == [])
        #expect(try traces(home) == before)
    }

    @Test func whatCannotBeReadHasNoNames() throws {
        let home = try home()
        try home.write("state/weir.db", "this is no database at all, and long enough to be taken for one")
        try home.write("weir.json", "{\"lake\": 1}")
        let before = try traces(home)
        #expect(texts(home, "runs", "") == ["hello", "zoned"])
        #expect(complete(home, "tasks", "hello", "") == [])
        #expect(complete(home, "lake", "describe", "") == [])
        #expect(complete(home, "--home", "/nowhere", "runs", "") == [])
        #expect(try traces(home) == before)
    }

    @Test func aDAGWhoseFileIsGoneStillHasAHistory() throws {
        let home = try home()
        #expect(home.weir("backfill", "zoned", "--from", "2022-05-02").status == 0)
        #expect(unlink(home.path + "/dags/other name.json") == 0)
        #expect(home.weir("trigger", "hello", "-p", "count=0", "--wait").status == 0)
        #expect(texts(home, "trigger", "") == ["hello"])
        #expect(complete(home, "runs", "") == ["hello", "zoned\tno file"])
        #expect(texts(home, "why", "zoned", "x", "") == ["one", "each"], "as the store saw it last")
    }

    @Test func namesOfTheLake() throws {
        let home = try CommandHome.withLake()
        try home.write("state/lake/quality/alpr/dt=2022-05-02/manual.json", "{}")
        try home.write("state/lake/quality/alpr/dt=2022-05-03/manual.json", "{}")
        let before = try traces(home)
        #expect(texts(home, "query", "") == ["car", "plate", "staging"])
        #expect(texts(home, "query", "lakestorage/p") == ["lakestorage/plate"])
        #expect(texts(home, "lake", "lineage", "plate", "") == ["2022-05-03", "2022-05-02"])
        #expect(texts(home, "query", "lakestorage/plate", "--columns", "id,") == ["id,country", "id,extra"])
        #expect(texts(home, "quality", "report", "") == ["alpr"])
        #expect(texts(home, "quality", "report", "alpr", "") == ["2022-05-03", "2022-05-02"])
        #expect(try traces(home) == before)
    }
}

import Engine
import Glibc
import JSONText
import Spawn
import Testing

@testable import Commands

@Suite struct DoctorCommandTests {
    private let home: CommandHome

    init() throws { home = try CommandHome() }

    /// The findings of a check.
    private func findings(_ check: String, _ environment: [String: String] = [:]) throws -> [JSONNode] {
        var environment = environment
        environment["WEIR_HOME"] = home.path
        environment["WEIR_SENDMAIL"] = environment["WEIR_SENDMAIL"] ?? "outbox"
        let output = run(["doctor", "--json"], environment: environment)
        let all = try JSONDocument(parsing: output.out).root.array ?? []
        #expect(output.status == (all.contains { $0["status"]?.string == "FAIL" } ? 1 : 0))
        for node in all {
            #expect(node.object?.members.map(\.key) == ["check", "status", "message", "remedy"])
            #expect((node["remedy"]?.string == nil) == (node["status"]?.string == "ok"), "each trouble has its remedy")
        }
        return all.filter { $0["check"]?.string == check }
    }

    private func status(_ check: String, _ environment: [String: String] = [:]) throws -> [String] {
        try findings(check, environment).compactMap { $0["status"]?.string }
    }

    @Test func aNewHomeIsWell() throws {
        try home.write("dags/hello.json", helloDAG)
        let before = try File.list(home.path)
        for check in ["config", "dags", "zones", "programs", "sendmail", "state"] {
            #expect(try status(check) == ["ok"], "\(check)")
        }
        #expect(try File.list(home.path) == before, "it changes nothing")
        let text = home.weir("doctor").out
        #expect(text.contains("ok    config"), "\(text)")
    }

    @Test func brokenSettingsAreAFinding() throws {
        try home.write("weir.json", "{\"paralelism\": 3}")
        let found = try findings("config")
        #expect(found.map { $0["status"]?.string } == ["FAIL"])
        #expect(found[0]["message"]?.string?.hasSuffix("did you mean 'parallelism'?") == true)
        try home.write("weir.json", "{}")
        #expect(try status("config", ["WEIR_SENDMIAL": "x"]) == ["ok", "warn"])
    }

    @Test func brokenDAGsAndProgramsAreFound() throws {
        try home.write("dags/hello.json", "{\"id\": 5}")
        #expect(try status("dags") == ["FAIL"])
        #expect(try status("sendmail", ["WEIR_SENDMAIL": "/nowhere/sendmail"]) == ["FAIL"])
        try home.write("weir.json", "{\n\"sendmail\": \"/nowhere/sendmail\"}")
        let output = run(["doctor"], environment: ["WEIR_HOME": home.path])
        #expect(output.out.contains("  weir.json:2: sendmail is '/nowhere/sendmail', which cannot"), "\(output.out)")
        #expect(try status("duckdb", ["WEIR_DUCKDB": "/nowhere/duckdb"]) == ["FAIL"])
        try home.write("old", "#!/bin/sh\necho v0.9.0 abc\n")
        chmod(home.path + "/old", 0o700)
        #expect(try status("duckdb", ["WEIR_DUCKDB": home.path + "/old"]) == ["warn"])
    }

    @Test func secretsThatOthersCanReadAreFound() throws {
        try home.write("dags/hello.json", helloDAG)
        try home.write("secrets/db", "hunter2\n")
        try home.write("weir.json", "{\"secrets\": {\"db\": {\"file\": \"secrets/db\"}}}")
        #expect(try status("secrets") == ["ok"])
        chmod(home.path + "/secrets/db", 0o640)
        let found = try findings("secrets")
        #expect(found.map { $0["status"]?.string } == ["FAIL"])
        #expect(found[0]["message"]?.string?.contains("`chmod 600 \(home.path)/secrets/db`") == true)
        try home.write("weir.json", "{\"secrets\": {\"db\": {\"env\": \"NO_SUCH\"}}}")
        #expect(try status("secrets") == ["warn"])
    }

    @Test func theStateIsLookedThrough() throws {
        try home.write("dags/hello.json", helloDAG)
        #expect(home.weir("trigger", "hello", "--param", "count=0", "--wait").status == 0)
        for check in ["state", "daemon", "store", "time", "work"] { #expect(try status(check) == ["ok"], "\(check)") }
        chmod(home.path + "/state", 0o777)
        #expect(try status("state") == ["warn"])
        chmod(home.path + "/state", 0o700)
        for name in ["weir.db-wal", "weir.db-shm"] { try? File.removeTree(home.path + "/state/" + name) }
        try home.write("state/weir.db", "no database at all, and long enough to be looked at as one")
        #expect(try status("store") == ["FAIL"])
    }
}

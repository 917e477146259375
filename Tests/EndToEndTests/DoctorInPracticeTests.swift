import Glibc
import JSONText
import Spawn
import Testing

/// What `weir doctor` says of work that does not go on, in real processes. The clock of its own process is moved.
@Suite struct DoctorInPracticeTests {
    private let home: WeirHome

    init() throws {
        home = try WeirHome()
        try home.write(
            "dags/d.json",
            #"""
            {"id": "d", "params": {"s": {"type": "integer", "default": 0}},
             "tasks": [{"id": "t", "kind": "command", "with": {"shell": "sleep $WEIR_PARAM_S"}}]}
            """#)
    }

    /// The finding of a check, so many seconds from now.
    private func finding(_ check: String, after seconds: Int64) throws -> JSONNode {
        try home.write("offset", "\(seconds * 1_000_000)\n")
        let done = try home.program([
            "env", "WEIR_CLOCK_OFFSET=\(home.path)/offset", WeirHome.products + "/weir", "doctor", "--json",
        ])
        let all = try JSONDocument(parsing: done.out).root.array ?? []
        return try #require(all.first { $0["check"]?.string == check }, "\(done.err)")
    }

    @Test func workThatDoesNotGoOnAndAClockThatWentBackAreFound() throws {
        try home.startDaemon()
        #expect(try finding("daemon", after: 0)["message"]?.string?.hasSuffix("answers") == true)
        for _ in 0..<3 { #expect(try home.weir("trigger", "d", "--wait").status == 0) }
        #expect(try home.weir("trigger", "d", "--param", "s=1000").status == 0)
        let directory = AttemptDirectory(path: home.path + "/state/attempts/4")
        try home.wait(for: "the supervisor") { AttemptInspector.isCaredFor(directory) }
        #expect(try finding("work", after: 0)["status"]?.string == "ok")
        let slow = try finding("work", after: 3600)
        #expect(slow["status"]?.string == "warn")
        #expect(slow["message"]?.string?.hasSuffix(" is usual") == true, "\(slow)")

        let back = try finding("time", after: -3600)
        #expect(back["status"]?.string == "FAIL")
        #expect(back["message"]?.string?.hasSuffix("the clock was set back") == true)
        #expect(try finding("time", after: 0)["status"]?.string == "ok")

        // The daemon first: it would find out.
        home.killDaemon()
        let claim = try JSONDocument(parsing: try File.read(directory.claim)).root
        let supervisor = try #require(claim["pid"]?.integer)
        kill(Int32(supervisor), SIGKILL)
        try home.wait(for: "the end of the supervisor") { !AttemptInspector.isCaredFor(directory) }
        let lost = try finding("work", after: 3600)
        #expect(lost["status"]?.string == "FAIL")
        #expect(lost["message"]?.string?.hasSuffix("counts as running, and its supervisor is gone") == true, "\(lost)")
    }

    @Test func aReloadAppliesEverySetting() throws {
        try home.write("secrets/db", "correct-horse")
        try home.write("weir.json", "{}")
        try home.startDaemon()
        try home.write(
            "weir.json", #"{"secrets": {"db": {"file": "secrets/db"}}, "env": ["LANG"], "log_level": "warning"}"#)
        #expect(try home.weir("reload").status == 0)
        try home.write(
            "dags/n.json",
            #"""
            {"id": "n", "tasks": [{"id": "t", "kind": "command", "env": {"A": "{{ secret.db }}"},
             "with": {"shell": "echo $A >seen"}}]}
            """#)
        #expect(try home.weir("trigger", "n", "--wait").status == 0)
        #expect(home.read("seen") == "correct-horse\n")
        let log = home.read("daemon.log")
        for name in ["secrets", "env", "log_level"] {
            #expect(log.contains(#""message":"setting changed","name":"\#(name)""#), "\(log)")
        }
    }
}

import Glibc
import Spawn
import Testing

/// The daemon under a service manager: sd_notify(3) over a socket of the test.
@Suite(.serialized) struct ServiceManagerTests {
    private func home() throws -> WeirHome {
        let home = try WeirHome()
        let shell = "env > environment; echo > ready; while ! test -e go; do sleep 0.01; done"
        try home.write(
            "dags/d.json",
            "{\"id\": \"d\", \"tasks\": [{\"id\": \"a\", \"kind\": \"command\", \"with\": {\"shell\": \"\(shell)\"}}]}")
        return home
    }

    @Test(arguments: [false, true])
    func theManagerIsToldOfEachStep(isAbstract: Bool) throws {
        let home = try home()
        let manager = try ServiceManager(isAbstract ? "@\(home.path)" : home.path + "/notify")
        let variables = ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "60000000"]
        let daemon = home.start(["daemon"], variables: variables, log: "daemon.log")
        let ready = try #require(manager.receive())
        #expect(ready["READY"] == "1")
        #expect(ready["STATUS"] == "0 of 16 tasks running, 0 queued")
        #expect(try home.weir("status").status == 0, "it serves when it says so")
        #expect(try manager.receive("WATCHDOG")["WATCHDOG"] == "1")

        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "the task") { !home.read("ready").isEmpty }
        #expect(try home.weir("reload").status == 0)
        let reloading = try manager.receive("RELOADING")
        #expect(reloading["RELOADING"] == "1")
        #expect(try #require(Int64(reloading["MONOTONIC_USEC"] ?? "")) > 0)
        #expect(try manager.receive("READY")["STATUS"] == "1 of 16 tasks running, 0 queued")

        let supervisor = try #require(home.supervisors().first)
        let inherited = String(
            decoding: try File.read("/proc/\(supervisor.pid)/environ"), as: UTF8.self)
        for text in [inherited, home.read("environment")] {
            #expect(!text.contains("NOTIFY_SOCKET") && !text.contains("WATCHDOG"), "\(text)")
        }

        #expect(try home.weir("drain").status == 0)
        #expect(try manager.receive("STATUS")["STATUS"] == "draining; 1 of 16 tasks running, 0 queued")
        try home.write("go", "")
        #expect(try manager.receive("STOPPING")["STOPPING"] == "1")
        try home.wait(for: "the end") { daemon.isDead }
        #expect(daemon.exitStatus == 0)
    }

    @Test func aLoopThatHangsGivesNoSignOfLife() throws {
        let home = try home()
        let manager = try ServiceManager(home.path + "/notify")
        let daemon = home.start(
            ["daemon"],
            variables: [
                "NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "20000", "WEIR_FAULT": "committed.run:1:hang",
            ], log: "daemon.log")
        for _ in 0..<5 { #expect(try manager.receive("WATCHDOG")["WATCHDOG"] == "1") }
        let trigger = home.start(["trigger", "d"], log: "trigger.log")
        // Signs of life that were given before it hung; then none for fifty times their distance.
        var late = 0
        while let message = manager.receive(milliseconds: 500) {
            #expect(message["WATCHDOG"] == "1")
            late += 1
            try #require(late < 500, "it goes on giving them")
        }
        #expect(!trigger.isDead && !daemon.isDead)
        // A signal to stop is heard all the same.
        daemon.send(SIGTERM)
        try home.wait(for: "the end") { daemon.isDead }
        #expect(daemon.exitStatus == 0)
        #expect(home.read("daemon.log").contains("although not everything of it ended in time"))
    }

    @Test func aWatchdogForAnotherProcessIsNone() throws {
        let home = try home()
        let manager = try ServiceManager(home.path + "/notify")
        let daemon = home.start(
            ["daemon"],
            variables: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"],
            log: "daemon.log")
        #expect(try #require(manager.receive())["READY"] == "1")
        daemon.send(SIGTERM)
        #expect(try #require(manager.receive())["STOPPING"] == "1", "nothing in between")
    }
}

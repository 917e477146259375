import Glibc
import JSONText
import Spawn
import Testing

/// The promises of the architecture, kept by the built programs: real processes, real signals, real restarts.
@Suite(.serialized) struct ReliabilityTests {
    /// A task that writes its start and its end into a ledger outside of Weir.
    private func ledgerTask(_ id: String, _ home: WeirHome, body: String = "sleep 0.05", fields: String = "") -> String
    {
        let line =
            "echo start $WEIR_TASK_ID $$ >> \(home.path)/ledger; \(body); echo end $WEIR_TASK_ID $$ >> \(home.path)/ledger"
        return "{\"id\": \"\(id)\", \"kind\": \"command\", \"with\": {\"shell\": \"\(line)\"}\(fields)}"
    }

    @Test func aTaskThatFailsTwiceShowsThreeAttemptsWithTheirLogs() throws {
        let home = try WeirHome()
        try home.write(
            "dags/d.json",
            """
            {"id": "d", "tasks": [{"id": "flaky", "kind": "command", "retries": 2, "retry_delay": "100ms",
              "with": {"shell": "echo this is try $WEIR_TRY_NUMBER; test $WEIR_TRY_NUMBER = 3"}}]}
            """)
        let done = try home.weir("trigger", "d", "--wait")
        #expect(done.status == 0, "\(done.err)")
        let run = try #require(try home.runs("d").first?["run_id"]?.string)
        let task = try #require(try home.tasks("d", run).first)
        #expect(task["state"]?.string == "success")
        #expect(task["try_number"]?.integer == 3)
        let logs = try home.weir("logs", "d", run, "flaky").out
        for number in 1...3 { #expect(logs.contains("this is try \(number)"), "\(logs)") }
    }

    @Test func aTimeoutKillsTheWholeTreeSetsidChildrenToo() throws {
        let home = try WeirHome()
        try home.write(
            "dags/d.json",
            """
            {"id": "d", "tasks": [{"id": "slow", "kind": "command", "timeout": "1s", "with": {"shell":
              "setsid sh -c 'echo $$ > child; trap \\"\\" TERM; sleep 1000' & sleep 1000"}}]}
            """)
        let done = try home.weir("trigger", "d", "--wait")
        #expect(done.status == 1)
        let child = try #require(Int32(home.read("child").split(separator: "\n").first ?? ""))
        #expect(Glibc.kill(child, 0) == -1 && errno == ESRCH, "the setsid child lives")
        let run = try #require(try home.runs("d").first?["run_id"]?.string)
        let reason = try home.tasks("d", run).first?["reason"]?.string ?? ""
        #expect(reason.contains("timeout"), "\(reason)")
    }

    @Test func killingTheDaemonAgainAndAgainDoublesAndLosesNothing() throws {
        let home = try WeirHome(parallelism: 4)
        let tasks = (0..<100).map { ledgerTask("t\($0)", home, body: "sleep 0.1") }
        try home.write(
            "dags/d.json", "{\"id\": \"d\", \"max_active_tasks\": 8, \"tasks\": [\(tasks.joined(separator: ","))]}")
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        var random = SystemRandomNumberGenerator()
        for round in 1...10 {
            // At a random moment of the work: after some more tasks have started.
            let target = round * 8 + Int.random(in: 0...3, using: &random)
            try home.wait(for: "\(target) starts") { home.lines("ledger").count { $0.hasPrefix("start") } >= target }
            usleep(UInt32.random(in: 0...20_000, using: &random))
            home.killDaemon()
            try home.startDaemon()
        }
        try home.wait(for: "the run to end") { try home.runs("d").first?["state"]?.string == "success" }
        let ledger = home.lines("ledger")
        for number in 0..<100 {
            let mine = ledger.filter { $0.split(separator: " ").dropFirst().first == "t\(number)" }
            #expect(mine.count == 2, "t\(number): \(mine)")
        }
    }

    /// The daemon dies at each named place, once while it starts tasks and once later; the next one goes on.
    @Test(
        arguments: [
            "turn.before_commit", "committed.run", "committed.queued", "committed.attempt", "committed.result",
            "committed.run_end", "turn.effects_half_done", "start.directory_made", "start.spec_written",
            "start.spawned",
            "end.result_unread", "end.result_read",
        ], [1, 3])
    func aDaemonThatDiesAnywhereDoublesAndLosesNothing(point: String, arrival: Int) throws {
        let home = try WeirHome(parallelism: 2)
        let tasks = (0..<6).map { number in
            ledgerTask("t\(number)", home, fields: number < 3 ? "" : ", \"after\": [\"t\(number - 3)\"]")
        }
        try home.write("dags/d.json", "{\"id\": \"d\", \"tasks\": [\(tasks.joined(separator: ","))]}")
        home.startDaemon(dyingAt: "\(point):\(arrival)")
        try home.wait(for: "an answer, or the death") { try home.weir("status").status == 0 || home.daemonIsDead }
        // It may die before it answers; then whether the run was committed is for the store to say.
        _ = try? home.weir("trigger", "d")
        let isOver = { try home.weir("runs", "d", "--json").out.contains("\"success\"") }
        try home.wait(for: "the death, or the end") { try home.daemonIsDead || isOver() }
        if arrival == 1 { try home.wait(for: "the death") { home.daemonIsDead } }
        home.killDaemon()
        try home.startDaemon()
        if try home.runs("d").isEmpty { #expect(try home.weir("trigger", "d").status == 0) }
        try home.wait(for: "the run to end") { try isOver() }
        #expect(try home.runs("d").count == 1)
        let ledger = home.lines("ledger").map { $0.split(separator: " ").prefix(2).joined(separator: " ") }.sorted()
        #expect(ledger == (0..<6).flatMap { ["end t\($0)", "start t\($0)"] }.sorted(), "each task ran exactly once")
    }

    @Test func aRetryWaitsUntilTheTreeOfAKilledSupervisorIsDead() throws {
        let home = try WeirHome()
        // The first try leaves a setsid grandchild that ignores TERM and writes its pid. A zombie, which waits for init to
        // collect it, is dead.
        let script = """
            if [ ! -e first ]; then touch first; setsid sh -c 'trap \\"\\" TERM; echo $$ > grandchild; while :; do sleep 0.01; done' & \
            while :; do sleep 0.01; done; \
            elif grep -q '^State:.[^ZX]' /proc/$(cat grandchild)/status 2>/dev/null; then echo alive > verdict; \
            else echo dead > verdict; fi
            """
        try home.write(
            "dags/d.json",
            "{\"id\": \"d\", \"tasks\": [{\"id\": \"t\", \"kind\": \"command\", \"with\": {\"shell\": \"\(script)\"}}]}"
        )
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "the grandchild") { !home.read("grandchild").isEmpty }
        let supervisor = try #require(home.supervisors().first)
        #expect(Glibc.kill(supervisor.pid, SIGKILL) == 0)
        try home.wait(for: "the second attempt") { !home.read("verdict").isEmpty }
        #expect(home.read("verdict") == "dead\n")
        try home.wait(for: "the run to end") { try home.runs("d").first?["state"]?.string == "success" }
        let run = try #require(try home.runs("d").first?["run_id"]?.string)
        #expect(try home.tasks("d", run).first?["try_number"]?.integer == 1, "a lost attempt is no try")
    }

    @Test func tasksGoOnWhileNoDaemonRuns() throws {
        let home = try WeirHome()
        let gate = "while [ ! -e go ]; do sleep 0.01; done"
        try home.write("dags/d.json", "{\"id\": \"d\", \"tasks\": [\(ledgerTask("t", home, body: gate))]}")
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "the start") { home.lines("ledger").count == 1 }
        home.killDaemon()
        try home.write("go", "")
        try home.wait(for: "the end, without a daemon") { home.lines("ledger").count == 2 }
        try home.startDaemon()
        try home.wait(for: "the run to end") { try home.runs("d").first?["state"]?.string == "success" }
        #expect(home.lines("ledger").count == 2)
    }

    @Test func aRunningTaskIsClearedAndMarked() throws {
        let home = try WeirHome()
        let after = ledgerTask("after", home, body: "true", fields: ", \"after\": [\"t\"]")
        try home.write(
            "dags/d.json", "{\"id\": \"d\", \"tasks\": [\(ledgerTask("t", home, body: "sleep 1000")), \(after)]}")
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "the start") { home.lines("ledger").count == 1 }
        let cleared = try home.weir("clear", "d", "manual", "t")
        #expect(cleared.status == 0 && cleared.out.contains("1 task to run again: t"), "\(cleared.out)\(cleared.err)")
        try home.wait(for: "the second start") { home.lines("ledger").count == 2 }
        #expect(home.supervisors().count == 1, "the first attempt is gone before the second begins")
        // The decision is stored: the daemon dies at once, and the next one carries it out.
        #expect(try home.weir("mark", "d", "manual", "t", "success").status == 0)
        home.killDaemon()
        try home.startDaemon()
        try home.wait(for: "the run to end") { try home.runs("d").first?["state"]?.string == "success" }
        #expect(home.lines("ledger").count { $0.hasPrefix("start after") } == 1)
        // The whole run again, by a command that works in the foreground.
        home.killDaemon()
        try home.write("dags/d.json", "{\"id\": \"d\", \"tasks\": [\(ledgerTask("t", home, body: "true")), \(after)]}")
        let again = try home.weir("clear", "d", "manual", "--latest")
        #expect(again.status == 0, "\(again.err)")
        #expect(home.lines("ledger").count { $0.hasPrefix("end after") } == 2)
    }

    @Test func cancelKillsARunningTask() throws {
        let home = try WeirHome()
        try home.write("dags/d.json", "{\"id\": \"d\", \"tasks\": [\(ledgerTask("t", home, body: "sleep 1000"))]}")
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "the start") { home.lines("ledger").count == 1 }
        let run = try #require(try home.runs("d").first?["run_id"]?.string)
        #expect(try home.weir("cancel", "d", run).status == 0)
        try home.wait(for: "the run to end") { try home.runs("d").first?["state"]?.string == "cancelled" }
        #expect(home.supervisors().isEmpty)
    }

    @Test func aSecondDaemonIsRefused() throws {
        let home = try WeirHome()
        try home.startDaemon()
        let second = try home.weir("daemon")
        #expect(second.status == 5)
        #expect(second.err.contains("in use by process \(home.daemonPID ?? 0)"), "\(second.err)")
    }
}

import Glibc
import JSONText
import Spawn
import Testing

/// What an operator does to runs and backfills, with a daemon and without one.
@Suite struct OperatorTests {
    /// A DAG of days: `a` fails while the file `fail` is there, `b` waits for `go` while `hold` is there.
    private func home() throws -> WeirHome {
        let home = try WeirHome()
        try home.write(
            "dags/d.json",
            """
            {"id": "d", "schedule": "daily", "start": "2022-05-01", "catchup": "none", "tasks": [
              {"id": "a", "kind": "command", "with": {"shell": "echo about $WEIR_DS; test ! -e fail"}},
              {"id": "b", "kind": "command", "after": ["a"],
               "with": {"shell": "echo $WEIR_DS >> began; until test ! -e hold -o -e go; do sleep 0.01; done"}},
              {"id": "c", "kind": "command", "after": ["b"], "with": {"shell": "true"}}]}
            """)
        return home
    }

    private func backfill(_ home: WeirHome, _ id: Int = 1) throws -> JSONNode {
        try home.json("backfills", "show", "\(id)")
    }

    private func states(_ home: WeirHome) throws -> [String] {
        try home.runs("d").reversed().map { $0["state"]?.string ?? "" }
    }

    // MARK: Backfills

    @Test func aBackfillOfTheDaemonIsPausedResumedAndFollowed() throws {
        let home = try home()
        try home.write("hold", "")
        try home.startDaemon()
        let made = try home.weir(
            "backfill", "d", "--from", "2022-05-02", "--to", "2022-05-06", "--max-active", "2", "--detach")
        #expect(made.status == 0, "\(made.err)")
        try home.wait(for: "two runs") { home.lines("began").count == 2 }
        let paused = try home.weir("backfills", "pause", "1")
        #expect(paused.out == "backfill 1 is paused: 0 of 5 runs have ended (3 queued, 2 running)\n")
        try home.write("go", "")
        try home.wait(for: "their end") { try backfill(home)["states"]?["success"]?.integer == 2 }
        #expect(try home.weir("why", "d", "2022-05-04").out.contains("backfill 1 is paused; `weir backfills resume 1`"))

        // A restart keeps it paused.
        home.stopDaemon()
        try home.startDaemon()
        #expect(try backfill(home)["paused"]?.bool == true)
        #expect(home.lines("began").count == 2)
        let table = try home.weir("backfills", "list", "--running").out
        #expect(table.contains("2022-05-02  2022-05-06  paused  2/5"), "\(table)")
        #expect(try home.weir("backfills", "resume", "1").status == 0)
        let followed = try home.weir("backfills", "follow", "1")
        #expect(followed.status == 0, "\(followed.err)")
        #expect(followed.err.contains("success, 5 success"), "\(followed.err)")
        for verb in ["pause", "resume", "cancel"] {
            let late = try home.weir("backfills", verb, "1")
            #expect(late.status == 1)
            #expect(late.err == "weir: backfill 1 has ended already: success\n")
        }
        #expect(try home.weir("backfills", "pause", "7").status == 4)
    }

    @Test func cancellingABackfillKillsWhatRunsAndDropsTheRest() throws {
        let home = try home()
        try home.write("hold", "")
        try home.startDaemon()
        try home.weir("backfill", "d", "--from", "2022-05-02", "--to", "2022-05-04", "--max-active", "1", "--detach")
        try home.wait(for: "a run") { home.lines("began").count == 1 }
        #expect(try home.weir("backfills", "cancel", "1", "--wait").status == 0)
        #expect(try states(home) == ["cancelled", "cancelled", "cancelled"])
        #expect(try home.json("backfills", "list").array?.first?["state"]?.string == "cancelled")
        #expect(home.supervisors().isEmpty)
    }

    @Test func aBackfillOfOneTaskLeavesTheOthersAsTheyAre() throws {
        let home = try home()
        let whole = ["backfill", "d", "--from", "2022-05-02", "--to", "2022-05-03"]
        #expect(try home.weir(whole).status == 0)
        #expect(try home.weir(whole + ["--reprocess", "completed", "--task", "c"]).status == 0)
        let tries = try home.tasks("d", "2022-05-03").map { $0["try_number"]?.integer }
        #expect(tries == [1, 1, 2])
        let wrong = try home.weir(whole + ["--task", "x"])
        #expect(wrong.status == 4)
        #expect(wrong.err.contains("DAG 'd' has no task 'x'"))
    }

    // MARK: Many runs

    @Test(arguments: [true, false]) func manyRunsAreRetriedMarkedAndClearedAtOnce(withDaemon: Bool) throws {
        let home = try home()
        if withDaemon { try home.startDaemon() }
        try home.write("fail", "")
        #expect(try home.weir("backfill", "d", "--from", "2022-05-02", "--to", "2022-05-05").status == 1)
        #expect(try states(home) == ["failed", "failed", "failed", "failed"])
        unlink(home.path + "/fail")

        let unasked = try home.weir("retry", "d", "--from", "2022-05-02", "--to", "2022-05-03")
        #expect(unasked.status == 2)
        #expect(
            unasked.err.hasSuffix(
                "weir: this is about 2 runs, and nobody is there to ask: give --yes; --dry-run only shows them\n"))
        let dry = try home.weir("retry", "d", "--from", "2022-05-02", "--to", "2022-05-03", "--dry-run")
        #expect(dry.out.hasSuffix("6 tasks of 2 runs would run again\n"), "\(dry.out)")
        #expect(try states(home) == ["failed", "failed", "failed", "failed"], "nothing was done")
        let retried = try home.weir("retry", "d", "--from", "2022-05-02", "--to", "2022-05-03", "--yes", "--wait")
        #expect(retried.status == 0, "\(retried.err)")
        #expect(try states(home) == ["success", "success", "failed", "failed"])

        let marked = try home.weir(
            "mark", "d", "success", "--task", "a", "--state", "failed", "--yes", "--wait", "--json")
        #expect(marked.status == 0, "\(marked.err)")
        let entries = try JSONDocument(parsing: marked.out).root.array ?? []
        #expect(entries.map { $0["run_id"]?.string } == ["4", "5"].map { "backfill__2022-05-0\($0)T00:00:00Z" })
        #expect(entries.first?["task_ids"]?.array?.map(\.string) == ["b", "c"])
        #expect(try states(home) == ["success", "success", "success", "success"])

        let cleared = try home.weir("clear", "d", "--from", "2022-05-03", "--task", "c", "--yes", "--wait")
        #expect(cleared.status == 0, "\(cleared.err)")
        #expect(try home.tasks("d", "2022-05-03").map { $0["try_number"]?.integer } == [2, 1, 2])
        #expect(try home.tasks("d", "2022-05-04").map { $0["try_number"]?.integer } == [1, 1, 1])
        #expect(try home.weir("retry", "d", "--state", "failed", "--yes").status == 4, "none has failed")
        #expect(try home.weir("retry", "d", "2022-05-04").status == 1)
    }

    @Test func aRetryTellsOnlyOfWhatRunsAgain() throws {
        let home = try WeirHome()
        try home.write(
            "dags/d.json",
            #"{"id": "d", "tasks": [{"id": "a", "kind": "command", "with": {"shell": "true"}}, {"id": "b", "kind": "command", "#
                + #""after": ["a"], "retries": 0, "with": {"shell": "test -e good"}}]}"#)
        #expect(try home.weir("trigger", "d", "--wait").status == 1)
        let id = try #require(try home.runs("d").first?["run_id"]?.string)
        let dry = try home.weir("retry", "d", id, "--dry-run")
        #expect(dry.out == "1 task would run again: b\n" && dry.err == "", "\(dry.err)")
        try home.write("good", "")
        let again = try home.weir("retry", "d", id, "--wait")
        #expect(again.status == 0)
        #expect(again.err.contains("  b: success\n") && !again.err.contains("  a: "), "\(again.err)")
    }

    @Test func oneThatIsRefusedDoesNotKeepTheOthers() throws {
        let home = try home()
        #expect(try home.weir("backfill", "d", "--from", "2022-05-02", "--task", "c").status == 0)
        #expect(try home.weir("backfill", "d", "--from", "2022-05-03").status == 0)
        // A run of an older version of the file, without the task.
        let file = home.read("dags/d.json")
        try home.write("dags/d.json", file.replacing("\"id\": \"c\"", with: "\"id\": \"z\""))
        #expect(try home.weir("backfill", "d", "--from", "2022-05-04").status == 0)
        let some = try home.weir("clear", "d", "--from", "2022-05-02", "--to", "2022-05-04", "--task", "c", "--yes")
        #expect(some.status == 0, "what has no such task is passed over by the preview: \(some.err)")
        #expect(some.out.contains("2 tasks of 2 runs to run again"), "\(some.out)")
    }

    @Test func runsAreCancelledByState() throws {
        let home = try home()
        try home.write("hold", "")
        try home.startDaemon()
        try home.weir("backfill", "d", "--from", "2022-05-02", "--to", "2022-05-04", "--max-active", "1", "--detach")
        try home.wait(for: "a run") { home.lines("began").count == 1 }
        #expect(try home.weir("cancel", "d", "--state", "failed").status == 2)
        #expect(try home.weir("cancel", "d", "--state", "queued", "--dry-run").out.contains("2022-05-04"))
        let done = try home.weir("cancel", "d", "--state", "queued", "--yes")
        #expect(done.out == "2 runs cancelled\n")
        #expect(try states(home) == ["running", "cancelled", "cancelled"])
        #expect(try home.weir("cancel", "d", "2022-05-02", "--wait").status == 0)
        #expect(try states(home) == ["cancelled", "cancelled", "cancelled"])
    }

    // MARK: Why, and logs

    @Test func whySaysWhatStandsInTheWay() throws {
        let home = try home()
        try home.write("hold", "")
        try home.startDaemon()
        try home.weir("backfill", "d", "--from", "2022-05-02", "--to", "2022-05-03", "--max-active", "1", "--detach")
        try home.wait(for: "b to run") { home.lines("began").count == 1 }
        #expect(try home.weir("why", "d", "2022-05-02", "c").out == "c waits for b (running)\n")
        #expect(try home.weir("why", "d", "2022-05-03", "c").out.contains("backfill 1 is at its limit (1 of 1 runs)"))
        #expect(try home.weir("why", "d", "2022-05-02", "x").status == 4)
        #expect(try home.weir("why", "d").out.contains("d is active: its next run, of "))
        home.stopDaemon()
        // The same from what is stored, and that nobody acts on it.
        let alone = try home.weir("why", "d", "2022-05-02", "c").out
        #expect(
            alone == """
                no daemon runs here: nothing will start; `weir daemon` starts one
                c waits for b (running)

                """)
        try home.write("fail", "")
        try home.write("go", "")
        #expect(try home.weir("trigger", "d", "--date", "2022-05-09", "--wait").status == 1)
        let failed = try home.weir("why", "d", "2022-05-09", "c").out
        #expect(
            failed.contains("c is upstream_failed: all_success: b upstream_failed\na is failed: exit 1"), "\(failed)")
        #expect(failed.contains("weir logs d manual__"))
        #expect(failed.contains("; weir retry d manual__"))
        let json = try home.json("why", "d", "2022-05-09", "c")
        #expect(json["reasons"]?.array?.map { $0["subject"]?.string } == ["c", "a"])
    }

    @Test func logsFollowThroughAllTriesAndTellTheEnd() throws {
        let home = try WeirHome()
        let shell = "echo try $WEIR_TRY_NUMBER; until test -e go$WEIR_TRY_NUMBER; do sleep 0.01; done; exit 3"
        try home.write(
            "dags/d.json",
            """
            {"id": "d", "tasks": [{"id": "a", "kind": "command", "retries": 1, "retry_delay": "0s",
              "with": {"shell": "\(shell)"}}]}
            """)
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "the first try") { try home.weir("logs", "d", "manual", "a").out.contains("try 1") }
        let follower = home.start(["logs", "-f", "d", "manual", "a"], log: "follow.log")
        try home.wait(for: "its first line") { home.read("follow.log").contains("\ntry 1\n") }
        try home.write("go1", "")
        try home.wait(for: "the second try") { home.read("follow.log").contains("\ntry 2\n") }
        #expect(!follower.isDead)
        try home.write("go2", "")
        try home.wait(for: "its end") { follower.isDead }
        #expect(follower.exitStatus == 1, "the task failed")
        #expect(try home.weir("logs", "-f", "d", "manual", "a", "--try", "1").status == 1)
        #expect(try home.weir("logs", "d", "manual", "a").status == 0, "it only shows")
    }

    @Test func logsWithoutADaemonSayThatNothingWillCome() throws {
        let home = try WeirHome()
        let shell = "seq 1 30; until test -e go; do sleep 0.01; done; echo done"
        try home.write(
            "dags/d.json",
            "{\"id\":\"d\",\"tasks\":[{\"id\":\"a\",\"kind\":\"command\",\"with\":{\"shell\":\"\(shell)\"}}]}")
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "its lines") { try home.weir("logs", "d", "manual", "a").out.contains("\n30\n") }
        #expect(try home.weir("logs", "--tail", "2", "d", "manual", "a").out.hasSuffix("running <==\n29\n30\n"))
        home.killDaemon()
        let follower = home.start(["logs", "-f", "--tail", "1", "d", "manual", "a"], log: "follow.log")
        try home.wait(for: "the remark") { home.read("follow.log").contains("the task goes on") }
        try home.write("go", "")
        try home.wait(for: "its end") { follower.isDead }
        #expect(follower.exitStatus == 5)
        let text = home.read("follow.log")
        #expect(text.contains("\n30\n") && !text.contains("\n29\n") && text.contains("\ndone\n"), "\(text)")
        #expect(text.contains("no daemon runs here: nothing will start"))
    }

    // MARK: Ctrl-C

    @Test func ctrlCAsksWhetherToCancel() throws {
        let home = try home()
        try home.write("hold", "")
        try home.startDaemon()
        let first = try TerminalSession(home, "trigger", "d", "--wait")
        try first.wait(for: "b: running")
        first.type("\u{3}")
        try first.wait(for: "(Ctrl-C again leaves it running)? [y/N] ")
        first.type("n\n")
        try home.write("go", "")
        try first.wait(for: "success, in")
        #expect(try first.end() == 0, "it was followed on")
        unlink(home.path + "/go")

        let second = try TerminalSession(home, "trigger", "d", "--wait")
        try second.wait(for: "b: running")
        second.type("\u{3}")
        try second.wait(for: "[y/N] ")
        second.type("\u{3}")
        try second.wait(for: "the daemon goes on")
        #expect(try second.end() == 130)
        #expect(try home.runs("d").filter { $0["state"]?.string == "running" }.count == 1, "it goes on")
        #expect(try home.weir("cancel", "d", "--state", "running", "--yes", "--wait").status == 0)

        let third = try TerminalSession(home, "backfill", "d", "--from", "2022-05-02", "--to", "2022-05-04")
        try third.wait(for: "3 running")
        third.type("\u{3}")
        try third.wait(for: "cancel backfill 1 (Ctrl-C again leaves it running)? [y/N] ")
        third.type("y\n")
        try third.wait(for: "3 cancelled")
        #expect(try third.end() == 130)
    }

    @Test func aQuestionIsAskedAtATerminal() throws {
        let home = try home()
        #expect(try home.weir("backfill", "d", "--from", "2022-05-02", "--to", "2022-05-03").status == 0)
        for (answer, status) in [("n\n", 0), ("\u{3}", 130)] {
            let no = try TerminalSession(home, "clear", "d", "--state", "success", "--task", "c")
            try no.wait(for: "backfill__2022-05-03T00:00:00Z  success  c")
            try no.wait(for: "run 2 tasks of 2 runs again? [y/N] ")
            no.type(answer)
            try no.wait(for: "nothing was done")
            #expect(try no.end() == Int32(status))
        }
        let yes = try TerminalSession(home, "pause", "--all")
        try yes.wait(for: "pause 1 DAG? [y/N] ")
        yes.type("yes\n")
        try yes.wait(for: "d is paused")
        #expect(try yes.end() == 0)
    }

    @Test func withoutATerminalAnInterruptLeavesTheRunToTheDaemon() throws {
        let home = try home()
        try home.write("hold", "")
        try home.startDaemon()
        let follower = home.start(["trigger", "d", "--wait"], log: "follow.log")
        try home.wait(for: "b") { home.read("follow.log").contains("b: running") }
        follower.send(SIGINT)
        try home.wait(for: "its end") { follower.isDead }
        #expect(follower.exitStatus == 130)
        #expect(home.read("follow.log").contains("not following any more; the daemon goes on"))
        #expect(try states(home) == ["running"])
    }
}

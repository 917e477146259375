import Glibc
import JSONText
import Spawn
import Testing

/// How daemons come and go: take-over, hand-over, stop, drain, reload, upgrade. Real processes and signals.
@Suite(.serialized) struct DaemonLifeTests {
    /// Tasks that note their start, wait until the test lets them, and note their end.
    private func home(tasks: Int = 1, parallelism: Int? = 16, fields: String = "") throws -> WeirHome {
        let home = try WeirHome(parallelism: parallelism)
        let shell = "echo start $WEIR_TASK_ID >> ledger; while ! test -e go; do sleep 0.01; done; "
        let list = (0..<tasks).map { number in
            "{\"id\": \"t\(number)\", \"kind\": \"command\", \"with\": {\"shell\": "
                + "\"\(shell)echo end $WEIR_TASK_ID >> ledger\"}}"
        }
        try home.write("dags/d.json", "{\"id\": \"d\", \(fields)\"tasks\": [\(list.joined(separator: ","))]}")
        return home
    }

    private let daily = "\"schedule\": \"daily\", \"start\": \"2022-05-01\", \"end\": \"2022-05-31\", "

    private func triggerAndWaitForStarts(_ home: WeirHome, _ count: Int = 1) throws {
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "\(count) starts") { home.lines("ledger").count >= count }
    }

    /// Lets the tasks end, and checks that the run succeeded and each task ran once.
    private func finish(_ home: WeirHome, tasks: Int = 1) throws {
        try home.write("go", "")
        try home.wait(for: "the run to end") { try home.runs("d").first?["state"]?.string == "success" }
        let expected = (0..<tasks).flatMap { ["end t\($0)", "start t\($0)"] }
        #expect(home.lines("ledger").sorted() == expected.sorted(), "each task ran once")
    }

    private func statusOf(_ home: WeirHome) throws -> JSONNode { try home.json("status") }

    @Test func theDaemonRaisesItsDescriptorsAndNotThoseOfTasks() throws {
        let home = try WeirHome()
        try home.write(
            "dags/d.json",
            #"{"id": "d", "tasks": [{"id": "t", "kind": "command", "with": {"shell": "ulimit -n > files"}}]}"#)
        try home.startDaemon()
        #expect(try home.weir("trigger", "d", "--wait").status == 0)
        var own = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &own)
        #expect(home.lines("files") == ["\(own.rlim_cur)"])
        let daemon = try #require(home.runningDaemon)
        let limits = String(decoding: try File.read("/proc/\(daemon.pid)/limits"), as: UTF8.self)
        let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
        let soft = line.split(separator: " ").dropFirst(3).first
        #expect(soft.map(String.init) == "\(max(own.rlim_cur, min(own.rlim_max, 65_536)))")
    }

    // MARK: Take-over

    @Test(arguments: [0, SIGSTOP])
    func takingOverLeavesTheTasksAlone(before: Int32) throws {
        let home = try home()
        try home.startDaemon()
        try triggerAndWaitForStarts(home)
        let old = try #require(home.runningDaemon)
        if before != 0 { old.send(before) }
        try home.startDaemon("--take-over")
        try home.wait(for: "the end of the old one") { old.isDead }
        #expect(old.exitStatus == (before == 0 ? 0 : 128 + SIGKILL), "one that is well stops in order")
        try finish(home)
    }

    @Test func aDaemonWhoseLoopHangsIsReplaced() throws {
        let home = try home()
        try home.startDaemon(variables: ["WEIR_FAULT": "committed.run_end:1:hang"])
        try triggerAndWaitForStarts(home)
        let old = try #require(home.runningDaemon)
        try home.write("go", "")
        try home.wait(for: "the end of the task") { home.lines("ledger").count == 2 }
        try home.startDaemon("--take-over")
        try home.wait(for: "the end of the old one") { old.isDead }
        try finish(home)
    }

    @Test func withoutTheOptionNobodyIsEnded() throws {
        let home = try home()
        try home.startDaemon()
        let second = try home.weir("daemon")
        #expect(second.status == 5)
        #expect(second.err.contains("a daemon: `weir status` asks it, `weir daemon --take-over` replaces it"))
        #expect(!home.daemonIsDead)
    }

    /// Two daemons at once are only possible when somebody removes lock and socket by hand; then the epoch decides.
    @Test func anOldDaemonThatWakesUpWritesNothing() throws {
        let home = try home()
        try home.startDaemon()
        try triggerAndWaitForStarts(home)
        let old = try #require(home.runningDaemon)
        old.send(SIGSTOP)
        try File.removeTree(home.path + "/state/weir.lock")
        try File.removeTree(home.path + "/state/weir.sock")
        try home.startDaemon()
        old.send(SIGCONT)
        try finish(home)
        try home.wait(for: "the end of the old one") { old.isDead }
        #expect(old.exitStatus == 1)
        #expect(home.read("daemon.log").contains("another daemon has taken this state directory over"))
        let run = try #require(try home.runs("d").first?["run_id"]?.string)
        #expect(try home.tasks("d", run).first?["try_number"]?.integer == 1)
        #expect(try home.weir("status").status == 0, "the old one has left the new one's socket alone")
    }

    @Test(arguments: ["4711\n", "{\"pid\": 1}", "other machine"])
    func aHolderThatCannotBeVerifiedIsLeftAlone(text: String) throws {
        let home = try home()
        try File.makeDirectory(home.path + "/state")
        let lock = try FileDescriptor.open(home.path + "/state/weir.lock", O_RDWR | O_CREAT)
        #expect(flock(lock.raw, LOCK_EX | LOCK_NB) == 0)
        // A process that lives, but that was not checked: this one.
        let own = try #require(ProcessIdentity.current())
        let foreign =
            "{\"pid\": \(own.pid), \"start_time\": \(own.startTime), \"boot_id\": \"another\", \"role\": \"daemon\"}"
        try lock.writeAll(Array((text == "other machine" ? foreign : text).utf8))
        let second = try home.weir("daemon", "--take-over")
        #expect(second.status == 5)
        #expect(second.err.contains("is held by a process that cannot be verified"), "\(second.err)")
        #expect(second.err.contains("Nothing was ended"))
    }

    // MARK: Hand-over

    @Test func aBackfillInTheForegroundHandsOverToADaemon() throws {
        let home = try home(fields: daily)
        let words = ["backfill", "d", "--from", "2022-05-02", "--to", "2022-05-04"]
        let backfill = home.start(words, log: "backfill.log")
        try home.wait(for: "three starts") { home.lines("ledger").count == 3 }
        #expect(try home.weir("status").status == 5, "it is no daemon")
        #expect(try home.weir("status", "--json").out.contains("\"role\": \"embedded\""))
        try home.startDaemon()
        try home.wait(for: "the message") { home.read("backfill.log").contains("a daemon has started") }
        #expect(!backfill.isDead)
        try home.write("go", "")
        try home.wait(for: "the end of the backfill") { backfill.isDead }
        #expect(backfill.exitStatus == 0, "\(home.read("backfill.log"))")
        #expect(home.read("backfill.log").contains("backfill 1: success, 3 success"))
        #expect(home.lines("ledger").count == 6, "each task ran once")
        #expect(!home.daemonIsDead)
    }

    @Test func afterTheHandOverCtrlCOnlyEndsTheFollowing() throws {
        let home = try home()
        let trigger = home.start(["trigger", "d"], log: "trigger.log")
        try home.wait(for: "the start") { home.lines("ledger").count == 1 }
        try home.startDaemon()
        try home.wait(for: "the message") { home.read("trigger.log").contains("a daemon has started") }
        trigger.send(SIGINT)
        try home.wait(for: "the end of the command") { trigger.isDead }
        #expect(trigger.exitStatus == 130)
        #expect(home.read("trigger.log").contains("not following any more; the daemon goes on"))
        try finish(home)
    }

    @Test func whoWaitsIsToldThatTheDaemonHasGoneAndThatOneIsBack() throws {
        let home = try home()
        try home.startDaemon()
        let trigger = home.start(["trigger", "d", "--wait"], log: "trigger.log")
        try home.wait(for: "the start") { home.lines("ledger").count == 1 }
        home.killDaemon()
        try home.wait(for: "the message") { home.read("trigger.log").contains("does not answer any more") }
        #expect(!trigger.isDead)
        try home.startDaemon()
        try home.wait(for: "the other message") { home.read("trigger.log").contains("a daemon answers again") }
        try home.write("go", "")
        try home.wait(for: "the end of the command") { trigger.isDead }
        #expect(trigger.exitStatus == 0, "\(home.read("trigger.log"))")
    }

    @Test func aStoppedCommandInTheForegroundIsEndedByATakeOver() throws {
        let home = try home()
        let trigger = home.start(["trigger", "d"], log: "trigger.log")
        try home.wait(for: "the start") { home.lines("ledger").count == 1 }
        trigger.send(SIGSTOP)
        try home.startDaemon("--take-over")
        try home.wait(for: "the end of the command") { trigger.isDead }
        #expect(trigger.exitStatus == 128 + SIGKILL)
        try finish(home)
    }

    @Test func aCommandBesideOneInTheForegroundIsServedByItAndInheritsTheWork() throws {
        let home = try home(fields: daily)
        try home.write(
            "dags/e.json",
            "{\"id\": \"e\", \"tasks\": [{\"id\": \"e\", \"kind\": \"command\", \"with\": {\"shell\": "
                + "\"echo start e >> ledger; while ! test -e go; do sleep 0.01; done\"}}]}")
        let first = home.start(["backfill", "d", "--from", "2022-05-02"], log: "first.log")
        try home.wait(for: "the start of the first") { home.lines("ledger").count == 1 }
        let second = home.start(["trigger", "e"], log: "second.log")
        try home.wait(for: "the start of the second") { home.lines("ledger").contains("start e") }
        #expect(home.read("second.log").contains("process \(first.pid) works in the foreground, and on this too"))
        let detached = try home.weir("cancel", "d", "2022-05-02")
        #expect(detached.status == 0, "\(detached.err)")
        try home.wait(for: "the end of the first") { first.isDead }
        #expect(first.exitStatus == 1, "its run was cancelled: \(home.read("first.log"))")
        // Nobody else would bring the second one's run to its end.
        try home.wait(for: "the inheritance") { home.read("second.log").contains("working in the foreground") }
        try home.write("go", "")
        try home.wait(for: "the end of the second") { second.isDead }
        #expect(second.exitStatus == 0, "\(home.read("second.log"))")
        #expect(try home.runs("e").first?["state"]?.string == "success")
        #expect(home.lines("ledger").count { $0 == "start e" } == 1)
    }

    // MARK: Stop and drain

    @Test(arguments: [SIGTERM, SIGINT])
    func aStopLeavesRunningTasksRunning(signal: Int32) throws {
        let home = try home()
        try home.startDaemon()
        try triggerAndWaitForStarts(home)
        let old = try #require(home.runningDaemon)
        old.send(signal)
        try home.wait(for: "the stop") { old.isDead }
        #expect(old.exitStatus == 0)
        #expect(home.supervisors().count == 1)
        #expect(!File.exists(home.path + "/state/weir.sock"))
        try home.startDaemon()
        try finish(home)
    }

    @Test func drainingStartsNothingWaitsAndExits() throws {
        let home = try home(tasks: 2, parallelism: 1)
        try home.startDaemon()
        try triggerAndWaitForStarts(home)
        let old = try #require(home.runningDaemon)
        #expect(try home.weir("drain").status == 0)
        #expect(try statusOf(home)["draining"]?.bool == true)
        #expect(try home.weir("status").out.contains("draining: no task starts"))
        let waiting = home.start(["daemon", "--drain"], log: "drain.log")
        try home.wait(for: "the wait") { home.read("drain.log").contains("waiting for its end") }
        #expect(!old.isDead && !waiting.isDead)
        try home.write("go", "")
        try home.wait(for: "the end") { old.isDead && waiting.isDead }
        #expect(old.exitStatus == 0 && waiting.exitStatus == 0)
        #expect(home.lines("ledger") == ["start t0", "end t0"])
        #expect(try home.weir("drain").status == 5, "there is no daemon")
        try home.startDaemon()
        try finish(home, tasks: 2)
    }

    @Test func aDaemonThatBeginsByDrainingOnlyWaits() throws {
        let home = try home(tasks: 2, parallelism: 1)
        try home.startDaemon()
        try triggerAndWaitForStarts(home)
        home.killDaemon()
        try home.startDaemon("--drain")
        let draining = try #require(home.runningDaemon)
        #expect(try statusOf(home)["draining"]?.bool == true)
        try home.write("go", "")
        try home.wait(for: "the end") { draining.isDead }
        #expect(draining.exitStatus == 0)
        #expect(home.lines("ledger") == ["start t0", "end t0"])
    }

    @Test func aSignalDrainsToo() throws {
        let home = try home()
        try home.startDaemon()
        try triggerAndWaitForStarts(home)
        let old = try #require(home.runningDaemon)
        old.send(SIGUSR2)
        try home.wait(for: "the draining") { try statusOf(home)["draining"]?.bool == true }
        try finishDrained(home, old)
    }

    private func finishDrained(_ home: WeirHome, _ old: Daemon) throws {
        try home.write("go", "")
        try home.wait(for: "the end") { old.isDead }
        #expect(try home.runs("d").first?["state"]?.string == "success", "the end of the run is committed before")
    }

    // MARK: Reload

    @Test func parallelismChangesAtOnceUpAndDown() throws {
        let home = try home(tasks: 4, parallelism: nil)
        try home.write("weir.json", "{\"parallelism\": 1}")
        try home.startDaemon()
        try triggerAndWaitForStarts(home)
        try home.write("weir.json", "{\"parallelism\": 3}")
        #expect(try home.weir("reload").status == 0)
        try home.wait(for: "three starts") { home.lines("ledger").count == 3 }
        #expect(try statusOf(home)["running_attempts"]?.integer == 3)
        try home.write("weir.json", "{\"parallelism\": 2}")
        try #require(home.runningDaemon).send(SIGHUP)
        try home.wait(for: "the lower limit") { try statusOf(home)["parallelism"]?.integer == 2 }
        #expect(try statusOf(home)["running_attempts"]?.integer == 3, "what runs goes on")
        try finish(home, tasks: 4)
    }

    @Test func brokenSettingsAreReportedAndTheOldOnesStay() throws {
        let home = try home(parallelism: nil)
        try home.write("weir.json", "{\"parallelism\": 3}")
        try home.startDaemon()
        try home.write("weir.json", "{\"parallelism\": 0}")
        try home.write(
            "dags/new.json", home.read("dags/d.json").replacing("\"id\": \"d\"", "\"id\": \"n\""))
        let reload = try home.weir("reload")
        #expect(reload.status == 3)
        #expect(reload.err.contains("weir.json:1:17: parallelism must be a number from 1 to 4096"), "\(reload.err)")
        #expect(reload.err.contains("the settings stay as they were"))
        #expect(try statusOf(home)["parallelism"]?.integer == 3)
        try home.wait(for: "the folder, which is read all the same") {
            home.read("daemon.log").contains("\"dag\":\"n\"")
        }
        try File.removeTree(home.path + "/weir.json")
        home.killDaemon()
        #expect(try home.weir("reload").status == 5)
    }

    // MARK: Upgrade

    @Test func theProgramsCanBeReplacedWhileTasksRun() throws {
        let home = try home()
        func install() throws {
            try File.makeDirectory(home.path + "/bin")
            for name in ["weir", "weir-supervise"] {
                // As install(1) does: the running program keeps its file, the name gets another one.
                let done = try home.program(["cp", WeirHome.products + "/" + name, "bin/new"])
                try #require(done.status == 0, "\(done.err)")
                #expect(rename(home.path + "/bin/new", home.path + "/bin/\(name)") == 0)
            }
        }
        func program(of daemon: Daemon) -> UInt64? { File.status("/proc/\(daemon.pid)/exe")?.inode }
        try install()
        let weir = home.path + "/bin/weir"
        try home.startDaemon(program: weir)
        try triggerAndWaitForStarts(home)
        let old = try #require(home.runningDaemon)
        let before = program(of: old)
        try install()
        #expect(old.end(SIGTERM) == 0)
        try home.startDaemon(program: weir)
        #expect(program(of: try #require(home.runningDaemon)) != before)
        #expect(program(of: try #require(home.runningDaemon)) == File.status(weir)?.inode)
        try finish(home)
    }
}

extension String {
    fileprivate func replacing(_ part: String, _ other: String) -> String {
        guard let range = firstRange(of: part) else { return self }
        return self[..<range.lowerBound] + other + self[range.upperBound...]
    }
}

import Glibc
import JSONText
import Spawn
import Testing

/// What DAG files say besides tasks and times, as a user meets it: a daemon, commands, real processes, mails on disk.
@Suite struct RulesInPracticeTests {
    private func home(_ fields: String, _ tasks: String...) throws -> WeirHome {
        let home = try WeirHome()
        try home.write("dags/d.json", "{\"id\":\"d\",\(fields)\"tasks\":[\(tasks.joined(separator: ","))]}")
        return home
    }

    private func task(_ id: String, _ shell: String, _ fields: String = "") -> String {
        "{\"id\":\"\(id)\",\"kind\":\"command\",\(fields)\"with\":{\"shell\":\"\(shell)\"}}"
    }

    private func states(_ home: WeirHome, _ run: String = "manual") throws -> [String: String] {
        Dictionary(
            try home.tasks("d", run).map { task in
                let index = task["map_index"]?.integer ?? -1
                let name = (task["task_id"]?.string ?? "") + (index >= 0 ? "[\(index)]" : "")
                return (name, task["state"]?.string ?? "")
            }, uniquingKeysWith: { first, _ in first })
    }

    @Test func aPoolIsMadeUsedChangedAndRemovedBesideADaemon() throws {
        let pooled = "\"pool\":\"narrow\","
        let shell = "echo start >> ledger; until test -e go; do sleep 0.01; done"
        let home = try home("", task("a", shell, pooled), task("b", shell, pooled))
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "both to be queued") { try states(home) == ["a": "queued", "b": "queued"] }
        let made = try home.weir("pools", "set", "narrow", "1", "--description", "one at a time")
        #expect(made.out == "pool narrow has 1 slot\n")
        try home.wait(for: "one start") { home.lines("ledger") == ["start"] }
        #expect(try states(home).values.sorted() == ["queued", "running"])
        #expect(try home.weir("pools", "set", "narrow", "2").out == "pool narrow has 2 slots\n")
        try home.wait(for: "the other") { home.lines("ledger").count == 2 }
        let listed = try home.json("pools", "list").array?.last
        #expect(listed?["name"]?.string == "narrow")
        #expect(listed?["slots"]?.integer == 2)
        #expect(listed?["description"]?.string == "one at a time")
        try home.write("go", "")
        try home.wait(for: "the run to end") { try home.runs("d").first?["state"]?.string == "success" }
        #expect(try home.weir("pools", "remove", "narrow").out == "pool narrow is removed\n")
        let again = try home.weir("pools", "remove", "narrow")
        #expect(again.status == 4)
        #expect(again.err.contains("narrow"), "\(again.err)")
        for (words, status) in [(["narrow", "many"], 2), (["narrow", "-1"], 2), (["no/name", "1"], 2)] {
            let wrong = try home.weir(["pools", "set", "--"] + words)
            #expect(Int(wrong.status) == status, "\(words): \(wrong.err)")
        }
    }

    @Test func aPausedScheduleStopsAndGoesOn() throws {
        let home = try home("\"schedule\":{\"every\":\"1s\"},\"catchup\":false,", task("a", "true"))
        try home.startDaemon()
        try home.wait(for: "a run by the schedule") { try !home.runs("d").isEmpty }
        #expect(try home.weir("pause", "d").status == 0)
        try home.wait(for: "the runs to end") {
            try home.runs("d").allSatisfy { $0["state"]?.string == "success" }
        }
        #expect(try home.json("dags").array?.first?["paused"]?.bool == true)
        let count = try home.runs("d").count
        // By hand it still works; at least one tick has come when this is over.
        let tick = ContinuousClock.now + .milliseconds(1_100)
        repeat { #expect(try home.weir("trigger", "d", "--wait").status == 0) } while ContinuousClock.now < tick
        #expect(try home.runs("d").count { $0["run_type"]?.string != "manual" } == count)
        #expect(try home.weir("unpause", "d").status == 0)
        try home.wait(for: "another run by the schedule") {
            try home.runs("d").count { $0["run_type"]?.string != "manual" } > count
        }
        #expect(try home.weir("pause", "nowhere").status == 4)
    }

    @Test func filesStartARunOnceForWhatHasArrived() throws {
        let home = try home(
            "\"schedule\":{\"files\":{\"folder\":\"in\",\"pattern\":\"*.json\",\"settle\":\"0s\",\"every\":\"10ms\"}},",
            task("a", "ls in >> ledger; echo $WEIR_RUN_TYPE >> ledger"))
        try home.startDaemon()
        try home.wait(for: "the missing folder to be told") {
            home.read("daemon.log").contains("cannot look for files that start a DAG")
        }
        try File.makeDirectory(home.path + "/in")
        try home.write("in/other.txt", "x")
        try home.write("in/one.json", "{}")
        try home.wait(for: "a run") { try home.runs("d").first?["state"]?.string == "success" }
        #expect(home.lines("ledger").contains("one.json"))
        let first = try #require(try home.runs("d").first)
        #expect(first["run_id"]?.string?.hasPrefix("triggered__") == true, "\(first.jsonText)")
        // What has been seen starts nothing again, also after a restart; what is new does.
        home.killDaemon()
        try home.startDaemon()
        try home.write("in/two.json", "{}")
        try home.wait(for: "the second run") {
            try home.runs("d").count { $0["state"]?.string == "success" } == 2
        }
        let second = try #require(try home.runs("d").first)
        #expect(second["data_interval_start"]?.string == first["data_interval_end"]?.string)
        #expect(try home.runs("d").count == 2)
    }

    @Test func datasetsStartWhatWaitsForThem() throws {
        let home = try home(
            "",
            task("a", "echo '{\\\"key\\\": \\\"datasets\\\", \\\"value\\\": [\\\"x\\\", \\\"y\\\"]}' >> $WEIR_OUTPUT"))
        try home.write(
            "dags/e.json",
            "{\"id\":\"e\",\"schedule\":{\"datasets\":[\"x\",\"y\"]},\"tasks\":[\(task("a", "true"))]}")
        try home.startDaemon()
        #expect(try home.weir("trigger", "d").status == 0)
        try home.wait(for: "the run of e") { try home.runs("e").first?["state"]?.string == "success" }
        #expect(try home.runs("e").count == 1)
    }

    @Test func aFailureIsMailedOnceAndARunThatIsLateToo() throws {
        let home = try home(
            "\"deadline\":\"10ms\",\"on_failure\":[{\"to\":\"ops@example.org\",\"subject\":\"{{ dag_id }} failed\"}],"
                + "\"on_deadline\":[{\"kind\":\"command\",\"with\":{\"shell\":\"echo late >> ledger\"}}],",
            task("a", "until test -s ledger; do sleep 0.01; done; exit 98"))
        try home.startDaemon()
        #expect(try home.weir("trigger", "d", "--wait").status == 1)
        try home.wait(for: "the mail") { !((try? File.list(home.path + "/state/outbox")) ?? []).isEmpty }
        let mails = try File.list(home.path + "/state/outbox")
        #expect(mails.count == 1)
        let mail = home.read("state/outbox/\(mails[0])")
        #expect(mail.contains("To: ops@example.org"), "\(mail)")
        #expect(mail.contains("Subject: d failed"), "\(mail)")
        #expect(home.lines("ledger") == ["late"])
    }

    /// A mail system that refuses for a while, then hangs, then works: each try carries the same name.
    @Test func aMailIsTriedAgainUntilItIsTaken() throws {
        let home = try home(
            "\"on_failure\":[{\"kind\":\"notify\",\"with\":{\"to\":\"ops@example.org\"},\"timeout\":\"500ms\","
                + "\"retry_delay\":\"10ms\"}],",
            task("a", "echo broken; exit 98"))
        try home.script(
            "sendmail",
            "cat > mail.$$; mv mail.$$ mail.$(ls mail.* | wc -l)\n"
                + "test -e mail.3 && { setsid sh -c 'sleep 0.1; > delivered' >/dev/null 2>&1 & exit 0; }; test -e mail.2 && sleep 1000; echo 'queue is full' >&2; exit 75"
        )
        home.extraEnvironment["WEIR_SENDMAIL"] = home.path + "/sendmail"
        try home.startDaemon()
        #expect(try home.weir("trigger", "d", "--wait").status == 1)
        #expect(try states(home) == ["a": "failed", "on_failure:1": "success"])
        let tries = try home.tasks("d", "manual").last?["try_number"]?.integer
        #expect(tries == 3)
        let names = (1...3).map { number in home.lines("mail.\(number)").first { $0.hasPrefix("Message-ID:") } }
        #expect(Set(names).count == 1 && names[0] != nil, "\(names)")
        #expect(try home.runs("d").first?["reason"]?.string == "failed: a (exit 98: broken)")
        #expect(File.exists(home.path + "/delivered"), "a mail system delivers in the background; it is let")
        #expect(try !home.weir("status").out.contains("notifications:"))
    }

    @Test func whatReachesNobodyIsShown() throws {
        let home = try home("\"on_failure\":[{\"to\":\"ops@example.org\"}],", task("a", "exit 98"))
        try home.script("sendmail", "cat > /dev/null; echo 'no such user' >&2; exit 67")
        home.extraEnvironment["WEIR_SENDMAIL"] = home.path + "/sendmail"
        try home.startDaemon()
        #expect(try home.weir("trigger", "d", "--wait").status == 1)
        let reason = try home.runs("d").first?["reason"]?.string ?? ""
        #expect(reason.hasPrefix("failed: a (exit 98); not delivered: on_failure:1 (exit 98:"), "\(reason)")
        #expect(reason.contains("exit status 67: no such user"), "\(reason)")
        let status = try home.weir("status").out
        #expect(status.contains("notifications: 1 not delivered in the last week; the last: d manual__"), "\(status)")
        let counts = try home.json("status")
        #expect(counts["undelivered_notifications"]?.integer == 1 && counts["retried_notifications"]?.integer == 0)
    }

    /// One DAG with everything that decides at run time, without a daemon.
    @Test func listsConditionsAndSensorsWorkInTheForeground() throws {
        let home = try home(
            "\"params\":{\"mode\":{\"type\":\"string\",\"default\":\"fast\",\"pattern\":\"^[a-z]+$\"}},",
            task("list", "echo '{\\\"key\\\": \\\"files\\\", \\\"value\\\": [\\\"n\\\", \\\"s\\\"]}' >> $WEIR_OUTPUT"),
            task(
                "each", "echo {{ each.index }} {{ each.value }} {{ ds | date(\\\"%Y\\\") }} >> ledger",
                "\"after\":[\"list\"],\"for_each\":\"{{ outputs.list.files }}\","),
            task("slow", "true", "\"after\":[\"each\"],\"when\":\"params.mode == 'full'\","),
            task(
                "sensor", "test -e seen && exit 0; touch seen; exit 97",
                "\"after\":[\"each\"],\"poll_interval\":\"10ms\","))
        let output = try home.weir("trigger", "d", "--date", "2022-05-02", "--wait")
        #expect(output.status == 0, "\(output.err)")
        #expect(home.lines("ledger").sorted() == ["0 n 2022", "1 s 2022"])
        let states = try states(home)
        #expect(states["each[0]"] == "success")
        #expect(states["each[1]"] == "success")
        #expect(states["slow"] == "skipped")
        #expect(states["sensor"] == "success")
        let names = try home.weir("tasks", "d", "2022-05-02").out.split(separator: "\n").dropFirst()
            .compactMap { $0.split(separator: " ").first }
        #expect(names == ["list", "each[0]", "each[1]", "slow", "sensor"], "as in the DAG")
        let wrong = try home.weir("trigger", "d", "--param", "mode=7")
        #expect(wrong.status == 2)
        #expect(wrong.err.contains("^[a-z]+$"), "\(wrong.err)")
    }
}

import JSONText
import SQLiteStore
import Spawn
import Synchronization
import Testing

@testable import Commands
@testable import Engine

/// Commands that run an engine in the foreground, with the real supervisor.
struct RunningCommandTests {
    /// A day is the local day that a run is about, whatever its id says in UTC.
    @Test func aRunIsNamedByItsLocalDay() throws {
        let home = try CommandHome()
        try home.write(
            "dags/tz.json",
            #"{"id":"tz","schedule":"daily","timezone":"Asia/Tokyo","start":"2022-03-01","tasks":[{"id":"a","#
                + #""kind":"command","with":{"shell":"echo about $WEIR_DS"}}]}"#)
        #expect(home.weir("backfill", "tz", "--from", "2022-05-04", "--to", "2022-05-06").status == 0)
        for day in ["2022-05-04", "2022-05-05", "2022-05-06"] {
            #expect(home.weir("logs", "tz", day, "a").out.contains("about \(day)\n"), "\(day)")
        }
        #expect(home.weir("logs", "tz", "2022-05-03", "a").status == 4)
        #expect(home.weir("trigger", "tz", "--date", "2022-03-28", "--wait").status == 0)
        #expect(home.weir("logs", "tz", "2022-03-28", "a").out.contains("about 2022-03-28\n"), "a manual one, too")
        let empty = home.weir("clear", "tz", "")
        #expect(empty.status == 2)
        #expect(empty.err.contains("RUN is empty"))
    }

    @Test func instancesOfAMappedTaskHaveNamesAndLogs() throws {
        let home = try CommandHome()
        try home.write(
            "dags/m.json",
            #"{"id":"m","tasks":[{"id":"each","kind":"command","for_each":["n","s"],"with":{"shell":"echo {{ each.value }}"}}]}"#
        )
        let done = home.weir("trigger", "m", "--wait")
        #expect(done.status == 0, "\(done.err)")
        #expect(!done.err.contains("removed"), "\(done.err)")
        #expect(done.err.contains("  each[1]: success"))
        #expect(home.weir("logs", "m", "manual", "each[1]").out.contains("\ns\n"))
        let which = home.weir("logs", "m", "manual", "each")
        #expect(which.status == 2)
        #expect(which.err.contains("task 'each' has 2 instances; name one, such as 'each[0]'"))
        let tasks = home.weir("tasks", "m", "manual").out
        #expect(tasks.contains("each[0]") && !tasks.contains("removed"), "\(tasks)")
    }

    private func home() throws -> CommandHome {
        let home = try CommandHome()
        try home.write("dags/hello.json", helloDAG)
        return home
    }

    @Test func triggerRunsInTheForegroundAndTellsHowItWent() throws {
        let home = try home()
        let good = home.weir("trigger", "hello", "--date", "2022-05-02", "-p", "count=0", "-p", "name=world")
        #expect(good.status == 0, "\(good.err)")
        let id = good.out.split(separator: "\n").first.map(String.init) ?? ""
        #expect(id.hasPrefix("manual__"))
        #expect(good.err.contains("weir: no daemon runs in \(home.path); working in the foreground"))
        #expect(good.err.contains("  count: success\n"))
        #expect(good.err.contains("\(id): success, in "))

        let run = try #require(try home.json("runs", "hello").array?.first)
        #expect(run["run_id"]?.string == id)
        #expect(run["dag_id"]?.string == "hello")
        #expect(run["run_type"]?.string == "manual")
        #expect(run["state"]?.string == "success")
        #expect(run["logical_date"]?.string == "2022-05-02T00:00:00Z")
        #expect(run["data_interval_end"]?.string == "2022-05-03T00:00:00Z")
        for key in ["run_after", "start_date", "end_date"] {
            #expect(run[key]?.string?.hasSuffix("Z") == true, "\(key)")
        }

        let tasks = try #require(try home.json("tasks", "hello", id).array)
        #expect(tasks.map { $0["task_id"]?.string } == ["greet", "count"])
        #expect(tasks.map { $0["map_index"]?.integer } == [-1, -1])
        #expect(tasks.map { $0["state"]?.string } == ["success", "success"])
        #expect(tasks.map { $0["try_number"]?.integer } == [1, 1])
        #expect(tasks.allSatisfy { $0["run_id"]?.string == id && $0["dag_id"]?.string == "hello" })
        #expect(tasks.first?["duration"]?.double ?? -1 >= 0)
        #expect(tasks.first?["reason"]?.isNull == true)

        #expect(home.weir("logs", "hello", id, "greet").out.hasSuffix("hello world\n"))
        let wrong = home.weir("logs", "hello", id, "gret")
        #expect(wrong.status == 4)
        #expect(wrong.err.contains("did you mean 'greet'?"))
        #expect(home.weir("logs", "hello", id, "greet", "--try", "2").status == 4)
        #expect(home.weir("cancel", "hello", id).status == 1, "it has ended")
        #expect(home.weir("tasks", "hello", "manual__1").status == 4)
    }

    @Test func aRunThatFailsExitsWithOne() throws {
        let home = try home()
        try home.write(
            "dags/bad.json",
            "{\"id\": \"bad\", \"tasks\": [{\"id\": \"a\", \"kind\": \"command\", \"with\": {\"shell\": \"echo why >&2; exit 3\"}}]}"
        )
        let output = home.weir("trigger", "bad", "--json")
        #expect(output.status == 1)
        #expect(try JSONDocument(parsing: output.out).root["dag_id"]?.string == "bad", "only JSON on standard output")
        #expect(output.err.contains("  a: failed (exit 3: why)\n"))
        #expect(output.err.contains(": failed: a (exit 3: why), in "), "the state is said once")
        #expect(output.err.contains("weir logs bad manual__"))
    }

    @Test func badParametersAreRefused() throws {
        let home = try home()
        for (words, message) in [
            (["-p", "count=many"], "count"), (["-p", "nam=x"], "did you mean \"name\"?"),
            (["--date", "x"], "--date is 'x'"),
        ] {
            let output = run(["trigger", "hello"] + words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == 2, "\(words): \(output.err)")
            #expect(output.err.contains(message), "\(output.err)")
        }
        #expect(try home.json("runs").array?.isEmpty == true)
    }

    @Test func aDryRunShowsThePlanAndMakesNothing() throws {
        let home = try home()
        let words = ["backfill", "hello", "--from", "2022-05-02", "--to", "2022-05-04", "--dry-run"]
        func dry(_ more: String...) -> CommandHome.Output { run(words + more, environment: ["WEIR_HOME": home.path]) }
        let lines = dry().out.split(separator: "\n").map(String.init)
        #expect(lines.count == 4)
        #expect(lines[1] == "2022-05-02T00:00:00Z  backfill__2022-05-02T00:00:00Z  new")
        let plan = try JSONDocument(parsing: dry("--json", "--reverse").out).root
        #expect(plan["backfill_id"]?.isNull == true)
        #expect(
            plan["plan"]?.array?.map { $0["logical_date"]?.string } == [
                "2022-05-04T00:00:00Z", "2022-05-03T00:00:00Z", "2022-05-02T00:00:00Z",
            ])
        #expect(plan["plan"]?.array?.first?["action"]?.string == "created")
        #expect(try home.json("runs").array?.isEmpty == true)
    }

    /// The schedule does not tick at midnight; a run of the day before contains that.
    @Test func aDayMeansTheIntervalThatStartsOnIt() throws {
        let home = try CommandHome()
        try home.write("dags/e.json", helloDAG.replacing("\"hello\"", with: "\"e\""))
        try home.write(
            "dags/d.json",
            #"{"id": "d", "schedule": "30 6 * * *", "timezone": "Pacific/Auckland", "tasks": [{"id": "a", "kind": "command", "#
                + #""with": {"shell": "true"}}]}"#)
        for (date, expected) in [
            ("2022-05-20", "2022-05-19T18:30:00Z"), ("2022-05-20T12:00", "2022-05-19T18:30:00Z"),
            ("2022-05-20T00:00", "2022-05-18T18:30:00Z"),
        ] {
            let output = home.weir("trigger", "d", "--date", date, "--json")
            #expect(try JSONDocument(parsing: output.out).root["logical_date"]?.string == expected, "\(date)")
        }
        #expect(home.weir("trigger", "e", "--date", "2022-05-19", "-p", "count=0").status == 0)

        func dates(_ words: String...) throws -> [String?] {
            let output = run(["runs", "--json"] + words, environment: ["WEIR_HOME": home.path])
            return try JSONDocument(parsing: output.out).root.array?.map { $0["logical_date"]?.string } ?? []
        }
        #expect(try dates("d", "--date", "2022-05-20") == ["2022-05-19T18:30:00Z", "2022-05-19T18:30:00Z"])
        #expect(try dates("d", "--date", "2022-05-19") == ["2022-05-18T18:30:00Z"])
        #expect(
            try dates("--date", "2022-05-19") == ["2022-05-19T00:00:00Z", "2022-05-18T18:30:00Z"], "each in its zone")
        #expect(try dates("--date", "2022-05-19", "-n", "1") == ["2022-05-19T00:00:00Z"])
        #expect(try dates("d", "--date", "2022-05-19T18:30:00Z").count == 2)
        #expect(try dates("d", "--from", "2022-05-20").count == 2)
        #expect(try dates("--to", "2022-05-19").count == 2)
        #expect(try dates("--date", "2022-05-21").isEmpty)
    }

    @Test func aBackfillIsDoneOnce() throws {
        let home = try home()
        let words = ["backfill", "hello", "--from", "2022-05-02", "--to", "2022-05-03", "-p", "count=0"]
        let first = run(words, environment: ["WEIR_HOME": home.path])
        #expect(first.status == 0, "\(first.err)")
        #expect(first.err.contains("backfill 1 of hello: 2 new"))
        #expect(first.err.contains("2/2 runs"))
        #expect(
            try home.json("runs").array?.map { $0["run_id"]?.string } == [
                "backfill__2022-05-03T00:00:00Z", "backfill__2022-05-02T00:00:00Z",
            ])
        let second = run(words, environment: ["WEIR_HOME": home.path])
        #expect(second.status == 0)
        #expect(second.err.contains("nothing to do: all 2 runs exist already (--reprocess"), "\(second.err)")
        #expect(
            run(words + ["--dry-run"], environment: ["WEIR_HOME": home.path]).err == "", "it does nothing to tell of")
        #expect(home.weir("backfill", "hello", "--from", "2022-05-04", "-p", "count=98").status == 1)
        let third = home.weir("backfill", "hello", "--from", "2022-05-02", "--to", "2022-05-04")
        #expect(third.status == 0)
        #expect(
            third.err.contains("nothing to do: all 3 runs exist already, 1 of them failed or cancelled ("),
            "\(third.err)")
    }

    @Test(arguments: [
        (["--from", "2022-04-30"], "DAG 'hello' starts at 2022-05-01T00:00:00Z"),
        (
            ["--from", "2022-05-02", "--to", "2022-05-11"],
            "DAG 'hello' ends at 2022-05-10T23:59:59.999999Z; --to 2022-05-11T23:59:59.999999Z is after"
        ),
        (["--from", "2022-05-03", "--to", "2022-05-02"], "the range is empty"),
        (["--from", "1969-12-31", "--to", "2022-05-02"], "--from is 1969-12-31T00:00:00Z; intervals begin in 1970"),
        (["--from", "2022-05-03", "--max-active", "0"], "--max-active is '0'"),
    ])
    func aBackfillOutsideTheBoundsIsRefused(words: [String], message: String) throws {
        let home = try home()
        let output = run(["backfill", "hello"] + words, environment: ["WEIR_HOME": home.path])
        #expect(output.status == 2)
        #expect(output.err.contains(message), "\(output.err)")
    }

    @Test func aFollowerLeavesWhenTheEngineEndedByItself() throws {
        let home = try home()
        let task = "echo > ready; while ! test -e go; do sleep 0.01; done"
        try home.write(
            "dags/slow.json",
            "{\"id\": \"slow\", \"tasks\": [{\"id\": \"a\", \"kind\": \"command\", \"with\": {\"shell\": \"\(task)\"}}]}"
        )
        let output = Mutex<CommandHome.Output?>(nil)
        let follower = WorkerThread { output.withLock { $0 = home.weir("trigger", "slow") } }
        let deadline = ContinuousClock.now + .seconds(30)
        while home.read("ready").isEmpty { try #require(ContinuousClock.now < deadline) }
        // Another writer takes the store over: the engine in the foreground is fenced.
        _ = try SQLiteStore(path: home.path + "/state/weir.db")
        try home.write("go", "")
        follower.join()
        let ended = try #require(output.withLock { $0 })
        #expect(ended.status == 5)
        #expect(ended.err.contains("another daemon has taken this state directory over"))
    }

    @Test func aStateThatIsInUseIsNamed() throws {
        let home = try home()
        let output = try home.whileLocked { home.weir("trigger", "hello") }
        #expect(output.status == 5)
        #expect(output.err.contains("\(home.path)/state is in use by process"))
    }
}

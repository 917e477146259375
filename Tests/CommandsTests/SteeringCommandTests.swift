import JSONText
import Testing

@testable import Commands

/// What clear, retry, mark, cancel, why and backfills say to wrong input, and where nothing has run.
@Suite struct SteeringCommandTests {
    private func home() throws -> CommandHome {
        let home = try CommandHome()
        try home.write("dags/hello.json", helloDAG)
        let done = home.weir("backfill", "hello", "--from", "2022-05-02", "--to", "2022-05-03", "-p", "count=0")
        try #require(done.status == 0, "\(done.err)")
        return home
    }

    @Test func wrongInputIsToldInOneLine() throws {
        let home = try home()
        let cases: [([String], Int32, String)] = [
            (["clear", "hello"], 2, "name a run, or give --from, --to or --state"),
            (["clear", "hello", "2022-05-02", "--only", "--downstream"], 2, "exclude each other"),
            (["clear", "hello", "greet", "--from", "2022-05-02"], 2, "'greet' is too much: --from, --to and --state"),
            (["clear", "hello", "--to", "2022-05-02"], 2, "there is no --from"),
            (["clear", "hello", "--from", "2022-05-03", "--to", "2022-05-02"], 2, "the range is empty"),
            (["clear", "hello", "--from", "yesterday"], 2, "--from is 'yesterday'; it must be a date"),
            (["clear", "hello", "--state", "queued"], 2, "it must be one of running, success, failed, cancelled"),
            (
                ["clear", "hello", "--from", "2022-05-02"], 2,
                "this is about 1 run, and nobody is there to ask: give --yes"
            ),
            (["clear", "helo", "--from", "2022-05-02", "-y"], 4, "did you mean 'hello'?"),
            (["clear", "hello", "--from", "2022-05-09", "-y"], 4, "no run of 'hello' in that range is cancelled or"),
            (
                ["retry", "hello", "2022-05-02"], 1,
                "none of these tasks of run 'backfill__2022-05-02T00:00:00Z' has failed, was cancelled or waits for another try"
            ),
            (["retry", "hello", "--state", "success", "-y"], 1, "nothing to retry in 2 runs"),
            (["retry", "hello", "2022-05-02", "greet"], 2, "'greet' is too much"),
            (["mark", "hello", "2022-05-02"], 2, "TASK is missing: weir mark DAG RUN TASK STATE"),
            (["mark", "hello", "2022-05-02", "greet", "done"], 2, "STATE is 'done'; it must be one of success"),
            (["mark", "hello", "2022-05-02", "greet", "success", "--task", "greet"], 2, "--task is for many runs"),
            (["mark", "hello", "success", "--from", "2022-05-02"], 2, "weir mark DAG STATE --task TASK"),
            (["cancel", "hello", "2022-05-02"], 1, "has ended already: success"),
            (["cancel", "hello", "--state", "success"], 2, "it must be one of queued, running"),
            (["cancel", "hello", "2022-05-02", "--state", "queued"], 2, "'2022-05-02' is too much"),
            (["cancel", "hello", "--backfill", "1"], 2, "--backfill stands alone"),
            (["cancel"], 2, "name a DAG and a run, or --backfill ID"),
            (["backfills", "pause", "one"], 2, "ID is 'one'; it must be a number"),
            (["backfills", "show", "7"], 4, "no backfill 7; `weir backfills list` lists them"),
            (["backfills", "resume", "1"], 1, "backfill 1 has ended already: success"),
            (["backfills", "list", "helo"], 4, "did you mean 'hello'?"),
            (["backfill", "hello", "--from", "2022-05-02", "--detach", "--wait"], 2, "exclude each other"),
            (["why", "hello", "2022-05-02", "gret"], 4, "did you mean 'greet'?"),
            (["why", "helo"], 4, "did you mean 'hello'?"),
            (["logs", "hello", "2022-05-02", "greet", "--tail", "many"], 2, "--tail is 'many'"),
            (["pause", ""], 2, "DAG is empty"), (["pools", "set", "", "1"], 2, "POOL is empty"),
            (["pools", "remove", ""], 2, "POOL is empty"), (["init", ""], 2, "DIR is empty; name a folder"),
            (["runs", "--home", ""], 2, "--home is empty; name a home"),
            (["mark", "hello", "2022-05-02", "gret", "success", "--dry-run"], 4, "did you mean 'greet'?"),
            (["pause"], 2, "name a DAG"), (["pause", "--all", "hello"], 2, "--all stands for all DAGs"),
            (["pause", "--all"], 2, "this is about 1 DAG, and nobody is there to ask: give --yes"),
        ]
        for (words, status, message) in cases {
            let output = run(words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == status, "\(words): \(output.err)")
            let last = output.err.split(separator: "\n").last ?? ""
            #expect(last.contains(message), "\(words): \(output.err)")
        }
    }

    @Test func nothingHasRunYet() throws {
        let home = try CommandHome()
        try home.write("dags/hello.json", helloDAG)
        for words in [["retry", "hello", "x"], ["why", "hello", "x"], ["cancel", "hello", "x"]] {
            let output = run(words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == 4)
            #expect(output.err.contains("nothing has run in"), "\(output.err)")
        }
        #expect(home.weir("backfills", "list").status == 0)
        #expect(try home.json("backfills", "list").array?.isEmpty == true)
        let why = home.weir("why", "hello")
        #expect(why.status == 0)
        #expect(why.out.hasPrefix("no daemon runs here: nothing will start"), "\(why.out)")
    }

    @Test func theFieldsOfABackfillAreThose() throws {
        let home = try home()
        let shown = try home.json("backfills", "show", "1")
        let keys = [
            "backfill_id", "dag_id", "from", "to", "reprocess", "reverse", "max_active", "task_ids", "state", "paused",
            "created_at", "end_date", "total", "ended", "states", "actions", "mean_duration", "seconds_left", "runs",
        ]
        #expect(shown.object?.members.map(\.key) == keys)
        #expect(shown["states"]?["success"]?.integer == 2)
        #expect(shown["actions"]?["created"]?.integer == 2)
        #expect(shown["runs"]?.array?.count == 2)
        let many = home.weir("clear", "hello", "--from", "2022-05-02", "--to", "2022-05-03", "--dry-run", "--json")
        let entries = try JSONDocument(parsing: many.out).root.array
        #expect(entries?.first?.object?.members.map(\.key) == ["dag_id", "run_id", "task_ids", "error"])
        let paused = home.weir("pause", "hello", "none", "--json")
        #expect(paused.status == 4)
        let list = try JSONDocument(parsing: paused.out).root.array
        #expect(list?.first?["paused"]?.bool == true)
        #expect(list?.last?["error"]?.string?.contains("no DAG 'none'") == true)
        #expect(home.weir("why", "hello").out.contains("hello is paused"))
    }

    /// What only reads the store, or speaks to a daemon, needs no settings; an engine does.
    @Test func brokenSettingsAreAWarningToWhatNeedsNone() throws {
        let home = try home()
        try home.write("weir.json", "{\"parallelsm\": 1}")
        for words in [
            ["runs"], ["tasks", "hello", "2022-05-02"], ["logs", "hello", "2022-05-02", "greet"],
            ["why", "hello", "2022-05-02"], ["backfills", "list"], ["pools", "list"],
        ] {
            let output = run(words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == 0 && !output.out.isEmpty, "\(words): \(output.err)")
            #expect(output.err.hasPrefix("weir: warning: \(home.path)/weir.json:1:2: unknown setting"), "\(output.err)")
            #expect(output.err.split(separator: "\n").count == 1, "\(output.err)")
        }
        let refused = home.weir("trigger", "hello", "--date", "2022-05-04")
        #expect(refused.status == 3 && refused.err.contains("weir: \(home.path)/weir.json:1:2: unknown setting"))
        #expect(try RunCount.of(home) == 2)
    }

    private enum RunCount {
        static func of(_ home: CommandHome) throws -> Int {
            home.weir("runs").out.split(separator: "\n").count - 1
        }
    }

    @Test func aBackfillSaysWhatOfItsRangeIsNotOverYet() throws {
        let home = try CommandHome()
        try home.write(
            "dags/d.json",
            #"{"id": "d", "schedule": "yearly", "tasks": [{"id": "a", "kind": "command", "with": {"shell": ":"}}]}"#)
        let words = ["backfill", "d", "--from", "2020-01-01", "--to", "9990-01-01", "--dry-run"]
        let output = run(words, environment: ["WEIR_HOME": home.path])
        #expect(output.status == 0)
        #expect(
            output.err.contains("intervals from 20")
                && output.err.contains("-01-01 on are not over yet and are left out"),
            "\(output.err)")
        let past = home.weir("backfill", "d", "--from", "2020-01-01", "--to", "2021-01-01", "--dry-run")
        #expect(past.status == 0 && past.err.isEmpty, "\(past.err)")
    }

    @Test func aRunByHandOutsideTheScheduleIsWarnedOf() throws {
        let home = try home()
        let early = home.weir("trigger", "hello", "--date", "2021-05-02", "-p", "count=0")
        #expect(
            early.err.contains("warning: this run is about 2021-05-02T00:00:00Z, and 'hello' starts at"), "\(early.err)"
        )
        let good = home.weir("trigger", "hello", "--date", "2022-05-02", "-p", "count=0")
        #expect(good.status == 0 && !good.err.contains("warning"), "\(good.err)")
        let far = home.weir("trigger", "hello", "--date", "9999-12-31")
        #expect(far.status == 2 && far.err.contains("not within the years 1970 to 9999"), "\(far.err)")
    }

    @Test func theRunIDIsCutLast() throws {
        let lines = try home().weir("runs", width: 80).out.split(separator: "\n")
        #expect(lines.count == 3 && lines.allSatisfy { $0.count <= 80 })
        #expect(lines[1].contains("backfill__2022-05-03T00:00:00Z"), "\(lines)")
        #expect(lines[1].contains("2022-05-03  backfill__"), "\(lines)")
    }

    @Test func theDefaultPoolIsReset() throws {
        let home = try home()
        home.weir("pools", "set", "default", "3")
        #expect(home.weir("pools", "remove", "default").out == "pool default is reset to 128 slots\n")
    }
}

import JSONText
import Spawn
import Testing

@testable import Commands

/// Commands that only read, and the exit statuses of wrong input.
@Suite struct ReadingCommandTests {
    private func home(_ dags: [String: String] = ["hello": helloDAG]) throws -> CommandHome {
        let home = try CommandHome()
        try File.makeDirectory(home.path + "/dags")
        for (name, text) in dags { try home.write("dags/\(name).json", text) }
        return home
    }

    @Test func wrongInputHasItsExitStatus() throws {
        let home = try home(["hello": helloDAG, "broken": "{\"id\": \"broken\"}"])
        let cases: [([String], Int32, String)] = [
            (["trigr", "hello"], 2, "no command 'trigr'; did you mean 'trigger'?"),
            (["xyzzy"], 2, "no command 'xyzzy'; `weir help` lists them"),
            (["trigger"], 2, "DAG is missing"),
            (["next", "hello", "-n", "0"], 2, "--count is '0'"),
            (["next", "hello", "--after", "soon"], 2, "--after is 'soon'"),
            (["runs", "--state", "done"], 2, "--state is 'done'; it must be one of queued, running"),
            (["backfill", "hello"], 2, "--from is missing"),
            (["backfill", "hello", "--from", "2022-05-02", "--reprocess", "all"], 2, "--reprocess is 'all'"),
            (["trigger", "hello", "--param", "x"], 2, "--param is 'x'"),
            (["cancel", "hello"], 4, "nothing has run in"),
            (["show", "broken"], 3, "broken.json:1:1:"),
            (["trigger", "broken"], 3, "broken.json:1:1:"),
            (["show", "helo"], 4, "no DAG 'helo' in \(home.path)/dags; did you mean 'hello'?"),
            (
                ["runs", "--date", "2022-05-02", "--to", "2022-05-03"], 2,
                "--date stands for --from and --to of one day"
            ),
            (["runs", "--from", "2022-05-03", "--to", "2022-05-02"], 2, "the range is empty"),
            (["runs", "hello", "--date", "soon"], 2, "--date is 'soon'; it must be a date"),
            (["runs", "helo"], 4, "no DAG 'helo'"),
            (["tasks", "hello", "x"], 4, "nothing has run in \(home.path) yet"),
            (["logs", "hello", "x", "greet"], 4, "nothing has run in"),
            (["status"], 5, "no daemon answers in \(home.path)"),
        ]
        for (words, status, message) in cases {
            let output = run(words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == status, "\(words): \(output.err)")
            #expect(output.err.hasPrefix("weir: " + message), "\(words): \(output.err)")
            #expect(output.err.split(separator: "\n").count == 1, "one line: \(output.err)")
            #expect(output.out.isEmpty)
        }
    }

    @Test func aHomeThatIsNotThereIsNamed() throws {
        let output = run(["dags", "--home", "/no/such/home"])
        #expect(output.status == 4)
        #expect(
            output.err == "weir: WEIR_HOME is '/no/such/home', which is not there; `weir init /no/such/home` makes it\n"
        )
        let empty = try CommandHome()
        let noFolder = run(["dags", "--home", empty.path])
        #expect(noFolder.status == 4)
        #expect(noFolder.err.contains("no DAG folder"))
    }

    @Test func theHomeMayStandBeforeTheCommand() throws {
        let home = try home()
        for words in [["--home", home.path, "dags"], ["--home=\(home.path)", "dags"], ["dags", "--home", home.path]] {
            #expect(run(words).out.contains("hello"), "\(words)")
            #expect(run(words, environment: ["WEIR_HOME": "/no/such"]).status == 0)
        }
    }

    @Test func initMakesAHomeThatWorks() throws {
        let home = try CommandHome()
        let made = home.weir("init")
        #expect(made.status == 0)
        #expect(made.out.contains("made \(home.path)/dags/hello.json"))
        #expect(home.weir("validate").status == 0)
        try home.write("dags/hello.json", "mine")
        let again = home.weir("init")
        #expect(again.status == 0)
        #expect(again.out.contains("is there already and stays as it is"))
        #expect(home.read("dags/hello.json") == "mine")
        #expect(run(["init", home.path + "/a/b"]).status == 0)
        #expect(File.exists(home.path + "/a/b/state"))
        #expect(run(["init", home.path + "/dags/hello.json"]).status == 1)
    }

    @Test func validateSaysWhatASchedulesMeans() throws {
        let output = try home().weir("validate")
        #expect(output.status == 0)
        #expect(output.out.hasPrefix("dags/hello.json:1:97: warning: \"end\" has passed"))
        #expect(output.out.contains("\ndags/hello.json: hello is valid, 2 tasks; it runs every day at 00:00 UTC\n"))
        #expect(output.out.hasSuffix("next: never, its end has passed\n"))
        let none = try home([:]).weir("validate")
        #expect(none.status == 0)
        #expect(none.err == "weir: no DAG files in dags/; `weir init` makes an example\n")
    }

    @Test func validateNamesEveryErrorWithItsPlace() throws {
        let bad = """
            {"id": "bad", "schedul": "daily",
             "tasks": [{"id": "a", "kind": "comand", "with": {}}]}
            """
        let home = try home(["bad": bad, "hello": helloDAG])
        let output = home.weir("validate")
        #expect(output.status == 3)
        let lines = output.out.split(separator: "\n").map(String.init)
        #expect(lines.count == 5)
        #expect(lines[0].hasPrefix("dags/bad.json:1:15: ") && lines[0].contains("schedule"), "\(lines[0])")
        #expect(lines[1].hasPrefix("dags/bad.json:2:") && lines[1].contains("command"), "\(lines[1])")
        #expect(lines[3].hasPrefix("dags/hello.json: hello is valid"))

        let file = home.path + "/dags/bad.json"
        let json = home.weir("validate", file, "--json")
        #expect(json.status == 3)
        let problems = try #require(try JSONDocument(parsing: json.out).root.array)
        #expect(problems.count == 2)
        #expect(problems.first?["file"]?.string == file)
        #expect(problems.first?["line"]?.integer == 1)
        #expect(problems.first?["column"]?.integer == 15)
        #expect(problems.first?["path"]?.string == "$.schedul")
        #expect(problems.allSatisfy { $0["code"]?.string?.isEmpty == false && $0["message"]?.string != nil })
        let warned = try #require(try home.json("validate", home.path + "/dags/hello.json").array)
        #expect(warned.map { $0["code"]?.string } == ["past_end"])
        let missing = home.weir("validate", home.path + "/none.json")
        #expect(missing.status == 3)
        #expect(missing.out.contains("none.json:1:1: "))
    }

    @Test func validateSeesAnIDTwiceAmongTheGivenFiles() throws {
        let home = try home(["a": helloDAG, "b": helloDAG])
        let (a, b) = (home.path + "/dags/a.json", home.path + "/dags/b.json")
        #expect(home.weir("validate", a, a).status == 0, "one file given twice is one file")
        let output = home.weir("validate", a, b)
        #expect(output.status == 3)
        #expect(output.out.contains("a.json:1:1: DAG id 'hello' is also in b.json"))
    }

    @Test func dagsAndShowTellWhatTheFolderHolds() throws {
        let home = try home(["hello": helloDAG, "broken": "{"])
        let text = home.weir("dags").out.split(separator: "\n").map(String.init)
        #expect(text.count == 3)
        #expect(text[1].hasPrefix("broken.json") && text[1].contains("in error"))
        #expect(text[2].hasPrefix("hello") && text[2].hasSuffix("says hello"))
        let dags = try #require(try home.json("dags").array)
        #expect(dags.map { $0["dag_id"]?.string } == [nil, "hello"])
        #expect(dags.map { $0["errors"]?.integer } == [1, 0])

        let shown = home.weir("show", "hello").out
        #expect(shown.contains("hello: says hello\n"))
        #expect(shown.contains("param count: integer, default 1"))
        #expect(shown.contains("count  command  greet  all_success  2"))
        let json = try home.json("show", "hello")
        #expect(json["tasks"]?.array?.map { $0["task_id"]?.string } == ["greet", "count"])
        #expect(json["tasks"]?.array?.last?["after"]?.array?.map(\.string) == ["greet"])
        #expect(json["last_runs"]?.array?.isEmpty == true)
    }

    @Test func nextGivesTheIntervalsThatAreDueAfterATime() throws {
        let home = try home()
        let runs = try #require(try home.json("next", "hello", "-n", "2", "--after", "2022-05-03").array)
        #expect(runs.map { $0["logical_date"]?.string } == ["2022-05-03T00:00:00Z", "2022-05-04T00:00:00Z"])
        let first = try #require(runs.first)
        #expect(first["data_interval_start"]?.string == "2022-05-03T00:00:00Z")
        #expect(first["data_interval_end"]?.string == "2022-05-04T00:00:00Z")
        #expect(first["run_after"]?.string == "2022-05-04T00:00:00Z", "later than the given time, not at it")
        // From the start to the end of the DAG, both inclusive.
        let all = try #require(try home.json("next", "hello", "--count=100", "--after", "2000-01-01").array)
        #expect(all.count == 10)
        #expect(all.last?["logical_date"]?.string == "2022-05-10T00:00:00Z")
        let none = home.weir("next", "hello")
        #expect(none.status == 0)
        #expect(none.err == "hello: it runs every day at 00:00 UTC, but its end has passed\n")
        let table = home.weir("next", "hello", "-n", "1", "--after", "2022-05-03T00:00:00Z").out
        #expect(table.split(separator: "\n").last == "2022-05-03T00:00:00Z  2022-05-04T00:00:00Z  2022-05-04T00:00:00Z")
    }

    @Test func aRunIsToldInTheZoneOfItsDAG() throws {
        let home = try CommandHome()
        try home.write(
            "dags/d.json",
            #"{"id": "d", "schedule": "daily", "start": "2022-01-01", "timezone": "Europe/Zurich", "tasks": [{"id": "a", "#
                + #""kind": "command", "with": {"command": ["true"]}}]}"#)
        #expect(
            home.weir("next", "d", "-n", "1", "--after", "2022-05-02T12:00:00Z").out == """
                LOGICAL DATE          INTERVAL ENDS         RUNS AT               IN Europe/Zurich
                2022-05-01T22:00:00Z  2022-05-02T22:00:00Z  2022-05-02T22:00:00Z  2022-05-03T00:00:00+02:00

                """)
    }

    @Test func runsOfAHomeThatNeverRanAreNone() throws {
        let home = try home()
        #expect(try home.json("runs").array?.isEmpty == true)
        #expect(home.weir("runs", "hello").out == "DAG  DATE  RUN  STATE  STARTED  TOOK  REASON\n")
        let status = home.weir("status", "--json")
        #expect(status.status == 5)
        #expect(try JSONDocument(parsing: status.out).root["running"]?.bool == false)
    }
}

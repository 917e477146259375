import JSONText
import Spawn
import Testing

@testable import Commands

/// `weir simulate`: what it prints, and what it reads.
@Suite struct SimulateCommandTests {
    private func home() throws -> CommandHome {
        let home = try CommandHome()
        try home.write(
            "dags/d.json",
            #"""
            {"id": "d", "schedule": "hourly", "start": "2025-12-31", "max_active_runs": 1, "overlap": "skip", "deadline": "1h",
             "tasks": [
               {"id": "a", "kind": "command", "with": {"shell": "x"}},
               {"id": "b", "kind": "command", "after": ["a"], "for_each": ["n", "s"], "pool": "p", "with": {"shell": "x"}}]}
            """#)
        try home.write(
            "dags/by_hand.json", #"{"id":"by_hand","tasks":[{"id":"a","kind":"command","with":{"shell":"x"}}]}"#)
        return home
    }

    @Test func rowsAndWhatTheyComeTo() throws {
        let home = try home()
        try home.write("takes.json", #"{"a": "10m", "b": {"takes": "30m"}}"#)
        let output = home.weir(
            "simulate", "d", "--from", "2026-01-01", "--to", "2026-01-01T04:00:00Z", "--pool", "p=1", "--durations",
            home.path + "/takes.json")
        #expect(output.err.isEmpty)
        #expect(
            output.out == """
                d: it runs every hour at minute 0 UTC
                2026-01-01T00:00:00Z to 2026-01-01T04:00:00Z, assuming a 10m, b 30m

                LOGICAL DATE          DUE                   WAITED  STARTED               DONE                  TOOK   STATE          WHY IT WAITED
                2025-12-31T23:00:00Z  2026-01-01T00:00:00Z          2026-01-01T00:00:00Z  2026-01-01T01:10:00Z  1h10m  success, late  
                2026-01-01T01:00:00Z  2026-01-01T02:00:00Z          2026-01-01T02:00:00Z  2026-01-01T03:10:00Z  1h10m  success, late  

                runs          2 success
                skipped       23 intervals from 2025-12-31T00:00:00Z to 2025-12-31T23:00:00Z: "catchup" is "latest", so only the last missed interval is made up for
                skipped       2 intervals of those from 2026-01-01T00:00:00Z to 2026-01-01T03:00:00Z: earlier runs were still at work, and "overlap" is "skip"
                at once       at most 1 of 1 runs, 1 of 16 tasks
                pool default  at most 1 of 128 slots
                pool p        at most 1 of 1 slots
                waiting       the longest is b[1] of 2025-12-31T23:00:00Z, 30m: pool p is full (1 of 1)
                done          all by 2026-01-01T03:10:00Z; 1h10m after being due at the median, 1h10m at most

                """)
        let tasks = home.weir(
            "simulate", "d", "--from", "2026-01-01", "--to", "2026-01-01T04:00:00Z", "--pool", "p=1", "--tasks", "-n",
            "2")
        #expect(tasks.out.contains("\n2025-12-31T23:00:00Z  b[0] "))
        #expect(tasks.out.contains("\n… and 10 more (--limit shows more, --json has all)\n"))
    }

    @Test func theJSONHasAll() throws {
        let home = try home()
        let root = try home.json(
            "simulate", "d", "--from", "2026-01-01", "--to", "2026-01-01T02:00:00Z", "--pool", "p=1")
        #expect(root["runs"]?.array?.count == 2)
        let task = root["runs"]?.array?.first?["tasks"]?.array?.last
        #expect(task?["task_id"]?.string == "b")
        #expect(task?["map_index"]?.integer == 1)
        #expect(task?["waited"]?.double == 60)
        #expect(task?["why_waited"]?.string == "pool p is full (1 of 1)")
        #expect(root["skipped"]?.array?.first?["intervals"]?.integer == 23)
        #expect(root["pools"]?.array?.map { $0["peak"]?.integer } == [1, 1])
        #expect(root["falls_behind"]?.bool == false)
    }

    @Test func whatNothingIsKnownOfTakesAMinuteAndHistoryIsUsed() throws {
        let home = try CommandHome()
        try home.write(
            "dags/h.json",
            #"{"id":"h","schedule":"daily","tasks":[{"id":"a","kind":"command","with":{"shell":"true"}}]}"#)
        #expect(home.weir("simulate", "h").out.contains(", assuming every task 1m\n"))
        #expect(home.weir("trigger", "h").status == 0)
        let known = home.weir("simulate", "h", "--durations", "history").out
        #expect(known.contains("ms\n"), "\(known)")
        #expect(!known.contains("every task"))
    }

    @Test func wrongInputIsNamed() throws {
        let home = try home()
        let file = home.path + "/takes.json"
        let files: [(String, String)] = [
            ("{", "\(file):1:2: "),
            ("[]", "\(file):1:1: must be an object such as {\"load\": \"5m\", \"*\": \"1m\"}"),
            (#"{"a": 5}"#, "\(file):1:7: must be a duration of at most 3660d, such as \"90s\" or \"1h30m\""),
            (#"{"a": "9999d"}"#, "\(file):1:7: must be a duration"),
            (#"{"aa": "5m"}"#, "\(file):1:2: DAG 'd' has no task 'aa'; did you mean 'a'?"),
            (#"{"a": "5m", "a": "6m"}"#, "\(file):1:13: 'a' is given twice"),
            (#"{"a": {"take": "5m"}}"#, "\(file):1:8: unknown key 'take'; an entry has takes, outputs"),
            (#"{"a": {"outputs": []}}"#, "\(file):1:19: \"outputs\" must be an object"),
        ]
        for (text, message) in files {
            try home.write("takes.json", text)
            let output = home.weir("simulate", "d", "--durations", file)
            #expect(output.status == 3, "\(text)")
            #expect(output.err.hasPrefix("weir: " + message), "\(output.err)")
        }
        let words: [([String], Int32, String)] = [
            (["--durations", "/no/such"], 3, "/no/such: No such file or directory"),
            (["--pool", "p"], 2, "--pool is 'p'; it must be a name and its slots, such as duckdb=2"),
            (["--pool", "p=-1"], 2, "--pool is 'p=-1'"),
            (["--from", "soon"], 2, "--from is 'soon'"),
            (["--from", "2026-01-02", "--to", "2026-01-01"], 2, "the span from 2026-01-02T00:00:00Z to 2026-01-02T00"),
        ]
        for (options, status, message) in words {
            let output = run(["simulate", "d"] + options, environment: ["WEIR_HOME": home.path])
            #expect(output.status == status, "\(options): \(output.err)")
            #expect(output.err.contains(message), "\(output.err)")
        }
        let byHand = home.weir("simulate", "by_hand")
        #expect(byHand.status == 2)
        #expect(byHand.err.contains("DAG 'by_hand' has no schedule by time"))
    }
}

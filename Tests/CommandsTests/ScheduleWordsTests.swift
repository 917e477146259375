import JSONText
import Spawn
import Testing

@testable import Commands

/// What `weir validate` says of a file that is valid: its schedule in words, its next runs, its warnings.
@Suite struct ScheduleWordsTests {
    private func validate(_ fields: String) throws -> [String] {
        let home = try CommandHome()
        try home.write(
            "dags/d.json", #"{"id":"d",\#(fields),"tasks":[{"id":"a","kind":"command","with":{"shell":"true"}}]}"#)
        let output = home.weir("validate")
        #expect(output.status == 0)
        return output.out.split(separator: "\n").map(String.init)
    }

    @Test func theNextThreeRunsHaveTheirIntervals() throws {
        let lines = try validate(
            #""schedule":"daily","start":"2999-05-01","delay":"1h","timezone":"Europe/Zurich""#)
        #expect(
            lines == [
                "dags/d.json:1:38: warning: \"start\" is still to come: the schedule makes its first run at "
                    + "2999-05-01T23:00:00Z, about 2999-04-30T22:00:00Z",
                "dags/d.json: d is valid, 1 task; it runs every day at 00:00 Europe/Zurich",
                "  next: 2999-04-30T22:00:00Z to 2999-05-01T22:00:00Z at 2999-05-01T23:00:00Z",
                "  next: 2999-05-01T22:00:00Z to 2999-05-02T22:00:00Z at 2999-05-02T23:00:00Z",
                "  next: 2999-05-02T22:00:00Z to 2999-05-03T22:00:00Z at 2999-05-03T23:00:00Z",
            ])
    }

    @Test func anEndThatHasPassedIsTold() throws {
        let lines = try validate(#""schedule":"daily","start":"2022-05-01","end":"2022-05-02""#)
        #expect(
            lines == [
                "dags/d.json:1:57: warning: \"end\" has passed: the schedule makes no run for what comes after "
                    + "2022-05-02T23:59:59.999999Z; remove \"end\" to go on",
                "dags/d.json: d is valid, 1 task; it runs every day at 00:00 UTC", "  next: never, its end has passed",
            ])
        // Without a schedule nothing depends on them.
        #expect(try validate(#""start":"2022-05-01","end":"2022-05-02""#).count == 1)
    }

    @Test(arguments: [
        (#""schedule":null"#, "it has no schedule: it runs when triggered"),
        (
            #""schedule":{"files":{"folder":"state/in"}}"#,
            "it starts when files have arrived in state/in and were not changed for 10s, looking every 10s"
        ),
        (
            #""schedule":{"files":{"folder":"/in","pattern":"*.json","settle":"0s","every":"1m"}}"#,
            "it starts when files \"*.json\" have arrived in /in, looking every 1m"
        ),
        (
            #""schedule":{"files":{"folder":"in","settle":"0s","batch":{"files":1000,"bytes":"64MB","age":"30s"}}}"#,
            "it starts when files have arrived in in, once there are 1000 of them or 64.0 MB or some of them for 30s, "
                + "looking every 10s"
        ),
        (
            #""schedule":{"files":{"folder":"in","batch":{}}}"#,
            "it starts when files have arrived in in and were not changed for 10s, once there are some of them for 1m, "
                + "looking every 10s"
        ),
        (#""schedule":{"datasets":["a"]}"#, "it starts when a was published since its last start"),
        (
            #""schedule":{"datasets":["a","b","c"]}"#,
            "it starts when a, b and c were all published since its last start"
        ),
    ])
    func whatIsNoTimeIsToldInWords(fields: String, words: String) throws {
        #expect(try validate(fields) == ["dags/d.json: d is valid, 1 task; \(words)"])
    }

    @Test func showAndNextSayTheSame() throws {
        let home = try CommandHome()
        try home.write(
            "dags/d.json",
            #"{"id":"d","schedule":{"datasets":["x"]},"tasks":[{"id":"a","kind":"command","with":{"shell":"true"}}]}"#)
        #expect(home.weir("show", "d").out.contains("schedule: it starts when x was published since its last start\n"))
        #expect(home.weir("next", "d").err == "d: it starts when x was published since its last start\n")
        try home.write(
            "dags/d.json",
            #"{"id":"d","schedule":"daily","end":"2022-05-02","tasks":[{"id":"a","kind":"command","with":{"shell":"true"}}]}"#
        )
        #expect(home.weir("next", "d").err == "d: it runs every day at 00:00 UTC, but its end has passed\n")
        #expect(home.weir("show", "d").out.contains("\n  next: never, its end has passed\n"))
    }

    @Test func jsonTellsWarningsFromErrors() throws {
        let home = try CommandHome()
        try home.write(
            "dags/d.json",
            #"{"id":"d","deadline":"2h","run_timeout":"1h","tasks":[{"id":"a","kind":"command","with":{"shell":"true"}}]}"#
        )
        let problems = try #require(try home.json("validate").array)
        #expect(problems.map { $0["severity"]?.string } == ["warning"])
        #expect(problems.map { $0["code"]?.string } == ["late_deadline"])
    }
}

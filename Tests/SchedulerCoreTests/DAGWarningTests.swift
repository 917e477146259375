import SchedulerCore
import Testing

/// Warnings beyond the rows of WrongDAGFiles+Warnings.swift: where there must be none, and those that need a clock.
struct DAGWarningTests {
    @Test(arguments: [
        #"{"id":"d","schedule":"0 8 */2 * */3","tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","schedule":"0 8 29 2 *","tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","schedule":"0 8 31 1,3 *","tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","schedule":"0 8 28,31 * *","tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","schedule":"0 8 31,L * *","tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","schedule":"0 8 */2 * *","tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","schedule":"0 8 * * mon","tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","schedule":"0 8 1-31 * */2","tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","deadline":"1h","run_timeout":"2h","on_deadline":[{"to":"x"}],"tasks":[{"id":"a","#
            + #""kind":"noop"}]}"#,
        #"{"id":"d","params":{"a":{"default":1}},"tasks":[{"id":"a","kind":"command","with":{"shell":"x"}}]}"#,
        #"{"id":"d","params":{"a":{"default":1}},"on_failure":[{"to":"{{ params.a "#
            + #"}}"}],"tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","params":{"a":{"default":1}},"on_failure":[{"kind":"command","with":{"shell":"x"}}],"#
            + #""tasks":[{"id":"a","kind":"noop"}]}"#,
        #"{"id":"d","tasks":[{"id":"a","kind":"noop","trigger_rule":"always"}]}"#,
        #"{"id":"d","tasks":[{"id":"a","kind":"noop","retries":1,"retry_delay":"1m","max_retry_delay":"1m"}]}"#,
        #"{"id":"d","tasks":[{"id":"a","kind":"noop","max_retry_delay":null,"timeout":null}]}"#,
        #"{"id":"d","tasks":[{"id":"a","kind":"noop","poll_interval":"1m","poll_timeout":"1h"}]}"#,
        #"{"id":"d","defaults":{"retry_delay":"1h","max_retry_delay":"2h","poll_timeout":"1h"},"#
            + #""tasks":[{"id":"a","kind":"noop","retries":1},{"id":"b","kind":"noop","poll_interval":"1m"}]}"#,
        #"{"id":"d","defaults":{"retry_delay":"2h","max_retry_delay":"1h"},"tasks":[{"id":"a","#
            + #""kind":"noop","retries":1,"max_retry_delay":null}]}"#,
        #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":[1]},{"id":"b","kind":"noop","after":["a"]}]}"#,
    ])
    func whatMayBeMeantIsNotWarnedOf(text: String) {
        let (dag, lines) = SampleKinds.parse(text)
        #expect(dag != nil && lines == [])
    }

    /// A rule that waits for all runs after a skipped task as well.
    @Test func onlyTheTaskItselfWhenItsFollowersRun() {
        let text =
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":[]},"#
            + #"{"id":"b","kind":"noop","after":["a"],"trigger_rule":"all_done"}]}"#
        #expect(
            SampleKinds.parse(text).lines == [
                #"1:55 warning never_runs task "a" never runs: its list is empty, so it is skipped"#
            ])
    }

    /// What never runs may also be `upstream_failed`, and then this follower does run.
    @Test func aFollowerThatMayRunAfterAFailureIsNotWarnedOf() {
        let text =
            #"{"id":"d","tasks":[{"id":"x","kind":"noop"},{"id":"a","kind":"noop","after":["x"],"for_each":[]},"#
            + #"{"id":"b","kind":"noop","after":["a"],"trigger_rule":"all_failed"}]}"#
        #expect(
            SampleKinds.parse(text).lines == [
                #"1:94 warning never_runs task "a" never runs: its list is empty, so it is skipped"#
            ])
    }

    private func codes(_ fields: String, now: String?) throws -> [String] {
        let now = try now.map(instant)
        let context = DAGValidationContext(kinds: SampleKinds.all, now: now) { SystemZones.zone($0) }
        let text = #"{"id":"d",\#(fields),"tasks":[{"id":"a","kind":"noop"}]}"#
        let (dag, found) = DAGParser.parse(Array(text.utf8), context: context)
        #expect(dag != nil)
        return found.map { "\($0.column) \($0.severity.rawValue) \($0.code)" }
    }

    @Test func boundsAreComparedWithTheClock() throws {
        let bounds = #""schedule":"daily","start":"2022-05-02","end":"2022-05-04""#
        #expect(try codes(bounds, now: nil) == [])
        #expect(try codes(bounds, now: "2022-05-01T23:59:59Z") == ["38 warning future_start"])
        #expect(try codes(bounds, now: "2022-05-02T00:00:00Z") == [])
        // The whole last day counts.
        #expect(try codes(bounds, now: "2022-05-04T23:59:59Z") == [])
        #expect(try codes(bounds, now: "2022-05-05T00:00:00Z") == ["57 warning past_end"])
        let files = #""schedule":{"files":{"folder":"in"}},"start":"2022-05-02","end":"2022-05-04""#
        #expect(try codes(files, now: "2022-05-01T23:59:59Z") == ["56 warning future_start"])
        #expect(try codes(files, now: "2022-05-05T00:00:00Z") == ["75 warning past_end"])
        // Without a schedule neither bound says anything of the clock.
        #expect(try codes(#""start":"2022-05-02","end":"2022-05-04""#, now: "2030-01-01T00:00:00Z") == [])
    }
}

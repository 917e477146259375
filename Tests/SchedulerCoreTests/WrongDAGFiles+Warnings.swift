/// What is legal and surely not meant. The warnings that need a clock are in DAGWarningTests.
extension WrongDAGFiles {
    /// Warnings: days of cron expressions.
    static let cronWarnings: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","schedule":"0 8 1 * mon","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 warning either_day "0 8 1 * mon" matches a day that fits either day field: at "#
                    + #"08:00 on day 1 of the month or on Monday; write "*" for one of them when only the other counts"#
            ]
        ),
        (
            #"{"id":"d","schedule":{"cron":"0 8 1-31 * mon"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:30 warning either_day "0 8 1-31 * mon" matches every day: either day field is enough, "#
                    + #"and one of them matches always; write "*" for that one"#
            ]
        ),
        (
            #"{"id":"d","schedule":"0 8 */10 * mon","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 warning both_days "*/10" begins with "*", so a day must fit both day fields: at "#
                    + #"08:00 on day 1, 11, 21 and 31 of the month if it is Monday; write "1-31/10" when either "#
                    + #"is enough"#
            ]
        ),
        (
            #"{"id":"d","schedule":"0 8 1 * */3","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 warning both_days "*/3" begins with "*", so a day must fit both day fields: at "#
                    + #"08:00 on day 1 of the month if it is Sunday, Wednesday and Saturday; write "0-6/3" when "#
                    + #"either is enough"#
            ]
        ),
        (
            #"{"id":"d","schedule":"0 8 31 * *","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 warning skipped_months "0 8 31 * *" runs only in the 7 months that have a 31st; "#
                    + #""L" is the last day of the month"#
            ]
        ),
        (
            #"{"id":"d","schedule":"0 8 30,31 1-6 *","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 warning skipped_months "0 8 30,31 1-6 *" runs only in 5 of its 6 months that have "#
                    + #"a 30th; "L" is the last day of the month"#
            ]
        ),
        (
            #"{"id":"d","schedule":"0 8 29 * *","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 warning skipped_months "0 8 29 * *" runs in February only in leap years; "L" is "#
                    + #"the last day of the month"#
            ]
        ),
    ]

    /// Warnings: keys that do nothing, and what never happens.
    static let uselessKeys: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","schedule":"daily","catchup":"none","catchup_window":"1d","tasks":[{"id":"a","#
                + #""kind":"noop"}]}"#,
            [
                #"1:47 warning useless_key "catchup_window" has no effect: "catchup" is "none", so "#
                    + #"nothing is made up for"#
            ]
        ),
        (
            #"{"id":"d","deadline":"2h","run_timeout":"2h","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 warning late_deadline "deadline" (2h) is never told: "run_timeout" ends the run "#
                    + #"after 2h; make "deadline" shorter"#
            ]
        ),
        (
            #"{"id":"d","on_deadline":[{"to":"x"}],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:11 warning useless_key "on_deadline" has no effect: the DAG has no "deadline""#]
        ),
        (
            #"{"id":"d","on_missed":[{"to":"x"}],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:11 warning useless_key "on_missed" has no effect: the DAG has no "expect_by""#]
        ),
        (
            #"{"id":"d","params":{"a":{"default":1},"b":{"default":2}},"env":{"A":"{{ params.b "#
                + #"}}"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:21 warning unused_param nothing uses parameter "a"; write {{ params.a }} where it is "#
                    + #"meant, or remove it"#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","trigger_rule":"one_failed"}]}"#,
            [
                #"1:44 warning useless_key "trigger_rule" has no effect: without "after" the task starts "#
                    + #"with the run"#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","retry_delay":"1m","retry_backoff":2,"#
                + #""max_retry_delay":"1h"}]}"#,
            [
                #"1:44 warning useless_key "retry_delay" has no effect: the task has no "retries""#,
                #"1:63 warning useless_key "retry_backoff" has no effect: the task has no "retries""#,
                #"1:81 warning useless_key "max_retry_delay" has no effect: the task has no "retries""#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","retries":1,"max_retry_delay":"1m"}]}"#,
            [
                #"1:74 warning short_max_delay "max_retry_delay" (1m) is shorter than "retry_delay" (5m), "#
                    + #"so every wait is 1m"#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","retries":1,"retry_delay":"1h","max_retry_delay":"59m"}]}"#,
            [
                #"1:93 warning short_max_delay "max_retry_delay" (59m) is shorter than "retry_delay" "#
                    + #"(1h), so every wait is 59m"#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","poll_timeout":"1h"}]}"#,
            [
                #"1:44 warning useless_key "poll_timeout" has no effect: without "poll_interval" the task "#
                    + #"is no sensor"#
            ]
        ),
        (
            #"{"id":"d","defaults":{"retry_delay":"1m","poll_timeout":"1h"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:23 warning useless_key "retry_delay" has no effect: no task has "retries""#,
                #"1:42 warning useless_key "poll_timeout" has no effect: no task has "poll_interval""#,
            ]
        ),
        (
            #"{"id":"d","defaults":{"retries":1,"retry_delay":"2m","max_retry_delay":"1m"},"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:72 warning short_max_delay "max_retry_delay" (1m) is shorter than "retry_delay" (2m), "#
                    + #"so every wait is 1m"#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":[]}]}"#,
            [#"1:55 warning never_runs task "a" never runs: its list is empty, so it is skipped"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":{"in":[]}},{"id":"b","kind":"noop","#
                + #""after":["a"]},{"id":"c","kind":"noop","after":["b"]},{"id":"e","kind":"noop","after":["a"],"#
                + #""trigger_rule":"none_failed"}]}"#,
            [
                #"1:61 warning never_runs task "a" never runs: its list is empty, so it is skipped"#,
                #"1:99 warning never_runs task "b" never runs: "a" before it never does, and its trigger "#
                    + #"rule is all_success"#,
                #"1:138 warning never_runs task "c" never runs: "b" before it never does, and its trigger "#
                    + #"rule is all_success"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"x","kind":"noop"},{"id":"a","kind":"noop","after":["x"],"#
                + #""for_each":[]},{"id":"b","kind":"noop","after":["x","a"],"trigger_rule":"one_success"},"#
                + #"{"id":"c","kind":"noop","after":["x","a"]}]}"#,
            [
                #"1:94 warning never_runs task "a" never runs: its list is empty, so it is skipped"#,
                #"1:207 warning never_runs task "c" never runs: "a" before it never does, and its trigger "#
                    + #"rule is all_success"#,
            ]
        ),
    ]
}

/// DAG files with mistakes, and every line that must be said about each.
enum WrongDAGFiles {
    /// JSON itself, keys, types and ids.
    static let structure: [(text: String, expected: [String])] = [
        (
            "",
            ["1:1 json_syntax not valid JSON: the text ends where a value was expected"]
        ),
        (
            "{\"id\":\"d\",\n  \"tasks\" []}",
            ["2:11 json_syntax not valid JSON: the text has '[' where ':' was expected"]
        ),
        (
            "[]",
            ["1:1 wrong_type a DAG must be an object, not an array"]
        ),
        (
            #"{"id":"d","id":"e","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:11 duplicate_key key "id" is there already, on line 1"#]
        ),
        (
            "{\"id\":\"d\",\n\"tasks\":[{\"id\":\"a\",\"kind\":\"noop\"},\n{\"id\":\"b\",\"kind\":\"noop\",\n\"env\":{\"A\":\"1\","
                + #""B":"2","A":"3"}}]}"#,
            [#"4:24 duplicate_key key "A" is there already, on line 4"#]
        ),
        (
            #"{"id":"d","shedule":"daily","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:11 unknown_key unknown key "shedule"; did you mean "schedule"?"#]
        ),
        (
            #"{"id":"d","zzzzzzzzzz":1,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:11 unknown_key unknown key "zzzzzzzzzz"; a DAG has $schema, id, description, owner, "#
                    + "tags, schedule, timezone, start, end, catchup, catchup_window, delay, max_active_runs, "
                    + "max_active_tasks, overlap, depends_on_past, run_timeout, deadline, expect_by, params, defaults, env, paused, "
                    + "on_failure, on_success, on_deadline, on_retry, on_missed, tasks"
            ]
        ),
        (
            "{}",
            [
                #"1:1 missing_key a DAG needs "id""#,
                #"1:1 missing_key a DAG needs "tasks""#,
            ]
        ),
        (
            #"{"id":"d"}"#,
            [#"1:1 missing_key a DAG needs "tasks""#]
        ),
        (
            #"{"id":"d","tasks":[]}"#,
            [#"1:19 no_tasks "tasks" is empty; a DAG needs at least one task"#]
        ),
        (
            #"{"id":"d","tasks":{}}"#,
            [#"1:19 wrong_type "tasks" must be an array of tasks, not an object"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","retry":1}]}"#,
            [#"1:44 unknown_key unknown key "retry"; did you mean "retries"?"#]
        ),
        (
            #"{"id":"d","tasks":[1]}"#,
            ["1:20 wrong_type a task must be an object, not an integer"]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a"}]}"#,
            [#"1:20 missing_key task "a" needs "kind""#]
        ),
        (
            #"{"id":"d","tasks":[{"kind":"noop"}]}"#,
            [#"1:20 missing_key a task needs "id""#]
        ),
        (
            #"{"id":"d","defaults":{"after":[]},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:23 unknown_key unknown key "after"; "defaults" has trigger_rule, retries, retry_delay,"#
                    + " retry_backoff, max_retry_delay, timeout, priority, pool, pool_slots, depends_on_past, on_lost, poll_interval, poll_timeout, allow_failure, env, limits, cwd, umask"
            ]
        ),
        (
            #"{"id":"d","defaults":{"retires":1},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:23 unknown_key unknown key "retires"; did you mean "retries"?"#]
        ),
        (
            #"{"id":"d","defaults":[],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:22 wrong_type "defaults" must be an object, not an array"#]
        ),
        (
            #"{"id":1,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:7 wrong_type "id" must be a string, not an integer"#]
        ),
        (
            #"{"id":"d","description":1,"owner":null,"$schema":false,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:25 wrong_type "description" must be a string, not an integer"#,
                #"1:35 wrong_type "owner" must be a string, not null"#,
                #"1:50 wrong_type "$schema" must be a string, not a boolean"#,
            ]
        ),
        (
            #"{"id":"d","paused":"yes","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:20 wrong_type "paused" must be true or false, not a string"#]
        ),
        (
            #"{"id":"d","tags":"x","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:18 wrong_type "tags" must be an array of strings, not a string"#]
        ),
        (
            #"{"id":"d","tags":["x",1],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:23 wrong_type an element of "tags" must be a string, not an integer"#]
        ),
        (
            #"{"id":"d","max_active_runs":"2","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:29 wrong_type "max_active_runs" must be an integer, not a string"#]
        ),
        (
            #"{"id":"d","max_active_runs":2.5,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:29 wrong_type "max_active_runs" must be an integer, not a number"#]
        ),
        (
            #"{"id":"","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:7 bad_id "" is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"#]
        ),
        (
            #"{"id":"a b","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:7 bad_id "a b" is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"#]
        ),
        (
            #"{"id":"..","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:7 bad_id ".." is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"#]
        ),
        (
            #"{"id":"x/../y","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:7 bad_id "x/../y" is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"#]
        ),
        (
            #"{"id":"é","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:7 bad_id "é" is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":".","kind":"noop"}]}"#,
            [#"1:26 bad_id "." is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"#
                + #"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","kind":"noop"}]}"#,
            [
                #"1:26 bad_id "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"#
                    + #"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" is no id: 1 to 128 of A-Z a-z "#
                    + "0-9 _ . - and not only one or two dots"
            ]
        ),
    ]

    /// Schedules, times, ranges and words.
    static let values: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","schedule":"dayly","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:22 bad_schedule "dayly" is not a preset; did you mean "daily"?"#]
        ),
        (
            #"{"id":"d","schedule":"0 25 * * *","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:22 bad_schedule "0 25 * * *": 25 is no hour; it is 0 to 23"#]
        ),
        (
            #"{"id":"d","schedule":{"cron":"0 0 30 2 *"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:30 bad_schedule "0 0 30 2 *" never happens: no such day is in these months"#]
        ),
        (
            #"{"id":"d","schedule":{"corn":"0 0 1 2 *","timezone":"Mars"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 exactly_one_of "schedule" needs exactly one of "cron", "every", "files" or "datasets"; none is given"#,
                #"1:23 unknown_key unknown key "corn"; did you mean "cron"?"#,
            ]
        ),
        (
            #"{"id":"d","schedule":{"cron":"0 0 1 2 *","timezone":"Mars"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:53 unknown_zone there is no time zone "Mars"; use a name such as "UTC" or "Europe/Zurich""#]
        ),
        (
            #"{"id":"d","schedule":{"datasets":["x"]},"delay":"1h","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:41 warning useless_key "delay" has no effect: what starts this DAG is not time"#]
        ),
        (
            #"{"id":"d","schedule":5,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                "1:22 bad_schedule an integer is no schedule; one of hourly, daily, weekly, monthly, quarterly, yearly, "
                    + "a cron expression, or null"
            ]
        ),
        (
            #"{"id":"d","timezone":"Europe/Zurch","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 unknown_zone there is no time zone "Europe/Zurch"; use a name such as "UTC" or "#
                    + #""Europe/Zurich""#
            ]
        ),
        (
            #"{"id":"d","timezone":1,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:22 wrong_type "timezone" must be a string, not an integer"#]
        ),
        (
            #"{"id":"d","start":"yesterday","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:19 bad_date "yesterday" is no date; write it as "2022-05-02", "2022-05-02T10:00" or "#
                    + #""2022-05-02T10:00:00Z""#
            ]
        ),
        (
            #"{"id":"d","start":"2022-02-30","end":20220101,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:19 bad_date "2022-02-30" is no date; write it as "2022-05-02", "2022-05-02T10:00" or "#
                    + #""2022-05-02T10:00:00Z""#,
                #"1:38 wrong_type "end" must be a string, not an integer"#,
            ]
        ),
        (
            #"{"id":"d","start":"2022-05-02","end":"2022-05-01","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:38 start_after_end "end" is before "start""#]
        ),
        (
            #"{"id":"d","timezone":"Europe/Zurich","start":"2022-05-02","end":"2022-05-01T21:59:59Z","#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:65 start_after_end "end" is before "start""#]
        ),
        (
            #"{"id":"d","catchup":"al","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:21 bad_value "catchup" must be true, false, "all", "latest" or "none""#]
        ),
        (
            #"{"id":"d","catchup":1,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:21 wrong_type "catchup" must be true, false, "all", "latest" or "none""#]
        ),
        (
            #"{"id":"d","catchup_window":"0s","delay":"1 h","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:28 out_of_range "catchup_window" must be longer than 0s and at most 3660d, not 0s"#,
                #"1:41 bad_duration "1 h" is no length of time; write it as "90s", "15m", "2h", "1h30m""#,
            ]
        ),
        (
            #"{"id":"d","delay":5,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:19 wrong_type "delay" must be a length of time such as "90s" or "1h30m", not an integer"#]
        ),
        (
            #"{"id":"d","delay":"99999d","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:19 out_of_range "delay" must be at most 3660d, not 99999d"#]
        ),
        (
            #"{"id":"d","max_active_runs":0,"max_active_tasks":10001,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:29 out_of_range "max_active_runs" must be 1 to 10000, not 0"#,
                #"1:50 out_of_range "max_active_tasks" must be 1 to 10000, not 10001"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","retries":-1,"priority":1001,"retry_backoff":0.5,"#
                + #""timeout":"0s"}]}"#,
            [
                #"1:54 out_of_range "retries" must be 0 to 1000, not -1"#,
                #"1:68 out_of_range "priority" must be -1000 to 1000, not 1001"#,
                #"1:89 out_of_range "retry_backoff" must be 1 to 100, not 0.5"#,
                #"1:103 out_of_range "timeout" must be longer than 0s and at most 3660d, not 0s"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","retries":1001,"retry_backoff":1e400,"#
                + #""retry_delay":"5 minutes","allow_failure":1}]}"#,
            [
                #"1:54 out_of_range "retries" must be 0 to 1000, not 1001"#,
                #"1:75 out_of_range "retry_backoff" must be 1 to 100, not 1e400"#,
                #"1:95 bad_duration "5 minutes" is no length of time; write it as "90s", "15m", "2h", "1h30m""#,
                #"1:123 wrong_type "allow_failure" must be true or false, not an integer"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","timeout":5,"max_retry_delay":"x"}]}"#,
            [
                #"1:54 wrong_type "timeout" must be a length of time such as "90s" or "1h30m", or null, "#
                    + "not an integer",
                #"1:74 bad_duration "x" is no length of time; write it as "90s", "15m", "2h", "1h30m""#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","trigger_rule":"all_don"}]}"#,
            [#"1:59 bad_value "all_don" is no trigger rule; did you mean "all_done"?"#]
        ),
        (
            #"{"id":"d","defaults":{"trigger_rule":"whenever"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:38 bad_value "whenever" is no trigger rule; one of all_success, all_failed, all_done, "#
                    + "all_done_min_one_success, all_skipped, one_success, one_failed, one_done, none_failed, "
                    + "none_failed_min_one_success, none_skipped, always"
            ]
        ),
    ]
}

/// Mapped tasks, pools, sensors and notifications.
extension WrongDAGFiles {
    /// `for_each`.
    static let mapping: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":"x"}]}"#,
            [
                #"1:55 wrong_type "for_each" must be an array, or one template that gives one, such as "#
                    + #""{{ outputs.list.files }}""#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":3}]}"#,
            [
                #"1:55 wrong_type "for_each" must be an array, or one template that gives one, such as "#
                    + #""{{ outputs.list.files }}""#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":"a{{ ds }}"}]}"#,
            [
                #"1:55 wrong_type "for_each" must be an array, or one template that gives one, such as "#
                    + #""{{ outputs.list.files }}""#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":"{{ dss }}"}]}"#,
            [#"1:59 unknown_template_name unknown template name "dss"; did you mean "ds"?"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":{"in":[1],"limit":0,"max_active":0}}]}"#,
            [
                #"1:73 out_of_range "limit" must be 1 to 100000, not 0"#,
                #"1:88 out_of_range "max_active" must be 1 to 10000, not 0"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":{"limit":3,"max":1}}]}"#,
            [
                #"1:55 missing_key "for_each" needs "in""#,
                #"1:66 unknown_key unknown key "max"; "for_each" has in, limit, max_active"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":{"in":[1,2,3],"limit":2}}]}"#,
            [#"1:61 out_of_range "for_each" has 3 elements; its limit is 2, which {"in": …, "limit": N} sets"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":{"in":"{{ outputs.a.x }}"}}]}"#,
            [#"1:62 not_upstream task "a" cannot use its own outputs"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":{"in":5,"limit":100001}}]}"#,
            [
                #"1:61 wrong_type "for_each" must be an array, or one template that gives one, such as "#
                    + #""{{ outputs.list.files }}""#,
                #"1:71 out_of_range "limit" must be 1 to 100000, not 100001"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":["{{ params.x }}"]}]}"#,
            [#"1:57 unknown_param the DAG has no parameter "x"; it declares none"#]
        ),
    ]

    /// Pools, the past, lost attempts, sensors.
    static let settings: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","pool":"a b","pool_slots":0}]}"#,
            [
                #"1:51 bad_id "a b" is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"#,
                #"1:70 out_of_range "pool_slots" must be 1 to 10000, not 0"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","pool":1,"pool_slots":"2"}]}"#,
            [
                #"1:51 wrong_type "pool" must be a string, not an integer"#,
                #"1:66 wrong_type "pool_slots" must be an integer, not a string"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","depends_on_past":1}]}"#,
            [#"1:62 wrong_type "depends_on_past" must be true or false, not an integer"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","on_lost":"retri"}]}"#,
            [#"1:54 bad_value "retri" is no way to treat a lost attempt; did you mean "retry"?"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","on_lost":"ignore"}]}"#,
            [#"1:54 bad_value "ignore" is no way to treat a lost attempt; one of retry, fail"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","poll_interval":"0s","poll_timeout":null}]}"#,
            [
                #"1:60 out_of_range "poll_interval" must be longer than 0s and at most 3660d, not 0s"#,
                #"1:80 wrong_type "poll_timeout" must be a length of time such as "90s" or "1h30m", not null"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","poll_interval":60,"poll_timeout":"1 d"}]}"#,
            [
                #"1:60 wrong_type "poll_interval" must be a length of time such as "90s" or "1h30m", or "#
                    + #"null, not an integer"#,
                #"1:78 bad_duration "1 d" is no length of time; write it as "90s", "15m", "2h", "1h30m""#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","umask":"+22"}]}"#,
            [#"1:52 bad_value "+22" is no umask; write three octal digits such as "022" or "077""#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","umask":"1777"}]}"#,
            [#"1:52 bad_value "1777" is no umask; write three octal digits such as "022" or "077""#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","umask":18,"cwd":1}]}"#,
            [
                #"1:52 wrong_type "umask" must be a string, not an integer"#,
                #"1:61 wrong_type "cwd" must be a string, not an integer"#,
            ]
        ),
        (
            #"{"id":"d","defaults":{"pool":"","pool_slots":10001,"on_lost":null,"for_each":[1]},"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:30 bad_id "" is no id: 1 to 128 of A-Z a-z 0-9 _ . - and not only one or two dots"#,
                #"1:46 out_of_range "pool_slots" must be 1 to 10000, not 10001"#,
                #"1:62 wrong_type "on_lost" must be a string, not null"#,
                #"1:67 unknown_key unknown key "for_each"; "defaults" has trigger_rule, retries, "#
                    + #"retry_delay, retry_backoff, max_retry_delay, timeout, priority, pool, pool_slots, "#
                    + #"depends_on_past, on_lost, poll_interval, poll_timeout, allow_failure, env, limits, cwd, umask"#,
            ]
        ),
    ]

    /// Notifications.
    static let hooks: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","on_failure":{"to":"x"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:24 wrong_type "on_failure" must be an array of notifications, not an object"#]
        ),
        (
            #"{"id":"d","on_success":["x"],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:25 wrong_type a notification must be an object, not a string"#]
        ),
        (
            #"{"id":"d","on_success":[{"subject":"x"}],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:25 missing_key kind "notify" needs "to" in "with": who"#]
        ),
        (
            #"{"id":"d","deadline":"1h","on_deadline":[{"to":"x","subjet":"y"}],"tasks":[{"id":"a","#
                + #""kind":"noop"}]}"#,
            [#"1:52 unknown_key kind "notify" has no parameter "subjet"; did you mean "subject"?"#]
        ),
        (
            #"{"id":"d","on_failure":[{"to":"x","retries":1}],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:45 unknown_key "retries" belongs to the long form: {"kind": "notify", "with": {…}, "retries": …}"#
            ]
        ),
        (
            #"{"id":"d","on_failure":[{"kind":"mail"}],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:33 unknown_kind there is no task kind "mail"; one of noop, command, load, notify, tell"#]
        ),
        (
            #"{"id":"d","on_failure":[{"kind":1}],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:33 wrong_type "kind" must be a string, not an integer"#]
        ),
        (
            #"{"id":"d","on_failure":[{"kind":"command","with":{"shell":"x","shel":"y"},"attempts":1}],"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:63 unknown_key kind "command" has no parameter "shel"; did you mean "shell"?"#,
                #"1:75 unknown_key unknown key "attempts"; a notification has kind, with, timeout, retries, retry_delay"#,
            ]
        ),
        (
            #"{"id":"d","on_failure":[{"kind":"notify"},{"kind":"notify","with":{"to":"x"},"#
                + #""timeout":"0s"}],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:25 missing_key kind "notify" needs "to" in "with": who"#,
                #"1:88 out_of_range "timeout" must be longer than 0s and at most 3660d, not 0s"#,
            ]
        ),
        (
            #"{"id":"d","on_failure":[{"to":"{{ outputs.a.x }}","subject":"{{ dss "#
                + #"}}"}],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:65 unknown_template_name unknown template name "dss"; did you mean "ds"?"#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","on_failure":[{"to":"{{ params.x }}"}]}]}"#,
            [#"1:65 unknown_param the DAG has no parameter "x"; it declares none"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","on_success":[{"to":"x"}]}]}"#,
            [
                #"1:44 unknown_key unknown key "on_success"; a task has id, kind, after, with, "#
                    + #"description, when, for_each, on_failure, trigger_rule, retries, retry_delay, retry_backoff, "#
                    + #"max_retry_delay, timeout, priority, pool, pool_slots, depends_on_past, on_lost, "#
                    + #"poll_interval, poll_timeout, allow_failure, env, limits, cwd, umask, on_retry"#
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","on_failure":1}]}"#,
            [#"1:57 wrong_type "on_failure" must be an array of notifications, not an integer"#]
        ),
        (
            #"{"id":"d","expect_by":"8:00","on_missed":{},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:23 bad_value "8:00" is no time of a day; write it as "08:00", from 00:00 to 23:59"#,
                #"1:42 wrong_type "on_missed" must be an array of notifications, not an object"#,
            ]
        ),
        (
            #"{"id":"d","on_retry":[{"to":"x","subject":"{{ run.evnt }}"}],"tasks":[{"id":"a","kind":"load","#
                + #""with":{"from":"{{ run.state }}","to":"x"}}]}"#,
            [
                #"1:47 unknown_template_name unknown template name "run.evnt"; did you mean "run.event"?"#,
                #"1:111 unknown_template_name "run.state" is known in notifications only (on_failure and its like)"#,
            ]
        ),
        (
            #"{"id":"d","on_failure":[{"kind":"tell","with":{"url":"ftp://x","mail":"y"}},{"kind":"tell","#
                + #""with":{"mail":"y","subject":"z"}},{"kind":"tell","with":{"subject":"z","url":"https://h/{{ ds }}"}}],"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:47 exactly_one_of kind "tell" needs exactly one of "url" or "mail"; url and mail are given"#,
                #"1:54 bad_value "url" cannot be "ftp://x": it must be a URL such as "https://example.org/hook""#,
                #"1:150 bad_value "subject" only goes with "mail""#,
            ]
        ),
    ]
}

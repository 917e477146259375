/// What starts the runs of a DAG and how long they may take.
extension WrongDAGFiles {
    /// The objects of `schedule`.
    static let schedules: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","schedule":{},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 exactly_one_of "schedule" needs exactly one of "cron", "every", "files" or "#
                    + #""datasets"; none is given"#
            ]
        ),
        (
            #"{"id":"d","schedule":{"cron":"0 0 * * *","every":"1h"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 exactly_one_of "schedule" needs exactly one of "cron", "every", "files" or "#
                    + #""datasets"; cron and every are given"#
            ]
        ),
        (
            #"{"id":"d","schedule":{"cron":"0 0 * * *","evry":"1h"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:42 unknown_key unknown key "evry"; did you mean "every"?"#]
        ),
        (
            #"{"id":"d","schedule":{"cron":5},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:30 wrong_type "cron" must be a string, not an integer"#]
        ),
        (
            #"{"id":"d","schedule":{"every":"1h","timezone":"UTC"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:47 bad_value "timezone" only goes with "cron""#]
        ),
        (
            #"{"id":"d","schedule":{"every":60},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:31 wrong_type "every" must be a length of time such as "90s" or "1h30m", not an integer"#]
        ),
        (
            #"{"id":"d","schedule":{"every":"0s"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:31 out_of_range "every" must be longer than 0s and at most 3660d, not 0s"#]
        ),
        (
            #"{"id":"d","schedule":{"every":"999ms"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:31 out_of_range "every" must be at least 1s, not 999ms"#]
        ),
        (
            #"{"id":"d","schedule":{"every":"soon"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:31 bad_duration "soon" is no length of time; write it as "90s", "15m", "2h", "1h30m""#]
        ),
        (
            #"{"id":"d","schedule":{"every":"4000d"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:31 out_of_range "every" must be longer than 0s and at most 3660d, not 4000d"#]
        ),
        (
            #"{"id":"d","schedule":{"files":"in"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:31 wrong_type "files" must be an object, not a string"#]
        ),
        (
            #"{"id":"d","schedule":{"files":{"glob":"*"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:31 missing_key "files" needs "folder""#,
                #"1:32 unknown_key unknown key "glob"; "files" has folder, pattern, settle, every, batch"#,
            ]
        ),
        (
            #"{"id":"d","schedule":{"files":{"folder":"in","batch":{"files":0,"bytes":"0B","age":"0s","size":1}}},"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:63 out_of_range "files" must be 1 to 1000000000, not 0"#,
                #"1:73 out_of_range "bytes" must be at least 1B, not 0B"#,
                #"1:84 out_of_range "age" must be longer than 0s and at most 3660d, not 0s"#,
                #"1:89 unknown_key unknown key "size"; "batch" has files, bytes, age"#,
            ]
        ),
        (
            #"{"id":"d","schedule":{"files":{"folder":"","pattern":""}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:41 bad_value "folder" must name a folder; a relative one counts from WEIR_HOME"#,
                #"1:54 bad_value "pattern" must be a pattern of file names such as "*.json", or "*/*.json" for "#
                    + "those one folder below",
            ]
        ),
        (
            #"{"id":"d","schedule":{"files":{"folder":"{{ ds "#
                + #"}}","pattern":"a//*","settle":1,"every":"0s"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:41 bad_value "folder" must name a folder; a relative one counts from WEIR_HOME"#,
                #"1:62 bad_value "pattern" must be a pattern of file names such as "*.json", or "*/*.json" for "#
                    + "those one folder below",
                #"1:78 wrong_type "settle" must be a length of time such as "90s" or "1h30m", not an integer"#,
                #"1:88 out_of_range "every" must be longer than 0s and at most 3660d, not 0s"#,
            ]
        ),
        (
            #"{"id":"d","schedule":{"files":{"folder":7,"pattern":8}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:41 wrong_type "folder" must be a string, not an integer"#,
                #"1:53 wrong_type "pattern" must be a string, not an integer"#,
            ]
        ),
        (
            #"{"id":"d","schedule":{"datasets":"a"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:34 wrong_type "datasets" must be an array of strings, not a string"#]
        ),
        (
            #"{"id":"d","schedule":{"datasets":[]},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:34 bad_value "datasets" must name at least one dataset"#]
        ),
        (
            #"{"id":"d","schedule":{"datasets":["a","a",""]},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:39 bad_value dataset "a" is named twice"#,
                #"1:43 bad_value the name of a dataset must be a plain text"#,
            ]
        ),
        (
            #"{"id":"d","schedule":{"datasets":["{{ ds }}",1]},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:35 bad_value the name of a dataset must be a plain text"#,
                #"1:46 wrong_type an element of "datasets" must be a string, not an integer"#,
            ]
        ),
        (
            #"{"id":"d","schedule":{"datasets":["a"]},"params":{"p":{"type":"string"}},"tasks":[{"id":"a","#
                + #""kind":"noop"}]}"#,
            [#"1:55 missing_default parameter "p" has no "default", which the runs of a schedule need"#]
        ),
        (
            #"{"id":"d","schedule":["daily"],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 bad_schedule an array is no schedule; one of hourly, daily, weekly, monthly, "#
                    + #"quarterly, yearly, a cron expression, or null"#
            ]
        ),
    ]

    /// What a DAG says of its runs.
    static let runLimits: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","overlap":"skp","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:21 bad_value "skp" is no way to treat an overlap; did you mean "skip"?"#]
        ),
        (
            #"{"id":"d","overlap":true,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:21 wrong_type "overlap" must be a string, not a boolean"#]
        ),
        (
            #"{"id":"d","depends_on_past":"yes","tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:29 wrong_type "depends_on_past" must be true or false, not a string"#]
        ),
        (
            #"{"id":"d","run_timeout":"0s","deadline":3600,"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:25 out_of_range "run_timeout" must be longer than 0s and at most 3660d, not 0s"#,
                #"1:41 wrong_type "deadline" must be a length of time such as "90s" or "1h30m", or null, "#
                    + #"not an integer"#,
            ]
        ),
        (
            #"{"id":"d","run_timeout":"1 h","deadline":"0s","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:25 bad_duration "1 h" is no length of time; write it as "90s", "15m", "2h", "1h30m""#,
                #"1:42 out_of_range "deadline" must be longer than 0s and at most 3660d, not 0s"#,
            ]
        ),
        (
            #"{"id":"d","schedule":{"files":{"folder":"in"}},"catchup":true,"catchup_window":"1d","#
                + #""delay":"1h","overlap":"skip","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:48 warning useless_key "catchup" has no effect: what starts this DAG is not time"#,
                #"1:63 warning useless_key "catchup_window" has no effect: what starts this DAG is not time"#,
                #"1:85 warning useless_key "delay" has no effect: what starts this DAG is not time"#,
                #"1:98 warning useless_key "overlap" has no effect: what starts this DAG is not time"#,
            ]
        ),
    ]
}

extension WrongDAGFiles {
    static let all =
        structure + values + dependencies + kinds + templates + params + limits + expressions + schedules
        + runLimits + mapping + settings + hooks + cronWarnings + uselessKeys

    /// What a task may use, and what the schedule needs.
    static let limits: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","limits":{"memory":"512"}}]}"#,
            [#"1:63 bad_value "memory" must be a number of bytes such as "512MB" or "2GiB""#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","limits":{"memory":"4KB","memry":1}}]}"#,
            [
                #"1:63 out_of_range "memory" must be at least 1MiB, not 4KB"#,
                #"1:69 unknown_key unknown key "memry"; did you mean "memory"?"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","limits":{"open_files":3,"cpu_time":"0s"}}]}"#,
            [
                #"1:67 out_of_range "open_files" must be 16 to 1048576, not 3"#,
                #"1:80 out_of_range "cpu_time" must be longer than 0s and at most 3660d, not 0s"#,
            ]
        ),
        (
            #"{"id":"d","schedule":"daily","params":{"m":{"type":"string"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:44 missing_default parameter "m" has no "default", which the runs of a schedule need"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","umask":"98","cwd":""}]}"#,
            [
                #"1:52 bad_value "98" is no umask; write three octal digits such as "022" or "077""#,
                #"1:63 bad_value "cwd" must name a folder; a relative one counts from WEIR_HOME"#,
            ]
        ),
    ]

    /// What tasks say of each other.
    static let dependencies: [(text: String, expected: [String])] = [
        (
            "{\"id\":\"d\",\"tasks\":[{\"id\":\"a\",\"kind\":\"noop\"},\n{\"id\":\"a\",\"kind\":\"noop\"}]}",
            [#"2:7 duplicate_task there is a task "a" already, on line 1"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"load","kind":"noop"},{"id":"b","kind":"noop","after":["laod"]}]}"#,
            [#"1:81 unknown_task there is no task "laod"; did you mean "load"?"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","after":["zzzzz"]}]}"#,
            [#"1:53 unknown_task there is no task "zzzzz""#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","after":["a"]}]}"#,
            [#"1:53 self_dependency task "a" cannot come after itself"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop"},{"id":"b","kind":"noop","after":["a","a"]}]}"#,
            [#"1:82 warning duplicate_dependency task "a" is named twice in "after""#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","after":"b"}]}"#,
            [#"1:52 wrong_type "after" must be an array of strings, not a string"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","after":[1]}]}"#,
            [#"1:53 wrong_type an element of "after" must be a string, not an integer"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","after":["b"]},{"id":"b","kind":"noop","#
                + #""after":["a"]}]}"#,
            ["1:53 cycle the tasks wait for each other: a → b → a"]
        ),
        (
            #"{"id":"d","tasks":[{"id":"x","kind":"noop"},{"id":"a","kind":"noop","after":["x","c"]},"#
                + #"{"id":"b","kind":"noop","after":["a"]},{"id":"c","kind":"noop","after":["b"]},{"id":"p","#
                + #""kind":"noop","after":["q","c"]},{"id":"q","kind":"noop","after":["p"]}]}"#,
            [
                "1:82 cycle the tasks wait for each other: a → b → c → a",
                "1:199 cycle the tasks wait for each other: p → q → p",
            ]
        ),
    ]

    /// Kinds and their parameters.
    static let kinds: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"nop"}]}"#,
            [#"1:37 unknown_kind there is no task kind "nop"; did you mean "noop"?"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"teleport"}]}"#,
            [#"1:37 unknown_kind there is no task kind "teleport"; one of noop, command, load, notify, tell"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":3}]}"#,
            [#"1:37 wrong_type "kind" must be a string, not an integer"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"form":"x","to":"y"}}]}"#,
            [
                #"1:51 missing_key kind "load" needs "from" in "with": the source"#,
                #"1:52 unknown_key kind "load" has no parameter "form"; did you mean "from"?"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load"}]}"#,
            [
                #"1:20 missing_key kind "load" needs "from" in "with": the source"#,
                #"1:20 missing_key kind "load" needs "to" in "with": the bucket"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":[]}]}"#,
            [#"1:51 wrong_type "with" must be an object, not an array"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"from":1,"to":"y","strict":"yes","#
                + #""limit":1.5,"ratio":"half","tables":["a",1],"options":[],"settle":"soon"}}]}"#,
            [
                #"1:59 wrong_type "from" must be a string, not an integer"#,
                #"1:79 wrong_type "strict" must be true or false, not a string"#,
                #"1:93 wrong_type "limit" must be an integer, not a number"#,
                #"1:105 wrong_type "ratio" must be a number, not a string"#,
                #"1:126 wrong_type an element of "tables" must be a string, not an integer"#,
                #"1:139 wrong_type "options" must be an object, not an array"#,
                #"1:151 bad_duration "soon" is no length of time; write it as "90s", "15m", "2h", "1h30m""#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"from":"x","to":"y","when_empty":"skp","#
                + #""settle":5}}]}"#,
            [
                #"1:85 bad_value "when_empty" cannot be "skp"; did you mean "skip"?"#,
                #"1:100 wrong_type "settle" must be a length of time such as "90s" or "1h30m", not an integer"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"command","with":{}}]}"#,
            [#"1:54 exactly_one_of kind "command" needs exactly one of "command" or "shell"; none is given"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"command","with":{"command":["a"],"shell":"b"}}]}"#,
            [
                #"1:54 exactly_one_of kind "command" needs exactly one of "command" or "shell"; command "#
                    + "and shell are given"
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","with":{"a":1}}]}"#,
            [#"1:52 unknown_key kind "noop" has no parameter "a"; it takes none"#]
        ),
    ]

    /// Templates.
    static let templates: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"from":"{{ dss }}","to":"{{ ds"}}]}"#,
            [
                #"1:63 unknown_template_name unknown template name "dss"; did you mean "ds"?"#,
                #"1:77 bad_template a template is opened by "{{" and not closed by "}}""#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"from":"{{ ds | upper }}","to":"{{}}"}}]}"#,
            [
                #"1:68 bad_template there is no filter "upper"; one of date, add_days, json, default"#,
                "1:84 bad_template an empty template; between the braces stands one name, such as {{ ds }}",
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"from":""#
                + #"\u00e9\ud83d\ude00\n{{ data_interval_begin }}","to":"{{ param.x }}"}}]}"#,
            [
                #"1:83 unknown_template_name unknown template name "data_interval_begin"; one of ds, "#
                    + "ds_nodash, ts, logical_date, data_interval_start, data_interval_end, prev_ds, next_ds, "
                    + "run_id, run_type, dag_id, task_id, try_number, params.name, outputs.task.key, each.value, each.index, env.NAME, secret.name",
                #"1:116 unknown_template_name unknown template name "param.x"; did you mean "params.x"?"#,
            ]
        ),
        (
            #"{"id":"d","params":{"day":{"type":"string"}},"tasks":[{"id":"a","kind":"load","#
                + #""with":{"from":"{{ params.dya }}/{{ params.x }}","to":"y"}}]}"#,
            [
                #"1:95 unknown_param the DAG has no parameter "dya"; did you mean "day"?"#,
                #"1:112 unknown_param the DAG has no parameter "x"; it has day"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"from":"{{ params.day }}","to":"{{ "#
                + #"params }}"}}]}"#,
            [
                #"1:60 unknown_param the DAG has no parameter "day"; it declares none"#,
                #"1:87 unknown_template_name unknown template name "params"; parameters are written {{ "#
                    + "params.name }}",
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"from":"{{ outputs.a.x }}","to":"{{ "#
                + #"outputs.zz.x }}","options":{"k":["{{ outputs.a }}"]}}}]}"#,
            [
                #"1:60 not_upstream task "a" cannot use its own outputs"#,
                #"1:85 unknown_task there is no task "zz""#,
                #"1:125 unknown_template_name unknown template name "outputs.a"; outputs are written {{ "#
                    + "outputs.task.key }}",
            ]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"integer","default":1}},"tasks":[{"id":"a","kind":"load","#
                + #""with":{"from":"x","to":"y","limit":"{{ ds }}","strict":"{{ params.n }}","ratio":"{{ "#
                + #"params.n }}","tables":"{{ ds }}","settle":"{{ try_number }}"}}]}"#,
            [
                #"1:126 wrong_type "limit" must be an integer; "{{ ds }}" never gives one"#,
                #"1:146 wrong_type "strict" must be true or false; "{{ params.n }}" never gives one"#,
                #"1:197 wrong_type "tables" must be an array; "{{ ds }}" never gives one"#,
                #"1:217 wrong_type "settle" must be a length of time such as "90s" or "1h30m"; "{{ "#
                    + #"try_number }}" never gives one"#,
            ]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"integer","default":1}},"tasks":[{"id":"a","kind":"load","#
                + #""with":{"from":"x","to":"y","limit":"1{{ params.n }}"}}]}"#,
            [#"1:126 wrong_type "limit" must be an integer; "1{{ params.n }}" never gives one"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"load","kind":"noop"},{"id":"b","kind":"load","with":{"from":"{{ "#
                + #"outputs.load.n }}","to":"y"},"env":{"N":"{{ outputs.laod.n }}"}}]}"#,
            [
                #"1:88 not_upstream task "load" is not before "b"; add it to "after""#,
                #"1:132 unknown_task there is no task "laod"; did you mean "load"?"#,
            ]
        ),
        (
            #"{"id":"d","env":{"A":"{{ outputs.a.x }}","B":"{{ nope }}"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:23 not_upstream outputs cannot be used here: no task is before all others"#,
                #"1:50 unknown_template_name unknown template name "nope"; one of ds, ds_nodash, ts, "#
                    + "logical_date, data_interval_start, data_interval_end, prev_ds, next_ds, run_id, "
                    + "run_type, dag_id, task_id, try_number, params.name, outputs.task.key, each.value, each.index, env.NAME, secret.name",
            ]
        ),
    ]

    /// Environments and parameters.
    static let params: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","env":{"1A":"x","WEIR_DS":"x","OK":1,"N":"\u0000"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:18 bad_name "1A" is no name of an environment variable: letters, digits and _, no "#
                    + "digit first",
                #"1:27 bad_name "WEIR_DS": names that begin with WEIR_ are set by Weir"#,
                "1:46 wrong_type an environment variable must be a string, not an integer",
                "1:52 bad_value an environment variable cannot hold a NUL character",
            ]
        ),
        (
            #"{"id":"d","env":[],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:17 wrong_type "env" must be an object, not an array"#]
        ),
        (
            #"{"id":"d","params":{"a-b":{"type":"string"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:21 bad_name "a-b" is no name of a parameter: letters, digits and _, no digit first"#]
        ),
        (
            #"{"id":"d","params":{"day":{"type":"strng"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:35 bad_value "strng" is no type; did you mean "string"?"#]
        ),
        (
            #"{"id":"d","params":{"day":{"typ":"string"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:28 unknown_key unknown key "typ"; did you mean "type"?"#]
        ),
        (
            #"{"id":"d","params":{"day":"x"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            ["1:27 wrong_type a parameter must be an object, not a string"]
        ),
        (
            #"{"id":"d","params":[],"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:20 wrong_type "params" must be an object, not an array"#]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"integer","default":"1"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:53 wrong_type parameter "n" must be an integer, not a string"#]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"integer","default":11,"minimum":0,"maximum":10}},"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:53 out_of_range parameter "n" must be at most 10, not 11"#]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"number","default":-1,"minimum":0.5}},"tasks":[{"id":"a","#
                + #""kind":"noop"}]}"#,
            [#"1:52 out_of_range parameter "n" must be at least 0.5, not -1"#]
        ),
        (
            #"{"id":"d","params":{"s":{"type":"string","enum":["ab","cd"],"default":"abc"}},"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:71 bad_value parameter "s" cannot be abc; did you mean "ab"?"#]
        ),
        (
            #"{"id":"d","params":{"s":{"type":"string","enum":[1],"minimum":1}},"tasks":[{"id":"a","#
                + #""kind":"noop"}]}"#,
            [
                #"1:50 wrong_type a value of "enum" must be a string, not an integer"#,
                #"1:63 bad_value "minimum" only goes with the types integer and number, not string"#,
            ]
        ),
        (
            #"{"id":"d","params":{"s":{"type":"string","enum":[]},"S":{"type":"string"}},"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:49 wrong_type "enum" must be an array of at least one value"#,
                #"1:53 bad_name parameters "s" and "S" differ only in case; both would be WEIR_PARAM_S"#,
            ]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"integer","minimum":2,"maximum":1}},"tasks":[{"id":"a","#
                + #""kind":"noop"}]}"#,
            [#"1:65 bad_value "maximum" is less than "minimum""#]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"integer","minimum":"2","description":5}},"#
                + #""tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:53 wrong_type "minimum" must be a number, not a string"#,
                #"1:71 wrong_type "description" must be a string, not an integer"#,
            ]
        ),
        (
            #"{"id":"d","schedule":"a\nb\u001b[31m","tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:22 bad_schedule "a\nb\u{1b}[31m" is not a preset; one of hourly, daily, weekly, "#
                    + "monthly, quarterly, yearly"
            ]
        ),
    ]
}

/// Conditions, filters, elements, patterns.
extension WrongDAGFiles {
    static let expressions: [(text: String, expected: [String])] = [
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","env":{"A":"{{ env.STAG }}"}}]}"#,
            [#"1:56 unknown_env weir.json does not let templates read STAG of the environment; did you mean "STAGE"?"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","env":{"A":"x{{ secret.other }}"}}]}"#,
            [#"1:57 unknown_secret weir.json has no secret "other"; add it to its "secrets""#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","when":"secret.db == 1"}]}"#,
            [#"1:52 misplaced_secret "when" cannot use secrets: what it says is shown"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"command","with":{"shell":"{{ secret.db }}"}}]}"#,
            [
                #"1:64 warning visible_secret every user of this machine can see the secret "db" here, in the list of processes; put it into "env""#
            ]
        ),
        (
            #"{"id":"d","env":{"A":"{{ env }}","B":"{{ secret.a.b }}"},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [
                #"1:26 unknown_template_name unknown template name "env"; variables of the environment are written {{ env.NAME }}"#,
                #"1:42 unknown_template_name unknown template name "secret.a.b"; secrets are written {{ secret.name }}"#,
            ]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","when":"ds =="}]}"#,
            ["1:57 bad_condition a name or a value is expected, not the end"]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","when":"\"x\" == params.day"}]}"#,
            [#"1:61 unknown_param the DAG has no parameter "day"; it declares none"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop"},{"id":"b","kind":"noop","when":"outputs.a.n > 1"}]}"#,
            [#"1:77 not_upstream task "a" is not before "b"; add it to "after""#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","when":5}]}"#,
            [#"1:51 wrong_type "when" must be a string, not an integer"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","when":"each.index == 1"}]}"#,
            [#"1:52 not_mapped task "a" has no "for_each", so it has no each"#]
        ),
        (
            #"{"id":"d","env":{"A":"{{ each.value }}"},"tasks":[{"id":"a","kind":"noop","for_each":[1]}]}"#,
            [#"1:23 not_mapped what is meant for all has no "for_each", so it has no each"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","for_each":["{{ each.index }}"]}]}"#,
            [#"1:57 not_mapped "for_each" itself has no each: it makes the elements"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"noop","env":{"A":"{{ ds | add_day(1) }}"}}]}"#,
            [#"1:64 bad_template there is no filter "add_day"; did you mean "add_days"?"#]
        ),
        (
            #"{"id":"d","tasks":[{"id":"a","kind":"load","with":{"from":"x","to":"y","limit":"{{ ds | json }}"}}]}"#,
            [#"1:80 wrong_type "limit" must be an integer; "{{ ds | json }}" never gives one"#]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"integer","default":1,"pattern":"x"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:65 bad_value "pattern" only goes with the type string, not integer"#]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"string","default":"1","pattern":"("}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:66 bad_value "(" is no regular expression: a "(" has no ")" behind it"#]
        ),
        (
            #"{"id":"d","params":{"n":{"type":"string","default":"x","pattern":"^[0-9]+$"}},"tasks":[{"id":"a","kind":"noop"}]}"#,
            [#"1:52 bad_value parameter "n" must match "^[0-9]+$", not "x""#]
        ),
    ]
}

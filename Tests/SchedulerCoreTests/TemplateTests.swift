import JSONText
import SchedulerCore
import Testing

struct TemplateTests {
    private func context(_ zone: String = "UTC", _ preset: String? = "daily") throws -> TemplateContext {
        let zone = try #require(SystemZones.zone(zone))
        let timetable = preset.flatMap { Timetable(preset: $0, zone: zone) }
        let day = try #require(CivilDate("2022-05-02"))
        let start = zone.startOfDay(day)
        let end = zone.startOfDay(day.adding(days: 1))
        return TemplateContext(
            dagID: "alpr", runID: "scheduled__2022-05-02T00:00:00Z", runType: .scheduled, taskID: "convert",
            tryNumber: 2,
            logicalDate: start, interval: DataInterval(start: start, end: end), zone: zone, timetable: timetable,
            params: try JSONDocument(parsing: #"{"n":5,"s":"a\"b","o":{"k":[1,null]}}"#).root,
            outputs: [
                "load": try JSONDocument(parsing: #"{"rows":31,"files":["a","b"]}"#).root,
                "a.b": JSONNode(.object(JSONObject())),
            ])
    }

    private func render(_ json: String, _ context: TemplateContext) throws -> String {
        var writer = JSONWriter()
        writer.node(try Template.render(try JSONDocument(parsing: json).root, in: context))
        return writer.text
    }

    @Test(arguments: [
        // A string that is one template keeps the value's type; in any other it becomes text.
        (#""{{ params.n }}""#, "5"), (#""{{params.n}}""#, "5"), (#"" {{ params.n }}""#, #"" 5""#),
        (#""{{ params.o }}""#, #"{"k":[1,null]}"#), (#""<{{ params.o }}>""#, #""<{\"k\":[1,null]}>""#),
        (#""{{\n\tparams.s  }}""#, #""a\"b""#), (#""{{ params.s }}-{{ params.n }}""#, #""a\"b-5""#),
        (#""{{ outputs.load.rows }}""#, "31"), (#""{{ outputs.load.files }}""#, #"["a","b"]"#),
        (
            #"{"{{ ds }}":["{{ ds }}",1,true,null,{"a":"x{{ try_number }}"}]}"#,
            #"{"{{ ds }}":["2022-05-02",1,true,null,{"a":"x2"}]}"#
        ),
        (#""{{ ds }}{{ ds_nodash }}""#, #""2022-05-0220220502""#),
        (#""plain""#, #""plain""#), (#""""#, #""""#), (#""{ ds } }} é""#, #""{ ds } }} é""#),
        // What a value holds is never read as a template again.
        (#""{{ ts }} {{ logical_date }}""#, #""2022-05-02T00:00:00Z 2022-05-02T00:00:00Z""#),
        (
            #""{{ data_interval_start }}/{{ data_interval_end }}""#, #""2022-05-02T00:00:00Z/2022-05-03T00:00:00Z""#
        ),
        (#""{{ prev_ds }} {{ next_ds }}""#, #""2022-05-01 2022-05-03""#),
        (
            #""{{ run_id }} {{ run_type }} {{ dag_id }} {{ task_id }} {{ try_number }}""#,
            #""scheduled__2022-05-02T00:00:00Z scheduled alpr convert 2""#
        ),
    ])
    func renders(json: String, expected: String) throws {
        #expect(try render(json, try context()) == expected)
    }

    @Test func datesAreThoseOfTheZone() throws {
        let zurich = try context("Europe/Zurich", "monthly")
        #expect(try render(#""{{ ds }} {{ ts }}""#, zurich) == #""2022-05-02 2022-05-01T22:00:00Z""#)
        #expect(try render(#""{{ prev_ds }} {{ next_ds }}""#, zurich) == #""2022-05-01 2022-06-01""#)
        #expect(try render(#""{{ prev_ds }} {{ next_ds }}""#, try context("UTC", nil)) == #""2022-05-02 2022-05-02""#)
    }

    @Test func valuesAreNotReadAsTemplates() throws {
        var context = try context()
        context.params = try JSONDocument(parsing: #"{"s":"{{ ds }}"}"#).root
        #expect(try render(#"["{{ params.s }}","<{{ params.s }}>"]"#, context) == #"["{{ ds }}","<{{ ds }}>"]"#)
    }

    @Test(arguments: [
        (
            #"{"a":["x",{"b-c":"é {{ outputs.load.row }}"}]}"#,
            #".a[1]["b-c"] 3 unknown_output task "load" has handed on no "row"; did you mean "rows"?"#
        ),
        (
            #""{{ outputs.load.zzzzzz }}""#,
            #" 0 unknown_output task "load" has handed on no "zzzzzz"; it has rows, files"#
        ),
        (#""{{ outputs.a.b.x }}""#, #" 0 unknown_output task "a.b" has handed on no "x"; it has handed on nothing"#),
        (#""{{ outputs.none.x }}""#, #" 0 unknown_output task "none" has handed on no "x"; it has handed on nothing"#),
        (#""x{{ params.q }}""#, #" 1 unknown_param the run has no parameter "q""#),
        (#""ab{{ ds""#, #" 2 bad_template a template is opened by "{{" and not closed by "}}""#),
        (#""{{ }}""#, #" 0 bad_template an empty template; between the braces stands one name, such as {{ ds }}"#),
        (
            #""{{ a b }}""#,
            #" 0 bad_template "a b" is no template name; between the braces stands one name, such as {{ ds }}"#
        ),
        (#""{{ dz }}""#, #" 3 unknown_template_name unknown template name "dz"; did you mean "ds"?"#),
        (#""{{ param.x }}""#, #" 3 unknown_template_name unknown template name "param.x"; did you mean "params.x"?"#),
        (
            #""{{ params. }}""#,
            #" 3 unknown_template_name unknown template name "params."; parameters are written {{ params.name }}"#
        ),
        (
            #""{{ outputs.x }}""#,
            #" 3 unknown_template_name unknown template name "outputs.x"; outputs are written {{ outputs.task.key }}"#
        ),
        (
            #""{{ outputs..x }}""#,
            #" 3 unknown_template_name unknown template name "outputs..x"; outputs are written {{ outputs.task.key }}"#
        ),
    ])
    func saysWhatCannotBeRendered(json: String, expected: String) throws {
        let context = try context()
        let node = try JSONDocument(parsing: json).root
        do throws(TemplateError) {
            _ = try Template.render(node, in: context)
            Issue.record("\(json) was rendered")
        } catch {
            #expect("\(error.path) \(error.offset) \(error.code) \(error.message)" == expected)
        }
    }

    @Test func textIsAlwaysText() throws {
        #expect(try Template.renderText("{{ params.n }}", in: try context()) == "5")
        #expect(try Template.renderText("{{ params.o }}", in: try context()) == #"{"k":[1,null]}"#)
        #expect(try Template.renderText("n={{ params.n }}", in: try context()) == "n=5")
    }

    @Test func knowsTheNamesInAString() throws {
        let template = try Template(parsing: "a{{ ds }}{{ params.n }}b{{ outputs.a.b.c }}")
        #expect(template.names == [.variable(.ds), .param("n"), .output(task: "a.b", key: "c")])
        #expect(template.soleName == nil)
        #expect(try Template(parsing: "{{ ds }}").soleName == .variable(.ds))
        #expect(Template.isTemplate("a {{") && !Template.isTemplate("a { {") && !Template.isTemplate(""))
    }

    // MARK: For a kind

    @Test func aKindGetsTheTypesThatItTakes() throws {
        let load = try #require(SampleKinds.all.first { $0.name == "load" })
        let with = try JSONDocument(
            parsing: #"""
                {"from":"{{ params.n }}","to":"{{ params.o }}","limit":"{{ params.n }}","ratio":"{{ params.n }}",
                 "tables":["{{ params.n }}","x{{ ds }}"],"settle":"{{ params.n }}s","extra":"{{ params.n }}"}
                """#
        ).root
        var writer = JSONWriter()
        writer.node(try load.render(with, in: try context()))
        #expect(
            writer.text == #"{"from":"5","to":"{\"k\":[1,null]}","limit":5,"ratio":5,"tables":["5","x2022-05-02"],"#
                + #""settle":"5s","extra":5}"#)
    }

    @Test(arguments: [
        (
            #"{"limit":"{{ params.s }}"}"#,
            #".limit wrong_type "limit" must be an integer, not a string, which {{ params.s }} gave"#
        ),
        (
            #"{"tables":"{{ outputs.load.rows }}"}"#,
            #".tables wrong_type "tables" must be an array, not an integer, which {{ outputs.load.rows }} gave"#
        ),
        (
            #"{"when_empty":"{{ params.s }}"}"#,
            #".when_empty bad_value "when_empty" cannot be "a"b"; it may be skip, ok, fail"#
        ),
        (
            #"{"settle":"{{ params.s }}"}"#,
            #".settle wrong_type "settle" must be a length of time such as "90s" or "1h30m", not a string, which {{ params.s }} gave"#
        ),
    ])
    func aKindRefusesWhatDoesNotFit(json: String, expected: String) throws {
        let load = try #require(SampleKinds.all.first { $0.name == "load" })
        let context = try context()
        let node = try JSONDocument(parsing: json).root
        do throws(TemplateError) {
            _ = try load.render(node, in: context)
            Issue.record("\(json) was rendered")
        } catch {
            #expect("\(error.path) \(error.code) \(error.message)" == expected)
        }
    }

    /// An array that comes out of one template has its elements checked as well; those that do not fit a string become text.
    @Test func elementsOfARenderedArrayFit() throws {
        let load = try #require(SampleKinds.all.first { $0.name == "load" })
        var context = try context()
        context.params = try JSONDocument(parsing: #"{"list":["a",1]}"#).root
        let with = try JSONDocument(parsing: #"{"tables":"{{ params.list }}"}"#).root
        #expect(try load.render(with, in: context)["tables"]?.array?.map(\.string) == ["a", "1"])
    }
}

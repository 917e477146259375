import JSONText
import Testing

@testable import SchedulerCore

/// Filters of templates.
@Suite struct TemplateFilterTests {
    private let context: TemplateContext

    init() throws {
        let params = try JSONDocument(parsing: #"{"list": [1, "a"], "none": null, "day": "2024-12-30", "n": 5}"#)
        let date = try #require(Instant(rfc3339: "2024-03-30T23:00:00Z"))
        context = TemplateContext(
            dagID: "d", runID: "r", runType: .manual, taskID: "t", tryNumber: 1, logicalDate: date,
            interval: DataInterval(start: date, end: date), zone: try #require(SystemZones.zone("Europe/Zurich")),
            timetable: nil, params: params.root, outputs: ["load": JSONNode(.object(JSONObject()))],
            each: (value: JSONNode(.string("x")), index: 2))
    }

    @Test(arguments: [
        ("{{ ds | add_days(-1) }}", #""2024-03-30""#), ("{{ds|add_days(1)|date('%d.%m.%Y')}}", #""01.04.2024""#),
        // 31 March has 23 hours in Zurich: the same time of the clock, not 24 hours on.
        ("{{ logical_date | add_days(1) }}", #""2024-03-31T22:00:00Z""#),
        ("{{ logical_date | date('%Y-%m-%dT%H:%M:%S%z') }}", #""2024-03-31T00:00:00+0100""#),
        (
            "{{ params.day | date('%G-W%V-%u %j %a %A %b %B %e %y %%') }}",
            #""2025-W01-1 365 Mon Monday Dec December 30 24 %""#
        ),
        ("{{ logical_date | date('%s %f') }}", #""1711839600 000000""#),
        ("{{ params.list | json }}", #""[1,\"a\"]""#), ("{{ params.list }}", #"[1,"a"]"#),
        ("{{ outputs.load.rows | default(0) }}", "0"), ("{{ params.none | default('x') }}", #""x""#),
        ("{{ params.n | default(0) }}", "5"), ("n={{ outputs.load.rows | default('none') }}", #""n=none""#),
        ("{{ outputs.load.rows | json | default('gone') }}", #""gone""#),
        ("{{ each.value }}-{{ each.index }}", #""x-2""#), ("{{ each.index }}", "2"),
    ])
    func gives(text: String, expected: String) throws {
        var writer = JSONWriter()
        writer.node(try Template.render(JSONNode(.string(text)), in: context))
        #expect(writer.text == expected)
    }

    @Test(arguments: [
        ("{{ ds | add_day(1) }}", 8, #"there is no filter "add_day"; did you mean "add_days"?"#),
        ("{{ ds | }}", 8, #"a filter is expected after "|", not the end"#),
        ("{{ ds | json json }}", 13, #""json" is not expected here; filters are written {{ name | filter }}"#),
        ("{{ ds | json(1) }}", 8, #""json" takes no value, not 1"#),
        ("{{ ds | add_days }}", 8, #""add_days" takes one value, not 0"#),
        ("{{ ds | add_days('1') }}", 16, #""add_days" takes a whole number of days, such as add_days(-1)"#),
        ("{{ ds | date(5) }}", 12, #""date" takes a format, such as date("%Y/%m/%d")"#),
        (
            "{{ ds | date('%Q') }}", 12,
            "\"%Q\" has no meaning in a format; there are %Y %m %d %H %M %S %j %y %b %B %a %A %e %z %s %f %G %V %u %%"
        ),
        ("{{ ds | default(x) }}", 16, #"a value is expected, not "x""#),
        ("{{ ds | default('x }}", 16, "a text is opened by ' and not closed"),
        ("ab {{ nope | json }}", 6, "unknown template name \"nope\"; one of "),
    ])
    func saysWhatIsWrong(text: String, offset: Int, message: String) {
        let errors = Template.scan(text).errors
        #expect(errors.count == 1)
        #expect(errors.first?.offset == offset)
        #expect(errors.first?.message.hasPrefix(message) == true, "\(errors.first?.message ?? "")")
    }

    @Test func whatIsNoDateHasNoDays() {
        let error = #expect(throws: TemplateError.self) {
            try Template.render(JSONNode(.string("{{ run_id | add_days(1) }}")), in: context)
        }
        #expect(error?.message == "\"r\" is no date, which the filter needs")
    }
}

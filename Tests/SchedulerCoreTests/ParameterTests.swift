import JSONText
import SchedulerCore
import Testing

struct ParameterTests {
    private static let dag = SampleKinds.parse(
        #"""
        {"id":"d","params":{
           "day":{"type":"string"},
           "n":{"type":"integer","default":3,"minimum":1,"maximum":9},
           "mode":{"type":"string","enum":["fast","slow"],"default":"fast"},
           "ratio":{"type":"number","default":0.5},
           "list":{"type":"array","default":[1]},
           "any":{"default":null}},
         "tasks":[{"id":"a","kind":"noop"}]}
        """#
    ).dag

    private func resolve(_ given: String) throws -> Result<JSONNode, ParameterErrors> {
        let object = try #require(try JSONDocument(parsing: given).root.object)
        let values = Dictionary(object.members.map { ($0.key, $0.node) }, uniquingKeysWith: { first, _ in first })
        return try #require(Self.dag).resolveParams(values)
    }

    @Test(arguments: [
        (#"{"day":"x"}"#, #"{"day":"x","n":3,"mode":"fast","ratio":0.5,"list":[1],"any":null}"#),
        (
            #"{"any":{"a":1},"ratio":2,"mode":"slow","n":9,"day":"","list":[]}"#,
            #"{"day":"","n":9,"mode":"slow","ratio":2,"list":[],"any":{"a":1}}"#
        ),
    ])
    func fillsInTheDefaults(given: String, expected: String) throws {
        var writer = JSONWriter()
        writer.node(try resolve(given).get())
        #expect(writer.text == expected)
    }

    @Test(arguments: [
        ("{}", [#"parameter "day" must be given; it has no default"#]),
        (
            #"{"day":1,"n":10,"mode":"fats"}"#,
            [
                #"parameter "day" must be a string, not an integer"#, #"parameter "n" must be at most 9, not 10"#,
                #"parameter "mode" cannot be fats; did you mean "fast"?"#,
            ]
        ),
        (
            #"{"dya":"x","zzzzzz":1,"day":"x","n":1.0,"ratio":"1"}"#,
            [
                #"there is no parameter "dya"; did you mean "day"?"#,
                #"there is no parameter "zzzzzz"; it takes day, n, mode, ratio, list, any"#,
                #"parameter "n" must be an integer, not a number"#,
                #"parameter "ratio" must be a number, not a string"#,
            ]
        ),
        (
            #"{"day":null,"n":0,"mode":"x\ny"}"#,
            [
                #"parameter "day" must be a string, not null"#, #"parameter "n" must be at least 1, not 0"#,
                #"parameter "mode" cannot be x\ny; it may be fast, slow"#,
            ]
        ),
    ])
    func refusesWhatDoesNotFit(given: String, expected: [String]) throws {
        guard case .failure(let errors) = try resolve(given) else {
            Issue.record("\(given) was accepted")
            return
        }
        #expect(errors.messages == expected)
        #expect(errors.description == expected.joined(separator: "; "))
    }

    @Test(arguments: [
        ("day", "12", #""12""#), ("n", "12", "12"), ("ratio", "x", #""x""#), ("list", "[1, 2]", "[1,2]"),
        ("list", #"[{"a":1,"a":2}]"#, #""[{\"a\":1,\"a\":2}]""#), ("any", "true", "true"),
    ])
    func readsValuesFromACommandLine(name: String, text: String, expected: String) throws {
        let parameters = try #require(Self.dag).params
        let parameter = try #require(parameters.first { $0.name == name })
        var writer = JSONWriter()
        writer.node(parameter.value(fromText: text))
        #expect(writer.text == expected)
    }
}

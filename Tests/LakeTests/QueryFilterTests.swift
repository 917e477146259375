import Testing

@testable import Lake

/// Conditions as people write them.
@Suite struct QueryFilterTests {
    @Test func conditionsAreRead() throws {
        let cases: [(String, QueryFilter)] = [
            ("country=Germany", QueryFilter("country", .compare(.equal, "Germany"))),
            (
                " country = United States of America ",
                QueryFilter("country", .compare(.equal, "United States of America"))
            ),
            ("a!=", QueryFilter("a", .compare(.notEqual, ""))),
            ("a<=5", QueryFilter("a", .compare(.atMost, "5"))),
            ("a >= -5.5", QueryFilter("a", .compare(.atLeast, "-5.5"))),
            ("a<5", QueryFilter("a", .compare(.less, "5"))),
            ("a>5", QueryFilter("a", .compare(.greater, "5"))),
            ("a='it''s '", QueryFilter("a", .compare(.equal, "it's "))),
            ("a=it's", QueryFilter("a", .compare(.equal, "it's"))),
            ("\"odd name\"=1", QueryFilter("odd name", .compare(.equal, "1"))),
            ("color in (red,dark blue, 'a,b')", QueryFilter("color", .oneOf(["red", "dark blue", "a,b"]))),
            ("color IN(red)", QueryFilter("color", .oneOf(["red"]))),
            ("a between 1 and 9", QueryFilter("a", .between("1", "9"))),
            ("a BETWEEN 'x and y' AND 'z'", QueryFilter("a", .between("x and y", "z"))),
            (
                "t between 2022-05-02T00:00:00 and 2022-05-03",
                QueryFilter("t", .between("2022-05-02T00:00:00", "2022-05-03"))
            ),
            ("plateText like A%", QueryFilter("plateText", .like("A%"))),
            ("isnot is null", QueryFilter("isnot", .isNull)),
            ("a IS NOT NULL", QueryFilter("a", .isNotNull)),
        ]
        for (text, filter) in cases { #expect(try QueryFilter(parsing: text) == filter, "\(text)") }
    }

    @Test(arguments: [
        "", "=5", "country", "country Germany", "a==5", "a=>5", "a<>5", "a='x", "a='x' y", "a in red", "a in (red",
        "a in (x) y",
        "a in ('x", "a between 1", "a between 1 and", "a between and 5 x", "a is", "a is not", "a is null x", "a is 5",
        "a not like x",
        "\"open=5", "a;b=5", "a or b=5",
    ])
    func wrongConditionsAreToldInOneLine(text: String) {
        let problem = #expect(throws: CatalogueProblem.self) { try QueryFilter(parsing: text) }
        #expect(problem?.code == .badValue)
        #expect(problem?.description.contains("'\(text)'") == true)
        #expect(problem?.description.contains("\n") == false)
    }
}

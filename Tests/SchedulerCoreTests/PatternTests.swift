import Testing

@testable import SchedulerCore

/// Regular expressions of parameters: what matches, what is refused, and that none takes long.
@Suite struct PatternTests {
    @Test(arguments: [
        ("", ["", "x"], []), ("a", ["a", "xay"], ["", "b"]), ("^a$", ["a"], ["aa", "ba", "a\n"]),
        ("^[a-z]+$", ["abc"], ["", "aBc", "a1"]), ("^[^0-9]$", ["x", "-"], ["1", "xx"]),
        ("^(ab|cd)*$", ["", "ab", "abcdab"], ["abc"]), ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]),
        ("^a{2}$", ["aa"], ["a", "aaa"]), ("^a{2,}$", ["aa", "aaaaa"], ["a"]), ("^a{x}$", ["a{x}"], ["aa"]),
        (#"^\d{4}-\d\d$"#, ["2022-05"], ["2022-5", "202205"]), (#"^\w+\s\S$"#, ["ab_1 x"], ["ab_1x", "ab  "]),
        ("^a?b*?c+?$", ["c", "abbc", "bcc"], ["ab"]), ("^(?:x|)y$", ["xy", "y"], ["x"]),
        (#"^\.\\\+$"#, [".\\+"], ["a\\+"]),
        ("^[a\\-z]$", ["a", "-", "z"], ["b"]), ("^[-a]$", ["-", "a"], ["b"]), ("^[a-]$", ["-", "a"], ["b"]),
        (#"^[\d\s]$"#, ["5", " "], ["a"]), (#"^[\D]$"#, ["a"], ["5"]), ("^ü.$", ["üé", "ü🚗"], ["u", "ü\n"]),
        ("a^b|c$d", [], ["ab", "cd"]),
        ("(a*)*b", ["b", "aab"], ["a"]),
    ])
    func matches(pattern: String, fitting: [String], others: [String]) throws {
        let compiled = try Pattern(pattern)
        for text in fitting { #expect(compiled.matches(text), "\(pattern) fits \(text)") }
        for text in others { #expect(!compiled.matches(text), "\(pattern) does not fit \(text)") }
    }

    @Test(arguments: [
        ("(", #"a "(" has no ")" behind it"#), ("a)", #"a ")" has no "(" before it"#),
        ("*a", #""*" has nothing before it to repeat"#),
        ("[a", #"a "[" has no "]" behind it"#),
        ("[b-a]", #"a range in "[…]" goes backwards, or ends with a class of letters"#),
        ("\\", #"nothing stands behind the last "\""#), (#"(a)\1"#, #""\1" is not supported"#),
        (#"\bx"#, #""\b" is not supported"#),
        ("(?=a)", #""(?" with anything but ":" (lookaround, names, flags) is not supported"#),
        ("a{5,2}", "{5,2} is no repetition of at most 1000"), ("a{2000}", "{2000} is no repetition of at most 1000"),
        ("(a{100}){100}", "it is too long once its repetitions are written out"),
    ])
    func refuses(pattern: String, message: String) {
        #expect(throws: Pattern.Problem(message: message)) { try Pattern(pattern) }
    }

    /// Matchers that try one way after the other need longer than the universe is old.
    @Test(
        arguments: ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*)*x$", "^(a*)*(a*)*(a*)*$", "(a?){200}a{300}$"])
    func noneTakesLong(pattern: String) throws {
        #expect(try !Pattern(pattern).matches(String(repeating: "a", count: Pattern.longest - 1) + "!"))
    }

    @Test func deepNestingIsRefused() {
        #expect(throws: Pattern.Problem.self) {
            try Pattern(String(repeating: "(", count: 10_000) + String(repeating: ")", count: 10_000))
        }
    }
}

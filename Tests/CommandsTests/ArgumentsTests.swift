import Testing

@testable import Commands

/// The words of a command line.
@Suite struct ArgumentsTests {
    private static let spec = CommandSpec(
        name: "try", summary: "a command of the tests",
        positionals: [.init(name: "DAG", help: "a DAG"), .init(name: "RUN", count: .optional, help: "a run")],
        options: [
            .value("--from", "DATE", "first"), .value("--to", "DATE", "last"),
            .value("--param", short: "-p", "NAME=VALUE", repeats: true, "set"),
            .value("--count", short: "-n", "N", "so many"),
            .flag("--reverse", short: "-r", "newest first"),
        ]
    ) { _, _ in .done }

    private static let many = CommandSpec(
        name: "many", summary: "takes all", positionals: [.init(name: "FILE", count: .many, help: "files")]
    ) { _, _ in .done }

    private func parse(_ words: String...) throws -> Arguments { try Arguments(words, for: Self.spec) }

    @Test func valuesStandBehindASpaceOrAnEqualsSign() throws {
        let arguments = try parse("d", "--from", "2022-05-02", "--to=2022-05-03", "-n", "3", "-r")
        #expect(arguments.positionals == ["d"])
        #expect(arguments.value("--from") == "2022-05-02")
        #expect(arguments.value("--to") == "2022-05-03")
        #expect(try arguments.integer("--count", in: 1...5) == 3)
        #expect(arguments.has("--reverse"))
        #expect(!arguments.has("--help"))
    }

    @Test func onlyTheFirstEqualsSignDivides() throws {
        let arguments = try parse("d", "--param=a=b=c", "-p=x=", "--param", "y==", "--from=")
        #expect(arguments.all("--param") == ["a=b=c", "x=", "y=="])
        #expect(arguments.value("--from") == "")
    }

    @Test func optionsMayStandAnywhere() throws {
        let arguments = try parse("--from", "x", "d", "-r", "run")
        #expect(arguments.positionals == ["d", "run"])
        #expect(arguments[1] == "run")
        #expect(arguments[2] == nil)
    }

    @Test func afterTwoDashesEverythingIsPositional() throws {
        #expect(try parse("--", "-d", "--from").positionals == ["-d", "--from"])
        #expect(try parse("-", "x").positionals == ["-", "x"], "a single dash is a name")
        #expect(try parse("d", "--from=--to").value("--from") == "--to")
        #expect(try parse("d", "--count", "-3").value("--count") == "-3")
    }

    @Test func manyTakesAll() throws {
        #expect(try Arguments(["a", "b", "c"], for: Self.many).positionals == ["a", "b", "c"])
        #expect(try Arguments([], for: Self.many).positionals.isEmpty)
    }

    @Test func helpNeedsNothingElse() throws {
        #expect(try parse("--help").has("--help"))
        #expect(try parse("-h").has("--help"))
    }

    @Test(arguments: [
        (["d", "--form", "x"], "unknown option --form; did you mean --from?"),
        (["d", "--zzzzzzzz"], "unknown option --zzzzzzzz; `weir try --help` lists the options"),
        (["d", "-x"], "unknown option -x; `weir try --help` lists the options"),
        (["d", "--form=x"], "unknown option --form; did you mean --from?"),
        (["d", "--from"], "--from needs a value: --from DATE"),
        (["d", "--from", "--to", "x"], "--from needs a value: --from DATE"),
        (["d", "--from", "a", "--from", "b"], "--from is given twice"),
        (["d", "-n", "1", "--count=2"], "--count is given twice"),
        (["d", "--reverse=yes"], "--reverse takes no value"),
        (["d", "r", "more"], "'more' is too much: weir try DAG [RUN] [options]"),
        ([], "DAG is missing: weir try DAG [RUN] [options]"),
        (["--reverse"], "DAG is missing: weir try DAG [RUN] [options]"),
    ])
    func wrongWordsAreNamed(words: [String], message: String) {
        #expect(throws: CommandFailure(.usage, message)) { try Arguments(words, for: Self.spec) }
    }

    @Test(arguments: ["0", "6", "x", "", "1.5", "99999999999999999999"])
    func aNumberOutOfItsRangeIsRefused(text: String) throws {
        let arguments = try parse("d", "--count", text)
        #expect(throws: CommandFailure(.usage, "--count is '\(text)'; it must be a number from 1 to 5")) {
            try arguments.integer("--count", in: 1...5)
        }
    }

    @Test func aWordOutsideItsListIsRefused() throws {
        enum Size: String, CaseIterable { case small, large }
        #expect(try parse("d", "--from", "large").word("--from", Size.self) == .large)
        #expect(try parse("d").word("--from", Size.self) == nil)
        let arguments = try parse("d", "--from", "huge")
        #expect(throws: CommandFailure(.usage, "--from is 'huge'; it must be one of small, large")) {
            try arguments.word("--from", Size.self)
        }
    }
}

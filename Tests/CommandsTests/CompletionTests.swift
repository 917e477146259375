import SchedulerCore
import Testing

@testable import Commands

/// What can stand at the end of a command line, from the specs alone.
@Suite struct CompletionTests {
    /// Names of a made-up home, each telling what was asked.
    private func names(
        _ kind: ValueKind, _ prefix: String, _ context: Completion.Context
    ) -> [Completion.Candidate] {
        switch kind {
        case .dag, .anyDAG: [.init(text: "alpr", help: "a DAG"), .init(text: "hello")]
        case .run: [.init(text: "manual__2026-11-25T18:38:01Z", help: "of \(context.dag ?? "?")")]
        case .runDay: [.init(text: "2022-05-02", help: "of \(context.dag ?? "?")")]
        case .task: [.init(text: "load", help: "\(context.dag ?? "?") \(context.run ?? "?")"), .init(text: "load[3]")]
        case .table: [.init(text: "plate", help: "in \(context.home ?? "?")")]
        case .day: [.init(text: "2022-05-02", help: context.table ?? "?")]
        case .columns: [.init(text: "country"), .init(text: "confidence")]
        case .parameter: [.init(text: "limit=")]
        default: []
        }
    }

    /// The answer to a line, whose last word is empty when it ends with a blank.
    private func complete(_ line: String) -> [String] {
        Completion.lines(
            line.split(separator: " ", omittingEmptySubsequences: false).map(String.init), Program.commands,
            names: names)
    }

    private func texts(_ line: String) -> [String] {
        complete(line).map { String($0.prefix { $0 != "\t" }) }
    }

    @Test func commands() {
        #expect(complete("tri") == ["trigger\tstart a run of a DAG now"])
        #expect(texts("re") == ["retry", "reload"])
        #expect(texts("").contains("help"))
        #expect(!texts("").contains("task") && !texts("_").contains("__complete"), "hidden ones")
        #expect(texts("lake ta") == ["tables"])
        #expect(texts("nonsense ") == [])
        #expect(texts("lake nonsense ") == [])
        #expect(complete("x\u{301}") == [])
        #expect(Completion.lines([], Program.commands, names: names).count > 10)
    }

    @Test func helpTakesCommands() {
        #expect(texts("he") == ["help"])
        #expect(texts("help tri") == ["trigger"])
        #expect(texts("help lake part") == ["partitions"])
        #expect(texts("help trigger ") == [])
        #expect(texts("help lake tables ") == [])
    }

    @Test func optionsThatAreNotGivenYet() {
        #expect(texts("trigger --") == ["--date", "--param", "--wait", "--json", "--home", "--help"])
        #expect(texts("trigger hello --wait --") == ["--date", "--param", "--json", "--home", "--help"])
        #expect(texts("trigger hello --date 2022-05-02 --d") == [])
        #expect(texts("trigger hello --date=2022-05-02 --d") == [])
        #expect(texts("trigger hello -p a=b --p") == ["--param"], "it may be given again")
        #expect(texts("runs -n 5 --l") == [], "by its short name")
        #expect(texts("--") == ["--home", "--help", "--version"])
        #expect(texts("lake --h") == ["--home", "--help"])
    }

    @Test func optionsWhereNothingElseCanStand() {
        #expect(texts("status ") == ["--json", "--home", "--help"])
        #expect(texts("trigger hello ").first == "--date")
        #expect(texts("trigger hello x") == [])
    }

    @Test func valuesOfOptions() {
        #expect(texts("backfill hello --reprocess ") == Reprocess.allCases.map(\.rawValue))
        #expect(texts("backfill hello --reprocess f") == ["failed"])
        #expect(texts("backfill hello --reprocess=f") == ["--reprocess=failed"])
        #expect(texts("backfill hello --reprocess=") == Reprocess.allCases.map { "--reprocess=\($0.rawValue)" })
        #expect(texts("trigger hello -p=l") == ["-p=limit="])
        #expect(texts("trigger hello --wait=") == [])
        #expect(texts("trigger hello --nonsense=") == [])
        #expect(texts("runs --state q") == ["queued"])
        #expect(texts("cancel hello --state ") == ["queued", "running"], "only those that can be cancelled")
        #expect(texts("daemon --log-level w") == ["warning"])
        #expect(texts("config retention.r") == ["retention.runs"])
        #expect(texts("runs --limit ") == [])
    }

    @Test func filesAndDirectoriesAreTheShells() {
        #expect(complete("validate ") == [":files"])
        #expect(complete("validate a.json b") == [":files"])
        #expect(complete("query --out=x") == [":files"])
        #expect(complete("init ") == [":directories"])
        #expect(complete("--home ") == [":directories"])
        #expect(complete("runs --home ") == [":directories"])
        #expect(texts("simulate hello --durations h") == ["history", ":files"])
        #expect(texts("daemon --sendmail=o") == ["--sendmail=outbox", ":files"])
    }

    @Test func positionalsByTheirPlace() {
        #expect(complete("logs ") == ["alpr\ta DAG", "hello"])
        #expect(complete("logs alpr ") == ["manual__2026-11-25T18:38:01Z\tof alpr"])
        #expect(
            complete("logs --tail 5 alpr --follow manual__2026-11-25T") == ["manual__2026-11-25T18:38:01Z\tof alpr"])
        #expect(complete("logs alpr 2022-05-02 l") == ["load\talpr 2022-05-02", "load[3]"])
        #expect(texts("clear alpr 2022-05-02 load l") == ["load", "load[3]"], "as many as one likes")
        #expect(texts("mark alpr 2022-05-02 load ") == MarkState.allCases.map(\.rawValue))
        #expect(complete("clear alpr --task l") == ["load\talpr ?", "load[3]"])
        #expect(complete("clear alpr --from ") == ["2022-05-02\tof alpr"])
        #expect(texts("completion z") == ["zsh"])
    }

    @Test func afterTwoDashesNothingIsAnOption() {
        #expect(texts("logs -- h") == ["hello"])
        #expect(texts("logs -- -") == [])
        #expect(texts("status -- ") == [])
        #expect(complete("logs -- alpr ") == ["manual__2026-11-25T18:38:01Z\tof alpr"])
    }

    @Test func theHomeThatIsNamed() {
        #expect(complete("--home /srv query ") == ["plate\tin /srv"])
        #expect(complete("--home=/srv query ") == ["plate\tin /srv"])
        #expect(complete("query --home /srv pl") == ["plate\tin /srv"])
        #expect(texts("--home /srv tri") == ["trigger"])
    }

    @Test func columns() {
        #expect(texts("query plate --order co") == ["country", "confidence"])
        #expect(texts("query plate --order -cou") == ["-country"])
        #expect(texts("query plate --columns a,c") == ["a,country", "a,confidence"])
        #expect(texts("query plate --columns=country,") == ["--columns=country,confidence"])
        #expect(complete("lake diff plate ") == ["2022-05-02\tplate"])
    }

    @Test func namesThatWouldBreakTheAnswerAreLeftOut() {
        let lines = Completion.lines(["show", ""], Program.commands) { _, _, _ in
            [
                .init(text: "a\nb"), .init(text: "a\tb"), .init(text: ":files"), .init(text: "ä b"),
                .init(text: "good", help: "two\nlines\tof it"), .init(text: "good"),
            ]
        }
        #expect(lines == ["ä b", "good\ttwo lines of it"])
    }

    /// Options and arguments whose values nobody can offer. One that is new has a kind, or its name here.
    @Test func everyValueHasAKind() {
        let free: Set<String> = [
            "--description", "--reason", "--where", "--sql", "--timeout", "--memory", "--older-than", "--check",
            "--name", "--expires", "--into", "WORDS", "NAME",
        ]
        let freeSettings = Set(Setting.all.filter { $0.type.values == .text }.map(\.flag))
        for command in Program.commands.flatMap({ [$0] + $0.subcommands }) {
            for option in command.allOptions where option.value != nil && option.values == .text {
                #expect(
                    free.contains(option.name) || freeSettings.contains(option.name),
                    "weir \(command.name) \(option.name) has no kind of value")
            }
            for option in command.allOptions where option.value == nil {
                #expect(option.values == .text, "weir \(command.name) \(option.name) takes no value")
            }
            for positional in command.positionals where positional.values == .text {
                #expect(free.contains(positional.name), "weir \(command.name) \(positional.name) has no kind of value")
            }
        }
    }

    @Test func quotesOfAShell() {
        let cases = [
            ("plain", "plain"), ("'a b'", "a b"), ("\"a b\"", "a b"), ("a\\ b", "a b"), ("\"a b", "a b"),
            ("'a\\", "a\\"),
            ("\"a\\\"b\\n\\$\"", "a\"b\\n$"), ("--x='a'\"b\"c", "--x=abc"), ("a\\", "a"), ("", ""), ("'\"'", "\""),
        ]
        for (word, text) in cases { #expect(ShellWord.unquoted(word) == text, "\(word)") }
    }
}

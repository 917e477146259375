import Spawn
import Testing

@testable import Commands

/// Every command line that the documentation and the help show is one that the program takes. They are parsed, not run.
@Suite struct DocumentedCommandsTests {
    private static let root = {
        var folder = File.parent(of: #filePath)
        while folder != "/", !File.exists(folder + "/Package.swift") { folder = File.parent(of: folder) }
        return folder
    }()

    private static func pages() throws -> [String] {
        var pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "packaging/weir.service"]
        for folder in ["docs", "docs/decisions"] {
            pages += try File.list(root + "/" + folder).filter { $0.hasSuffix(".md") }.map { folder + "/" + $0 }
        }
        return pages
    }

    @Test func theDocumentationShowsCommandsThatExist() throws {
        var count = 0
        for page in try Self.pages() {
            let text = String(decoding: try File.read(Self.root + "/" + page), as: UTF8.self)
            let shown = ShownCommands(text)
            count += shown.lines.count + shown.mentions.count
            #expect(shown.problems == [], "\(page)")
        }
        #expect(count > 150, "the pages show \(count) commands: they are not found any more")
    }

    @Test func theHelpShowsCommandsThatExist() {
        for command in Program.commands + Program.commands.flatMap(\.subcommands) {
            for example in command.examples {
                let shown = ShownCommands("```sh\n\(example.line)\n```")
                // Some tell of signals.
                #expect(shown.lines.count == (example.line.hasPrefix("kill ") ? 0 : 1), "\(example.line)")
                #expect(shown.problems == [], "\(command.name)")
            }
        }
    }

    @Test(arguments: [
        ("```sh\nweir rus hello\n```", "weir rus hello: weir: no command 'rus'; did you mean 'runs'?"),
        ("```sh\ncd x && A=1 weir runs --stat failed | cat\n```", "unknown option --stat; did you mean --state?"),
        ("```sh\nuntil weir status 2>&1 >log; do weir runs a b; done\n```", "weir runs a b: 'b' is too much"),
        ("```sh\nweir query --sql 'SELECT 1; weir' \\\n  --forma json\n```", "did you mean --format?"),
        ("```sh\nweir backfills shw 1 # as above\n```", "did you mean 'show'?"),
        ("```sh\nweir db backup \"$(weir confg home)\"\n```", "no command 'confg'"),
        ("`weir clear DAG\nRUN [TASK…] --onlu`", "did you mean --only?"), ("`weir drian`", "did you mean 'drain'?"),
        ("ExecStart=/usr/local/bin/weir daemn", "did you mean 'daemon'?"),
    ])
    func aWrongOneIsFound(text: String, problem: String) {
        let problems = ShownCommands(text).problems
        #expect(problems.count == 1 && problems[0].contains(problem), "\(problems)")
    }

    @Test func rightOnesAreNoProblem() {
        let text = """
            `weir COMMAND --help`, `weir clear`, `weir help backfill`, `weir db backup FILE`, `weir --version` and `weirdo`.
            ```sh
            weir runs hello >out 2>&1 || echo "weir fails"
            weir --home /x query car --where 'a >= 1' & weir daemon --parallelism=3
            ```
            ```text
            weir prints this
            ```
            """
        let shown = ShownCommands(text)
        #expect(shown.problems == [] && shown.lines.count == 3 && shown.mentions.count == 5)
    }
}

/// The commands of weir that a page shows.
private struct ShownCommands {
    /// In blocks of sh: words as the program gets them.
    private(set) var lines: [[String]] = []
    /// Within a text: names stand in the place of values, and much may be left out.
    private(set) var mentions: [[String]] = []

    init(_ page: String) {
        var language: String?
        var code = ""
        var text = ""
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                language = language == nil ? String(line.dropFirst(3)) : nil
            } else if ["sh", "console"].contains(language) {
                code += line + "\n"
            } else if let command = line.split(separator: "=", maxSplits: 1).last, line.hasPrefix("Exec") {
                code += command + "\n"
            } else if language == nil {
                text += line + "\n"
            }
        }
        lines = Self.commands(code)
        for (number, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        where number % 2 == 1 && part.hasPrefix("weir ") {
            let line = part.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            mentions += Self.commands(line.filter { $0 != "[" && $0 != "]" }).prefix(1)
        }
    }

    /// One line each.
    var problems: [String] {
        lines.compactMap { Self.problem($0, isWhole: true) } + mentions.compactMap { Self.problem($0, isWhole: false) }
    }

    private static func problem(_ words: [String], isWhole: Bool) -> String? {
        var rest = words.dropFirst()
        if rest.first == "--home" { rest = rest.dropFirst(2) }
        if rest.first == "help" { rest = rest.dropFirst() }
        guard let name = rest.popFirst(), !["--help", "-h", "--version"].contains(name) else { return nil }
        // `weir COMMAND`, `weir …`
        if !isWhole, !name.contains(where: \.isLowercase) { return nil }
        do throws(CommandFailure) {
            guard let named = Program.commands.first(where: { $0.name == name }) else {
                return "\(words.joined(separator: " ")): \(run([name]).err.split(separator: "\n").joined())"
            }
            let (command, arguments) = try named.resolve(Array(rest))
            // The help does without what is needed, and a mention may end in an option without its value.
            let isHelp = !isWhole || words.dropFirst().first == "help"
            _ = try Arguments(arguments + (isWhole ? [] : ["VALUE"]) + (isHelp ? ["--help"] : []), for: command)
            return nil
        } catch {
            return "\(words.joined(separator: " ")): \(error.message)"
        }
    }

    /// The simple commands of a shell text that call weir, with those within `$(…)`.
    private static func commands(_ text: String) -> [[String]] {
        var commands: [[String]] = []
        var words: [String] = []
        var word: String?
        var isTarget = false

        func endWord() {
            guard let ended = word else { return }
            word = nil
            if !isTarget { words.append(ended) }
            isTarget = false
        }
        func endCommand() {
            endWord()
            isTarget = false
            let keywords: Set = ["until", "while", "if", "do", "then", "else", "!", "time"]
            let called = words.drop { keywords.contains($0) || $0.contains("=") && !$0.hasPrefix("-") }
            if let program = called.first, program == "weir" || program.hasSuffix("/weir") {
                commands.append(Array(called))
            }
            words = []
        }

        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "\\":
                if let next = rest.popFirst(), next != "\n" { word = (word ?? "") + String(next) }
            case "'":
                word = (word ?? "") + rest.prefix { $0 != "'" }
                rest = rest.drop { $0 != "'" }.dropFirst()
            case "\"":
                let quoted = rest.prefix { $0 != "\"" }
                rest = rest.drop { $0 != "\"" }.dropFirst()
                word = (word ?? "") + quoted
                if let inner = quoted.firstRange(of: "$(") {
                    commands += Self.commands(String(quoted[inner.upperBound...].prefix { $0 != ")" }))
                }
            case "#" where word == nil: rest = rest.drop { $0 != "\n" }
            case ">", "<":
                if word?.allSatisfy(\.isNumber) == true { word = nil }
                endWord()
                isTarget = true
                if rest.first == ">" || rest.first == "&" { rest.removeFirst() }
            case "\n", ";", "|", "&", "(", ")": endCommand()
            case " ", "\t": endWord()
            default: word = (word ?? "") + String(character)
            }
        }
        endCommand()
        return commands
    }
}

import SchedulerCore

/// One command of the program: what it takes, what it says of itself, and what it does.
struct CommandSpec: Sendable {
    /// An argument that is told by its place.
    struct Positional: Sendable {
        enum Count: Sendable { case one, optional, many }

        var name: String
        var count: Count = .one
        var values: ValueKind = .text
        var help: String
    }

    struct Option: Sendable {
        /// With its dashes, such as `--from`.
        var name: String
        /// One letter with a dash; nil for none.
        var short: String?
        /// What its value is called in the help; nil for a flag.
        var value: String?
        var values: ValueKind = .text
        var repeats = false
        var help: String

        static func flag(_ name: String, short: String? = nil, _ help: String) -> Option {
            Option(name: name, short: short, value: nil, help: help)
        }

        static func value(
            _ name: String, short: String? = nil, _ value: String, values: ValueKind = .text, repeats: Bool = false,
            _ help: String
        ) -> Option {
            Option(name: name, short: short, value: value, values: values, repeats: repeats, help: help)
        }
    }

    var name: String
    var summary: String
    var positionals: [Positional] = []
    var options: [Option] = []
    /// Command lines and what each of them does.
    var examples: [(line: String, meaning: String)] = []
    /// Commands below this one, whose names begin with its name; it does nothing itself.
    var subcommands: [CommandSpec] = []
    /// Left out of the list of commands.
    var isHidden = false
    var run: @Sendable (Arguments, Surroundings) throws -> ExitCode

    /// Options that every command takes.
    static let common: [Option] = [
        .value(
            "--home", "DIR", values: .directory,
            "use this WEIR_HOME instead of the environment's or the current directory"),
        .flag("--help", short: "-h", "show this help"),
    ]

    static let json = Option.flag("--json", "print JSON for programs")

    var allOptions: [Option] { options + Self.common }

    var usage: String {
        var words = ["weir", name]
        for positional in positionals {
            switch positional.count {
            case .one: words.append(positional.name)
            case .optional: words.append("[\(positional.name)]")
            case .many: words.append("[\(positional.name)…]")
            }
        }
        if !subcommands.isEmpty { words.append("COMMAND") }
        if !options.isEmpty || !subcommands.isEmpty { words.append("[options]") }
        return words.joined(separator: " ")
    }

    var help: String {
        var lines = [summary, "", "Usage: \(usage)", ""]
        if !subcommands.isEmpty {
            lines.append("Commands:")
            lines += Self.columns(subcommands.map { (String($0.name.dropFirst(name.count + 1)), $0.summary) })
            lines.append("")
        }
        if !positionals.isEmpty {
            lines.append("Arguments:")
            lines += Self.columns(positionals.map { ($0.name, $0.help) })
            lines.append("")
        }
        lines.append("Options:")
        lines += Self.columns(
            allOptions.map { option in
                let names = [option.name, option.short].compactMap(\.self).joined(separator: ", ")
                return (option.value.map { "\(names) \($0)" } ?? names, option.help)
            })
        if !examples.isEmpty {
            lines += ["", "Examples:"]
            for example in examples { lines += ["  \(example.line)", "      \(example.meaning)"] }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A group of commands.
    static func group(_ name: String, _ summary: String, _ subcommands: [CommandSpec]) -> CommandSpec {
        CommandSpec(name: name, summary: summary, subcommands: subcommands) { _, surroundings in
            surroundings.terminal.print(CommandSpec.group(name, summary, subcommands).help)
            return .usage
        }
    }

    /// The command that words mean, and the words behind its name.
    func resolve(_ words: [String]) throws(CommandFailure) -> (command: CommandSpec, rest: [String]) {
        guard !subcommands.isEmpty, let word = words.first, !word.hasPrefix("-") else { return (self, words) }
        if let found = subcommands.first(where: { $0.name == "\(name) \(word)" }) {
            return (found, Array(words.dropFirst()))
        }
        let names = subcommands.map { String($0.name.dropFirst(name.count + 1)) }
        let near = nearestName(to: word, among: names).map { "; did you mean '\($0)'?" }
        throw CommandFailure(
            .usage, "no command '\(name) \(word)'" + (near ?? "; `weir \(name) --help` lists them"))
    }

    static func columns(_ rows: [(String, String)]) -> [String] {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { "  " + $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
    }
}

/// The exit statuses that scripts may rely on.
struct ExitCode: RawRepresentable, Hashable, Sendable {
    var rawValue: Int32

    static let done = ExitCode(rawValue: 0)
    /// The run or the check failed.
    static let failed = ExitCode(rawValue: 1)
    static let usage = ExitCode(rawValue: 2)
    /// An invalid DAG or configuration.
    static let invalid = ExitCode(rawValue: 3)
    static let notFound = ExitCode(rawValue: 4)
    /// The state is locked, or the daemon cannot be reached.
    static let unavailable = ExitCode(rawValue: 5)
    static let interrupted = ExitCode(rawValue: 130)

    static let allCases: [ExitCode] = [.done, .failed, .usage, .invalid, .notFound, .unavailable, .interrupted]

    /// What it says, for people.
    var meaning: String {
        switch self {
        case .done: "done"
        case .failed: "the run or the check failed"
        case .usage: "wrong usage"
        case .invalid: "an invalid DAG or configuration"
        case .notFound: "no such thing"
        case .unavailable: "the state is locked, or the daemon cannot be reached"
        case .interrupted: "interrupted"
        default: "\(rawValue)"
        }
    }
}

/// Why a command ends without doing its work: one line for standard error.
struct CommandFailure: Error, Hashable {
    var status: ExitCode
    var message: String

    init(_ status: ExitCode, _ message: String) {
        self.status = status
        self.message = message
    }
}

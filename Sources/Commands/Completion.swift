/// What can stand at the end of a command line that is being typed. Knows the specs of the commands, and nothing else.
struct Completion {
    /// A whole word that can stand there, and what it means; an empty meaning is none.
    struct Candidate: Hashable {
        var text: String
        var help = ""
    }

    /// What the words before tell about which names are meant.
    struct Context: Hashable {
        /// `--home`, as given.
        var home: String?
        var dag: String?
        var run: String?
        var table: String?
    }

    /// Names that begin with a text, of a kind that only the state of a home can tell.
    typealias Names = (_ kind: ValueKind, _ prefix: String, _ context: Context) -> [Candidate]

    private let commands: [CommandSpec]
    private let names: Names
    private var context = Context()

    init(_ commands: [CommandSpec], names: @escaping Names) {
        self.commands = commands.filter { !$0.isHidden }
        self.names = names
    }

    /// In the place of candidates: the shell's own completion of files.
    static let files = ":files"
    static let directories = ":directories"

    /// The answer to a shell.
    ///
    /// - Parameter words: those after the program's name, the last of which is being typed.
    /// - Returns: lines `text<TAB>help`, where each text stands for the whole last word; `:files` or `:directories`, where
    ///   the shell completes what follows the `=` of an option, or the word.
    static func lines(_ words: [String], _ commands: [CommandSpec], names: @escaping Names) -> [String] {
        var completion = Completion(commands, names: names)
        var seen: Set<String> = []
        return completion.answer(words).compactMap { candidate in
            let text = candidate.text
            let isClean = !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            guard isClean, seen.insert(text).inserted else { return nil }
            let help = candidate.help.split(whereSeparator: \.isNewline).joined(separator: " ")
            return help.isEmpty ? text : text + "\t" + help.replacing("\t", with: " ")
        }
    }

    // MARK: The command

    private mutating func answer(_ words: [String]) -> [Candidate] {
        let word = words.last ?? ""
        var before = words.dropLast()[...]
        while let first = before.first, first.hasPrefix("--home") {
            before.removeFirst()
            if first != "--home" {
                context.home = String(first.dropFirst("--home=".count))
            } else if let home = before.popFirst() {
                context.home = home
            } else {
                return values(.directory, word)
            }
        }
        guard let name = before.popFirst() else {
            guard word.hasPrefix("-") else { return matching(commandNames + [Self.help], word) }
            return options(Self.leading, given: [], word)
        }
        if name == Self.help.text { return commandOfHelp(before, word) }
        guard var command = commands.first(where: { $0.name == name }) else { return [] }
        if !command.subcommands.isEmpty {
            guard let second = before.popFirst() else {
                return word.hasPrefix("-")
                    ? options(command.allOptions, given: [], word) : matching(names(below: command), word)
            }
            guard let found = command.subcommands.first(where: { $0.name == "\(name) \(second)" }) else { return [] }
            command = found
        }
        return argument(of: command, Array(before), word)
    }

    private static let help = Candidate(text: "help", help: "explain a command")

    /// Options that may stand before, or instead of, a command.
    private static let leading = CommandSpec.common + [.flag("--version", "print the version")]

    private var commandNames: [Candidate] { commands.map { Candidate(text: $0.name, help: $0.summary) } }

    private func names(below command: CommandSpec) -> [Candidate] {
        command.subcommands.map {
            Candidate(text: String($0.name.dropFirst(command.name.count + 1)), help: $0.summary)
        }
    }

    private func commandOfHelp(_ before: ArraySlice<String>, _ word: String) -> [Candidate] {
        guard let name = before.first else { return matching(commandNames, word) }
        guard before.count == 1, let group = commands.first(where: { $0.name == name }) else { return [] }
        return matching(names(below: group), word)
    }

    // MARK: Its arguments

    private mutating func argument(of command: CommandSpec, _ before: [String], _ word: String) -> [Candidate] {
        let options = command.allOptions
        var given: Set<String> = []
        var positionals: [String] = []
        var pending: CommandSpec.Option?
        var onlyPositionals = false
        for word in before {
            if let option = pending {
                note(option.values, word, of: option)
                pending = nil
            } else if onlyPositionals || word == "-" || !word.hasPrefix("-") {
                if let positional = command.positional(at: positionals.count) { note(positional.values, word) }
                positionals.append(word)
            } else if word == "--" {
                onlyPositionals = true
            } else {
                let (name, value) = Self.parts(word)
                guard let option = options.first(where: { $0.name == name || $0.short == name }) else { continue }
                given.insert(option.name)
                if let value { note(option.values, value, of: option) } else if option.value != nil { pending = option }
            }
        }
        if let pending { return values(pending.values, word) }
        if !onlyPositionals, word.hasPrefix("-") {
            let (name, value) = Self.parts(word)
            guard let value else { return self.options(options, given: given, word) }
            guard let option = options.first(where: { $0.name == name || $0.short == name }), option.value != nil else {
                return []
            }
            return values(option.values, value).map { candidate in
                let isOrder = candidate.text == Self.files || candidate.text == Self.directories
                return isOrder ? candidate : Candidate(text: "\(name)=\(candidate.text)", help: candidate.help)
            }
        }
        if let positional = command.positional(at: positionals.count) { return values(positional.values, word) }
        return word.isEmpty && !onlyPositionals ? self.options(options, given: given, word) : []
    }

    private static func parts(_ word: String) -> (name: String, value: String?) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (parts[0], parts.count > 1 ? parts[1] : nil)
    }

    /// Keeps what a later word depends on.
    private mutating func note(_ kind: ValueKind, _ word: String, of option: CommandSpec.Option? = nil) {
        if option?.name == "--home" { context.home = word }
        switch kind {
        case .dag, .anyDAG, .reportDAG: if context.dag == nil { context.dag = word }
        case .run: context.run = word
        case .table: context.table = word
        default: break
        }
    }

    // MARK: Candidates

    private func options(_ options: [CommandSpec.Option], given: Set<String>, _ word: String) -> [Candidate] {
        let left = options.filter { $0.repeats || !given.contains($0.name) }
        return matching(left.map { Candidate(text: $0.name, help: $0.help) }, word)
    }

    private func values(_ kind: ValueKind, _ word: String) -> [Candidate] {
        switch kind {
        case .text, .number, .date: return []
        case .words(let words): return matching(words.map { Candidate(text: $0) }, word)
        case .file(let words): return matching(words.map { Candidate(text: $0) }, word) + [Candidate(text: Self.files)]
        case .directory: return [Candidate(text: Self.directories)]
        case .setting:
            let home = Candidate(text: "home", help: "the WEIR_HOME that everything is read from")
            return matching([home] + Setting.all.map { Candidate(text: $0.name, help: $0.help) }, word)
        case .column:
            let sign = word.hasPrefix("-") ? "-" : ""
            return named(.columns, String(word.dropFirst(sign.count)), after: sign)
        case .columns:
            let head = word.lastIndex(of: ",").map { String(word[...$0]) } ?? ""
            let used = head.split(separator: ",").map(String.init)
            return named(.columns, String(word.dropFirst(head.count)), after: head).filter {
                !used.contains(String($0.text.dropFirst(head.count)))
            }
        default: return named(kind, word, after: "")
        }
    }

    private func named(_ kind: ValueKind, _ prefix: String, after head: String) -> [Candidate] {
        // A colon begins what is said to the shell; no name of Weir begins so.
        matching(names(kind, prefix, context), prefix).filter { !$0.text.hasPrefix(":") }
            .map { Candidate(text: head + $0.text, help: $0.help) }
    }

    /// By Unicode scalars: what a shell has to add to a word is told in bytes.
    private func matching(_ candidates: [Candidate], _ prefix: String) -> [Candidate] {
        candidates.filter { $0.text.unicodeScalars.starts(with: prefix.unicodeScalars) }
    }
}

extension CommandSpec {
    /// The positional that a word means which has so many before it; nil when it is too much.
    func positional(at index: Int) -> Positional? {
        if positionals.indices.contains(index) { return positionals[index] }
        return positionals.last.flatMap { if case .many = $0.count { $0 } else { nil } }
    }
}

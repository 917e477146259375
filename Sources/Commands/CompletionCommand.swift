/// `weir completion`, which prints a script for a shell, and `weir __complete`, which such a script asks.
enum CompletionCommand {
    enum Shell: String, CaseIterable { case bash, zsh, fish }

    static let spec = CommandSpec(
        name: "completion", summary: "print what makes a shell complete commands, options and names",
        positionals: [.init(name: "SHELL", values: .words(of: Shell.self), help: "bash, zsh or fish")],
        examples: [
            ("source <(weir completion bash)", "in ~/.bashrc; for zsh in ~/.zshrc, after compinit"),
            (
                "weir completion bash >~/.local/share/bash-completion/completions/weir",
                "instead, where the package bash-completion is installed"
            ),
            ("weir completion fish >~/.config/fish/completions/weir.fish", "for fish"),
        ]
    ) { arguments, surroundings in
        let text = arguments.required(0)
        guard let shell = Shell(rawValue: text) else {
            let words = Shell.allCases.map(\.rawValue).joined(separator: ", ")
            throw arguments.usage("SHELL is '\(text)'; it must be one of \(words)")
        }
        surroundings.terminal.write(shell.script)
        return .done
    }

    static let answerSpec = CommandSpec(
        name: "__complete", summary: "say what can stand at the end of a command line; asked by `weir completion`",
        positionals: [
            .init(name: "WORDS", count: .many, help: "after --: those after `weir`; the last is being typed")
        ],
        options: [.flag("--quoted", "the words are as typed, with the shell's quotes")], isHidden: true
    ) { arguments, surroundings in
        let words = arguments.positionals
        let lines = Completion.lines(
            arguments.has("--quoted") ? words.map(ShellWord.unquoted) : words, Program.commands,
            names: CompletionNames(surroundings: surroundings).candidates)
        surroundings.terminal.write(lines.map { $0 + "\n" }.joined())
        return .done
    }
}

enum ShellWord {
    /// A word without the quotes and backslashes of a POSIX shell; one whose quotes are still open, too.
    static func unquoted(_ word: String) -> String {
        var result = String.UnicodeScalarView()
        var quote: UnicodeScalar?
        var scalars = word.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            switch (scalar, quote) {
            case ("'", nil), ("\"", nil): quote = scalar
            case ("'", "'"?), ("\"", "\""?): quote = nil
            case ("\\", nil): if let next = scalars.next() { result.append(next) }
            case ("\\", "\""?):
                guard let next = scalars.next() else { break }
                if !"\"\\$`".unicodeScalars.contains(next) { result.append("\\") }
                result.append(next)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}

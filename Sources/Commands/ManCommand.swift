/// `weir man`: the manual page, made from the specs of the commands.
enum ManCommand {
    static let spec = CommandSpec(
        name: "man", summary: "print the manual page, weir(1), for man",
        examples: [
            ("weir man | man -l -", "read it"),
            ("weir man >~/.local/share/man/man1/weir.1", "from then on `man weir` finds it"),
        ]
    ) { _, surroundings in
        surroundings.terminal.write(ManPage(Program.commands).text)
        return .done
    }
}

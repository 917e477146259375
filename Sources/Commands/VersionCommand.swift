import JSONText

/// `weir version`.
enum VersionCommand {
    static let spec = CommandSpec(
        name: "version", summary: "print the version", options: [CommandSpec.json]
    ) { arguments, surroundings in
        let terminal = surroundings.terminal
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.object { $0.member("version", Program.version) }
            terminal.print(writer.text)
        } else {
            terminal.print("weir \(Program.version)")
        }
        return .done
    }
}

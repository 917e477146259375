import JSONText

/// `weir version`.
enum VersionCommand {
    static let spec = CommandSpec(name: "version", summary: "print the version", options: [CommandSpec.json]) { arguments in
        if arguments.has("--json") {
            var writer = JSONWriter()
            writer.object { $0.member("version", Program.version) }
            Terminal.standard.print(writer.text)
        } else {
            Terminal.standard.print("weir \(Program.version)")
        }
        return .done
    }
}

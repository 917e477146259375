/// The manual page of the program in roff, with the macros of man(7). It says what the specs say.
struct ManPage {
    private let commands: [CommandSpec]
    private var lines: [String] = []

    init(_ commands: [CommandSpec]) { self.commands = commands.filter { !$0.isHidden } }

    var text: String {
        var page = self
        page.write()
        return page.lines.joined(separator: "\n") + "\n"
    }

    // MARK: Sections

    private mutating func write() {
        // Quotes and letters as they are: not those of typography, which cannot be copied into a shell.
        lines.append(#".\" Made by `weir man`. Do not edit."#)
        lines.append(".TH WEIR 1 \"\" \"weir \(Self.escaped(Program.version))\" \"User Commands\"")
        // No hyphens in names, and no stretched lines.
        lines += [".nh", ".ad l"]
        section("NAME")
        lines.append("weir \\- \(Self.escaped(Program.summary))")
        section("SYNOPSIS")
        lines.append("\\fBweir\\fR [\\fB\\-\\-home\\fR \\fIDIR\\fR] \\fICOMMAND\\fR [\\fIoptions\\fR]")
        lines += [".br", "\\fBweir help\\fR [\\fICOMMAND\\fR]"]
        section("DESCRIPTION")
        paragraphs(Program.description)
        section("OPTIONS")
        lines.append("Every command takes these:")
        for option in CommandSpec.common { item(option) }
        section("COMMANDS")
        for command in commands { write(command) }
        section("ENVIRONMENT")
        for (name, help) in Self.variables { item("\\fB\(Self.escaped(name))\\fR", help) }
        section("SETTINGS")
        paragraphs([
            "A flag of `weir daemon` or `weir config` counts before the variable, the variable before weir.json, and that "
                + "before the default. In weir.json, a.b is the member b of the object a."
        ])
        for setting in Setting.all { write(setting) }
        section("FILES")
        for (name, help) in Self.files { item("\\fI\(Self.escaped(name))\\fR", help) }
        section("EXIT STATUS")
        for status in ExitCode.allCases { item("\\fB\(status.rawValue)\\fR", status.meaning) }
        section("SEE ALSO")
        lines.append("\\fBcrontab\\fR(5), \\fBduckdb\\fR(1), \\fBsystemd.service\\fR(5)")
        paragraphs(["The folder docs/ of Weir has a tutorial, every field of DAG files, and how to run it."])
    }

    private mutating func write(_ command: CommandSpec) {
        lines.append(".SS \"\(Self.quoted(command.usage))\"")
        lines.append(Self.escaped(Self.sentence(command.summary)))
        for positional in command.positionals { item("\\fI\(Self.escaped(positional.name))\\fR", positional.help) }
        for option in command.options { item(option) }
        if !command.examples.isEmpty {
            lines += [".PP", command.examples.count == 1 ? "Example:" : "Examples:"]
            for example in command.examples {
                // The command as it is to be typed: not filled, and not broken.
                lines += [".PP", ".RS 4", ".nf", "\\fB\(Self.escaped(example.line))\\fR", ".fi", ".RE"]
                lines += [".RS 8", Self.escaped(example.meaning), ".RE"]
            }
        }
        for command in command.subcommands { write(command) }
    }

    private mutating func write(_ setting: Setting) {
        item(
            "\\fB\(Self.escaped(setting.name))\\fR, \\fB\(Self.escaped(setting.variable))\\fR",
            "\(setting.help): \(setting.type.words); default: \(setting.usualText)")
    }

    static let variables: [(name: String, help: String)] =
        [
            (
                "WEIR_HOME",
                "the folder that holds dags/, state/ and weir.json; the current directory when it is not set"
            ),
            ("NO_COLOR", "when it is set and not empty, nothing is printed in colour"),
        ] + Setting.all.map { ($0.variable, "the setting \($0.name)") }

    static let files: [(name: String, help: String)] = [
        ("dags/*.json", "the DAGs, one a file"),
        ("weir.json", "the settings"),
        ("state/weir.db", "the state, an SQLite database; `weir db backup` copies it"),
        ("state/weir.sock", "the socket on which the daemon answers"),
        ("state/attempts/", "what runs, and what tasks have printed"),
        ("state/lake/", "the lake, unless the setting says otherwise"),
    ]

    // MARK: Pieces

    private mutating func section(_ title: String) { lines.append(".SH \"\(title)\"") }

    private mutating func paragraphs(_ texts: [String]) {
        for (index, text) in texts.enumerated() {
            if index > 0 || lines.last?.hasPrefix(".SH") == false { lines.append(".PP") }
            lines.append(Self.escaped(text))
        }
    }

    private mutating func item(_ tag: String, _ help: String) {
        lines += [".TP", tag, Self.escaped(Self.sentence(help))]
    }

    private mutating func item(_ option: CommandSpec.Option) {
        let names = [option.name, option.short].compactMap(\.self).map { "\\fB\(Self.escaped($0))\\fR" }
        let value = option.value.map { " \\fI\(Self.escaped($0))\\fR" } ?? ""
        item(names.joined(separator: ", ") + value, option.help + (option.repeats ? "; may be given again" : ""))
    }

    /// What stands alone begins with a capital and ends with a full stop; names and numbers stay as they are.
    private static func sentence(_ text: String) -> String {
        let end = text.last.map { ".!?".contains($0) } == true ? "" : "."
        return text.prefix(1).uppercased() + text.dropFirst() + end
    }

    /// A text as roff takes it for just that: a backslash escapes, a minus would become a hyphen, an accent or a caret another
    /// sign, and a dot or a quote at the beginning of a line would make it a command.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "\n", "\r", "\t": result += " "
            // Terminals without Unicode have none.
            case "…": result += "..."
            case let scalar where scalar.isASCII: result.unicodeScalars.append(scalar)
            default: result += "\\[u" + Self.hexadecimal(scalar) + "]"
            }
        }
        return result.hasPrefix(".") ? "\\&" + result : result
    }

    private static func hexadecimal(_ scalar: UnicodeScalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// An argument of a macro, which stands in quotes.
    private static func quoted(_ text: String) -> String { escaped(text).replacing("\"", with: "\\(dq") }
}

import Testing

@testable import Commands

@Suite struct ManPageTests {
    @Test func textIsNeverACommandOfRoff() {
        let cases = [
            ("plain", "plain"), ("--from", "\\-\\-from"), (".dot", "\\&.dot"), ("'quote'", "\\(aqquote\\(aq"),
            ("a\\n", "a\\en"), ("`x`", "\\(gax\\(ga"), ("a\nb", "a b"), ("ä…", "\\[u00E4]..."),
            ("^~", "\\(ha\\(ti"),
        ]
        for (text, roff) in cases { #expect(ManPage.escaped(text) == roff) }
    }

    @Test func itSaysWhatTheSpecsSay() {
        let page = run(["man"]).out
        for command in Program.commands.flatMap({ [$0] + $0.subcommands }) {
            let heading = "\n.SS \"\(ManPage.escaped(command.usage))\"\n"
            #expect(page.contains(heading) == !command.isHidden, "\(command.name)")
            guard !command.isHidden else { continue }
            #expect(page.contains(ManPage.escaped(String(command.summary.dropFirst()))), "\(command.name)")
            for option in command.allOptions {
                #expect(page.contains("\\fB\(ManPage.escaped(option.name))\\fR"), "\(command.name) \(option.name)")
            }
            for example in command.examples {
                #expect(page.contains("\n\\fB\(ManPage.escaped(example.line))\\fR\n"), "\(example.line)")
            }
        }
        for setting in Setting.all { #expect(page.contains("\\fB\(setting.variable)\\fR"), "\(setting.name)") }
        for status in ExitCode.allCases { #expect(page.contains("\n\\fB\(status.rawValue)\\fR\n")) }
    }

    @Test func eachLineIsTextOrAKnownMacro() {
        let macros: Set<Substring> = [
            ".\\\"", ".TH", ".nh", ".ad", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi", ".br",
        ]
        for line in run(["man"]).out.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            #expect(!line.isEmpty && !line.hasPrefix("'") && line.utf8.allSatisfy { $0 < 0x80 }, "\(line)")
            if line.hasPrefix(".") { #expect(macros.contains(line.prefix { $0 != " " }), "\(line)") }
        }
    }

    @Test func everyExitStatusHasAMeaning() {
        #expect(Set(ExitCode.allCases.map(\.rawValue)).count == ExitCode.allCases.count)
        #expect(ExitCode.allCases.allSatisfy { $0.meaning != "\($0.rawValue)" })
    }
}

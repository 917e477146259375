import Spawn
import Testing

@testable import Commands

/// The texts that people read first, as files. A change of a text is a change of its file.
@Suite struct HelpTests {
    private static let folder = File.parent(of: #filePath) + "/Snapshots"

    /// Compares with the file of this name. One that is missing is made, and the test fails: look at it and commit it.
    private func expect(_ text: String, is name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = Self.folder + "/" + name + ".txt"
        guard File.exists(file) else {
            try File.makeDirectory(Self.folder)
            try File.writeAtomically(file, Array(text.utf8), mode: 0o644)
            Issue.record("\(file) was missing and is recorded now", sourceLocation: sourceLocation)
            return
        }
        let expected = String(decoding: try File.read(file), as: UTF8.self)
        #expect(text == expected, "remove \(file) to record it anew", sourceLocation: sourceLocation)
    }

    @Test(arguments: Program.commands.map(\.name))
    func theHelpOfACommand(name: String) throws {
        let output = run([name, "--help"])
        #expect(output.status == 0)
        #expect(output.err.isEmpty)
        try expect(output.out, is: name)
        #expect(run(["help", name]).out == output.out)
        #expect(run([name, "-h"]).out == output.out)
    }

    private static let below = Program.commands.flatMap(\.subcommands)

    @Test(arguments: below.map(\.name))
    func theHelpOfACommandInAGroup(name: String) throws {
        let words = name.split(separator: " ").map(String.init)
        let output = run(words + ["--help"])
        #expect(output.status == 0)
        try expect(output.out, is: name.replacing(" ", with: "-"))
        #expect(run(["help"] + words).out == output.out)
    }

    @Test func aGroupDoesNothingItself() {
        let none = run(["db"])
        #expect(none.status == 2)
        #expect(none.out == run(["db", "--help"]).out)
        #expect(run(["db", "chek"]).err == "weir: no command 'db chek'; did you mean 'check'?\n")
        #expect(run(["help", "db", "x"]).status == 2)
    }

    @Test func theOverview() throws {
        let output = run(["--help"])
        #expect(output.status == 0)
        try expect(output.out, is: "overview")
        #expect(run(["help"]).out == output.out)
        #expect(run(["-h"]).out == output.out)
        let none = run([])
        #expect(none.status == 2)
        #expect(none.out == output.out)
    }

    @Test func everySnapshotBelongsToACommand() throws {
        let names = Set(
            (Program.commands + Self.below).map { $0.name.replacing(" ", with: "-") + ".txt" } + ["overview.txt"])
        #expect(Set(try File.list(Self.folder)) == names)
    }

    @Test func helpFitsAScreen() {
        for command in Program.commands + Self.below {
            for line in command.help.split(separator: "\n") { #expect(line.count <= 120, "\(command.name): \(line)") }
        }
    }

    @Test func theVersion() {
        #expect(run(["version"]).out == "weir \(Program.version)\n")
        #expect(run(["--version"]).out == "weir \(Program.version)\n")
        #expect(run(["version", "--json"]).out == "{\"version\":\"\(Program.version)\"}\n")
    }
}

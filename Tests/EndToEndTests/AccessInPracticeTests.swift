import Glibc
import JSONText
import Spawn
import Testing

/// Users and tokens by the real program: at a terminal, in a pipe, and several at once.
@Suite struct AccessInPracticeTests {
    private static let password = "correct horse battery"

    private func sh(_ home: WeirHome, _ line: String) throws -> (status: Int32, out: String) {
        let environment = home.environment.merging(["WEIR": WeirHome.products + "/weir"]) { $1 }
        let done = try ChildProcess.run(
            ["/bin/sh", "-c", line + " 2>&1"], environment: environment, timeoutMicroseconds: 120_000_000)
        return (done.status.isSuccess ? 0 : 1, done.outputText)
    }

    private func users(_ home: WeirHome) throws -> [String] {
        let list = try home.weir("user", "list", "--json")
        return try JSONDocument(parsing: list.out).root.array?.compactMap { $0["name"]?.string } ?? []
    }

    @Test func aPasswordIsAskedForTwiceAndNotShown() throws {
        let home = try WeirHome()
        let terminal = try TerminalSession(home, "user", "add", "ada", "--role", "admin")
        try terminal.wait(for: "new password of ada: ")
        terminal.type(Self.password + "\n")
        try terminal.wait(for: "once more: ")
        terminal.type(Self.password + "\n")
        try terminal.wait(for: "user ada may sign in as admin")
        #expect(try terminal.end() == 0)
        #expect(!terminal.all.contains("correct"), "\(terminal.all)")
        #expect(try users(home) == ["ada"])
    }

    @Test func passwordsThatDifferChangeNothing() throws {
        let home = try WeirHome()
        let terminal = try TerminalSession(home, "user", "add", "ada")
        try terminal.wait(for: "new password of ada: ")
        terminal.type(Self.password + "\n")
        try terminal.wait(for: "once more: ")
        terminal.type("something else\n")
        try terminal.wait(for: "the two passwords differ; nothing is changed")
        #expect(try terminal.end() == 2)
        #expect(try users(home) == [])
    }

    @Test func ctrlCGivesTheTerminalBackAsItWas() throws {
        let home = try WeirHome()
        let terminal = try TerminalSession(home, "user", "add", "ada")
        #expect(terminal.echoes)
        try terminal.wait(for: "new password of ada: ")
        #expect(!terminal.echoes)
        terminal.type("half a pass\u{3}")
        #expect(try terminal.end() == 130)
        #expect(terminal.echoes)
        #expect(try users(home) == [])
    }

    @Test func withoutATerminalItComesFromStandardInput() throws {
        let home = try WeirHome()
        let none = try sh(home, "$WEIR user add ada </dev/null")
        #expect(
            none.out == "weir: there is no terminal to ask for the password; give it on standard input, with "
                + "--password-stdin\n")
        let empty = try sh(home, "$WEIR user add ada --password-stdin </dev/null")
        #expect(empty.out == "weir: --password-stdin: standard input has no password in its first line\n")
        let long = try sh(home, "head -c 100000 /dev/zero | tr '\\0' x | $WEIR user add ada --password-stdin")
        #expect(long.out == "weir: the line on standard input is longer than 8192 bytes\n")
        #expect(try users(home) == [])
        let done = try sh(home, "printf '%s\\nmore' '\(Self.password)' | $WEIR user add ada --password-stdin")
        #expect(done.status == 0 && done.out == "user ada may sign in as viewer\n")
    }

    @Test func theFileIsTheOwnersAloneWhateverTheUmask() throws {
        for umask in ["0", "777"] {
            let home = try WeirHome()
            try File.makeDirectory(home.path + "/state")
            let done = try sh(
                home,
                "umask \(umask); echo '\(Self.password)' | $WEIR user add ada --password-stdin; stat -c %a state/*")
            #expect(done.out.hasPrefix("user ada may sign in"), "\(done.out)")
            let modes = try sh(home, "stat -c '%n %a' \"$WEIR_HOME\"/state/access.db*")
            let lines = modes.out.split(separator: "\n")
            #expect(!lines.isEmpty && lines.allSatisfy { $0.hasSuffix(" 600") }, "umask \(umask): \(modes.out)")
        }
    }

    @Test func severalProcessesWriteAtOnce() throws {
        let home = try WeirHome()
        #expect(try sh(home, "echo '\(Self.password)' | $WEIR user add ada --password-stdin").status == 0)
        let done = try sh(
            home,
            """
            for n in 1 2 3 4 5 6 7 8; do
                { for m in 1 2 3; do $WEIR token create ada --name "$n-$m" >/dev/null || echo failed; done; } &
            done; wait
            """)
        #expect(!done.out.contains("failed"), "\(done.out)")
        let list = try home.weir("token", "list", "--json")
        #expect(try JSONDocument(parsing: list.out).root.array?.count == 24)
    }
}

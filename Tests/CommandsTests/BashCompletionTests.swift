import Spawn
import Testing

@testable import Commands

/// The script for bash with the real bash and the real program. scripts/check-completions.py presses Tab in three shells.
@Suite struct BashCompletionTests {
    /// Calls the script's function as readline would.
    ///
    /// - Parameters:
    ///   - words: the line, cut as readline cuts it.
    ///   - typed: what readline replaces.
    ///   - line: the whole line; nil: the words with blanks between.
    /// - Returns: the replacements.
    private func complete(
        _ home: CommandHome, _ words: [String], _ typed: String, line: String? = nil
    ) throws -> [String] {
        let script = """
            source <(weir completion bash)
            COMP_LINE=$1 COMP_POINT=${#1} typed=$2
            shift 2
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _weir weir "$typed" ""
            ((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
            """
        let line = line ?? words.joined(separator: " ")
        let done = try ChildProcess.run(
            ["bash", "--norc", "--noprofile", "-c", script, "bash", line, typed] + words,
            environment: [
                "PATH": CommandHome.products + ":/usr/bin:/bin", "WEIR_HOME": home.path, "LC_ALL": "C.UTF-8",
            ], timeoutMicroseconds: 60_000_000)
        #expect(done.status == .exited(0) && done.errors.isEmpty, "\(words): \(done.errorText)")
        return done.outputText.split(separator: "\n").map(String.init)
    }

    private func home() throws -> CommandHome {
        let home = try CommandHome()
        try home.write("dags/hello.json", helloDAG)
        return home
    }

    @Test func wordsAndOptions() throws {
        let home = try home()
        #expect(try complete(home, ["weir", "trig"], "trig") == ["trigger"])
        #expect(try complete(home, ["weir", "trigger", ""], "") == ["hello"])
        #expect(try complete(home, ["weir", "lake", "tab"], "tab") == ["tables"])
        #expect(try complete(home, ["weir", "backfill", "hello", "--rep"], "--rep") == ["--reprocess"])
    }

    @Test func whatReadlineCutsIsOneWord() throws {
        let home = try home()
        let equals = ["weir", "query", "--format", "="]
        #expect(try complete(home, equals, "", line: "weir query --format=") == ["table", "json", "csv", "parquet"])
        #expect(try complete(home, equals + ["c"], "c", line: "weir query --format=c") == ["csv"])
        #expect(
            try complete(
                home, ["weir", "--home", "=", home.path, "trig"], "trig", line: "weir --home=\(home.path) trig")
                == ["trigger"])
        // Someone who took ':' and '=' out of COMP_WORDBREAKS.
        #expect(try complete(home, ["weir", "query", "--format=c"], "--format=c") == ["--format=csv"])
        #expect(
            try complete(home, ["weir", "mark", "hello", "a", ":", "b", "g"], "g", line: "weir mark hello a:b g") == [
                "greet"
            ])
    }

    @Test func colonsOfRunIDs() throws {
        let home = try home()
        #expect(home.weir("backfill", "hello", "--from", "2022-05-02", "-p", "count=0").status == 0)
        let id = "backfill__2022-05-02T00:00:00Z"
        #expect(try complete(home, ["weir", "tasks", "hello", "back"], "back") == [id])
        #expect(
            try complete(
                home, ["weir", "tasks", "hello", "backfill__2022-05-02T00", ":", "0"], "0",
                line: "weir tasks hello backfill__2022-05-02T00:0") == ["00:00Z"])
        #expect(
            try complete(
                home, ["weir", "tasks", "hello", "backfill__2022-05-02T00", ":"], "",
                line: "weir tasks hello backfill__2022-05-02T00:") == ["00:00Z"])
        #expect(
            try complete(
                home, ["weir", "logs", "hello", "backfill__2022-05-02T00", ":", "00", ":", "00Z", ""], "",
                line: "weir logs hello backfill__2022-05-02T00:00:00Z ") == ["greet", "count"])
    }

    @Test func quotesAndOtherCommandsOfTheLine() throws {
        let home = try home()
        #expect(try complete(home, ["weir", "show", "'hel"], "hel") == ["hello"])
        #expect(try complete(home, ["weir", "show", "hel\\l"], "hel\\l") == ["hello"])
        #expect(try complete(home, ["weir", "trig"], "trig", line: "WEIR_HOME=/x weir trig") == ["trigger"])
        // A value with a blank stays one word, and nothing of it is run.
        #expect(try complete(home, ["weir", "trigger", "-p", "'a $(exit 7)'", "hel"], "hel") == ["hello"])
    }

    @Test func failuresAreSilent() throws {
        #expect(try complete(try CommandHome(), ["weir", "--home", "/nowhere", "trigger", ""], "") == [])
        #expect(try complete(try CommandHome(), ["weir", "nonsense", ""], "") == [])
    }
}

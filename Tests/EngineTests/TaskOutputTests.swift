import Spawn
import Testing

@testable import Engine

/// What a task leaves behind: its outputs, and its last words.
@Suite struct TaskOutputTests {
    private let folder: TemporaryDirectory
    private let directory: AttemptDirectory

    init() throws {
        folder = try TemporaryDirectory()
        directory = AttemptDirectory(path: folder.path + "/1")
        try directory.create()
    }

    private func outputs(_ text: String) throws -> Result<String?, TaskOutput.Problem> {
        try File.writeAtomically(directory.output, Array(text.utf8))
        return TaskOutput.read(directory)
    }

    @Test func noOutputIsNone() throws {
        #expect(try TaskOutput.read(directory).get() == nil)
        #expect(try outputs("").get() == nil)
    }

    @Test func theLastValueOfAKeyCountsAndTheOrderStays() throws {
        let text = """
            {"key": "rows", "value": 1}
            {"key": "file", "value": {"a": [true, null, 1.5]}}

            {"key": "rows", "value": 2}
            """
        #expect(try outputs(text).get() == #"{"rows":2,"file":{"a":[true,null,1.5]}}"#)
    }

    @Test(arguments: [
        ("rows=1", 1), ("{\"key\": \"a\"}", 1), ("{\"key\": 1, \"value\": 2}", 1), ("[1, 2]", 1),
        ("{\"key\": \"a\", \"value\": 1}\n{\"key\": \"b\", \"val", 2), ("\n\n{\"key\": \"a\"}", 3),
    ])
    func aBadLineIsNamed(text: String, line: Int) throws {
        let error = #expect(throws: TaskOutput.Problem.self) { try outputs(text).get() }
        #expect(error?.message.hasPrefix("line \(line) of WEIR_OUTPUT is not") == true, "\(error?.message ?? "")")
    }

    @Test func aLineThatIsNoUTF8IsBad() throws {
        try File.writeAtomically(
            directory.output, Array("{\"key\": \"a\", \"value\": \"".utf8) + [0xFF] + Array("\"}".utf8))
        #expect(throws: TaskOutput.Problem.self) { try TaskOutput.read(directory).get() }
    }

    private func lastWords(_ text: String) throws -> String? {
        try File.writeAtomically(directory.log, Array(text.utf8))
        return LastWords.of(directory)
    }

    @Test func theLastLineThatSaysSomethingCounts() throws {
        #expect(LastWords.of(directory) == nil, "there is no log")
        #expect(try lastWords("") == nil)
        #expect(try lastWords(" \n\n") == nil)
        #expect(try lastWords("one\ntwo: no such file\n  \n\r\n") == "two: no such file")
        #expect(try lastWords("10%\r50%\r100%") == "100%")
        #expect(try lastWords("\u{1B}[31mred\u{7}\n") == "[31mred", "escape sequences do not reach a terminal")
    }

    @Test func aLongLastLineIsCut() throws {
        let words = try #require(try lastWords("first\n" + String(repeating: "é", count: 5000)))
        #expect(words.count == 301)
        #expect(words.hasSuffix("é…"))
    }
}

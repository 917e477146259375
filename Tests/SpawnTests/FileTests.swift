import CPosix
import Glibc
import JSONText
import Testing

@testable import Spawn

@Suite struct FileTests {
    @Test func writeReadAndReplace() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/file"
        try File.writeAtomically(path, [1, 2, 3], mode: 0o640, sync: true)
        try File.writeAtomically(path, [4, 5])
        #expect(try File.read(path) == [4, 5])
        #expect(try File.list(folder.path) == ["file"])
        #expect(File.status(path)?.size == 2)
    }

    @Test func theLimitHolds() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/file"
        try File.writeAtomically(path, [1, 2, 3])
        #expect(try File.read(path, limit: 3).count == 3)
        #expect(throws: SystemError("read", path: path, code: EFBIG)) { try File.read(path, limit: 2) }
        #expect(throws: SystemError("open", path: path + "x", code: ENOENT)) { try File.read(path + "x") }
    }

    @Test func aCopyReplacesWhatIsThere() throws {
        let folder = try TemporaryDirectory()
        let (path, copy) = (folder.path + "/file", folder.path + "/copy")
        try File.writeAtomically(path, Array(repeating: 7, count: 100_000))
        try File.writeAtomically(copy, Array(repeating: 8, count: 200_000))
        try File.copy(path, to: copy)
        #expect(try File.read(copy) == Array(repeating: 7, count: 100_000))
        #expect(throws: SystemError("open", path: path + "x", code: ENOENT)) { try File.copy(path + "x", to: copy) }
    }

    @Test func aWriteThatFailsLeavesNothing() throws {
        let folder = try TemporaryDirectory()
        try File.makeDirectory(folder.path + "/taken")
        #expect(throws: SystemError.self) { try File.writeAtomically(folder.path + "/taken", [1]) }
        #expect(try File.list(folder.path) == ["taken"])
    }

    @Test func directories() throws {
        let folder = try TemporaryDirectory()
        let deep = folder.path + "/a/b/c"
        try File.makeDirectory(deep)
        try File.makeDirectory(deep)
        #expect(try File.create(deep + "/x", [1]))
        #expect(try !File.create(deep + "/x", [2]))
        #expect(symlink(folder.path, deep + "/loop") == 0)
        #expect(throws: SystemError.self) { try File.makeDirectory(deep + "/x") }
        #expect(throws: SystemError.self) { try File.makeDirectory(folder.path + "/p/q", recursive: false) }
        try File.removeTree(folder.path + "/a")
        #expect(try File.list(folder.path).isEmpty)
        try File.removeTree(folder.path + "/a")
    }

    @Test func parents() {
        for (path, parent) in ["/a/b": "/a", "/a": "/", "a": ".", "a/b/": "a", "/": "/"] {
            #expect(File.parent(of: path) == parent)
        }
    }

    @Test func exchange() throws {
        let folder = try TemporaryDirectory()
        let (a, b) = (folder.path + "/a", folder.path + "/b")
        try File.writeAtomically(a, [1])
        try File.writeAtomically(b, [2])
        #expect(weir_renameat2(a, b, UInt32(WEIR_RENAME_NOREPLACE)) == -1 && errno == EEXIST)
        #expect(weir_renameat2(a, b, UInt32(WEIR_RENAME_EXCHANGE)) == 0)
        #expect(try File.read(a) == [2])
    }
}

@Suite struct AttemptSpecTests {
    @Test func roundTrip() throws {
        let folder = try TemporaryDirectory()
        let directory = AttemptDirectory(path: folder.path + "/3")
        try directory.create()
        let task = try JSONDocument(parsing: #"{"kind":"load","with":{"n":1.5}}"#).root
        let spec = AttemptSpec(
            attempt: 3, token: "weir-1", argv: ["a", "b c", ""], cwd: "/x", env: ["K": "v\n\"ü"],
            timeoutMicroseconds: 5, graceMicroseconds: 6, logCapBytes: 7, cgroup: "/c", task: task)
        try spec.write(to: directory)
        let read = try AttemptSpec.read(from: directory)
        #expect(read.json == spec.json)
        #expect(read.task?["with"]?["n"]?.double == 1.5)
        let small = AttemptSpec(attempt: 4, token: "t", argv: ["a"], cwd: "/", env: [:])
        try small.write(to: directory)
        let second = try AttemptSpec.read(from: directory)
        #expect(second.timeoutMicroseconds == nil && second.cgroup == nil && second.task == nil)
    }

    @Test(arguments: [
        ("[]", "must be an object, not an array"),
        (#"{"attempt":"1"}"#, "'attempt' must be an integer"),
        (
            #"{"attempt":1,"token":"t","cwd":"/","grace_us":1,"log_cap_bytes":1,"argv":[]}"#,
            "'argv' must name a program"
        ),
        (
            #"{"attempt":1,"token":"t","cwd":"/","grace_us":1,"log_cap_bytes":1,"argv":["a"],"env":{"A":1}}"#,
            "'env' must be an object of strings; 'A' is not"
        ),
    ]) func errors(text: String, message: String) throws {
        let folder = try TemporaryDirectory()
        let directory = AttemptDirectory(path: folder.path)
        try File.writeAtomically(directory.spec, Array(text.utf8))
        #expect(throws: AttemptFileError(path: directory.spec, message: message)) {
            try AttemptSpec.read(from: directory)
        }
    }

    @Test func everyResultComesBackAsItWas() throws {
        let folder = try TemporaryDirectory()
        let directory = AttemptDirectory(path: folder.path)
        #expect(AttemptResult.read(from: directory) == .absent)
        for outcome in AttemptResult.Outcome.allCases {
            let result = AttemptResult(
                attempt: 9, outcome: outcome, exitCode: 1, signal: 9, startedMicroseconds: 5, endedMicroseconds: 6,
                cpuMicroseconds: 7, peakMemoryBytes: 8, reason: "so", outputSHA256: "ab")
            try File.writeAtomically(directory.result, result.json)
            #expect(AttemptResult.read(from: directory) == .good(result))
        }
    }

    @Test func onlyTheLogStays() throws {
        let attempt = try TestAttempt("echo hello >$WEIR_OUTPUT")
        _ = try attempt.run()
        try attempt.directory.removeAllButLog()
        #expect(try File.list(attempt.directory.path) == ["log"])
    }
}

@Suite struct ProcessStatusTests {
    @Test func aNameWithParenthesesAndSpaces() throws {
        let fields = (23...52).map(String.init).joined(separator: " ")
        let text = "42 (a) S) b) S 7 42 41 0 -1 1 2 3 4 5 6 7 8 9 20 0 3 0 9876 \(fields)\n"
        let status = try #require(ProcessStatus(pid: 42, stat: Array(text.utf8)))
        #expect(status.parent == 7)
        #expect(status.session == 41)
        #expect(status.threads == 3)
        #expect(status.startTime == 9876)
        #expect(ProcessStatus(pid: 42, stat: Array("42 (a) S 1".utf8)) == nil)
    }

    @Test func mountNames() {
        #expect(CgroupRoot.unescaped(#"/a\040b\134c\0"#) == #"/a b\c\0"#)
    }
}

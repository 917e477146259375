import Glibc
import Testing

@testable import Spawn

private let environment = ["PATH": Program.defaultPath]

@Suite struct ChildProcessTests {
    @Test func largeInputAndOutputAtOnce() throws {
        let input = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let result = try ChildProcess.run(
            ["sh", "-c", "tee /dev/stderr"], environment: environment, input: input,
            errors: .capture(limit: 100))
        #expect(result.status == .exited(0))
        #expect(result.output == input)
        #expect(!result.outputTruncated)
        #expect(result.errors == Array(input[..<100]))
        #expect(result.errorsTruncated)
    }

    @Test func aChildThatDoesNotReadIsNoError() throws {
        let result = try ChildProcess.run(
            ["sh", "-c", "exec 0<&-; echo done; exit 3"], environment: environment,
            input: [UInt8](repeating: 65, count: 1_000_000))
        #expect(result.status == .exited(3))
        #expect(result.outputText == "done\n")
    }

    @Test func aProcessThatHoldsTheOutputOpenIsNotWaitedFor() throws {
        let result = try ChildProcess.run(
            ["sh", "-c", "sleep 1000 & echo $!"], environment: environment, timeoutMicroseconds: 60_000_000)
        #expect(!result.timedOut)
        let pid = try #require(Int32(result.outputText.dropLast()))
        kill(pid, SIGKILL)
    }

    @Test func timeout() throws {
        let result = try ChildProcess.run(
            ["sh", "-c", "trap 'echo ended; exit 4' TERM; echo started; sleep 1000 & wait"], environment: environment,
            timeoutMicroseconds: 300_000)
        #expect(result.timedOut)
        #expect(result.status == .exited(4))
        #expect(result.outputText == "started\nended\n")
    }

    @Test func aChildThatIgnoresTheTimeoutIsKilled() throws {
        let result = try ChildProcess.run(
            ["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done"], environment: environment,
            timeoutMicroseconds: 200_000)
        #expect(result.timedOut)
        #expect(result.status == .signaled(SIGKILL))
    }

    @Test func startErrors() throws {
        func message(_ argv: [String], _ directory: String? = nil) -> String {
            do throws(StartError) {
                _ = try ChildProcess.run(argv, environment: environment, directory: directory)
                return "it was started"
            } catch { return error.description }
        }
        #expect(message(["weir-none"]) == "no such program 'weir-none' in PATH (\(Program.defaultPath))")
        #expect(message(["/no/such/thing"]) == "no such program '/no/such/thing'")
        #expect(message(["true"], "/no/such/place") == "the working directory /no/such/place does not exist")
        #expect(message(["true"], "/etc/passwd") == "the working directory /etc/passwd is not a directory")
        #expect(message(["/etc/passwd"]) == "/etc/passwd is not executable (chmod +x)")
        #expect(message([]) == "no program is named")
    }

    @Test func outputToADescriptor() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/out"
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT)
        let result = try ChildProcess.run(
            ["sh", "-c", "echo $GREETING $(pwd); echo lost >&2"],
            environment: ["PATH": Program.defaultPath, "GREETING": "hello"], directory: "/",
            output: .descriptor(file.raw), errors: .discard)
        #expect(result.output.isEmpty && result.errors.isEmpty)
        #expect(try File.read(path) == Array("hello /\n".utf8))
    }
}

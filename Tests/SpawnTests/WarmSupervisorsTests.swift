import Glibc
import Testing

@testable import Spawn

/// Supervisors that a warm process makes.
@Suite struct WarmSupervisorsTests {
    private let warm = WarmSupervisors()
    private static let program = products + "/weir-supervise"

    /// Starts an attempt; its supervisor is nobody's child here.
    private func start(
        _ attempt: TestAttempt, by warm: WarmSupervisors? = nil, secrets: AttemptSecrets = AttemptSecrets([:])
    ) throws -> SupervisorLauncher.Launched {
        try attempt.spec.write(to: attempt.directory)
        return try (warm ?? self.warm).start(program: Self.program, directory: attempt.directory, secrets: secrets)
    }

    private func end(of launched: SupervisorLauncher.Launched) throws {
        var watched = pollfd(fd: launched.pidfd, events: Int16(POLLIN), revents: 0)
        #expect(poll(&watched, 1, 30_000) == 1, "supervisor \(launched.pid) does not end")
        close(launched.pidfd)
    }

    private func children(of pid: Int32) throws -> [ProcessStatus] {
        try File.list("/proc").compactMap { Int32($0) }.compactMap { ProcessStatus.read(pid: $0) }.filter {
            $0.parent == pid
        }
    }

    @Test func oneProcessMakesThemAll() throws {
        let attempts = try (0..<20).map { try TestAttempt("echo number \($0); exit \($0)") }
        let launched = try attempts.map { try start($0) }
        let server = try #require(warm.pid)
        for one in launched { try end(of: one) }
        for (number, attempt) in attempts.enumerated() {
            let result = try attempt.result()
            #expect(result.outcome == .exited && result.exitCode == Int32(number))
            #expect(try attempt.log == "number \(number)\n")
        }
        #expect(warm.pid == server)
        try wait(for: "no zombies") { try children(of: server).isEmpty }
        warm.stop()
        #expect(!isAlive(server))
    }

    /// ps(1) shows which attempt it is; and it holds nothing of what made it.
    @Test func aSupervisorIsAProcessOfItsOwn() throws {
        let attempt = try TestAttempt("until [ -e $DIR/go ]; do sleep 0.02; done")
        let launched = try start(attempt)
        try wait(for: "the claim") { File.exists(attempt.directory.claim) }
        let words = try File.read("/proc/\(launched.pid)/cmdline").split(separator: 0).map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(words == ["weir-supervise", attempt.directory.path])
        let open = try File.list("/proc/\(launched.pid)/fd").compactMap { name -> String? in
            var target = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/\(launched.pid)/fd/\(name)", &target, target.count - 1)
            return count > 0 ? String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
        }
        #expect(!open.contains { $0.hasPrefix("socket:") }, "\(open)")
        #expect(getsid(launched.pid) == launched.pid)
        // Neither a kill of what made it, nor that nobody wants it any more, ends it.
        kill(try #require(warm.pid), SIGKILL)
        warm.stop()
        #expect(isAlive(launched.pid))
        try File.writeAtomically(attempt.folder.path + "/go", [])
        try end(of: launched)
        #expect(try attempt.result().exitCode == 0)
    }

    @Test func oneThatWasKilledIsMadeAnew() throws {
        let first = try TestAttempt("true")
        try end(of: start(first))
        let server = try #require(warm.pid)
        kill(server, SIGKILL)
        try wait(for: "its end") { !isAlive(server) }
        let second = try TestAttempt("true")
        try end(of: start(second))
        #expect(try second.result().outcome == .exited)
        #expect(warm.pid != server && warm.pid != nil)
    }

    @Test func secretsAreHandedOn() throws {
        var attempt = try TestAttempt("test \"$PASSWORD\" = 'correct horse' && echo $PASSWORD")
        attempt.spec.env["PASSWORD"] = "\0secret.p\0"
        attempt.spec.secrets = ["p"]
        try end(of: start(attempt, secrets: AttemptSecrets(["p": "correct horse"])))
        #expect(try attempt.result().exitCode == 0)
        #expect(try attempt.log == String(repeating: "*", count: "correct horse".count) + "\n")
    }

    /// It gives no answer: the attempt may have been started or not, and who asked is told so; the next is not held up.
    @Test func oneThatHangsIsGivenUp() throws {
        let warm = WarmSupervisors(patience: 200_000)
        try end(of: start(try TestAttempt("true"), by: warm))
        let server = try #require(warm.pid)
        kill(server, SIGSTOP)
        let attempt = try TestAttempt("true")
        let error = #expect(throws: StartError.self) { try start(attempt, by: warm) }
        #expect(error.map(Shortage.isBehind) == true)
        #expect(!isAlive(server))
        guard case .revoked = AttemptInspector.recover(attempt.directory) else {
            throw TimedOut(what: "an attempt that nobody runs")
        }
        let next = try TestAttempt("true")
        try end(of: start(next, by: warm))
        #expect(try next.result().outcome == .exited)
    }

    /// A program that does not serve is started for each attempt.
    @Test func withoutOneEachIsStartedByItself() throws {
        let folder = try TemporaryDirectory()
        let program = folder.path + "/supervise"
        let script = "#!/bin/sh\n[ \"$1\" != --serve ] || exit 3\nexec '\(Self.program)' \"$@\"\n"
        try File.writeAtomically(program, Array(script.utf8), mode: 0o755)
        for _ in 0..<5 {
            let attempt = try TestAttempt("true")
            try attempt.spec.write(to: attempt.directory)
            let launched = try warm.start(program: program, directory: attempt.directory)
            try waitForEnd(of: launched)
            #expect(try attempt.result().outcome == .exited)
        }
        #expect(warm.pid == nil)
    }
}

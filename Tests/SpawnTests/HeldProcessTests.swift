import CPosix
import Glibc
import Testing

@testable import Spawn

/// Processes that are held by a pidfd.
struct HeldProcessTests {
    /// A shell that runs until it is ended; reaped with its owner.
    private final class Child {
        let identity: ProcessIdentity
        private let ready: String

        init(_ folder: TemporaryDirectory, trap: String = "") throws {
            ready = folder.path + "/ready"
            let shell = "\(trap) echo > \(ready); while :; do sleep 0.01; done"
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            let program = Program(
                argv: ["/bin/sh", "-c", shell], environment: ["PATH": Program.defaultPath], directory: nil)
            let pid = try program.spawn(WEIR_GROUP_SESSION, stdio: (null.raw, null.raw, null.raw))
            identity = try #require(ProcessIdentity.read(pid: pid))
            let file = ready
            try wait(for: "the shell") { File.exists(file) }
        }

        private var isReaped = false

        /// The status of wait(2).
        func reap() -> Int32 {
            var status: Int32 = 0
            isReaped = true
            while waitpid(identity.pid, &status, 0) < 0, errno == EINTR {}
            return status
        }

        deinit {
            guard !isReaped else { return }
            kill(-identity.pid, SIGKILL)
            _ = reap()
        }
    }

    private let folder = try? TemporaryDirectory()

    private func child(trap: String = "") throws -> Child { try Child(try #require(folder), trap: trap) }

    /// `#expect` cannot look into a value that cannot be copied.
    private func end(_ child: Child, grace: Int64) throws -> Bool {
        guard let process = HeldProcess(child.identity) else { return false }
        return try process.end(grace: grace)
    }

    private func isHeld(_ identity: ProcessIdentity) -> Bool { HeldProcess(identity) != nil }

    @Test func oneThatHeedsSIGTERMGetsNothingElse() throws {
        let child = try child()
        #expect(try end(child, grace: 60_000_000))
        #expect(child.reap() == SIGTERM)
    }

    @Test func oneThatIgnoresSIGTERMIsKilledAfterTheGrace() throws {
        let child = try child(trap: "trap '' TERM;")
        #expect(try end(child, grace: 50_000))
        #expect(child.reap() == SIGKILL)
    }

    @Test func oneThatIsStoppedGetsNoGrace() throws {
        let child = try child()
        kill(child.identity.pid, SIGSTOP)
        try wait(for: "the stop") { ProcessStatus.read(pid: child.identity.pid)?.state == UInt8(ascii: "T") }
        // A grace of an hour would outlast the whole suite's limit.
        #expect(try end(child, grace: 3_600_000_000))
        #expect(child.reap() == SIGKILL)
    }

    @Test func anotherProcessWithThePidIsNotTheOneThatWasMeant() throws {
        let child = try child()
        #expect(isHeld(child.identity))
        var other = child.identity
        other.startTime += 1
        #expect(!isHeld(other))
        other = child.identity
        other.bootID = "another"
        #expect(!isHeld(other))
        // A zombie has ended.
        kill(child.identity.pid, SIGKILL)
        try wait(for: "the end") { ProcessStatus.read(pid: child.identity.pid)?.isDead ?? true }
        #expect(!isHeld(child.identity))
    }
}

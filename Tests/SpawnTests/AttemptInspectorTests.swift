import CPosix
import Glibc
import Testing

@testable import Spawn

@Suite struct AttemptInspectorTests {
    @Test func aFinishedAttemptIsReported() throws {
        let attempt = try TestAttempt("exit 5")
        let result = try attempt.run()
        #expect(AttemptInspector.recover(attempt.directory) == .finished(result))
    }

    @Test(arguments: [
        "", "{", "{}", "null", #"{"attempt":1,"outcome":"vanished"}"#,
        #"{"attempt":1,"outcome":"exited","exit_code":null,"started_us":1,"ended_us":2,"cpu_us":0,"peak_memory_bytes":0}"#,
    ]) func aBadResultIsReported(text: String) throws {
        let attempt = try TestAttempt("true")
        try File.writeAtomically(attempt.directory.result, Array(text.utf8))
        guard case .badResult(let reason) = AttemptInspector.recover(attempt.directory) else {
            Issue.record("not seen as bad: \(text)")
            return
        }
        #expect(reason.contains("result.json"))
    }

    @Test func anAttemptThatNeverRanIsRevokedForGood() throws {
        let attempt = try TestAttempt("touch $DIR/ran")
        try attempt.spec.write(to: attempt.directory)
        #expect(AttemptInspector.recover(attempt.directory) == .revoked)
        // The supervisor comes late, and leaves.
        #expect(try waitForEnd(of: attempt.launch()) == .exited(0))
        #expect(!File.exists(attempt.folder.path + "/ran"))
        #expect(!File.exists(attempt.directory.result))
        #expect(AttemptInspector.recover(attempt.directory) == .revoked)
        #expect(try File.read(attempt.directory.claim) == Array("revoked\n".utf8))
    }

    @Test func anAttemptWithoutADirectoryIsRevoked() throws {
        let folder = try TemporaryDirectory()
        let directory = AttemptDirectory(path: folder.path + "/attempts/9")
        #expect(AttemptInspector.recover(directory) == .revoked)
        #expect(File.exists(directory.claim))
    }

    @Test func aRunningAttemptIsAdopted() throws {
        let attempt = try TestAttempt("echo $$ >$DIR/main; while [ ! -e $DIR/go ]; do sleep 0.01; done; exit 6")
        let launched = try attempt.start()
        let task = try attempt.pid("main")
        // A new daemon knows nothing but the directory.
        guard case .running(let identity, let pidfd) = AttemptInspector.recover(attempt.directory) else {
            Issue.record("not adopted")
            return
        }
        #expect(identity.pid == launched.pid)
        #expect(isAlive(task))
        let ended = Mailbox()
        let watcher = try ExitWatcher { ended.put($0) }
        try watcher.watch(pid: identity.pid, pidfd: pidfd, token: 17)
        _ = try File.create(attempt.folder.path + "/go", [])
        try wait(for: "the end") { ended.tokens == [17] }
        watcher.stop()
        close(launched.pidfd)
        #expect(try attempt.result().exitCode == 6)
        guard case .finished = AttemptInspector.recover(attempt.directory) else {
            Issue.record("not finished")
            return
        }
    }

    @Test(arguments: cgroupChoices) func aKilledSupervisorsTreeIsDeadBeforeItIsLost(base: String?) throws {
        var attempt = try TestAttempt(
            """
            setsid sh -c 'trap "" TERM HUP; echo $$ >$DIR/session; while :; do sleep 1; done' &
            env -i /bin/sh -c 'trap "" TERM HUP; echo $$ >'$DIR'/bare; while :; do sleep 1; done' >/dev/null 2>&1 &
            setsid env -i /bin/sh -c 'trap "" TERM HUP; echo $$ >'$DIR'/writer; while :; do sleep 1; done' &
            setsid sh -c 'exec >/dev/null 2>&1; trap "" TERM HUP; echo $$ >$DIR/token; while :; do sleep 1; done' &
            while :; do sleep 1; done
            """)
        attempt.spec.cgroup = cgroupPath(below: base)
        let launched = try attempt.start()
        let pids = try ["session", "bare", "writer", "token"].map(attempt.pid)
        kill(launched.pid, SIGKILL)
        try waitForEnd(of: launched)
        for pid in pids { #expect(isAlive(pid)) }
        let outcome = AttemptInspector.recover(attempt.directory)
        for pid in pids { #expect(!isAlive(pid)) }
        guard case .lost = outcome else {
            Issue.record("\(outcome)")
            return
        }
        if let cgroup = attempt.spec.cgroup { #expect(!File.exists(cgroup)) }
        // Asked again, the answer is the same.
        #expect(
            AttemptInspector.recover(attempt.directory)
                == .lost("its supervisor ended without a result, and no process of it was left"))
    }

    @Test func anotherBootMeansLostAtOnce() throws {
        let attempt = try TestAttempt("true")
        let claim = ProcessIdentity(pid: getpid(), startTime: 1, bootID: "00000000-another-boot")
        try File.writeAtomically(attempt.directory.claim, claim.json)
        #expect(AttemptInspector.recover(attempt.directory) == .lost("the machine was restarted while it ran"))
    }

    @Test func aReusedPidIsNeitherAdoptedNorKilled() throws {
        let attempt = try TestAttempt("true")
        try attempt.spec.write(to: attempt.directory)
        // With a child, which is in a session of the claimed number.
        let stranger = try Program(
            argv: ["sh", "-c", "sleep 1000 & echo $! >$DIR/child; wait"], environment: attempt.spec.env, directory: nil
        ).spawn(WEIR_GROUP_SESSION, stdio: (0, 1, 2))
        defer {
            kill(-stranger, SIGKILL)
            var status: Int32 = 0
            waitpid(stranger, &status, 0)
        }
        let child = try attempt.pid("child")
        let identity = try #require(ProcessIdentity.read(pid: stranger))
        var former = identity
        former.startTime -= 1
        try File.writeAtomically(attempt.directory.claim, former.json)
        #expect(!AttemptInspector.kill(attempt.directory))
        guard case .lost = AttemptInspector.recover(attempt.directory) else {
            Issue.record("not lost")
            return
        }
        #expect(isAlive(stranger))
        #expect(isAlive(child))
    }

    @Test func aHeldClaimWithoutAHolderIsUnproven() throws {
        let attempt = try TestAttempt("true")
        let lock = try FileDescriptor.open(attempt.directory.claim, O_RDWR | O_CREAT)
        #expect(flock(lock.raw, LOCK_EX | LOCK_NB) == 0)
        guard case .unproven(let reason) = AttemptInspector.recover(attempt.directory, patience: 50_000) else {
            Issue.record("it was judged")
            return
        }
        #expect(reason.contains("is held, but"))
        #expect(try File.read(attempt.directory.claim).isEmpty)
        // Killed before it could say who it is, it has not begun: nothing was executed.
        #expect(flock(lock.raw, LOCK_UN) == 0)
        #expect(AttemptInspector.recover(attempt.directory) == .revoked)
    }

    @Test func withoutItsTokenNothingIsProven() throws {
        let attempt = try TestAttempt("true")
        let gone = ProcessIdentity(pid: 1, startTime: .max, bootID: ProcessIdentity.currentBootID())
        // Field 22 is a signed number in the file, so the largest start time is not readable as one: half a claim.
        try File.writeAtomically(attempt.directory.claim, gone.json)
        guard case .unproven = AttemptInspector.recover(attempt.directory) else {
            Issue.record("it was judged")
            return
        }
    }

    /// A supervisor is killed at every moment of its start: whatever it left, the attempt runs once or never.
    @Test func killedAtAnyMoment() throws {
        for step in 0..<40 {
            let attempt = try TestAttempt("echo ran >>$DIR/ran; exit 0")
            let launched = try attempt.start()
            let until = BootClock.now() + Int64(step) * 150
            while BootClock.now() < until {}
            kill(launched.pid, SIGKILL)
            try waitForEnd(of: launched)
            let ran = { (try? File.read(attempt.folder.path + "/ran")) ?? [] }
            switch AttemptInspector.recover(attempt.directory) {
            case .finished(let result): #expect(result.exitCode == 0 && ran() == Array("ran\n".utf8))
            case .revoked: #expect(ran().isEmpty)
            case .lost: break
            case let other: Issue.record("\(other)")
            }
            let before = ran()
            #expect(try waitForEnd(of: attempt.launch()) == .exited(0))
            #expect(ran() == before)
        }
    }
}

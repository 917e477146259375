import CPosix
import Glibc
import JSONText
import Testing

@testable import Spawn

@Suite struct SupervisorTests {
    @Test(arguments: [Int32(0), 3, 99, 255]) func exitCode(code: Int32) throws {
        let result = try TestAttempt("echo out; echo err >&2; exit \(code)").run()
        #expect(result.attempt == 17)
        #expect(result.outcome == .exited)
        #expect(result.exitCode == code)
        #expect(result.signal == nil)
        #expect(result.reason == nil)
        #expect(result.outputSHA256 == nil)
        #expect(result.startedMicroseconds <= result.endedMicroseconds)
        #expect(result.peakMemoryBytes > 100_000)
    }

    @Test func bothOutputsGoToThePrivateLog() throws {
        var attempt = try TestAttempt("echo out; echo err >&2; pwd; echo $GREETING; read line || echo no input")
        attempt.spec.env["GREETING"] = "good day"
        _ = try attempt.run()
        #expect(try attempt.log == "out\nerr\n\(attempt.folder.path)\ngood day\nno input\n")
        var status = stat()
        #expect(stat(attempt.directory.log, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func signal() throws {
        let result = try TestAttempt("kill -SEGV $$").run()
        #expect(result.outcome == .signaled)
        #expect(result.signal == SIGSEGV)
        #expect(result.exitCode == nil)
        #expect(result.reason == "ended by signal 11 (Segmentation fault)")
    }

    @Test func missingProgram() throws {
        let result = try TestAttempt(argv: ["weir-no-such-program"]).run()
        #expect(result.outcome == .startFailed)
        #expect(result.reason == "no such program 'weir-no-such-program' in PATH (\(Program.defaultPath))")
    }

    @Test func missingDirectory() throws {
        var attempt = try TestAttempt("true")
        attempt.spec.cwd = "/nowhere/at/all"
        let result = try attempt.run()
        #expect(result.outcome == .startFailed)
        #expect(result.reason == "the working directory /nowhere/at/all does not exist")
    }

    @Test func unusablePrograms() throws {
        let folder = try TemporaryDirectory()
        let cases: [(name: String, text: String, mode: UInt32, reason: String)] = [
            ("plain", "#!/bin/sh\n", 0o600, "is not executable (chmod +x)"),
            ("interpreter", "#!/no/such/interpreter\n", 0o700, "the interpreter in its first line does not exist"),
            ("text", "some text", 0o700, "is neither a program for this machine nor a script that begins with #!"),
        ]
        for item in cases {
            let path = folder.path + "/" + item.name
            try File.writeAtomically(path, Array(item.text.utf8), mode: item.mode)
            let result = try TestAttempt(argv: [path]).run()
            #expect(result.outcome == .startFailed)
            #expect(result.reason?.hasSuffix(item.reason) == true, "\(result.reason ?? "")")
        }
    }

    @Test func limitsHoldForTheTask() throws {
        var attempt = try TestAttempt("ulimit -d; ulimit -n; ulimit -t; umask; touch made; stat -c %a made")
        attempt.spec.limits = ResourceLimits(memoryBytes: 256 << 20, cpuSeconds: 7, openFiles: 99, umask: 0o077)
        #expect(try attempt.run().exitCode == 0)
        #expect(try attempt.log == "262144\n99\n7\n0077\n600\n")
        var free = try TestAttempt("umask; touch made; stat -c %a made; ulimit -n; ulimit -n -H")
        free.spec.limits.softOpenFiles = 77
        _ = try free.run()
        var own = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &own)
        #expect(try free.log == "0022\n644\n77\n\(own.rlim_max)\n")
    }

    @Test func aTaskThatUsesItsProcessorTimeIsEnded() throws {
        var attempt = try TestAttempt("while :; do :; done")
        attempt.spec.limits.cpuSeconds = 1
        let result = try attempt.run()
        #expect(result.outcome == .signaled)
        #expect(result.signal == SIGXCPU)
        #expect(result.reason == "ended by signal 24: it used its 1 s of processor time")
    }

    @Test func aTaskGetsNoMoreMemoryThanItsLimit() throws {
        let script = "import sys\ntry:\n  x = bytearray(400_000_000)\nexcept MemoryError:\n  sys.exit(5)"
        var attempt = try TestAttempt(argv: ["python3", "-c", script])
        attempt.spec.env["PATH"] = getenv("PATH").map { String(cString: $0) } ?? Program.defaultPath
        attempt.spec.limits.memoryBytes = 200_000_000
        #expect(try attempt.run().exitCode == 5)
        attempt.spec.limits.memoryBytes = nil
        let free = try TestAttempt(argv: ["python3", "-c", script])
        #expect(try free.run().exitCode == 0)
    }

    @Test func unreadableSpec() throws {
        let attempt = try TestAttempt("true")
        try waitForEnd(of: attempt.launch())
        #expect(try attempt.result().outcome == .startFailed)
        #expect(try attempt.result().reason?.contains("spec.json: cannot be read: No such file") == true)

        let other = try TestAttempt("true")
        try File.writeAtomically(other.directory.spec, Array(#"{"attempt": 1"#.utf8))
        try waitForEnd(of: other.launch())
        #expect(try other.result().reason?.contains("spec.json: is not JSON: line 1") == true)
    }

    @Test(arguments: cgroupChoices) func timeoutKillsTheWholeTree(base: String?) throws {
        var attempt = try TestAttempt(
            """
            setsid sh -c 'echo $$ >$DIR/session; trap "" TERM; while :; do sleep 1; done' &
            sh -c '(setsid sh -c "echo \\$\\$ >$DIR/orphan; exec sleep 1000" &)'
            env -i /bin/sh -c 'trap "" TERM HUP; echo $$ >'$DIR'/bare; while :; do sleep 1; done' &
            trap '' TERM
            echo $$ >$DIR/main
            while :; do sleep 1; done
            """)
        attempt.spec.cgroup = cgroupPath(below: base)
        attempt.spec.timeoutMicroseconds = 600_000
        let launched = try attempt.start()
        let pids = try ["session", "orphan", "bare", "main"].map(attempt.pid)
        try waitForEnd(of: launched)
        let result = try attempt.result()
        #expect(result.outcome == .timeout)
        #expect(result.reason == "ran longer than its timeout of 600.0 ms and was killed")
        for pid in pids { #expect(!isAlive(pid)) }
        if let cgroup = attempt.spec.cgroup { #expect(!File.exists(cgroup)) }
    }

    @Test func anAnswerToTheTimeoutIsStillATimeout() throws {
        var attempt = try TestAttempt("trap 'exit 0' TERM; while :; do sleep 0.05; done")
        attempt.spec.timeoutMicroseconds = 300_000
        attempt.spec.graceMicroseconds = 30_000_000
        let result = try attempt.run()
        #expect(result.outcome == .timeout)
        #expect(result.exitCode == 0)
    }

    @Test(arguments: cgroupChoices) func whatIsLeftBehindIsGoneBeforeTheResult(base: String?) throws {
        var attempt = try TestAttempt(
            """
            (trap '' TERM; sh -c 'echo $PPID' >$DIR/stubborn; while :; do sleep 1; done) &
            setsid sleep 1000 & echo $! >$DIR/session
            while [ ! -s $DIR/stubborn ]; do sleep 0.01; done
            exit 4
            """)
        attempt.spec.cgroup = cgroupPath(below: base)
        let launched = try attempt.start()
        // No sooner than the result is there is the tree empty.
        try wait(for: "the result") { File.exists(attempt.directory.result) }
        for name in ["stubborn", "session"] { #expect(!isAlive(try attempt.pid(name))) }
        try waitForEnd(of: launched)
        let result = try attempt.result()
        #expect(result.outcome == .exited)
        #expect(result.exitCode == 4)
    }

    @Test func aStoppedTaskCanBeKilled() throws {
        var attempt = try TestAttempt("trap 'exit 7' TERM; echo $$ >$DIR/main; kill -STOP $$; sleep 1000")
        attempt.spec.graceMicroseconds = 30_000_000
        let launched = try attempt.start()
        let pid = try attempt.pid("main")
        try wait(for: "the stop") { ProcessStatus.read(pid: pid)?.state == UInt8(ascii: "T") }
        #expect(AttemptInspector.kill(attempt.directory))
        try waitForEnd(of: launched)
        #expect(try attempt.result().outcome == .killed)
        #expect(try attempt.result().exitCode == 7)
    }

    @Test func killOnRequest() throws {
        let attempt = try TestAttempt(
            "setsid sleep 1000 & echo $! >$DIR/child; trap '' TERM; while :; do sleep 1; done")
        let launched = try attempt.start()
        let child = try attempt.pid("child")
        #expect(AttemptInspector.kill(attempt.directory))
        try waitForEnd(of: launched)
        let result = try attempt.result()
        #expect(result.outcome == .killed)
        #expect(result.reason == "killed on request")
        #expect(result.signal == SIGKILL)
        #expect(!isAlive(child))
        #expect(!AttemptInspector.kill(attempt.directory))
    }

    @Test func revokedBeforeTheStart() throws {
        let attempt = try TestAttempt("touch $DIR/ran")
        try attempt.directory.revoke()
        let result = try attempt.run()
        #expect(result.outcome == .killed)
        #expect(!File.exists(attempt.folder.path + "/ran"))
    }

    @Test func aClaimedAttemptIsNotRunAgain() throws {
        let attempt = try TestAttempt("echo ran >>$DIR/ran")
        _ = try attempt.run()
        let first = try attempt.result()
        #expect(try waitForEnd(of: attempt.launch()) == .exited(0))
        #expect(try File.read(attempt.folder.path + "/ran") == Array("ran\n".utf8))
        #expect(try attempt.result() == first)
    }

    @Test func ofTwoSupervisorsOneRuns() throws {
        let attempt = try TestAttempt("echo ran >>$DIR/ran; while [ ! -e $DIR/go ]; do sleep 0.01; done")
        let launched = try [attempt.start()] + (0..<5).map { _ in try attempt.launch() }
        _ = try File.create(attempt.folder.path + "/go", [])
        for one in launched { #expect(try waitForEnd(of: one) == .exited(0)) }
        #expect(try File.read(attempt.folder.path + "/ran") == Array("ran\n".utf8))
        #expect(try attempt.result().outcome == .exited)
    }

    @Test func binaryOutputStaysAsItIs() throws {
        let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let attempt = try TestAttempt("cat $DIR/bytes")
        try File.writeAtomically(attempt.folder.path + "/bytes", bytes)
        _ = try attempt.run()
        #expect(try AttemptLog.read(attempt.directory.log).bytes == bytes)
    }

    @Test func aLongLogKeepsItsHeadAndItsTail() throws {
        var attempt = try TestAttempt("echo first; yes 0123456 | head -c 30000000; echo last")
        attempt.spec.logCapBytes = 64 << 10
        _ = try attempt.run()
        var status = stat()
        #expect(stat(attempt.directory.log, &status) == 0)
        #expect(status.st_size == 30_000_011)
        #expect(status.st_blocks * 512 <= 64 << 10 + 16 << 10)
        let log = try attempt.log
        #expect(log.hasPrefix("first\n0123456\n"))
        #expect(log.hasSuffix("0123456\nlast\n"))
        let marker = try #require(log.split(separator: "\n").first { $0.contains("bytes dropped") })
        let dropped = try #require(Int(marker.drop { !$0.isNumber }.prefix { $0.isNumber }))
        #expect(marker == "[… \(dropped) bytes dropped …]")
        let shown = log.utf8.count - marker.utf8.count
        // The marker stands on a line of its own, which adds one or two line ends.
        #expect((1...2).contains(shown + dropped - 30_000_011))

        // Read in small pieces it is the same.
        var pieces: [UInt8] = []
        var offset: Int64 = 0
        while true {
            let piece = try AttemptLog.read(attempt.directory.log, from: offset, limit: 1000)
            pieces += piece.bytes
            offset = piece.nextOffset
            if piece.atEnd { break }
        }
        #expect(String(decoding: pieces, as: UTF8.self) == log)

        let tail = try AttemptLog.tail(attempt.directory.log, limit: 13)
        #expect(tail.bytes == Array("0123456\nlast\n".utf8))
        #expect(tail.atEnd)
    }

    @Test func outputIsHashedAndLimited() throws {
        let good = try TestAttempt(#"printf '{"key":"rows","value":31}\n' >$WEIR_OUTPUT"#).run()
        #expect(good.outputSHA256 == SHA256.hex("{\"key\":\"rows\",\"value\":31}\n"))
        #expect(good.exitCode == 0)
        let full = try TestAttempt("head -c 1048576 /dev/zero >$WEIR_OUTPUT").run()
        #expect(full.exitCode == 0)
        #expect(full.outputSHA256 != nil)
        let tooLarge = try TestAttempt("head -c 1048577 /dev/zero >$WEIR_OUTPUT").run()
        #expect(tooLarge.outcome == .exited)
        #expect(tooLarge.exitCode == 1)
        #expect(tooLarge.reason == "wrote more than 1048576 bytes to WEIR_OUTPUT (its exit status was 0)")
        #expect(tooLarge.outputSHA256 == nil)
        let pipe = try TestAttempt("mkfifo $WEIR_OUTPUT").run()
        #expect(pipe.exitCode == 1)
        let link = try TestAttempt("ln -s /etc/passwd $WEIR_OUTPUT").run()
        #expect(link.exitCode == 1)
        #expect(link.outputSHA256 == nil)
    }

    @Test func theTaskInheritsNothing() throws {
        // Descriptors that are not closed on exec, a blocked and an ignored signal: nothing of it may arrive.
        let leak = open("/dev/null", O_RDONLY)
        defer { close(leak) }
        let attempt = try TestAttempt(
            "grep -E 'Sig(Blk|Ign|Pnd)|NoNewPrivs' /proc/self/status; echo $(ls /proc/self/fd); env | grep -c LEAK; umask"
        )
        setenv("LEAK", "secret", 1)
        defer { unsetenv("LEAK") }
        try attempt.spec.write(to: attempt.directory)
        var blocked = sigset_t()
        var before = sigset_t()
        sigfillset(&blocked)
        pthread_sigmask(SIG_SETMASK, &blocked, &before)
        let launched = try attempt.launch()
        pthread_sigmask(SIG_SETMASK, &before, nil)
        try waitForEnd(of: launched)
        let lines = try attempt.log.split(separator: "\n").map(String.init)
        let zero = "\t0000000000000000"
        // Descriptor 3 is ls's own.
        #expect(
            lines == ["SigPnd:" + zero, "SigBlk:" + zero, "SigIgn:" + zero, "NoNewPrivs:\t0", "0 1 2 3", "0", "0022"])
    }

    @Test func processorTimeCountsEveryProcess() throws {
        let attempt = try TestAttempt("(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done) & wait")
        #expect(try attempt.run().cpuMicroseconds > 20_000)
    }
}

import Glibc
import JSONText
import Spawn
import Synchronization
import Testing

@testable import Engine
@testable import SchedulerCore

/// Attempts with the real supervisor.
struct LocalExecutorTests {
    private final class World {
        let folder: TemporaryDirectory
        let home: Home
        private var executors: [LocalExecutor] = []
        /// What was reported, by attempt.
        let reports = Reports()

        final class Reports: Sendable {
            private let all = Mutex<[Int64: [ExecutorReport]]>([:])
            func add(_ report: ExecutorReport) { all.withLock { $0[report.attempt, default: []].append(report) } }
            func of(_ attempt: Int64) -> [ExecutorReport] { all.withLock { $0[attempt] ?? [] } }
        }

        init() throws {
            folder = try TemporaryDirectory()
            home = Home(path: folder.path)
        }

        deinit { for executor in executors { executor.stop() } }

        func executor(supervisor: String = products + "/weir-supervise") throws -> LocalExecutor {
            let executor = LocalExecutor(
                EngineConfiguration(
                    home: home, weirProgram: "/bin/false", supervisorProgram: supervisor, kinds: [commandKind],
                    version: "test", grace: TimeAmount(microseconds: 200_000),
                    environment: ["PATH": "/usr/bin:/bin", "GIVEN": "by the engine"]))
            let reports = reports
            try executor.begin { reports.add($0) }
            executors.append(executor)
            return executor
        }

        func launch(_ attempt: Int64, _ shell: String) throws -> AttemptLaunch {
            let day = Instant(seconds: 1_651_449_600)
            let run = Run(
                id: 1, dagID: "d", runID: "manual__x", type: .manual, version: 1, logicalDate: day,
                interval: DataInterval(start: day, end: day), runAfter: day, createdAt: day)
            var writer = JSONWriter()
            writer.object { $0.member("shell", shell) }
            return AttemptLaunch(
                attempt: attempt, dagID: "d", run: run, taskID: "a", mapIndex: -1, tryNumber: 1, kind: "command",
                with: try JSONDocument(parsing: writer.text).root,
                env: [EnvironmentEntry(name: "WEIR_TASK_ID", value: "a")], timeout: nil, limits: TaskLimits(),
                ds: "2022-05-02", upstream: [])
        }

        func report(_ attempt: Int64) throws -> ExecutorReport {
            try wait(for: "the report about attempt \(attempt)") { !reports.of(attempt).isEmpty }
            return try #require(reports.of(attempt).first)
        }

        func end(_ attempt: Int64) throws -> AttemptEnd {
            guard case .ended(_, let end) = try report(attempt) else {
                throw CommandError(.invalid, "\(reports.of(attempt))")
            }
            return end
        }

        func directory(_ attempt: Int64) -> AttemptDirectory { AttemptDirectory(path: home.attempt(attempt)) }

        func text(_ name: String) -> String {
            (try? File.read(folder.path + "/" + name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
    }

    @Test func aResultIsReportedWithOutputsAndEnvironment() throws {
        let world = try World()
        let executor = try world.executor()
        let line = #"echo "$WEIR_TASK_ID $GIVEN" > seen; echo '{"key": "rows", "value": 3}' > $WEIR_OUTPUT"#
        executor.start(try world.launch(1, line))
        let end = try world.end(1)
        #expect(end.outcome == .exited)
        #expect(end.exitCode == 0)
        #expect(end.outputs == #"{"rows":3}"#)
        #expect(end.reason == nil)
        #expect(try #require(end.startedAt) <= #require(end.endedAt))
        #expect(world.text("seen") == "a by the engine\n", "it runs in WEIR_HOME")
    }

    @Test(
        arguments: [
            ("echo one; echo no such table >&2; exit 3", 3, "exit 3: no such table"), ("exit 4", 4, nil),
            ("echo nothing to do; exit 99", 99, "nothing to do"),
        ] as [(String, Int, String?)])
    func aFailureSaysWhy(shell: String, code: Int, reason: String?) throws {
        let world = try World()
        try world.executor().start(try world.launch(1, shell))
        let end = try world.end(1)
        #expect(end.exitCode == code)
        #expect(end.reason == reason)
    }

    @Test func aBadOutputFailsATaskThatSaysItSucceeded() throws {
        let world = try World()
        try world.executor().start(try world.launch(1, "echo rows=3 > $WEIR_OUTPUT"))
        let end = try world.end(1)
        #expect(end.outcome == .badResult)
        #expect(end.reason?.contains("line 1 of WEIR_OUTPUT") == true)
    }

    @Test func aKillEndsTheTask() throws {
        let world = try World()
        let executor = try world.executor()
        executor.start(try world.launch(1, "echo ready > ready; sleep 1000"))
        try wait(for: "the task") { !world.text("ready").isEmpty }
        executor.kill(attempt: 1)
        #expect(try world.end(1).outcome == .killed)
    }

    @Test func aKillNeverOvertakesTheStart() throws {
        let world = try World()
        let executor = try world.executor()
        for attempt: Int64 in 1...5 {
            executor.start(try world.launch(attempt, "sleep 1000"))
            executor.kill(attempt: attempt)
        }
        for attempt: Int64 in 1...5 {
            switch try world.report(attempt) {
            case .ended(_, let end): #expect(end.outcome == .killed)
            case .revoked: break
            case let other: Issue.record("attempt \(attempt): \(other)")
            }
        }
    }

    @Test func anotherExecutorTakesARunningAttemptOver() throws {
        let world = try World()
        let first = try world.executor()
        first.start(try world.launch(1, "echo ready > ready; while ! test -e go; do sleep 0.01; done; exit 7"))
        try wait(for: "the task") { !world.text("ready").isEmpty }
        first.stop()
        let second = try world.executor()
        second.recover([1])
        // Asked twice, as after a failed commit, both answers are the same.
        second.recover([1])
        try File.writeAtomically(world.folder.path + "/go", [])
        #expect(try world.end(1).exitCode == 7)
        second.stop()
        #expect(world.reports.of(1).allSatisfy { if case .ended(1, let end) = $0 { end.exitCode == 7 } else { false } })
    }

    @Test func anAttemptThatEndedMeanwhileIsFound() throws {
        let world = try World()
        let first = try world.executor()
        first.start(try world.launch(1, "exit 5"))
        first.stop()
        try wait(for: "the result") { File.exists(world.directory(1).result) }
        let before = world.reports.of(1).count
        let second = try world.executor()
        second.recover([1])
        try wait(for: "the second report") { world.reports.of(1).count > before }
        guard case .ended(_, let end) = world.reports.of(1).last else { throw CommandError(.invalid, "no end") }
        #expect(end.exitCode == 5)
    }

    @Test func anAttemptThatWasNeverStartedIsRevoked() throws {
        let world = try World()
        let executor = try world.executor()
        executor.recover([1])
        guard case .revoked = try world.report(1) else { throw CommandError(.invalid, "\(world.reports.of(1))") }
        // A supervisor that comes late runs nothing.
        executor.start(try world.launch(1, "echo ran > ran"))
        try wait(for: "the late start's report") { world.reports.of(1).count > 1 }
        #expect(world.text("ran").isEmpty)
    }

    /// A function that stands by itself in a generic container is wrapped once more by each look at it: calls of it would
    /// go deeper and deeper, until the stack of their thread is used up.
    @Test func theThousandthReportGoesNoDeeperThanTheFirst() throws {
        let folder = try TemporaryDirectory()
        let executor = LocalExecutor(
            EngineConfiguration(
                home: Home(path: folder.path), weirProgram: "/bin/false", supervisorProgram: "/bin/false",
                kinds: [commandKind], version: "test", environment: [:]))
        /// Lowest and highest place on its stack at which each thread was told something.
        let depths = Mutex<[UInt: ClosedRange<UInt>]>([:])
        let count = Mutex(0)
        try executor.begin { _ in
            var here = 0
            let address = withUnsafePointer(to: &here) { UInt(bitPattern: $0) }
            depths.withLock {
                let known = $0[pthread_self(), default: address...address]
                $0[pthread_self()] = min(known.lowerBound, address)...max(known.upperBound, address)
            }
            count.withLock { $0 += 1 }
        }
        defer { executor.stop() }
        // What was never started is found to be revoked, again and again.
        executor.recover(Array(repeating: 1, count: 1_000))
        try wait(for: "all reports") { count.withLock { $0 } == 1_000 }
        for (_, range) in depths.withLock({ $0 }) { #expect(range.upperBound - range.lowerBound < 16 << 10) }
    }

    @Test func aBadResultIsAnEndAndNoLoop() throws {
        let world = try World()
        try world.directory(1).create()
        try File.writeAtomically(world.directory(1).result, Array("{\"outcome\": ".utf8))
        try world.executor().recover([1])
        let end = try world.end(1)
        #expect(end.outcome == .badResult)
        #expect(end.reason?.contains("result.json") == true)
    }

    @Test func aMissingSupervisorIsAFailedStart() throws {
        let world = try World()
        try world.executor(supervisor: "/no/such/program").start(try world.launch(1, "true"))
        let end = try world.end(1)
        #expect(end.outcome == .startFailed)
        #expect(end.reason?.contains("could not start the supervisor") == true)
    }

    @Test func aSupervisorThatEndsBeforeItBeginsIsLostNotStartedForever() throws {
        let world = try World()
        let broken = world.home.path + "/broken"
        try File.writeAtomically(broken, Array("#!/bin/sh\necho no room >&2\nexit 1\n".utf8), mode: 0o755)
        try world.executor(supervisor: broken).start(try world.launch(1, "true"))
        guard case .lost(_, let reason) = try world.report(1) else {
            throw CommandError(.invalid, "\(try world.report(1))")
        }
        #expect(reason == "its supervisor ended before it began: no room")
    }

    @Test func aFailedStartOfWhatRunsIsNoEnd() throws {
        let world = try World()
        let first = try world.executor()
        let task = try world.launch(1, "echo ready >> ready; while ! test -e go; do sleep 0.01; done; exit 7")
        first.start(task)
        try wait(for: "the task") { !world.text("ready").isEmpty }
        first.stop()
        // An end that is none would make a second attempt run beside this one.
        let second = try world.executor(supervisor: "/no/such/program")
        second.start(task)
        second.stop()
        #expect(world.reports.of(1).isEmpty, "\(world.reports.of(1))")
        let third = try world.executor()
        third.recover([1])
        try File.writeAtomically(world.folder.path + "/go", [])
        #expect(try world.end(1).exitCode == 7)
    }

    @Test func aKillOfAnUnwatchedAttemptHasItLookedAtAgain() throws {
        let world = try World()
        let executor = try world.executor()
        // As after a look that proved nothing: a claim of a boot that is over, and nobody watches.
        try world.directory(1).create()
        let claim = #"{"pid": 1, "start_time": 1, "boot_id": "another"}"#
        try File.writeAtomically(world.directory(1).claim, Array(claim.utf8))
        executor.kill(attempt: 1)
        switch try world.report(1) {
        case .lost, .unsupervised: break
        case let other: Issue.record("\(other)")
        }
    }

    @Test func discardKeepsOnlyTheLog() throws {
        let world = try World()
        let executor = try world.executor()
        executor.start(try world.launch(1, "echo hello"))
        _ = try world.end(1)
        executor.discard(attempt: 1)
        try wait(for: "the files to go") { (try? File.list(world.directory(1).path)) == ["log"] }
    }
}

extension ExecutorReport {
    fileprivate var attempt: Int64 {
        switch self {
        case .ended(let attempt, _), .revoked(let attempt), .lost(let attempt, _), .unsupervised(let attempt, _),
            .postponed(let attempt, _):
            attempt
        }
    }
}

import SchedulerCore
import Store
import Testing

/// Every change, written and read back field by field, over every store.
@Suite struct StoreChangesTests {
    @Test(arguments: TestStore.Kind.allCases)
    func dagsAndVersions(kind: TestStore.Kind) throws {
        let test = try TestStore(kind)
        var version = Sample.version(7)
        version.text = Sample.oddText
        var dag = DAGRecord(
            id: "daily", version: 7, file: "sub/daily ü.json", paused: true, active: false, firstSeen: Sample.day(1),
            cursor: Instant(microseconds: -1), expectedThrough: CivilDate("2024-02-29"),
            succeededThrough: Sample.day(3),
            succeededAt: Sample.day(4))
        try test.commit(.insertVersion(version), .putDAG(dag))
        #expect(try test.reader.version(7) == version)
        #expect(try test.reader.version(8) == nil)
        #expect(try test.store.version(dag: "daily", sha256: version.sha256) == version)
        #expect(try test.store.version(dag: "other", sha256: version.sha256) == nil)
        #expect(try test.reader.dags() == [DAGSummary(record: dag, lastRun: nil, activeRuns: 0)])

        let next = Sample.version(8)
        dag.version = 8
        dag.file = "daily.json"
        dag.paused = false
        dag.active = true
        dag.firstSeen = Sample.day(2)
        dag.cursor = nil
        dag.expectedThrough = nil
        dag.succeededThrough = nil
        dag.succeededAt = nil
        try test.commit(.insertVersion(next), .putDAG(dag))
        #expect(try test.reader.dags().map(\.record) == [dag])
        #expect(try test.store.snapshot().versions == [next], "only the current version is needed")
    }

    @Test(arguments: TestStore.Kind.allCases)
    func fileErrorsAreReplacedAndKeepTheirFirstTime(kind: TestStore.Kind) throws {
        func error(_ line: Int) -> FileError {
            FileError(line: line, column: 2, path: "$.tasks[\(line)]", code: "bad_value", message: Sample.oddText)
        }
        let test = try TestStore(kind)
        try test.commit(
            .setFileErrors(file: "b.json", errors: [error(9), error(1)], at: Sample.day(1)),
            .setFileErrors(file: "a.json", errors: [error(3)], at: Sample.day(2)))
        try test.commit(.setFileErrors(file: "b.json", errors: [error(5), error(4), error(6)], at: Sample.day(3)))
        let found = try test.reader.fileErrors()
        #expect(found.map(\.file) == ["a.json", "b.json"])
        #expect(found.map(\.errors) == [[error(3)], [error(5), error(4), error(6)]], "in the order of the validator")
        #expect(found.map(\.since) == [Sample.day(2), Sample.day(1)])
        #expect(try test.store.snapshot().filesInError == ["a.json", "b.json"])

        try test.commit(
            .setFileErrors(file: "b.json", errors: [], at: Sample.day(4)),
            .setFileErrors(file: "none.json", errors: [], at: Sample.day(4)))
        #expect(try test.reader.fileErrors().map(\.file) == ["a.json"])
        try test.commit(.setFileErrors(file: "b.json", errors: [error(1)], at: Sample.day(5)))
        #expect(try test.reader.fileErrors().last?.since == Sample.day(5), "a new trouble, a new time")
    }

    @Test(arguments: TestStore.Kind.allCases)
    func runs(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        try test.commit(.insertVersion(Sample.version(2)))
        var run = Sample.run(4, type: .backfill, state: .running)
        run.startedAt = Sample.day(50)
        run.params = "{\"text\": \"\(Sample.oddText)\"}"
        run.backfill = 3
        run.isRerun = true
        run.keepsFinished = true
        run.reason = Sample.oddText
        try test.commit(.insertRun(run))
        #expect(try test.reader.run(dag: "daily", runID: run.runID) == run)
        #expect(try test.reader.run(dag: "daily", runID: "none") == nil)
        #expect(try test.store.snapshot().runs == [run])

        run.state = .failed
        run.version = 2
        run.runAfter = Sample.day(60)
        run.startedAt = Sample.day(61)
        run.endedAt = Sample.day(62)
        run.params = "{}"
        run.backfill = nil
        run.isRerun = false
        run.reason = nil
        try test.commit(.updateRun(run, from: .running))
        #expect(try test.reader.run(dag: "daily", runID: run.runID) == run)

        // An update leaves what the run is about as it was.
        var other = run
        other.runID = "another"
        other.type = .manual
        other.logicalDate = Sample.day(70)
        other.interval = DataInterval(start: Sample.day(70), end: Sample.day(71))
        other.createdAt = Sample.day(72)
        try test.commit(.updateRun(other, from: .failed))
        #expect(try test.reader.runs(RunQuery()) == [run])
    }

    @Test(arguments: TestStore.Kind.allCases)
    func taskInstances(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        let names = ["load", "convert", "a", "load"]
        let instances = names.enumerated().map { Sample.instance(1, $1, mapIndex: $0 == 3 ? 0 : -1) }
        try test.commit(.insertRun(Sample.run(1)), .insertRun(Sample.run(2)))
        for instance in instances { try test.commit(.insertTaskInstance(instance)) }
        try test.commit(.insertTaskInstance(Sample.instance(2)))
        #expect(try test.reader.taskInstances(ofRun: 1) == instances, "in the order of the DAG file")
        #expect(try test.store.taskInstances(ofRun: 1) == instances)
        #expect(try test.store.taskInstances(ofRun: 3).isEmpty)

        let changed = TaskInstance(
            key: instances[1].key, state: .upForRetry, tryNumber: 3, maxTries: 5, lostInARow: 2,
            nextTryAt: Sample.day(8), waitingSince: Sample.day(5), startedAt: Sample.day(6), endedAt: Sample.day(7),
            attempt: 12,
            outputs: "{\"rows\": 3}", reason: Sample.oddText)
        try test.commit(.updateTaskInstance(changed, from: .none))
        #expect(try test.reader.taskInstances(ofRun: 1) == [instances[0], changed, instances[2], instances[3]])
        try test.commit(.updateTaskInstance(instances[1], from: .upForRetry))
        #expect(try test.reader.taskInstances(ofRun: 1) == instances, "fields can be emptied again")
    }

    @Test(arguments: TestStore.Kind.allCases)
    func attempts(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        try test.commit(
            .insertRun(Sample.run(1)), .insertTaskInstance(Sample.instance(1)),
            .insertTaskInstance(Sample.instance(1, "other")))
        var attempt = Sample.attempt(9)
        attempt.tryNumber = 2
        attempt.rendered = "{\"to\": \"\(Sample.oddText)\"}"
        let earlier = Sample.attempt(3, state: .lost)
        try test.commit(
            .insertAttempt(attempt), .insertAttempt(earlier), .insertAttempt(Sample.attempt(4, task: "other")))
        #expect(try test.reader.attempts(of: attempt.instance) == [earlier, attempt], "oldest first")
        #expect(try test.store.snapshot().attempts.map(\.id) == [4, 9])

        attempt.intent = .cancel
        attempt.startedAt = Sample.day(1)
        try test.commit(.updateAttempt(attempt, from: .running))
        #expect(try test.store.snapshot().attempts.last == attempt)
        attempt.state = .failed
        attempt.endedAt = Sample.day(2)
        attempt.exitCode = 137
        attempt.signal = 9
        attempt.cpuMicroseconds = 1 << 40
        attempt.peakMemory = 1 << 41
        attempt.reason = Sample.oddText
        try test.commit(.updateAttempt(attempt, from: .running))
        #expect(try test.reader.attempts(of: attempt.instance) == [earlier, attempt])

        var other = attempt
        other.instance.taskID = "other"
        other.tryNumber = 5
        other.createdAt = Sample.day(70)
        other.rendered = "{}"
        try test.commit(.updateAttempt(other, from: .failed))
        #expect(try test.reader.attempts(of: attempt.instance).last == attempt, "what it was created with stays")
    }

    @Test(arguments: TestStore.Kind.allCases)
    func backfills(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        var backfill = Sample.backfill(5)
        // Written in another order than that of execution.
        let entries = [Sample.entry(5, 2, run: 1, .kept), Sample.entry(5, 1, run: 2, .rerun)]
        try test.commit(
            .insertRun(Sample.run(1)), .insertRun(Sample.run(2)), .insertBackfill(backfill, entries))
        #expect(try test.reader.backfill(5)?.backfill == backfill)
        #expect(try test.reader.backfill(6) == nil)
        #expect(try test.store.snapshot().backfillEntries == entries.reversed())

        backfill.state = .cancelled
        backfill.endedAt = Sample.day(3)
        var other = backfill
        other.from = Sample.day(-5)
        other.to = Sample.day(50)
        other.reprocess = .completed
        other.maxActive = 9
        other.reverse = false
        other.createdAt = Sample.day(70)
        try test.commit(.updateBackfill(other, from: .running))
        #expect(try test.reader.backfill(5)?.backfill == backfill, "only state and end are replaced")
        let snapshot = try test.store.snapshot()
        #expect(snapshot.backfills.isEmpty && snapshot.backfillEntries.isEmpty)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func auditNewestFirst(kind: TestStore.Kind) throws {
        let test = try TestStore(kind)
        // Times that go back: the order is that of writing.
        let entries = (0..<5).map { number in
            AuditEntry(
                at: Sample.day(Int64(-number)), actor: "ann", action: "trigger", subject: Sample.oddText,
                details: "{\"number\": \(number)}")
        }
        for entry in entries { try test.commit(.audit(entry)) }
        #expect(try test.reader.audit(limit: 100) == entries.reversed())
        #expect(try test.reader.audit(limit: 2) == [entries[4], entries[3]])
        #expect(try test.reader.audit(limit: 0).isEmpty && test.reader.audit(limit: -1).isEmpty)
    }
}

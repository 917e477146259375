import SchedulerCore
import Store
import Testing

/// What every store refuses: always the whole transaction, as a conflict.
@Suite struct StoreRulesTests {
    /// A store where everything exists once: run 1 (scheduled, queued), its instance, attempt and backfill, all of id 1.
    private func filled(_ kind: TestStore.Kind) throws -> TestStore {
        let test = try TestStore.withDAG(kind)
        try test.commit(
            .insertRun(Sample.run(1)), .insertTaskInstance(Sample.instance(1)), .insertAttempt(Sample.attempt(1)),
            .insertBackfill(Sample.backfill(1), [Sample.entry(1, 1, run: 1)]))
        return test
    }

    /// Expects each change to be refused, together with a sound one that goes before it.
    private func expectRefused(
        _ test: TestStore, _ changes: [Change], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let audit = AuditEntry(at: Sample.day(1), actor: "ann", action: "trigger", subject: "daily")
        let before = try Answers(test)
        for change in changes {
            #expect(test.refusal(.audit(audit), change) == .conflict, "\(change)", sourceLocation: sourceLocation)
        }
        let after = try Answers(test)
        #expect(after == before, "nothing of a refused transaction stays", sourceLocation: sourceLocation)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func updatesNameTheStateThatTheyExpect(kind: TestStore.Kind) throws {
        let test = try filled(kind)
        try expectRefused(
            test,
            RunState.allCases.filter { $0 != .queued }.map { .updateRun(Sample.run(1), from: $0) }
                + TaskState.allCases.filter { $0 != .none }.map { .updateTaskInstance(Sample.instance(1), from: $0) }
                + AttemptState.allCases.filter { $0 != .running }.map { .updateAttempt(Sample.attempt(1), from: $0) }
                + BackfillState.allCases.filter { $0 != .running }.map { .updateBackfill(Sample.backfill(1), from: $0) }
        )
        // The right state of what does not exist.
        try expectRefused(
            test,
            [
                .updateRun(Sample.run(2), from: .queued),
                .updateTaskInstance(Sample.instance(1, "none"), from: .none),
                .updateTaskInstance(Sample.instance(1, mapIndex: 0), from: .none),
                .updateTaskInstance(Sample.instance(2), from: .none),
                .updateAttempt(Sample.attempt(2), from: .running),
                .updateBackfill(Sample.backfill(2), from: .running),
            ])
        #expect(test.refusal(.updateRun(Sample.run(1, state: .running), from: .queued)) == nil)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func earlierChangesOfARefusedTransactionAreNotSeen(kind: TestStore.Kind) throws {
        let test = try filled(kind)
        let before = try Answers(test)
        let refusal = test.refusal(
            .insertVersion(Sample.version(2)), .putDAG(Sample.dag(version: 2)),
            .setFileErrors(
                file: "a", errors: [FileError(line: 1, column: 1, path: "$", code: "c", message: "m")],
                at: Sample.day(1)),
            .insertRun(Sample.run(2)), .updateRun(Sample.run(1, state: .running), from: .queued),
            .insertTaskInstance(Sample.instance(2)),
            .updateTaskInstance(Sample.instance(1, state: .running), from: .none),
            .insertAttempt(Sample.attempt(2)), .updateAttempt(Sample.attempt(1, state: .success), from: .running),
            .insertBackfill(Sample.backfill(2), [Sample.entry(2, 1, run: 2)]),
            .updateBackfill(Sample.backfill(1, state: .success), from: .running),
            // Its state was `queued` before this transaction, and is not any more.
            .updateRun(Sample.run(1, state: .cancelled), from: .queued))
        #expect(refusal == .conflict)
        #expect(try Answers(test) == before)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func aTransactionSeesItsOwnChanges(kind: TestStore.Kind) throws {
        let test = try filled(kind)
        try test.commit(
            .updateRun(Sample.run(1, state: .running), from: .queued),
            .updateRun(Sample.run(1, state: .success), from: .running))
        #expect(try test.reader.runs(RunQuery()).map(\.state) == [.success])
        try test.commit()
        #expect(try test.runs() == [1], "an empty transaction is none")
    }

    @Test(arguments: TestStore.Kind.allCases)
    func intervalRunsAreUniqueByDate(kind: TestStore.Kind) throws {
        let test = try filled(kind)
        try expectRefused(
            test,
            [
                .insertRun(Sample.run(2, date: 1)), .insertRun(Sample.run(2, type: .backfill, date: 1)),
            ])
        try test.commit(
            .insertRun(Sample.run(2, type: .manual, date: 1)), .insertRun(Sample.run(3, type: .manual, date: 1)),
            .insertRun(Sample.run(4, type: .triggered, date: 1)), .insertRun(Sample.run(5, type: .backfill, date: 2)),
            .insertVersion(Sample.version(2, dag: "other")), .putDAG(Sample.dag("other", version: 2)),
            .insertRun(Sample.run(6, dag: "other", date: 1)))
        try expectRefused(test, [.insertRun(Sample.run(7, date: 2))])
        // Nor does the end of the run make room for another.
        try test.commit(.updateRun(Sample.run(1, state: .cancelled), from: .queued))
        try expectRefused(test, [.insertRun(Sample.run(7, type: .backfill, date: 1))])
    }

    @Test(arguments: TestStore.Kind.allCases)
    func identities(kind: TestStore.Kind) throws {
        let test = try filled(kind)
        try expectRefused(
            test,
            [
                .insertVersion(Sample.version(1, sha256: "new")),
                .insertVersion(Sample.version(2, sha256: Sample.version(1).sha256)),
                .insertRun(Sample.run(1, type: .manual, name: "new")),
                .insertRun(Sample.run(2, type: .manual, name: Sample.run(1).runID)),
                .insertTaskInstance(Sample.instance(1)), .insertAttempt(Sample.attempt(1)),
                .insertBackfill(Sample.backfill(1), []),
                .insertBackfill(Sample.backfill(2), [Sample.entry(2, 1, run: 1), Sample.entry(2, 1, run: 1)]),
            ])
        try test.commit(
            .insertVersion(Sample.version(2, dag: "other", sha256: Sample.version(1).sha256)),
            .putDAG(Sample.dag("other", version: 2)),
            .insertRun(Sample.run(2, dag: "other", name: Sample.run(1).runID)))
        #expect(try test.reader.run(dag: "other", runID: Sample.run(1).runID)?.id == 2)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func whatIsReferredToMustExist(kind: TestStore.Kind) throws {
        let test = try filled(kind)
        var ofVersion = Sample.run(2)
        ofVersion.version = 9
        var moved = Sample.run(1)
        moved.version = 9
        try expectRefused(
            test,
            [
                .putDAG(Sample.dag(version: 9)), .putDAG(Sample.dag("new", version: 9)),
                .insertRun(Sample.run(2, dag: "none")), .insertRun(ofVersion), .updateRun(moved, from: .queued),
                .insertTaskInstance(Sample.instance(2)), .insertAttempt(Sample.attempt(2, task: "none")),
                .insertAttempt(Sample.attempt(2, run: 2)), .insertBackfill(Sample.backfill(2, dag: "none"), []),
                .insertBackfill(Sample.backfill(2), [Sample.entry(2, 1, run: 2)]),
                // An entry of another backfill than the one that it is inserted with.
                .insertBackfill(Sample.backfill(2), [Sample.entry(1, 2, run: 1)]),
            ])
    }

    @Test(arguments: TestStore.Kind.allCases)
    func recordsThatContradictThemselves(kind: TestStore.Kind) throws {
        let test = try filled(kind)
        func with<Record>(_ record: Record, _ change: (inout Record) -> Void) -> Record {
            var record = record
            change(&record)
            return record
        }
        let at = Sample.day(9)
        try expectRefused(
            test,
            [
                .insertRun(with(Sample.run(2)) { $0.interval.end = Sample.day(1) }),
                .insertRun(with(Sample.run(2)) { $0.endedAt = at }),
                .insertRun(with(Sample.run(2, state: .success)) { $0.endedAt = nil }),
                .updateRun(with(Sample.run(1, state: .failed)) { $0.endedAt = nil }, from: .queued),
                .updateRun(with(Sample.run(1, state: .running)) { $0.endedAt = at }, from: .queued),
                .insertTaskInstance(with(Sample.instance(1, "b", state: .running)) { $0.attempt = nil }),
                .insertTaskInstance(with(Sample.instance(1, "b")) { $0.tryNumber = -1 }),
                .insertTaskInstance(with(Sample.instance(1, "b")) { $0.nextTryAt = at }),
                .updateTaskInstance(with(Sample.instance(1, state: .running)) { $0.attempt = nil }, from: .none),
                .updateTaskInstance(with(Sample.instance(1, state: .upForRetry)) { $0.nextTryAt = nil }, from: .none),
                .insertAttempt(with(Sample.attempt(2)) { $0.endedAt = at }),
                .insertAttempt(with(Sample.attempt(2, state: .lost)) { $0.endedAt = nil }),
                .updateAttempt(with(Sample.attempt(1, state: .revoked)) { $0.endedAt = nil }, from: .running),
                .insertBackfill(Sample.backfill(2, from: 3, to: 2), []),
                .insertBackfill(with(Sample.backfill(2)) { $0.maxActive = 0 }, []),
                .insertBackfill(with(Sample.backfill(2)) { $0.endedAt = at }, []),
                .updateBackfill(with(Sample.backfill(1, state: .failed)) { $0.endedAt = nil }, from: .running),
            ])
    }
}

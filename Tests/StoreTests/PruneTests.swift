import SchedulerCore
import Store
import Testing

/// Which history goes, over every kind of store.
@Suite struct PruneTests {
    /// A run of this day that has ended on day 101, with one task and one attempt of its number.
    private func ended(_ id: Int64, type: RunType = .scheduled, dag: String = "daily") -> [Change] {
        var instance = Sample.instance(id, state: .success)
        instance.attempt = id
        return [
            .insertRun(Sample.run(id, dag: dag, type: type, state: .success)), .insertTaskInstance(instance),
            .insertAttempt(Sample.attempt(id, run: id, state: .success)),
        ]
    }

    /// Ten ended runs of days 1 to 10, behind the cursor.
    private func store(_ kind: TestStore.Kind, cursor: Instant? = Sample.day(50)) throws -> TestStore {
        let test = try TestStore(kind)
        try test.commit(.insertVersion(Sample.version()), .putDAG(Sample.dag(cursor: cursor)))
        try test.store.commit((Int64(1)...10).flatMap { ended($0) })
        return test
    }

    private func prunable(_ test: TestStore, _ policy: PrunePolicy) throws -> [Int64] {
        try test.reader.prunableRuns(policy).map(\.id)
    }

    private let all = PrunePolicy(keep: 0)

    @Test(arguments: TestStore.Kind.allCases)
    func everyGivenRuleMustLetARunGo(kind: TestStore.Kind) throws {
        let test = try store(kind)
        #expect(try prunable(test, PrunePolicy()) == [], "nothing by itself")
        #expect(try prunable(test, all) == Array(1...9), "the newest stays")
        #expect(try prunable(test, PrunePolicy(keep: 4)) == Array(1...6))
        #expect(try prunable(test, PrunePolicy(keep: 10)) == [])
        #expect(try prunable(test, PrunePolicy(endedBefore: Sample.day(101))) == [], "before, not at")
        let later = Instant(microseconds: Sample.day(101).microseconds + 1)
        #expect(try prunable(test, PrunePolicy(endedBefore: later)) == Array(1...9))
        #expect(try prunable(test, PrunePolicy(endedBefore: later, keep: 8)) == [1, 2])
        #expect(try prunable(test, PrunePolicy(endedBefore: Sample.day(100), keep: 8)) == [])
        #expect(try prunable(test, PrunePolicy(auditBefore: later)) == [])
    }

    @Test(arguments: TestStore.Kind.allCases)
    func whatTheScheduleWouldMakeAnewStays(kind: TestStore.Kind) throws {
        #expect(try prunable(try store(kind, cursor: Sample.day(5)), all) == [1, 2, 3, 4])
        #expect(try prunable(try store(kind, cursor: nil), all) == [], "the schedule has not begun to count")
        let test = try store(kind, cursor: Sample.day(5))
        try test.store.commit(ended(11, type: .manual))
        try test.store.commit(ended(12, type: .manual))
        #expect(try prunable(test, all) == [1, 2, 3, 4, 11], "the schedule makes no manual runs")
        try test.commit(.putDAG(Sample.dag(cursor: Sample.day(50))))
        #expect(try prunable(test, all) == Array(1...9) + [11], "the newest of an interval stays besides the newest")
    }

    @Test(arguments: TestStore.Kind.allCases)
    func whatIsUnfinishedOrNamedByARunningBackfillStays(kind: TestStore.Kind) throws {
        let test = try store(kind)
        var again = Sample.run(2)
        again.isRerun = true
        try test.commit(
            .updateRun(again, from: .success),
            .insertBackfill(
                Sample.backfill(1), [Sample.entry(1, 1, run: 3, .kept), Sample.entry(1, 2, run: 2, .rerun)]),
            .insertBackfill(Sample.backfill(2, state: .success), [Sample.entry(2, 1, run: 4)]))
        #expect(try prunable(test, all) == [1, 4, 5, 6, 7, 8, 9])
        try test.commit(.updateBackfill(Sample.backfill(1, state: .success), from: .running))
        #expect(try prunable(test, all) == [1, 3, 4, 5, 6, 7, 8, 9])
    }

    /// A number that was given is not given again: directories and lake files carry it.
    @Test(arguments: TestStore.Kind.allCases)
    func theHighestNumbersStay(kind: TestStore.Kind) throws {
        let test = try store(kind)
        // The newest attempt is of an old run, which ran again.
        try test.commit(.insertAttempt(Sample.attempt(77, run: 1, state: .success)))
        #expect(try prunable(test, all) == Array(2...9))
        try test.store.commit([
            .insertVersion(Sample.version(2, dag: "other")), .putDAG(Sample.dag("other", version: 2)),
        ])
        let before = try test.store.snapshot()
        let order = PruneOrder(runs: try test.reader.prunableRuns(all))
        _ = try test.store.prune(order, limit: 1_000)
        let after = try test.store.snapshot()
        #expect(after.nextRun == before.nextRun && after.nextAttempt == before.nextAttempt)
        #expect(after.nextVersion == before.nextVersion && after.nextBackfill == before.nextBackfill)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func aRunGoesWithAllThatBelongsToIt(kind: TestStore.Kind) throws {
        let test = try store(kind)
        try test.commit(
            .insertBackfill(Sample.backfill(1, state: .success), [Sample.entry(1, 1, run: 3)]),
            .insertBackfill(
                Sample.backfill(2, state: .success), [Sample.entry(2, 1, run: 3), Sample.entry(2, 2, run: 9)]),
            .insertBackfill(Sample.backfill(3, state: .success), [Sample.entry(3, 1, run: 10)]))
        let runs = try test.reader.prunableRuns(PrunePolicy(keep: 7))
        let step = try test.store.prune(PruneOrder(runs: runs), limit: 1_000)
        #expect(step.isComplete && step.attempts == [1, 2, 3])
        #expect((step.summary.runs, step.summary.attempts, step.summary.backfills) == (3, 3, 1))
        #expect(try test.runs(RunQuery(limit: 100)) == (4...10).reversed())
        #expect(try test.store.taskInstances(ofRun: 1).isEmpty)
        #expect(try test.reader.attemptEnds(of: [1, 2, 3, 4]) == [4: Sample.day(101)])
        #expect(try test.reader.backfill(1) == nil)
        #expect(try test.reader.backfill(2)?.total == 1)
        let again = try test.store.prune(PruneOrder(runs: runs), limit: 1_000)
        #expect(again.summary == PruneSummary() && again.isComplete, "an order that was carried out does nothing")
    }

    /// Between looking and removing the run was run again.
    @Test(arguments: TestStore.Kind.allCases)
    func aRunThatRanAgainStays(kind: TestStore.Kind) throws {
        let test = try store(kind)
        let order = PruneOrder(runs: try test.reader.prunableRuns(PrunePolicy(keep: 8)))
        var again = Sample.run(1)
        again.isRerun = true
        try test.commit(.updateRun(again, from: .success))
        var ended = again
        (ended.state, ended.endedAt) = (.success, Sample.day(102))
        try test.commit(.updateRun(ended, from: .queued))
        #expect(try test.store.prune(order, limit: 1_000).attempts == [2])
        #expect(try test.runs(RunQuery(limit: 100)).contains(1))
    }

    @Test(arguments: TestStore.Kind.allCases)
    func stepsAreShortAndComeToTheSame(kind: TestStore.Kind) throws {
        let test = try store(kind)
        var sum = PruneSummary()
        var attempts: [Int64] = []
        let order = PruneOrder(runs: try test.reader.prunableRuns(all))
        var steps = 0
        while true {
            let step = try test.store.prune(order, limit: 4)
            #expect(step.summary.runs <= 2)
            sum += step.summary
            attempts += step.attempts
            steps += 1
            if step.isComplete { break }
            try #require(steps < 100)
        }
        #expect(steps > 3 && sum.runs == 9 && attempts.sorted() == Array(1...9))
    }

    @Test(arguments: TestStore.Kind.allCases)
    func versionsThatNobodyNamesGo(kind: TestStore.Kind) throws {
        let test = try store(kind)
        try test.commit(
            .insertVersion(Sample.version(2)), .insertVersion(Sample.version(3)), .insertVersion(Sample.version(4)))
        try test.commit(.putDAG(Sample.dag(version: 3, cursor: Sample.day(50))))
        #expect(try test.reader.leftovers(PrunePolicy()) == PruneOrder())
        #expect(try test.reader.leftovers(PrunePolicy(endedBefore: Sample.day(-1))).versions == [])
        let order = try test.reader.leftovers(all)
        #expect(order.versions == [2], "1 has runs, 3 is the DAG's, 4 is the highest")
        // One that was taken up since then stays.
        try test.commit(.putDAG(Sample.dag(version: 2, cursor: Sample.day(50))))
        #expect(try test.store.prune(order, limit: 100).summary.versions == 0)
        try test.commit(.putDAG(Sample.dag(version: 3, cursor: Sample.day(50))))
        #expect(try test.store.prune(order, limit: 100).summary.versions == 1)
        #expect(try test.reader.version(2) == nil)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func theAuditLogGoesOnlyWhenAsked(kind: TestStore.Kind) throws {
        let test = try store(kind)
        // The clock was set back once.
        for (number, day) in [Int64(1), 2, 5, 3, 6].enumerated() {
            try test.commit(
                .audit(AuditEntry(at: Sample.day(day), actor: "ann", action: "trigger", subject: "\(number)")))
        }
        #expect(try test.reader.leftovers(all).auditThrough == nil)
        let order = try test.reader.leftovers(PrunePolicy(auditBefore: Sample.day(4)))
        #expect(try test.store.prune(order, limit: 100).summary.auditEntries == 2)
        #expect(try test.reader.audit(limit: 10).map(\.subject) == ["4", "3", "2"])
        let rest = try test.reader.leftovers(PrunePolicy(auditBefore: Sample.day(9)))
        #expect(try test.store.prune(rest, limit: 100).summary.auditEntries == 3)
        #expect(try test.reader.leftovers(PrunePolicy(auditBefore: Sample.day(9))).isEmpty)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func whenAttemptsEnded(kind: TestStore.Kind) throws {
        let test = try store(kind)
        try test.store.commit([
            .insertRun(Sample.run(20, state: .running)), .insertTaskInstance(Sample.instance(20)),
            .insertAttempt(Sample.attempt(20, run: 20)),
        ])
        let ends = try test.reader.attemptEnds(of: [1, 20, 99])
        #expect(ends == [1: Sample.day(101), 20: nil])
        #expect(ends.keys.sorted() == [1, 20])
    }
}

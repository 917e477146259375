import SchedulerCore
import Store
import Testing

/// What the readers answer, and what a snapshot holds, over every store.
@Suite struct StoreQueriesTests {
    @Test(arguments: TestStore.Kind.allCases)
    func aStoreWithoutContent(kind: TestStore.Kind) throws {
        let test = try TestStore(kind)
        #expect(try test.store.snapshot() == Snapshot())
        #expect(try test.reader.counts() == StoreCounts())
        #expect(
            try test.reader.dags().isEmpty && test.runs().isEmpty && test.reader.backfills(dag: nil, limit: 9).isEmpty)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func runsByOrderAndFilters(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        try test.commit(
            .insertVersion(Sample.version(2, dag: "other")), .putDAG(Sample.dag("other", version: 2)),
            .insertRun(Sample.run(1, state: .success, date: 5)), .insertRun(Sample.run(2, state: .failed, date: 3)),
            .insertRun(Sample.run(3, type: .manual, state: .running, date: 5)),
            .insertRun(Sample.run(4, dag: "other", date: 4)),
            .insertRun(Sample.run(5, type: .backfill, state: .cancelled, date: 1)),
            .insertRun(Sample.run(6, dag: "other", type: .triggered, date: 5)))
        func ids(_ query: RunQuery) throws -> [Int64] { try test.runs(query) }
        #expect(try ids(RunQuery()) == [6, 3, 1, 4, 2, 5], "newest date first, then the later created")
        #expect(try ids(RunQuery(limit: 2)) == [6, 3])
        for place in 1...6 {
            let all = try test.reader.runs(RunQuery())
            let after = RunPosition(value: all[place - 1].logicalDate.microseconds, id: all[place - 1].id)
            #expect(
                try ids(RunQuery(after: after)) == Array([6, 3, 1, 4, 2, 5].dropFirst(place)), "after the \(place).")
        }
        #expect(try ids(RunQuery(limit: 0)) == [])
        #expect(try ids(RunQuery(limit: -1)) == [])
        #expect(try ids(RunQuery(dag: "daily")) == [3, 1, 2, 5])
        #expect(try ids(RunQuery(dag: "none")) == [])
        #expect(try ids(RunQuery(states: [.success, .failed])) == [1, 2])
        #expect(try ids(RunQuery(types: [.manual, .triggered])) == [6, 3])
        #expect(try ids(RunQuery(from: Sample.day(3), to: Sample.day(4))) == [4, 2], "both bounds count")
        #expect(try ids(RunQuery(from: Sample.day(5))) == [6, 3, 1])
        #expect(try ids(RunQuery(to: Sample.day(1))) == [5])
        #expect(try ids(RunQuery(dag: "daily", states: [.failed], types: [.scheduled], from: Sample.day(3))) == [2])
        for state in RunState.allCases {
            #expect(try test.reader.runs(RunQuery(states: [state])).allSatisfy { $0.state == state })
        }

        #expect(
            try test.store.intervalRuns(dag: "daily", from: .distantPast, to: .distantFuture).map(\.id) == [5, 2, 1],
            "of an interval only, oldest first")
        #expect(
            try test.store.intervalRuns(dag: "daily", from: Sample.day(1), to: Sample.day(3)).map(\.id) == [5, 2])
        #expect(try test.store.intervalRuns(dag: "daily", from: Sample.day(2), to: Sample.day(2)).isEmpty)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func failuresThatStand(kind: TestStore.Kind) throws {
        func ended(_ run: Run, _ day: Int64) -> Change {
            var run = run
            run.endedAt = Sample.day(day)
            return .insertRun(run)
        }
        let test = try TestStore.withDAG(kind)
        func standing() throws -> (count: Int?, last: Int64?) {
            let dag = try test.reader.dag("daily")
            #expect(try test.reader.dags().first { $0.record.id == "daily" } == dag)
            return (dag?.failedRuns, dag?.lastFailure?.id)
        }
        try test.commit(
            ended(Sample.run(1, type: .manual, state: .failed, date: 3), 120),
            ended(Sample.run(2, type: .backfill, state: .failed, date: 1), 130),
            ended(Sample.run(3, state: .success, date: 5), 140),
            ended(Sample.run(4, type: .manual, state: .success, date: 1), 125))
        #expect(try test.reader.dag("daily")?.latestRun?.id == 4 && test.reader.dag("daily")?.lastRun?.id == 3)
        #expect(try standing() == (1, 1), "the other one's day was made anew by a later run")
        var query = RunQuery(dag: "daily")
        query.failuresThatStand = true
        #expect(try test.runs(query) == [3, 1, 4])
        try test.commit(
            ended(Sample.run(5, type: .manual, state: .failed, date: 1), 119),
            ended(Sample.run(6, type: .missed, state: .success, date: 3), 150),
            .insertVersion(Sample.version(2, dag: "other")), .putDAG(Sample.dag("other", version: 2)),
            ended(Sample.run(7, dag: "other", type: .manual, state: .success, date: 3), 151))
        #expect(try standing() == (2, 1), "neither a notification of a missed day nor another DAG has made it anew")
        #expect(try test.reader.dag("other").map { ($0.failedRuns, $0.lastFailure) } ?? (9, nil) == (0, nil))
    }

    @Test(arguments: TestStore.Kind.allCases)
    func notificationsThatReachedNobody(kind: TestStore.Kind) throws {
        func notification(_ run: Int64, _ name: String, _ state: TaskState, ended: Int64?) -> Change {
            var instance = Sample.instance(run, name, state: state)
            instance.endedAt = ended.map(Sample.day)
            return .insertTaskInstance(instance)
        }
        let test = try TestStore.withDAG(kind)
        try test.commit(
            .insertRun(Sample.run(1, state: .failed)), .insertRun(Sample.run(2, type: .missed, state: .running)),
            notification(1, "load", .failed, ended: 9), notification(1, "on_failure:1", .failed, ended: 4),
            notification(1, "on_failure:2", .success, ended: 5),
            notification(1, "load:on_retry:1", .failed, ended: nil),
            notification(2, "on_missed:1", .upForRetry, ended: 6))
        func names(_ since: Instant, _ limit: Int = 9) throws -> [String] {
            try test.reader.undelivered(since: since, limit: limit).map { "\($0.run.id) \($0.instance.key.taskID)" }
        }
        #expect(try names(.distantPast) == ["2 on_missed:1", "1 on_failure:1"], "what is due anew does not count yet")
        #expect(try names(Sample.day(5)) == ["2 on_missed:1"])
        #expect(try names(.distantPast, 1) == ["2 on_missed:1"] && names(.distantPast, -1) == [])
        #expect(try test.reader.dags().first?.lastRun?.id == 1, "a day that was missed is no run of data")
    }

    @Test(arguments: TestStore.Kind.allCases)
    func dagSummaries(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        try test.commit(
            .insertVersion(Sample.version(2, dag: "a")), .putDAG(Sample.dag("a", version: 2)),
            .insertRun(Sample.run(1, state: .running, date: 9)), .insertRun(Sample.run(2, type: .manual, date: 9)),
            .insertRun(Sample.run(3, state: .success, date: 7)))
        let summaries = try test.reader.dags()
        #expect(summaries.map(\.record.id) == ["a", "daily"])
        #expect(summaries.map(\.lastRun?.id) == [nil, 2])
        #expect(summaries.map(\.activeRuns) == [0, 2])
    }

    @Test(arguments: TestStore.Kind.allCases)
    func backfillProgress(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        let states: [RunState] = [.queued, .running, .success, .success, .failed, .cancelled]
        for (index, state) in states.enumerated() {
            try test.commit(.insertRun(Sample.run(Int64(index + 1), type: .backfill, state: state)))
        }
        let how: [BackfillEntry.Disposition] = [.created, .created, .rerun, .kept, .followed, .created]
        let entries = how.enumerated().map { Sample.entry(1, $0 + 1, run: Int64($0 + 1), $1) }
        try test.commit(
            .insertVersion(Sample.version(2, dag: "other")), .putDAG(Sample.dag("other", version: 2)),
            .insertBackfill(Sample.backfill(1), entries),
            .insertBackfill(Sample.backfill(2, dag: "other", state: .success), []),
            .insertBackfill(Sample.backfill(3), [Sample.entry(3, 1, run: 3, .kept)]))
        let progress = try #require(try test.reader.backfill(1))
        #expect(progress.runs == [.queued: 1, .running: 1, .success: 2, .failed: 1, .cancelled: 1])
        #expect(progress.dispositions == [.created: 3, .rerun: 1, .kept: 1, .followed: 1])
        #expect(progress.total == 6)
        #expect(try test.reader.backfill(2)?.total == 0)
        #expect(try test.reader.backfills(dag: nil, limit: 9).map(\.backfill.id) == [3, 2, 1], "newest first")
        #expect(try test.reader.backfills(dag: nil, limit: 1).map(\.backfill.id) == [3])
        #expect(try test.reader.backfills(dag: "daily", limit: 9).map(\.backfill.id) == [3, 1])
        #expect(try test.reader.backfills(dag: "daily", limit: -1).isEmpty)
        #expect(try test.runs(RunQuery(states: [.success], backfill: 1)) == [4, 3])
        #expect(try test.runs(RunQuery(backfill: 3)) == [3])
    }

    @Test(arguments: TestStore.Kind.allCases)
    func counts(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        try test.commit(
            .insertVersion(Sample.version(2, dag: "gone")), .putDAG(Sample.dag("gone", version: 2, active: false)),
            .insertRun(Sample.run(1)), .insertRun(Sample.run(2)), .insertRun(Sample.run(3, state: .running)),
            .insertRun(Sample.run(4, state: .success)), .insertTaskInstance(Sample.instance(1)),
            .insertAttempt(Sample.attempt(1)), .insertAttempt(Sample.attempt(2)),
            .insertAttempt(Sample.attempt(3)), .insertAttempt(Sample.attempt(4, state: .failed)),
            .insertBackfill(Sample.backfill(1), []), .insertBackfill(Sample.backfill(2, state: .failed), []))
        let counts = try test.reader.counts()
        #expect(counts.dags == 1)
        #expect(counts.queuedRuns == 2)
        #expect(counts.runningRuns == 1)
        #expect(counts.runningAttempts == 3)
        #expect(counts.activeBackfills == 1)
    }

    @Test(arguments: TestStore.Kind.allCases)
    func aSnapshotHoldsWhatIsNotFinished(kind: TestStore.Kind) throws {
        let test = try TestStore.withDAG(kind)
        let old = Sample.version(2)
        let cursor = Sample.day(5)
        var pinned = Sample.run(12, state: .running, date: 8)
        pinned.version = 2
        try test.commit(
            .insertVersion(old), .insertVersion(Sample.version(3)), .putDAG(Sample.dag(version: 1, cursor: cursor)),
            .insertRun(Sample.run(2, state: .success, date: 2)), .insertRun(Sample.run(5, state: .success, date: 5)),
            .insertRun(Sample.run(7, type: .backfill, state: .failed, date: 9)),
            .insertRun(Sample.run(8, type: .manual, state: .failed, date: 7)), .insertRun(pinned),
            .insertRun(Sample.run(13, date: 6)))
        for run in [Int64(5), 12, 13] { try test.commit(.insertTaskInstance(Sample.instance(run))) }
        try test.commit(
            .insertTaskInstance(Sample.instance(12, "a")), .insertAttempt(Sample.attempt(20, run: 12)),
            .insertAttempt(Sample.attempt(21, run: 12, state: .lost)),
            .insertBackfill(
                Sample.backfill(3),
                [Sample.entry(3, 1, run: 12), Sample.entry(3, 2, run: 2, .kept), Sample.entry(3, 3, run: 7)]),
            .insertBackfill(Sample.backfill(6, state: .success), [Sample.entry(6, 1, run: 5)]))
        let snapshot = try test.store.snapshot()
        #expect(snapshot.dags.map(\.cursor) == [cursor])
        #expect(snapshot.versions == [Sample.version(1), old], "the current one, and those that runs are pinned to")
        #expect(snapshot.runs.map(\.id) == [12, 13])
        #expect(snapshot.instances.map(\.key.run) == [12, 12, 13])
        #expect(snapshot.instances.map(\.key.taskID) == ["load", "a", "load"])
        #expect(snapshot.attempts.map(\.id) == [20])
        #expect(snapshot.backfills.map(\.id) == [3])
        #expect(snapshot.backfillEntries.map(\.run) == [12, 2, 7])
        #expect(snapshot.endedBackfillRuns == [2: .success, 7: .failed])
        #expect(
            snapshot.takenDates == ["daily": [Sample.day(5), Sample.day(9)]],
            "ended runs of an interval from the cursor on, by date")
        #expect(snapshot.nextRun == 14 && snapshot.nextAttempt == 22)
        #expect(snapshot.nextBackfill == 7 && snapshot.nextVersion == 4)

        try test.commit(.putDAG(Sample.dag(cursor: nil)))
        #expect(try test.store.snapshot().takenDates["daily"]?.count == 3, "without a cursor every date counts")
        try test.commit(.putDAG(Sample.dag(cursor: Sample.day(50))))
        #expect(try test.store.snapshot().takenDates.isEmpty)
    }
}

import SchedulerCore
import Store
import Testing

/// The same random changes for both stores, valid and not: they accept, refuse and answer alike.
@Suite struct StoreDifferentialTests {
    @Test(arguments: [UInt64](1...12))
    func randomChanges(seed: UInt64) throws {
        let memory = try TestStore(.memory)
        let sqlite = try TestStore(.sqlite)
        var changes = RandomChanges(seed: seed)
        for test in [memory, sqlite] { try test.store.commit(RandomChanges.first) }
        var (accepted, refused) = (0, 0)
        for step in 1...300 {
            let transaction = try changes.transaction(memory.store.snapshot())
            let refusal = memory.store.refusal(transaction)
            #expect(sqlite.store.refusal(transaction) == refusal, "seed \(seed), step \(step): \(transaction)")
            if refusal == nil { accepted += 1 } else { refused += 1 }
            let snapshot = try memory.store.snapshot()
            try #require(try sqlite.store.snapshot() == snapshot, "seed \(seed), step \(step): \(transaction)")
            if step.isMultiple(of: 10) {
                let answers = try Answers(memory)
                try #require(try Answers(sqlite) == answers, "seed \(seed), step \(step)")
            }
        }
        #expect(accepted > 60 && refused > 30, "seed \(seed): \(accepted) accepted, \(refused) refused")
    }
}

/// Changes about few things, so that they meet: most of them fit what the store holds, some do not.
private struct RandomChanges {
    private var random: SeededGenerator
    private static let dags = ["daily", "b", "c"]
    private static let tasks = ["load", "convert", "notify", "a:on_failure:1"]

    /// What most of the others refer to.
    static let first: [Change] =
        (1...4).map { .insertVersion(Sample.version($0)) }
        + dags.map { .putDAG(Sample.dag($0, cursor: Sample.day(4))) }

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func transaction(_ snapshot: Snapshot) -> [Change] {
        (0..<max(1, number(-2...3))).map { _ in change(snapshot) }
    }

    private mutating func change(_ snapshot: Snapshot) -> Change {
        switch number(0...19) {
        case 0: .insertVersion(Sample.version(fresh(snapshot.nextVersion, 12), dag: one(Self.dags)))
        case 1, 2: .putDAG(dag())
        case 3: .setFileErrors(file: one(["a.json", "b.json"]), errors: errors(), at: day())
        case 4, 5, 6: .insertRun(run(fresh(snapshot.nextRun, 1000)))
        case 7, 8: updateOfRun(snapshot)
        case 9, 10: .insertTaskInstance(instance(one(snapshot.runs.map(\.id)) ?? Int64(number(1...9))))
        case 11, 12: updateOfInstance(snapshot)
        case 13:
            .insertAttempt(attempt(fresh(snapshot.nextAttempt, 1000), one(snapshot.instances)))
        case 14: updateOfAttempt(snapshot)
        case 15: backfillChange(snapshot)
        case 16:
            .putPool(
                Pool(
                    name: one(["p", "default"]), slots: random.chance(95) ? number(0...4) : -1,
                    description: text() ?? ""))
        case 17: .removePool(name: one(["p", "default", "none"]))
        case 18:
            .keepAnswer(
                KeptAnswer(
                    caller: one(["ann", "bob"]), key: one(["k", Sample.oddText]), fingerprint: "f",
                    answer: text() ?? "",
                    at: day()))
        default: .audit(AuditEntry(at: day(), actor: "ann", action: one(["trigger", "cancel"]), subject: text() ?? ""))
        }
    }

    // MARK: Parts

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    private mutating func day() -> Instant { Sample.day(Int64(number(0...7))) }
    private mutating func one(_ texts: [String]) -> String { texts[number(0...(texts.count - 1))] }
    private mutating func one<Value>(_ values: [Value]) -> Value? { values.randomElement(using: &random) }
    private mutating func text() -> String? { one([nil, "", "reason", Sample.oddText]) ?? nil }

    /// Mostly the next free id; sometimes one that may be taken.
    private mutating func fresh(_ next: Int64, _ limit: Int64) -> Int64 {
        random.chance(85) ? min(next, limit) : Int64(number(1...5))
    }

    /// Mostly what the store expects.
    private mutating func expected<State: CaseIterable>(_ state: State) -> State {
        random.chance(85) ? state : State.allCases.randomElement(using: &random) ?? state
    }

    /// Mostly a time exactly when there has to be one.
    private mutating func time(_ isNeeded: Bool) -> Instant? {
        random.chance(97) == isNeeded ? day() : nil
    }

    // MARK: Records

    private mutating func dag() -> DAGRecord {
        var dag = Sample.dag(
            one(Self.dags), version: Int64(number(1...5)), active: random.chance(80), cursor: one([nil, day()]) ?? nil)
        dag.paused = random.chance(20)
        dag.arrived = one([[], ["x"], ["x", Sample.oddText]]) ?? []
        if random.chance(30) { dag.late = [day(): Int64(number(0...9))] }
        if random.chance(30) { dag.expectedThrough = CivilDate(daysSinceEpoch: number(0...20_000)) }
        if random.chance(30) { dag.succeededThrough = day() }
        if random.chance(30) { dag.succeededAt = day() }
        return dag
    }

    private mutating func errors() -> [FileError] {
        (0..<number(0...2)).map { _ in
            FileError(line: number(1...9), column: number(1...9), path: "$.x", code: "code", message: text() ?? "")
        }
    }

    private mutating func run(_ id: Int64) -> Run {
        let type = RunType.allCases.randomElement(using: &random) ?? .manual
        let state = RunState.allCases.randomElement(using: &random) ?? .queued
        var run = Sample.run(
            id, dag: one(Self.dags), type: type, state: state, date: Int64(number(0...12)),
            name: random.chance(10) ? "run-\(number(1...5))" : nil, backfill: one([nil, 1, 2]) ?? nil)
        run.version = Int64(number(1...4))
        run.endedAt = time(state.isFinal)
        run.reason = text()
        if random.chance(3) { run.interval.end = Sample.day(-3) }
        return run
    }

    private mutating func updateOfRun(_ snapshot: Snapshot) -> Change {
        guard let known = one(snapshot.runs) else { return .updateRun(run(1), from: .success) }
        var next = run(known.id)
        next.isRerun = random.chance(30)
        next.keepsFinished = random.chance(30)
        next.isExpired = random.chance(30)
        next.missedDeadline = random.chance(30)
        next.startedAt = one([nil, day()]) ?? nil
        return .updateRun(next, from: expected(known.state))
    }

    private mutating func instance(_ run: Int64, _ key: TaskInstanceKey? = nil) -> TaskInstance {
        let state = TaskState.allCases.randomElement(using: &random) ?? .none
        var instance = Sample.instance(run, one(Self.tasks), state: state, mapIndex: number(-1...0))
        if let key { instance.key = key }
        instance.nextTryAt = time(state == .upForRetry || state == .deferred)
        instance.waitingSince = one([nil, day()]) ?? nil
        if random.chance(95), state == .running {
            instance.attempt = Int64(number(1...9))
        } else {
            instance.attempt = nil
        }
        instance.tryNumber = random.chance(97) ? number(0...3) : -1
        instance.outputs = text()
        instance.endedAt = one([nil, day()]) ?? nil
        instance.waitingSince = one([nil, day()]) ?? nil
        return instance
    }

    private mutating func updateOfInstance(_ snapshot: Snapshot) -> Change {
        guard let known = one(snapshot.instances) else { return .updateTaskInstance(instance(1), from: .none) }
        return .updateTaskInstance(instance(known.key.run, known.key), from: expected(known.state))
    }

    private mutating func attempt(_ id: Int64, _ instance: TaskInstance?) -> Attempt {
        let state = AttemptState.allCases.randomElement(using: &random) ?? .running
        var attempt = Sample.attempt(id, state: state)
        if let instance, random.chance(95) { attempt.instance = instance.key }
        attempt.endedAt = time(state != .running)
        attempt.exitCode = one([nil, 0, 137]) ?? nil
        attempt.intent = one([nil, .cancel]) ?? nil
        attempt.rendered = text() ?? "{}"
        attempt.tryNumber = number(1...4)
        return attempt
    }

    private mutating func updateOfAttempt(_ snapshot: Snapshot) -> Change {
        guard let known = one(snapshot.attempts) else { return .updateAttempt(attempt(1, nil), from: .running) }
        return .updateAttempt(attempt(known.id, one(snapshot.instances)), from: expected(known.state))
    }

    private mutating func backfillChange(_ snapshot: Snapshot) -> Change {
        var state = BackfillState.allCases.randomElement(using: &random) ?? .running
        if random.chance(40), let known = one(snapshot.backfills) {
            var next = Sample.backfill(known.id, state: state, from: 0, to: 9)
            next.endedAt = time(state != .running)
            next.paused = random.chance(20)
            return .updateBackfill(next, from: expected(known.state))
        }
        if random.chance(60) { state = .running }
        let id = fresh(snapshot.nextBackfill, 8)
        var backfill = Sample.backfill(id, dag: one(Self.dags), state: state, from: Int64(number(0...4)), to: 4)
        if random.chance(5) { backfill.maxActive = 0 }
        if random.chance(20) { backfill.paused = true }
        if random.chance(20) { backfill.tasks = ["load", text() ?? ""] }
        let runs = snapshot.runs.map(\.id) + snapshot.endedBackfillRuns.keys.sorted()
        let entries = (0..<number(0...4)).map { index in
            Sample.entry(
                random.chance(97) ? id : 1, random.chance(97) ? 9 - index : 1,
                run: one(runs) ?? Int64(number(1...5)),
                BackfillEntry.Disposition.allCases.randomElement(using: &random) ?? .kept)
        }
        return .insertBackfill(backfill, entries)
    }
}

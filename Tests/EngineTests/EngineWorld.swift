import Glibc
import JSONText
import SchedulerCore
import Spawn
import Store
import Synchronization
import Testing

@testable import Engine

/// What happened, in order, over all threads.
final class Journal: Sendable {
    private let entries = Mutex<[String]>([])

    func note(_ entry: String) { entries.withLock { $0.append(entry) } }
    var all: [String] { entries.withLock { $0 } }
}

/// An in-memory store that can be told to fail, or to wait.
final class TestStore: Store, Sendable {
    private struct State {
        let memory = InMemoryStore()
        /// Fails the next commits, one each.
        var failures: [StoreError] = []
        /// Fails every commit while set.
        var broken: StoreError?
        /// Fails the next look at task instances.
        var failsLoading = false
        /// Fails the next look-up of a version.
        var failsVersion = false
        var commits = 0
    }

    private let state = Mutex(State())
    private let journal: Journal
    /// Held by a test that wants commits to wait.
    let gate = Mutex(())

    init(_ journal: Journal) { self.journal = journal }

    func failNext(_ error: StoreError) { state.withLock { $0.failures.append(error) } }
    func setBroken(_ error: StoreError?) { state.withLock { $0.broken = error } }
    func failNextVersion() { state.withLock { $0.failsVersion = true } }
    func failNextLoading() { state.withLock { $0.failsLoading = true } }
    var commits: Int { state.withLock { $0.commits } }

    func reading<Value: Sendable>(
        _ body: (InMemoryStore) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try state.withLock { (state) throws(StoreError) in try body(state.memory) }
    }

    func snapshot() throws(StoreError) -> Snapshot {
        try reading { (store) throws(StoreError) in try store.snapshot() }
    }

    func backfillRecord(_ id: Int64) throws(StoreError) -> Backfill? {
        try reading { (store) throws(StoreError) in try store.backfillRecord(id) }
    }

    func commit(_ changes: [Change]) throws(StoreError) {
        gate.withLock { _ in }
        try state.withLock { (state) throws(StoreError) in
            state.commits += 1
            if let broken = state.broken { throw broken }
            if !state.failures.isEmpty { throw state.failures.removeFirst() }
            try state.memory.commit(changes)
            journal.note("commit")
        }
    }

    func taskInstances(ofRun run: Int64) throws(StoreError) -> [TaskInstance] {
        try state.withLock { (state) throws(StoreError) in
            if state.failsLoading {
                state.failsLoading = false
                throw StoreError(.io, "the disk has a bad sector")
            }
            return try state.memory.taskInstances(ofRun: run)
        }
    }

    func intervalRun(dag: String, before: Instant) throws(StoreError) -> Run? {
        try reading { (store) throws(StoreError) in try store.intervalRun(dag: dag, before: before) }
    }

    func intervalRuns(dag: String, from: Instant, to: Instant) throws(StoreError) -> [Run] {
        try reading { (store) throws(StoreError) in try store.intervalRuns(dag: dag, from: from, to: to) }
    }

    func prune(_ order: PruneOrder, limit: Int) throws(StoreError) -> PruneStep {
        try reading { (store) throws(StoreError) in try store.prune(order, limit: limit) }
    }

    func close() throws(StoreError) { journal.note("close") }

    func run(dag: String, runID: String) throws(StoreError) -> Run? {
        try reading { (store) throws(StoreError) in try store.run(dag: dag, runID: runID) }
    }

    func keptAnswer(caller: String, key: String) throws(StoreError) -> KeptAnswer? {
        try reading { (store) throws(StoreError) in try store.keptAnswer(caller: caller, key: key) }
    }

    func version(_ id: Int64) throws(StoreError) -> DAGVersionRecord? {
        try reading { (store) throws(StoreError) in try store.version(id) }
    }

    func version(dag: String, sha256: String) throws(StoreError) -> DAGVersionRecord? {
        try state.withLock { (state) throws(StoreError) in
            if state.failsVersion {
                state.failsVersion = false
                throw StoreError(.busy, "the database is locked")
            }
            return try state.memory.version(dag: dag, sha256: sha256)
        }
    }
}

/// Starts nothing: attempts end when the test says so.
final class FakeExecutor: Executor {
    private struct State {
        var report: (@Sendable (ExecutorReport) -> Void)?
        var live: [Int64: AttemptLaunch] = [:]
        var ended: [Int64: AttemptEnd] = [:]
    }

    private let state = Mutex(State())
    private let journal: Journal
    /// Called before a start is noted, on the engine's loop.
    private let onStart: @Sendable (AttemptLaunch) -> Void

    init(_ journal: Journal, onStart: @escaping @Sendable (AttemptLaunch) -> Void) {
        self.journal = journal
        self.onStart = onStart
    }

    func begin(onReport: @escaping @Sendable (ExecutorReport) -> Void) { state.withLock { $0.report = onReport } }

    func start(_ launch: AttemptLaunch) {
        onStart(launch)
        state.withLock { $0.live[launch.attempt] = launch }
        journal.note("start \(launch.taskID)")
    }

    func kill(attempt: Int64) { journal.note("kill \(attempt)") }
    func discard(attempt: Int64) { journal.note("discard \(attempt)") }

    /// As the real one: what has ended is reported again, what never started is revoked.
    func recover(_ attempts: [Int64]) {
        journal.note("recover \(attempts)")
        for attempt in attempts {
            let (end, isLive) = state.withLock { ($0.ended[attempt], $0.live[attempt] != nil) }
            if let end { tell(.ended(attempt, end)) } else if !isLive { tell(.revoked(attempt)) }
        }
    }

    func stop() { journal.note("stop") }

    func tell(_ report: ExecutorReport) { state.withLock { $0.report }?(report) }

    /// The live attempt of a task.
    func attempt(of task: String) -> Int64? {
        state.withLock { $0.live.values.filter { $0.taskID == task }.map(\.attempt).max() }
    }

    func end(_ attempt: Int64, exitCode: Int = 0) {
        let end = AttemptEnd(outcome: .exited, exitCode: exitCode)
        state.withLock {
            $0.live[attempt] = nil
            $0.ended[attempt] = end
        }
        tell(.ended(attempt, end))
    }
}

/// An engine with a store in memory, an executor that starts nothing, and a DAG folder of its own.
final class EngineWorld {
    let folder: TemporaryDirectory
    let home: Home
    let journal = Journal()
    let store: TestStore
    let executor: FakeExecutor
    let engine: Engine
    /// Attempts that were started before their row was in the store.
    let early = Journal()
    let endings = Journal()

    init(runsSchedules: Bool = false, dags: [String: String] = [:]) throws {
        folder = try TemporaryDirectory()
        home = Home(path: folder.path)
        let store = TestStore(journal)
        self.store = store
        let (early, endings) = (early, endings)
        executor = FakeExecutor(journal) { launch in
            let key = TaskInstanceKey(run: launch.run.id, taskID: launch.taskID)
            let stored = try? store.reading { (store) throws(StoreError) in try store.attempts(of: key) }
            if stored?.contains(where: { $0.id == launch.attempt }) != true { early.note(launch.taskID) }
        }
        engine = try Engine(
            configuration: EngineConfiguration(
                home: home, weirProgram: "/bin/false", supervisorProgram: "/bin/false", kinds: [commandKind],
                runsSchedules: runsSchedules, version: "test"),
            executor: executor, onEnd: { endings.note("end") })
        try File.makeDirectory(home.dags)
        for (name, text) in dags { try write(name, text) }
        try engine.start(store: store)
    }

    deinit { engine.stop() }

    func write(_ name: String, _ text: String) throws {
        try File.writeAtomically(home.dags + "/" + name, Array(text.utf8))
    }

    func remove(_ name: String) throws { try File.removeTree(home.dags + "/" + name) }

    func trigger(_ dag: String = "d") throws -> Run {
        let reply = try engine.perform(.trigger(dag: dag, date: nil, params: [:]), actor: "test")
        guard case .run(let run) = reply else { throw CommandError(.invalid, "no run but \(reply)") }
        return run
    }

    func status() throws -> EngineStatus {
        guard case .status(let status) = try engine.perform(.status, actor: "test") else {
            throw CommandError(.invalid, "no status")
        }
        return status
    }

    /// Waits until the DAG is stored: from here on a commit is about what the test asks for.
    func waitForDAG() throws { try wait(for: "the DAG in the store") { try dag("d") != nil } }

    func dag(_ id: String) throws -> DAGRecord? {
        try store.reading { (store) throws(StoreError) in try store.dags().first { $0.record.id == id }?.record }
    }

    func version(of id: String) throws -> String? {
        guard let version = try dag(id)?.version else { return nil }
        return try store.reading { (store) throws(StoreError) in try store.version(version)?.text }
    }

    /// Codes of what is wrong with the files now.
    func fileErrors() throws -> [String: [String]] {
        try store.reading { (store) throws(StoreError) in
            Dictionary(
                try store.fileErrors().map { ($0.file, $0.errors.map(\.code)) }, uniquingKeysWith: { first, _ in first }
            )
        }
    }

    func state(_ run: Run) throws -> RunState? {
        try store.reading { (store) throws(StoreError) in try store.run(dag: run.dagID, runID: run.runID)?.state }
    }

    /// Waits for a task's attempt and ends it.
    func end(_ task: String, exitCode: Int = 0) throws {
        try wait(for: "the start of \(task)") { executor.attempt(of: task) != nil }
        executor.end(try #require(executor.attempt(of: task)), exitCode: exitCode)
    }
}

let simpleDAG = #"{"id": "d", "tasks": [{"id": "a", "kind": "command", "with": {"shell": "true"}}]}"#

import Engine
import SchedulerCore
import Simulation
import Store
import Testing

/// Parses a DAG for a test; a mistake in it is a mistake of the test.
func dag(_ json: String) throws -> DAG {
    let context = DAGValidationContext(kinds: [commandKind], zone: { SystemZones.zone($0) })
    let (dag, diagnostics) = DAGParser.parse(Array(json.utf8), context: context)
    return try #require(dag, "\(diagnostics)")
}

/// A generator of pseudo-random numbers that a printed seed repeats (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// The world as the tests of the Scheduler use it: DAGs as text, and short ways to look at what became of them.
@dynamicMemberLookup
final class SchedulerWorld {
    typealias Crash = SimulatedWorld.Crash

    let world: SimulatedWorld
    private let log = StartLog()
    var started: [AttemptLaunch] { log.launches }

    private final class StartLog { var launches: [AttemptLaunch] = [] }

    init(now: Instant = Instant(seconds: 1_700_000_000), parallelism: Int = 16, runsSchedules: Bool = true) {
        world = SimulatedWorld(now: now, parallelism: parallelism, runsSchedules: runsSchedules)
        world.onStart = { [log] in log.launches.append($0) }
    }

    subscript<Value>(dynamicMember path: KeyPath<SimulatedWorld, Value>) -> Value { world[keyPath: path] }

    subscript<Value>(dynamicMember path: ReferenceWritableKeyPath<SimulatedWorld, Value>) -> Value {
        get { world[keyPath: path] }
        set { world[keyPath: path] = newValue }
    }

    func load(_ json: String, file: String = "dag.json") throws { try world.load(dag(json), text: json, file: file) }

    func turn(_ events: [SchedulerEvent] = [.timePassed], crash: Crash = .none) throws {
        try world.turn(events, crash: crash)
    }

    func restart() throws { try world.restart() }

    @discardableResult
    func request(_ request: SchedulerRequest, crash: Crash = .none) throws -> SchedulerReply? {
        try world.request(request, crash: crash)
    }

    func stored(_ runID: String, dag: String = "d") throws -> StoredRun? { try world.stored(runID, dag: dag) }

    @discardableResult
    func clear(_ request: ClearRequest, crash: Crash = .none) throws -> SchedulerReply? {
        try world.clear(request, crash: crash)
    }

    @discardableResult
    func mark(_ run: Run, _ task: String, _ state: MarkState, crash: Crash = .none) throws -> SchedulerReply? {
        try world.mark(run, task, state, crash: crash)
    }

    func end(
        _ attempt: Int64, exitCode: Int = 0, outputs: String? = nil, also: [SchedulerEvent] = [], crash: Crash = .none,
        heedsKill: Bool = true, killedFromOutside: Bool = false
    ) throws {
        try world.end(
            attempt, exitCode: exitCode, outputs: outputs, also: also, crash: crash, heedsKill: heedsKill,
            killedFromOutside: killedFromOutside)
    }

    func lose(_ attempt: Int64) throws { try world.lose(attempt) }
    func postpone(_ attempt: Int64) throws { try world.postpone(attempt) }
    func advance(limit: Instant = .distantFuture) throws -> Bool { try world.advance(limit: limit) }

    /// The live attempt of a task; nil when it has none.
    func attempt(of task: String, run: String? = nil, mapIndex: Int = -1) -> Int64? {
        world.live.values.filter {
            $0.taskID == task && $0.mapIndex == mapIndex && (run == nil || $0.run.runID == run)
        }
        .map(\.attempt).min()
    }

    func runs(_ dag: String) throws -> [Run] {
        try world.store.runs(RunQuery(dag: dag, limit: 100_000)).sorted { $0.id < $1.id }
    }

    /// By name: `load`, or `load[3]` for an instance of a mapped task.
    func states(_ run: Run) throws -> [String: TaskState] {
        Dictionary(uniqueKeysWithValues: try world.store.taskInstances(ofRun: run.id).map { ($0.key.name, $0.state) })
    }

    func instance(_ task: String, _ run: Run) throws -> TaskInstance {
        try #require(try world.store.taskInstances(ofRun: run.id).first { $0.key.name == task })
    }
}

import Glibc
import JSONText
import SchedulerCore
import Spawn
import Store
import Synchronization

/// What happens in the engine, as it happens, for those who watch: the engine tells it each commit, and it tells its
/// subscribers.
///
/// Events have numbers, so that somebody who was cut off goes on where he was. They are kept in memory only, for a while
/// and not beyond a restart; who comes back too late is told `reset`, and asks the lists anew.
public final class EventFeed: Sendable {
    /// What an event is about, in the form of the list that has it.
    enum Kind: String, CaseIterable, Sendable {
        case dag, run, task, attempt, backfill, pool, file, audit, lake, access
    }

    struct Event: Sendable {
        var number: UInt64
        var kind: Kind
        /// The DAG that it is about; nil: it is about none, or about files.
        var dag: String?
        /// JSON.
        var data: [UInt8]
    }

    private struct State {
        /// Committed and not yet told.
        var waiting: [Change] = []
        var isWorking = false
        /// The last ones, with consecutive numbers.
        var events: [Event] = []
        /// The number of the next one.
        var next: UInt64 = 1
        var subscribers: [ObjectIdentifier: Subscriber] = [:]
        /// When the last subscriber was seen.
        var used: ContinuousClock.Instant?
        /// Runs that tasks may speak of, by their row.
        var runs: [Int64: (dag: String, runID: String)] = [:]
        var isLooking = false
    }

    /// Something that changes beside the engine: by tasks, by commands, by other daemons' tasks.
    struct Outside: Sendable {
        var kind: Kind
        /// What is there, each thing with a mark that differs once it has changed. Quick: it is asked twice a second.
        var look: @Sendable () throws -> [String: [Int64]]
        /// The data of an event: what of it has changed.
        var write: @Sendable (_ name: String, inout JSONWriter) -> Void
        fileprivate var known: [String: [Int64]]?

        init(
            _ kind: Kind, look: @escaping @Sendable () throws -> [String: [Int64]],
            write: @escaping @Sendable (_ name: String, inout JSONWriter) -> Void
        ) {
            self.kind = kind
            self.look = look
            self.write = write
        }
    }

    /// To be woken when there is something new.
    struct Subscriber: Sendable { var wake: @Sendable () -> Void }

    /// So many events are kept; about a kilobyte each.
    static let kept = 8192
    /// Nothing is kept any more when nobody has watched for so long.
    private static let forgetAfter = Duration.seconds(600)
    /// Events of so many milliseconds are told together, which spares work when there are many.
    private static let pauseMicroseconds: UInt32 = 20_000
    private static let knownRuns = 20_000
    private static let lookMicroseconds: UInt32 = 500_000

    private let state = Mutex(State())
    private let looks = Mutex<[Outside]>([])
    private let readers: any StoreReaders
    /// Tells the numbers of this process from those of another one.
    private let epoch: String

    /// - Parameter epoch: differs from start to start.
    public init(readers: any StoreReaders, epoch: Instant) {
        self.readers = readers
        self.epoch = "\(epoch.microseconds)"
    }

    // MARK: The engine's side

    /// Takes what was just committed. Quick: the work is done on another thread, and none while nobody watches.
    public func publish(_ changes: [Change]) {
        let isIdle = state.withLock { state in
            guard let used = state.used else {
                state.next += UInt64(changes.count)
                return false
            }
            if state.subscribers.isEmpty, ContinuousClock.now - used > Self.forgetAfter {
                state.used = nil
                state.events = []
                state.runs = [:]
                state.next += UInt64(changes.count)
                return false
            }
            state.waiting += changes
            defer { state.isWorking = true }
            return !state.isWorking
        }
        if isIdle { _ = WorkerThread { [self] in work() } }
    }

    /// Until there is nothing left to tell.
    private func work() {
        while true {
            let changes = state.withLock { state in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.isWorking = false }
                return state.waiting
            }
            guard !changes.isEmpty else { return }
            tell(changes.compactMap(event))
            usleep(Self.pauseMicroseconds)
        }
    }

    private func tell(_ told: [Event]) {
        guard !told.isEmpty else { return }
        let subscribers = state.withLock { state in
            for var event in told {
                event.number = state.next
                state.next += 1
                state.events.append(event)
            }
            if state.events.count > Self.kept * 5 / 4 { state.events.removeFirst(state.events.count - Self.kept) }
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.wake() }
    }

    private func event(_ kind: Kind, _ dag: String?, _ write: (inout JSONWriter) -> Void) -> Event {
        var writer = JSONWriter()
        write(&writer)
        return Event(number: 0, kind: kind, dag: dag, data: writer.bytes)
    }

    /// - Returns: nil for what is nobody's business. Without a number yet.
    private func event(_ change: Change) -> Event? {
        switch change {
        case .putDAG(let dag):
            return event(.dag, dag.id) {
                $0.object {
                    $0.member("dag_id", dag.id)
                    $0.member("paused", dag.paused)
                    $0.member("active", dag.active)
                }
            }
        case .insertRun(let run), .updateRun(let run, _):
            note(run)
            return event(.run, run.dagID) { RunJSON.write(run, to: &$0) }
        case .insertTaskInstance(let task), .updateTaskInstance(let task, _):
            guard let run = run(task.key.run) else { return nil }
            return event(.task, run.dag) { TaskJSON.write(task, dag: run.dag, runID: run.runID, to: &$0) }
        case .insertAttempt(let attempt), .updateAttempt(let attempt, _):
            guard let run = run(attempt.instance.run) else { return nil }
            return event(.attempt, run.dag) {
                $0.object {
                    $0.member("dag_id", run.dag)
                    $0.member("run_id", run.runID)
                    $0.member("task_id", attempt.instance.taskID)
                    $0.member("map_index", attempt.instance.mapIndex)
                    $0.member("attempt_id", attempt.id)
                    $0.member("try_number", attempt.tryNumber)
                    $0.member("state", attempt.state.rawValue)
                }
            }
        case .insertBackfill(let backfill, _), .updateBackfill(let backfill, _):
            return event(.backfill, backfill.dagID) {
                $0.object {
                    $0.member("backfill_id", backfill.id)
                    $0.member("dag_id", backfill.dagID)
                    $0.member("state", backfill.state.rawValue)
                    $0.member("paused", backfill.paused)
                }
            }
        case .putPool(let pool):
            return event(.pool, nil) { $0.object { $0.member("name", pool.name) } }
        case .removePool(let name):
            return event(.pool, nil) { $0.object { $0.member("name", name) } }
        case .setFileErrors(let file, let errors, _):
            return event(.file, nil) {
                $0.object {
                    $0.member("file", file)
                    $0.member("errors", errors.count)
                }
            }
        // What was done is for admins: they ask for it.
        case .audit: return event(.audit, nil) { $0.object { _ in } }
        case .insertVersion, .keepAnswer: return nil
        }
    }

    private func note(_ run: Run) {
        state.withLock { state in
            if state.runs.count >= Self.knownRuns { state.runs = [:] }
            state.runs[run.id] = (run.dagID, run.runID)
        }
    }

    private func run(_ id: Int64) -> (dag: String, runID: String)? {
        if let known = state.withLock({ $0.runs[id] }) { return known }
        guard let run = try? readers.read({ try $0.run(id) }) else { return nil }
        note(run)
        return (run.dagID, run.runID)
    }

    // MARK: Beside the engine

    /// Looks at something else, too, while somebody watches.
    func add(_ outside: Outside) { looks.withLock { $0.append(outside) } }

    /// Tells what has changed since the last look. The first one tells nothing.
    func lookOutside() {
        looks.withLock { looks in
            for place in looks.indices {
                let outside = looks[place]
                // What cannot be looked at now is looked at the next time.
                guard let now = try? outside.look() else { continue }
                looks[place].known = now
                guard let before = outside.known, before != now else { continue }
                let changed = Set(before.keys).union(now.keys).filter { before[$0] != now[$0] }
                tell(
                    changed.sorted().map { name in
                        event(outside.kind, nil) { $0.object { outside.write(name, &$0) } }
                    })
            }
        }
    }

    /// Until nobody watches.
    private func look() {
        while true {
            lookOutside()
            usleep(Self.lookMicroseconds)
            let ends = state.withLock { state in
                if state.subscribers.isEmpty { state.isLooking = false }
                return !state.isLooking
            }
            if ends { return }
        }
    }

    // MARK: The subscribers' side

    /// Who watches from now on.
    func subscribe(_ subscriber: EventStream, wake: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            state.subscribers[ObjectIdentifier(subscriber)] = Subscriber(wake: wake)
            state.used = .now
            defer { state.isLooking = true }
            return !state.isLooking
        }
        if isFirst { _ = WorkerThread { [self] in look() } }
    }

    func unsubscribe(_ subscriber: EventStream) {
        state.withLock { state in
            state.subscribers[ObjectIdentifier(subscriber)] = nil
            state.used = .now
        }
    }

    /// The number that the next event will have.
    var next: UInt64 { state.withLock { $0.next } }

    /// At most `limit` events from a number on; nil when some of them are forgotten already.
    func events(from number: UInt64, limit: Int) -> ArraySlice<Event>? {
        state.withLock { state in
            guard number <= state.next else { return nil }
            guard number < state.next else { return [] }
            guard let first = state.events.first?.number, first <= number else { return nil }
            return state.events[Int(number - first)...].prefix(limit)
        }
    }

    /// How an event is named to those who come back.
    func id(before number: UInt64) -> String { "\(epoch)-\(number - 1)" }

    /// The number after the event of a name; nil when the name is not of this process.
    func number(after id: String) -> UInt64? {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == epoch, let number = UInt64(parts[1]), number < .max else { return nil }
        return number + 1
    }
}

import Glibc
import JSONText
import Observability
import SchedulerCore
import Spawn
import Store
import Synchronization

/// The event loop around the Scheduler: events in, one transaction, then the effects. Owns the store and the Scheduler,
/// both of which only its loop thread touches.
public final class Engine: EngineService {
    private enum Input: Sendable {
        case command(EngineCommand, actor: String, RequestKey?, OneShot<Result<EngineReply, CommandError>>)
        case report(ExecutorReport)
        case folder(DAGFolderContents)
        case prune(PruneOrder, limit: Int, OneShot<Result<PruneStep, StoreError>>)
        case settings(EngineConfiguration, actor: String)
        case files(dag: String, FileArrival)
        case stop
    }

    /// Not the function alone: see `LocalExecutor.Listener`.
    private struct Readers: Sendable {
        var open: StoreOpener
    }

    private let settings: Mutex<EngineConfiguration>
    private var configuration: EngineConfiguration { settings.withLock { $0 } }
    private let executor: any Executor
    private let mailbox: Mailbox<Input>
    private let clock: @Sendable () -> Instant
    private let loop = Mutex<WorkerThread?>(nil)
    private let watcher = Mutex<FolderWatcher?>(nil)
    private let folderReader: FolderReader
    private let readers = Mutex<Readers?>(nil)
    private let housekeeper = Mutex<Housekeeper?>(nil)
    private let arrivals = Mutex<FileArrivals?>(nil)
    private let fatal = Mutex<EngineError?>(nil)
    private let ended: @Sendable () -> Void
    private let committed: @Sendable ([Change]) -> Void
    private let loopIsOver = Atomic<Bool>(false)

    /// - Parameters:
    ///   - clock: the wall clock; tests give their own.
    ///   - onCommit: called on the loop's thread with what was just committed; must be quick.
    ///   - onEnd: called on the loop's thread when the engine has stopped, by `stop` or by itself.
    public init(
        configuration: EngineConfiguration, executor: (any Executor)? = nil,
        clock: @escaping @Sendable () -> Instant = { Instant(microseconds: WallClock.now()) },
        onCommit: @escaping @Sendable ([Change]) -> Void = { _ in }, onEnd: @escaping @Sendable () -> Void = {}
    ) throws(EngineError) {
        settings = Mutex(configuration)
        self.executor = executor ?? LocalExecutor(configuration)
        self.clock = clock
        ended = onEnd
        committed = onCommit
        folderReader = FolderReader(configuration)
        do throws(SystemError) { mailbox = try Mailbox() } catch { throw EngineError(.io, "\(error)") }
    }

    /// Whether the loop is over: by `stop`, by itself, or because all is drained.
    public var hasEnded: Bool { loopIsOver.load(ordering: .acquiring) }

    /// Why the engine stopped by itself: it was fenced, or its store is beyond use.
    public var failure: EngineError? { fatal.withLock { $0 } }

    /// Recovers what was running and starts the loop. The caller holds the state lock.
    ///
    /// - Parameters:
    ///   - store: the writer; from here on only the engine uses it.
    ///   - reader: opens the same store to be read, on other threads; nil: nothing can be pruned.
    public func start(store: sending any Store, reader: StoreOpener? = nil) throws(EngineError) {
        readers.withLock { $0 = reader.map(Readers.init) }
        let state = EngineState(
            configuration: configuration, store: store, executor: executor, clock: clock,
            attemptsOnDisk: AttemptFolders(configuration.home).highest, committed: committed)
        do throws(StoreError) { try state.rebuild() } catch { throw EngineError(.store, error.message) }
        let mailbox = mailbox
        try executor.begin { mailbox.put(.report($0)) }
        if configuration.runsSchedules {
            try watchFolder()
            do throws(SystemError) {
                let new = try FileArrivals(configuration.home, clock: clock) { mailbox.put(.files(dag: $0, $1)) }
                state.arrivals = new
                arrivals.withLock { $0 = new }
            } catch {
                throw EngineError(.io, "\(error)")
            }
        }
        // After the watch began: what changes from here on is told.
        folderReader.read { mailbox.put(.folder($0)) }
        // The state moves into the loop's thread, which alone uses it from here on.
        let box = Handover(state)
        let thread = WorkerThread { [self] in
            run(box.take())
            loopIsOver.store(true, ordering: .releasing)
            ended()
        }
        loop.withLock { $0 = thread }
        if configuration.runsSchedules { startHousekeeper() }
    }

    /// Ends the loop after its current turn. Running tasks go on under their supervisors.
    public func stop() {
        mailbox.put(.stop)
        loop.withLock { $0 }?.join()
        watcher.withLock { watcher in
            defer { watcher = nil }
            return watcher
        }?.stop()
        housekeeper.withLock { housekeeper in
            defer { housekeeper = nil }
            return housekeeper
        }?.stop()
        arrivals.withLock { arrivals in
            defer { arrivals = nil }
            return arrivals
        }?.stop()
        executor.stop()
    }

    public func perform(
        _ command: EngineCommand, actor: String, key: RequestKey?
    ) throws(CommandError) -> EngineReply {
        switch command {
        case .reload:
            try readFolder()
            return .done
        case .trigger(let dag, _, _): try readFolder(for: dag)
        case .backfill(let request): try readFolder(for: request.dag)
        case .prune(let policy): return .pruned(try prune(policy))
        case .cancelRun, .cancelBackfill, .pauseBackfill, .clear, .mark, .setPaused, .setPool, .removePool, .status,
            .explain, .drain, .handOver:
            break
        }
        let answer = OneShot<Result<EngineReply, CommandError>>()
        guard mailbox.put(.command(command, actor: actor, key, answer)) else { throw Self.stopped }
        return try answer.wait().get()
    }

    /// Goes on with other settings: how many attempts run at once, what they see and how they are ended, what is kept.
    /// Attempts that run go on as they are. DAG files are checked against the new names when they are read next.
    ///
    /// - Parameter actor: who asks, for the audit log.
    public func apply(actor: String, _ change: (inout EngineConfiguration) -> Void) {
        let changed = settings.withLock { configuration in
            change(&configuration)
            return configuration
        }
        executor.apply(changed)
        folderReader.apply(changed)
        mailbox.put(.settings(changed, actor: actor))
    }

    static let stopped = CommandError(.stopping, "the daemon is stopping")

    /// Whoever has just written a DAG file need not wait for the watcher.
    private func readFolder(for dag: String? = nil) throws(CommandError) {
        var isTaken = true
        folderReader.read(dag: dag) { isTaken = mailbox.put(.folder($0)) }
        guard isTaken else { throw Self.stopped }
    }

    // MARK: History

    /// Takes the rows in short steps through the loop, which alone writes; the rest happens on the calling thread.
    private func prune(_ policy: PrunePolicy) throws(CommandError) -> PruneSummary {
        do throws(StoreError) {
            guard let open = readers.withLock({ $0 })?.open else {
                throw StoreError(.missing, "this engine has no view of its store")
            }
            return try Pruner(home: configuration.home, reader: try open(), remove: remove).prune(policy)
        } catch {
            throw CommandError(.unavailable, error.message)
        }
    }

    private func remove(_ order: PruneOrder, _ limit: Int) throws(StoreError) -> PruneStep {
        let answer = OneShot<Result<PruneStep, StoreError>>()
        guard mailbox.put(.prune(order, limit: limit, answer)) else {
            throw StoreError(.busy, Self.stopped.message)
        }
        return try answer.wait().get()
    }

    private func startHousekeeper() {
        guard let open = readers.withLock({ $0 })?.open else { return }
        let new = Housekeeper({ [self] in configuration }, clock: clock, open: open) {
            [self] (order, limit) throws(StoreError) in
            try remove(order, limit)
        }
        housekeeper.withLock { $0 = new }
    }

    private func watchFolder() throws(EngineError) {
        do throws(SystemError) {
            try File.makeDirectory(configuration.home.dags, recursive: true)
            let (reader, mailbox) = (folderReader, mailbox)
            let new = try FolderWatcher(configuration.home.dags) { reader.read { mailbox.put(.folder($0)) } }
            watcher.withLock { $0 = new }
        } catch {
            executor.stop()
            throw EngineError(.io, "\(error)")
        }
    }

    // MARK: The loop

    /// At most this many events share a turn, so that none waits long for the others.
    private static let eventsPerTurn = 512
    /// How long the queue stands still before a store that refuses again and again is tried once more.
    private static let retryMicroseconds: Int64 = 1_000_000

    private func run(_ state: EngineState) {
        state.recover()
        while true {
            if !state.hasMore { mailbox.wait(until: state.nextWake) }
            let begin = WallClock.monotonic()
            let stopping = takeInputs(state)
            defer { state.noteTurn(begunAt: begin) }
            do throws(StoreError) { try state.endTurn() } catch {
                guard !stopping, goOn(state, after: error) else { break }
                continue
            }
            if stopping || state.isDrained { break }
        }
        state.refuseAll(Self.stopped)
        if failure == nil { state.close() }
        for input in mailbox.close() {
            switch input {
            case .command(_, _, _, let answer): answer.give(.failure(Self.stopped))
            case .prune(_, _, let answer): answer.give(.failure(StoreError(.busy, Self.stopped.message)))
            case .report, .folder, .settings, .files, .stop: break
            }
        }
    }

    /// - Returns: whether the loop is to end.
    private func takeInputs(_ state: EngineState) -> Bool {
        var stopping = false
        for input in mailbox.take(limit: Self.eventsPerTurn) {
            state.counters.events += 1
            switch input {
            case .command(let command, let actor, let key, let answer):
                state.perform(command, actor, key, answer)
            case .report(let report): state.take(report)
            case .folder(let contents): state.take(contents)
            case .files(let dag, let arrival): state.filesArrived(dag, arrival)
            case .prune(let order, let limit, let answer): state.prune(order, limit: limit, answer)
            case .settings(let settings, let actor): state.apply(settings, actor: actor)
            case .stop: stopping = true
            }
        }
        return stopping
    }

    /// After a failed commit nothing of the turn happened. The memory is rebuilt from the store, as after a crash; while
    /// the store cannot be written the queue stands still, and goes on when the cause is gone.
    ///
    /// - Returns: false when the loop is to end.
    private func goOn(_ state: EngineState, after failure: StoreError) -> Bool {
        var failure = failure
        while true {
            Log.error(
                "the store refused a turn; rebuilding from it",
                ["code": failure.code.rawValue, "error": failure.message])
            state.refuseAll(CommandError(.unavailable, "not done: \(failure.message)"))
            if failure.code == .fenced || failure.code == .corrupt || failure.code == .tooNew {
                fatal.withLock { [failure] in
                    $0 = EngineError(failure.code == .fenced ? .locked : .store, failure.message)
                }
                return false
            }
            let isFirst = state.stoppedBecause == nil
            state.stoppedBecause = failure.message
            if !isFirst, !standStill(state) { return false }
            do throws(StoreError) {
                try state.rebuild()
                state.recover()
                return true
            } catch {
                failure = error
            }
        }
    }

    /// Waits for the next try. Questions are answered; nothing is changed.
    ///
    /// - Returns: false when the loop is to end.
    private func standStill(_ state: EngineState) -> Bool {
        // Not by the wall clock: one that is set back must not lengthen it.
        let end = WallClock.monotonic() + Self.retryMicroseconds
        var stopping = false
        while !stopping {
            let left = end - WallClock.monotonic()
            guard left > 0 else { return true }
            mailbox.wait(until: WallClock.now() + left)
            for input in mailbox.take(limit: Self.eventsPerTurn) {
                switch input {
                case .stop: stopping = true
                case .command(.status, let actor, _, let answer): state.perform(.status, actor, nil, answer)
                case .command(_, _, _, let answer):
                    let reason = state.stoppedBecause ?? ""
                    answer.give(.failure(CommandError(.unavailable, "the store does not work: \(reason)")))
                case .folder(let contents): state.keep(contents)
                case .prune(_, _, let answer):
                    answer.give(.failure(StoreError(.io, state.stoppedBecause ?? "")))
                case .settings(let settings, let actor): state.apply(settings, actor: actor)
                case .report, .files: break  // Found again after the rebuild.
                }
            }
        }
        return false
    }
}

/// Carries a value that is not Sendable to the thread that will own it.
private final class Handover<Value>: @unchecked Sendable {
    // Written before the thread starts, read once by that thread: starting a thread orders the two.
    private var value: Value?

    init(_ value: Value) { self.value = value }

    func take() -> Value {
        guard let value else { preconditionFailure("a value is handed over once") }
        self.value = nil
        return value
    }
}

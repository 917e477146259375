import Glibc
import JSONText
import Observability
import SchedulerCore
import Spawn
import Store

/// What the loop's thread owns: the Scheduler, the store, and the answers that wait for a commit.
final class EngineState {
    private var configuration: EngineConfiguration
    private let store: any Store
    private let executor: any Executor
    private let clock: () -> Instant
    private let committed: ([Change]) -> Void
    private var scheduler: Scheduler
    private let startedAt: Instant
    var counters = EngineCounters()
    private var parallelism: Int
    private var isDraining: Bool
    /// What persons asked for that changes no record; in the audit log with the next commit.
    private var audits: [AuditEntry] = []
    private var answers: [Int: OneShot<Result<EngineReply, CommandError>>] = [:]
    /// Of those of them that named one; their answers are kept.
    private var keys: [Int: RequestKey] = [:]
    private var nextTicket = 1
    /// History to be removed at the end of the turn.
    private var prunes: [(order: PruneOrder, limit: Int, answer: OneShot<Result<PruneStep, StoreError>>)] = []
    /// The highest number of an attempt's directory when the engine started. Beyond those in the store when the store was
    /// restored from a backup: what such directories say is not about the attempts to come.
    private let attemptsOnDisk: Int64
    /// What the last turn asked the store for.
    private var loaded: [SchedulerEvent] = []
    /// Files whose errors the store shows.
    private var filesInError: [String: [FileError]] = [:]
    /// What a DAG id was last loaded from, to tell what is new.
    private var current: [String: (file: String, sha256: String)] = [:]
    /// The DAG folder as it was last read, to be taken again after the memory was thrown away.
    private var folder: DAGFolderContents?
    /// What the store refused while events were taken; the turn fails with it.
    private var refusal: StoreError?
    /// Why nothing is started, while the store cannot be written.
    var stoppedBecause: String?
    /// Attempts of which nobody could tell how they stand, and when they are looked at again.
    private var unsupervised: Set<Int64> = []
    /// Who looks for the files that start DAGs; nil where no schedule runs.
    var arrivals: FileArrivals?
    private var lookAgainAt: Instant?
    private static let lookAgainAfter = TimeAmount(seconds: 5)

    init(
        configuration: EngineConfiguration, store: any Store, executor: any Executor, clock: @escaping () -> Instant,
        attemptsOnDisk: Int64 = 0, committed: @escaping ([Change]) -> Void = { _ in }
    ) {
        self.committed = committed
        self.attemptsOnDisk = attemptsOnDisk
        self.configuration = configuration
        self.store = store
        self.executor = executor
        self.clock = clock
        startedAt = clock()
        parallelism = configuration.parallelism
        isDraining = configuration.isDraining
        scheduler = Scheduler(
            configuration: .init(parallelism: configuration.parallelism), snapshot: Snapshot(), now: clock()
        ) { _ in nil }
    }

    private var context: DAGValidationContext {
        DAGValidationContext(kinds: configuration.kinds, zone: { SystemZones.zone($0) })
    }

    // MARK: Turns

    /// Throws the memory away and makes it again from the store.
    func rebuild() throws(StoreError) {
        var snapshot = try store.snapshot()
        snapshot.nextAttempt = max(snapshot.nextAttempt, attemptsOnDisk + 1)
        let context = context
        scheduler = Scheduler(
            configuration: .init(
                parallelism: parallelism, isDraining: isDraining, runsSchedules: configuration.runsSchedules,
                kinds: configuration.kinds, environment: configuration.templateEnvironment),
            snapshot: snapshot, now: clock()
        ) { DAGParser.parse(Array($0.text.utf8), context: context).dag }
        loaded = []
        refusal = nil
        current = [:]
        filesInError = Dictionary(snapshot.filesInError.map { ($0, []) }, uniquingKeysWith: { first, _ in first })
        if let folder { take(folder) }
    }

    /// Asks how the attempts stand that the store says are running.
    func recover() {
        executor.recover(scheduler.runningAttempts.map(\.id))
    }

    /// Commits what the events so far decided, and then, and only then, acts on it.
    func endTurn() throws(StoreError) {
        for event in loaded { scheduler.handle(event, now: clock()) }
        loaded = []
        if let refusal { throw refusal }
        lookAgain()
        let turn = scheduler.endTurn(now: clock())
        var changes = turn.changes + audits.map { .audit($0) } + keptAnswers(turn.effects)
        if let reason = stoppedBecause {
            // A write that proves that the store works again, and tells later that it did not.
            var details = JSONWriter()
            details.object { $0.member("error", reason) }
            changes.append(
                .audit(
                    AuditEntry(
                        at: clock(), actor: "engine", action: "recover", subject: "store", details: details.text)))
        }
        if !changes.isEmpty {
            Fault.point("turn.before_commit")
            try store.commit(changes)
            counters.commits += 1
            audits = []
            committed(changes)
            if Fault.isArmed { CommittedChanges.faultPoints(changes) }
        }
        stoppedBecause = nil
        CommittedChanges.log(changes)
        tellArrivals(changes)
        var loads: [Effect] = []
        for (number, effect) in turn.effects.enumerated() {
            if number == 1 { Fault.point("turn.effects_half_done") }
            switch effect {
            case .start(let launch): executor.start(launch)
            case .kill(let attempt): executor.kill(attempt: attempt)
            case .discard(let attempt): executor.discard(attempt: attempt)
            case .loadInstances, .loadPast, .loadInterval: loads.append(effect)
            case .reply(let ticket, let reply): answer(ticket, reply)
            }
        }
        // Last, because it can fail: what is committed is done and answered by then.
        for effect in loads {
            switch effect {
            case .loadInstances(let run): loaded.append(.instancesLoaded(run: run, try store.taskInstances(ofRun: run)))
            case .loadPast(let run, let dag, let before):
                let past = try store.intervalRun(dag: dag, before: before)
                let instances = try past.map { (past) throws(StoreError) in try store.taskInstances(ofRun: past.id) }
                loaded.append(
                    .pastLoaded(run: run, past.map { StoredRun(run: $0, instances: instances ?? [], dag: nil) }))
            case .loadInterval(let dag, let date):
                let run = try store.intervalRuns(dag: dag, from: date, to: date).first
                let instances = try run.map { (run) throws(StoreError) in try store.taskInstances(ofRun: run.id) }
                loaded.append(
                    .intervalLoaded(
                        dag: dag, date: date, run.map { StoredRun(run: $0, instances: instances ?? [], dag: nil) }))
            default: break
            }
        }
        // After the commit: what this turn began to need again is seen to be needed.
        while let (order, limit, answer) = prunes.first {
            let step = try store.prune(order, limit: limit)
            prunes.removeFirst()
            answer.give(.success(step))
        }
    }

    /// At the end of the turn.
    func prune(_ order: PruneOrder, limit: Int, _ answer: OneShot<Result<PruneStep, StoreError>>) {
        prunes.append((order, limit, answer))
    }

    /// Stops using the store, in good order.
    func close() {
        do throws(StoreError) { try store.close() } catch {
            Log.warning("the store was not closed; the next start looks through it", ["error": error.message])
        }
    }

    /// What could not be told before, because of a full disk say, may be told now.
    private func lookAgain() {
        guard let at = lookAgainAt, at <= clock() else { return }
        lookAgainAt = nil
        let running = Set(scheduler.runningAttempts.map(\.id))
        executor.recover(unsupervised.filter(running.contains).sorted())
        unsupervised = []
    }

    /// - Parameter begin: when the turn took its first event, by the monotonic clock.
    func noteTurn(begunAt begin: Int64) {
        let length = WallClock.monotonic() - begin
        counters.turns += 1
        counters.turnMicroseconds += length
        counters.longestTurnMicroseconds = max(counters.longestTurnMicroseconds, length)
    }

    /// Whether the next turn has something to do without a new event.
    var hasMore: Bool { !loaded.isEmpty || stoppedBecause != nil }

    /// Whether everything has ended that a draining engine waits for.
    var isDrained: Bool { isDraining && scheduler.runningAttemptCount == 0 }

    /// Wall-clock microseconds at which something comes due.
    var nextWake: Int64? { [scheduler.nextWake, lookAgainAt].compactMap(\.self).min()?.microseconds }

    // MARK: Events

    func take(_ report: ExecutorReport) {
        let event: SchedulerEvent
        switch report {
        case .ended(let attempt, let end): event = .attemptEnded(attempt, end)
        case .revoked(let attempt): event = .attemptRevoked(attempt)
        case .lost(let attempt, let reason): event = .attemptLost(attempt, reason: reason)
        case .unsupervised(let attempt, let reason):
            unsupervised.insert(attempt)
            lookAgainAt = lookAgainAt ?? clock() + Self.lookAgainAfter
            event = .attemptUnsupervised(attempt, reason: reason)
        case .postponed(let attempt, let reason): event = .attemptPostponed(attempt, reason: reason)
        }
        scheduler.handle(event, now: clock())
    }

    func filesArrived(_ dag: String, _ arrival: FileArrival) {
        scheduler.handle(.filesArrived(dag: dag, arrival), now: clock())
    }

    /// Which files are new depends on how far the DAGs have come that they start.
    private func tellArrivals(_ changes: [Change]) {
        guard let arrivals else { return }
        for case .putDAG(let record) in changes {
            if let progress = scheduler.fileProgress(record.id) { arrivals.note(progress, of: record.id) }
        }
    }

    /// For later, while the store does not work.
    func keep(_ contents: DAGFolderContents) { folder = contents }

    func take(_ contents: DAGFolderContents) {
        keep(contents)
        Fault.point("reload.read")
        if let problem = contents.problem {
            Log.error("cannot read the DAG folder; the DAGs stay as they were", ["error": problem])
            return
        }
        let now = clock()
        var seen: Set<String> = []
        for file in contents.files {
            note(file.errors.map(FileError.init), of: file.file, now: now)
            guard let dag = file.dag else { continue }
            seen.insert(dag.id)
            if let before = current[dag.id], before == (file.file, file.sha256) { continue }
            do throws(StoreError) {
                try load(dag, file, now: now)
                current[dag.id] = (file.file, file.sha256)
            } catch {
                refusal = error
                return
            }
        }
        let names = Set(contents.files.map(\.file))
        for file in filesInError.keys.sorted() where !names.contains(file) { note([], of: file, now: now) }
        // A file that is there but in error keeps its DAG's last good version.
        let inError = Set(contents.files.lazy.filter { $0.dag == nil }.map(\.file))
        for record in scheduler.dagRecords
        where record.active && !seen.contains(record.id) && !inError.contains(record.file) {
            scheduler.handle(.dagRemoved(id: record.id), now: now)
            current[record.id] = nil
            Log.info("DAG file is gone", ["dag": record.id, "file": record.file])
        }
        arrivals?.watch(contents) { scheduler.fileProgress($0) }
    }

    private func load(_ dag: DAG, _ file: LoadedDAGFile, now: Instant) throws(StoreError) {
        let known = try store.version(dag: dag.id, sha256: file.sha256)
        let record = scheduler.dag(dag.id)?.record
        if let record, record.active, record.file == file.file, record.version == known?.id { return }
        var occupied: [Run] = []
        if let cursor = record?.cursor, let timetable = dag.timetable {
            occupied = try store.intervalRuns(
                dag: dag.id, from: timetable.alignPrevious(cursor), to: .distantFuture)
        }
        scheduler.handle(
            .dagLoaded(
                dag, file: file.file, text: String(decoding: file.bytes, as: UTF8.self), sha256: file.sha256,
                known: known?.id, occupied: occupied), now: now)
        Log.info("DAG loaded", ["dag": dag.id, "file": file.file, "sha256": String(file.sha256.prefix(12))])
    }

    private func note(_ errors: [FileError], of file: String, now: Instant) {
        let before = filesInError[file]
        guard before != (errors.isEmpty ? nil : errors) else { return }
        filesInError[file] = errors.isEmpty ? nil : errors
        scheduler.handle(.fileErrors(file: file, errors), now: now)
        for error in errors {
            Log.warning(
                "DAG file is in error", ["at": "\(file):\(error.line):\(error.column)", "error": error.message])
        }
    }

    // MARK: Commands

    func apply(_ settings: EngineConfiguration, actor: String) {
        configuration = settings
        if let environment = settings.templateEnvironment {
            scheduler.handle(.environment(environment), now: clock())
        }
        limit(parallelism: settings.parallelism, actor: actor)
    }

    private func limit(parallelism new: Int, actor: String) {
        guard new != parallelism else { return }
        audits.append(
            AuditEntry(
                at: clock(), actor: actor, action: "set", subject: "parallelism",
                details: "{\"from\":\(parallelism),\"to\":\(new)}"))
        parallelism = new
        scheduler.handle(.limits(parallelism: new, isDraining: isDraining), now: clock())
    }

    private func drain(actor: String) {
        guard !isDraining else { return }
        isDraining = true
        audits.append(AuditEntry(at: clock(), actor: actor, action: "drain", subject: "engine", details: "{}"))
        scheduler.handle(.limits(parallelism: parallelism, isDraining: true), now: clock())
    }

    func perform(
        _ command: EngineCommand, _ actor: String, _ key: RequestKey?,
        _ slot: OneShot<Result<EngineReply, CommandError>>
    ) {
        do throws(StoreError) {
            if let key {
                if let known = try answered(key) {
                    slot.give(known)
                    return
                }
                keys[nextTicket] = key
            }
            let ticket = nextTicket
            // What is answered at once changes nothing that a key is for.
            defer { if nextTicket == ticket { keys[ticket] = nil } }
            switch command {
            case .trigger(let dag, let date, let params):
                submit(.trigger(dag: dag, date: date, params: params), actor, slot)
            case .backfill(let request):
                let existing = try store.intervalRuns(dag: request.dag, from: request.from, to: request.to)
                submit(.backfill(request, existing: existing), actor, slot)
            case .cancelRun(let dag, let runID): submit(.cancelRun(dag: dag, runID: runID), actor, slot)
            case .cancelBackfill(let id):
                submit(.cancelBackfill(id, stored: try store.backfillRecord(id)), actor, slot)
            case .pauseBackfill(let id, let paused):
                submit(.pauseBackfill(id, paused: paused, stored: try store.backfillRecord(id)), actor, slot)
            case .clear(let request):
                submit(.clear(request, stored: try stored(request.dag, request.runID)), actor, slot)
            case .mark(let request):
                submit(.mark(request, stored: try stored(request.dag, request.runID)), actor, slot)
            case .setPaused(let dag, let paused): submit(.setPaused(dag: dag, paused: paused), actor, slot)
            case .setPool(let pool): submit(.setPool(pool), actor, slot)
            case .removePool(let name): submit(.removePool(name: name), actor, slot)
            case .status: slot.give(.success(.status(status)))
            case .explain(let dag, let runID): slot.give(explain(dag, runID))
            case .reload: slot.give(.success(.done))
            case .prune: slot.give(.success(.pruned(PruneSummary())))  // Done elsewhere, see Engine.
            case .drain:
                drain(actor: actor)
                slot.give(.success(.done))
            case .handOver:
                slot.give(.failure(CommandError(.conflict, "this engine does not hand over")))
            }
        } catch {
            slot.give(.failure(CommandError(.unavailable, error.message)))
        }
    }

    /// What to say to a request that came before; nil when it did not.
    private func answered(_ key: RequestKey) throws(StoreError) -> Result<EngineReply, CommandError>? {
        if keys.values.contains(where: { $0.caller == key.caller && $0.key == key.key }) {
            return .failure(CommandError(.conflict, "the first request with the key '\(key.key)' is still worked on"))
        }
        guard let kept = try store.keptAnswer(caller: key.caller, key: key.key),
            kept.at >= clock() - KeptAnswer.lifetime
        else { return nil }
        guard kept.fingerprint == key.fingerprint else {
            return .failure(CommandError(.invalid, "the key '\(key.key)' was used for another request"))
        }
        return .success(.replayed(kept.answer))
    }

    /// What is committed together with what it tells of. A refusal is not kept: its cause may be mended.
    private func keptAnswers(_ effects: [Effect]) -> [Change] {
        guard !keys.isEmpty else { return [] }
        return effects.compactMap { effect in
            guard case .reply(let ticket, let reply) = effect, let key = keys[ticket], let answer = Self.reply(reply)
            else { return nil }
            return .keepAnswer(
                KeptAnswer(
                    caller: key.caller, key: key.key, fingerprint: key.fingerprint, answer: key.encode(answer),
                    at: clock()))
        }
    }

    private func explain(_ dag: String, _ runID: String) -> Result<EngineReply, CommandError> {
        if let explanation = scheduler.explain(dag: dag, runID: runID) { return .success(.explanation(explanation)) }
        // One that has ended waits for nothing.
        let isOver = (try? store.run(dag: dag, runID: runID))?.state.isFinal ?? false
        if isOver { return .success(.explanation(Explanation())) }
        let words = "no unfinished run '\(runID)' of DAG '\(dag)'; `weir runs \(dag)` lists its runs"
        return .failure(CommandError(.notFound, words))
    }

    /// The run with its instances and its version; nil when it is running, or there is none.
    private func stored(_ dag: String, _ runID: String) throws(StoreError) -> StoredRun? {
        guard let run = try store.run(dag: dag, runID: runID), run.state != .running else { return nil }
        let version = try store.version(run.version)
        return StoredRun(
            run: run, instances: try store.taskInstances(ofRun: run.id),
            dag: version.flatMap { DAGParser.parse(Array($0.text.utf8), context: context).dag })
    }

    private func submit(
        _ request: SchedulerRequest, _ actor: String, _ slot: OneShot<Result<EngineReply, CommandError>>
    ) {
        answers[nextTicket] = slot
        scheduler.handle(.request(ticket: nextTicket, request, actor: actor), now: clock())
        nextTicket += 1
    }

    private func answer(_ ticket: Int, _ reply: SchedulerReply) {
        keys[ticket] = nil
        guard let slot = answers.removeValue(forKey: ticket) else { return }
        if case .refused(let error) = reply { slot.give(.failure(error)) }
        if let reply = Self.reply(reply) { slot.give(.success(reply)) }
    }

    /// Nil for a refusal.
    private static func reply(_ reply: SchedulerReply) -> EngineReply? {
        switch reply {
        case .run(let run): .run(run)
        case .backfill(let id, let plan): .backfill(id: id, plan: plan)
        case .tasks(let names): .tasks(names)
        case .done: .done
        case .refused: nil
        }
    }

    /// Answers everybody who still waits: what they asked for was not committed.
    func refuseAll(_ error: CommandError) {
        for slot in answers.values { slot.give(.failure(error)) }
        answers = [:]
        keys = [:]
        for (_, _, answer) in prunes { answer.give(.failure(StoreError(.io, error.message))) }
        prunes = []
    }

    private var status: EngineStatus {
        EngineStatus(
            pid: Int(getpid()), startedAt: startedAt, version: configuration.version,
            parallelism: parallelism, runningAttempts: scheduler.runningAttemptCount,
            queuedTasks: scheduler.queuedTaskCount, activeRuns: scheduler.activeRunCount,
            queuedRuns: scheduler.queuedRunCount,
            stoppedBecause: stoppedBecause ?? scheduler.startsHeldBecause ?? fullDisk,
            role: configuration.runsSchedules ? .daemon : .embedded, isDraining: isDraining, counters: counters,
            pools: scheduler.poolUses, arrivals: arrivals?.backlogs ?? [])
    }

    /// Supervisors wait for room to write their results; a person has to make it.
    private var fullDisk: String? {
        guard let free = File.freeBytes(configuration.home.state), free < Self.leastFreeBytes else { return nil }
        return "the disk of \(configuration.home.state) is full (\(free) bytes are free): make room"
    }

    private static let leastFreeBytes: Int64 = 256 << 10
}

extension FileError {
    init(_ diagnostic: Diagnostic) {
        self.init(
            line: diagnostic.line, column: diagnostic.column, path: diagnostic.path, code: diagnostic.code,
            message: diagnostic.message)
    }
}

/// The heart of Weir: decides what runs when. Pure: it does no I/O, reads no clock and draws no random numbers, so the
/// same events at the same instants always give the same turns, and years can be simulated in seconds.
///
/// A turn: `handle` for each waiting event, then `endTurn`, which starts what may start and returns the changes to commit
/// and the effects to carry out after the commit. If the commit fails, throw the Scheduler away and make a new one from
/// the store's snapshot.
public final class Scheduler {
    /// What limits and enables this Scheduler as a whole.
    public struct Configuration: Sendable {
        /// Attempts at once over all DAGs.
        public var parallelism: Int
        /// Nothing is started any more; what runs goes on.
        public var isDraining: Bool
        /// False in an embedded run, which works only on what was asked for.
        public var runsSchedules: Bool

        /// By name: how parameters are rendered, and whose attempts are told of the tasks before them.
        public var kinds: [String: KindSpec]
        /// What templates may read of Weir's own environment; nil where nobody knows, see `TemplateContext`.
        public var environment: [String: String]?

        public init(
            parallelism: Int, isDraining: Bool = false, runsSchedules: Bool = true, kinds: [KindSpec] = [],
            environment: [String: String]? = nil
        ) {
            self.environment = environment
            self.parallelism = parallelism
            self.isDraining = isDraining
            self.runsSchedules = runsSchedules
            self.kinds = Dictionary(kinds.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// A task is given up when it was lost this often in a row.
    static let maximumLostInARow = 3
    /// So many notifications are delivered at once, beside the tasks.
    static let noticesAtOnce = 16

    private(set) var configuration: Configuration
    var dags: [String: DAGNode] = [:]
    var runs: [Int64: RunNode] = [:]
    var backfills: [Int64: BackfillNode] = [:]
    /// Backfills that wait for a run, by run.
    var backfillsOfRun: [Int64: [Int64]] = [:]
    /// Attempts that run, and the index of each one's instance in its run.
    var attempts: [Int64: Attempt] = [:]
    var places: [Int64: Int] = [:]
    var pools: [String: Gate] = [:]
    /// Pools that somebody has set; the default pool exists besides.
    var poolRecords: [String: Pool] = [:]

    var ready = Heap<Candidate>()
    /// Notifications that are due. They wait for nobody: what they tell of may be that all places are taken by what hangs.
    var dueNotices = Heap<Candidate>()
    /// Attempts of notifications that run.
    var noticeAttempts = 0
    var retryTimers = Heap<RetryTimer>()
    var dagTimers = Heap<DAGTimer>()
    var runTimers = Heap<RunTimer>()
    /// DAGs and backfills whose queue of runs may be able to move.
    var dagsToStart: Set<String> = []
    var backfillsToStart: Set<Int64> = []
    /// Gates whose parked tasks may be able to move: a place became free, or one that was given was not used.
    var gatesToUnpark: [String: Gate] = [:]
    /// Runs that wait for what a run before them does, by that run.
    var followers: [Int64: Set<Int64>] = [:]
    /// Tasks to be judged again, because something in the run before theirs has moved.
    var pastToJudge: [(run: Int64, task: Int)] = []
    /// Told of every move; for tests, which count them.
    private(set) var observer: ((TaskState, InstanceMove, TaskState) -> Void)?
    var queuedTasks = 0

    var nextRun: Int64
    var nextAttempt: Int64
    var nextBackfill: Int64
    var nextVersion: Int64
    var lastNow: Instant

    /// Nothing is started before this: the machine could not start what it was told to.
    var hold: (until: Instant, reason: String)?
    /// Seconds of the next hold; doubles until something was started.
    var holdSeconds = 1

    var turn = Turn()
    var dirtyRuns: [Int64] = []
    var dirtyInstances: [(run: RunNode, index: Int)] = []
    var newAttempts: [Int64] = []

    /// Goes on from a snapshot. `dag` gives the parsed form of a stored version, nil when its text is no longer valid.
    ///
    /// Attempts that were running stay so until an event tells how each of them stands.
    public init(
        configuration: Configuration, snapshot: Snapshot, now: Instant, dag: (DAGVersionRecord) -> DAG?
    ) {
        self.configuration = configuration
        nextRun = snapshot.nextRun
        nextAttempt = snapshot.nextAttempt
        nextBackfill = snapshot.nextBackfill
        nextVersion = snapshot.nextVersion
        lastNow = now
        var versions: [Int64: DAG] = [:]
        for version in snapshot.versions { versions[version.id] = dag(version) }
        for pool in snapshot.pools { poolRecords[pool.name] = pool }
        for record in snapshot.dags {
            let node = DAGNode(record: record, dag: versions[record.version])
            node.takenDates = Set(snapshot.takenDates[record.id] ?? [])
            dags[record.id] = node
        }
        restore(snapshot, versions, now: now)
    }

    // MARK: What others ask

    /// When something comes due next; nil when only an event can bring work.
    public var nextWake: Instant? {
        [retryTimers.first?.at, dagTimers.first?.at, runTimers.first?.at, hold?.until].compactMap(\.self).min()
    }

    /// Why nothing is started at the moment, although something is ready; nil when there is no such reason.
    public var startsHeldBecause: String? { hold?.reason }

    public var runningAttempts: [Attempt] { attempts.values.sorted { $0.id < $1.id } }
    public var runningAttemptCount: Int { attempts.count }
    public var queuedTaskCount: Int { queuedTasks }
    public var activeRunCount: Int { runs.values.count { $0.run.state == .running } }
    public var queuedRunCount: Int { runs.values.count { $0.run.state == .queued } }

    /// The record and current version of a DAG; nil when it was never loaded.
    public func dag(_ id: String) -> (record: DAGRecord, dag: DAG?)? {
        dags[id].map { ($0.record, $0.dag) }
    }

    public var dagRecords: [DAGRecord] { dags.values.map(\.record).sorted { $0.id < $1.id } }

    /// Has every move of a task instance told: for simulations, which count and check them.
    public func observe(_ observer: ((TaskState, InstanceMove, TaskState) -> Void)?) { self.observer = observer }

    // MARK: Turns

    /// Takes one event. Decisions gather until `endTurn`.
    public func handle(_ event: SchedulerEvent, now: Instant) {
        noteTime(now)
        switch event {
        case .timePassed:
            break
        case .limits(let parallelism, let isDraining):
            configuration.parallelism = parallelism
            configuration.isDraining = isDraining
        case .environment(let environment):
            configuration.environment = environment
        case .dagLoaded(let dag, let file, let text, let sha256, let known, let occupied):
            load(dag, file: file, text: text, sha256: sha256, known: known, occupied: occupied, now: now)
        case .dagRemoved(let id):
            remove(id)
        case .fileErrors(let file, let errors):
            turn.changes.append(.setFileErrors(file: file, errors: errors, at: now))
        case .request(let ticket, let request, let actor):
            answer(request, ticket: ticket, actor: actor, now: now)
        case .instancesLoaded(let run, let instances):
            begin(run, earlier: instances, now: now)
        case .pastLoaded(let run, let past):
            learnPast(run, past, now: now)
        case .intervalLoaded(let id, let date, let stored):
            processAgain(id, date, stored, now: now)
        case .filesArrived(let id, let arrival):
            filesArrived(id, arrival, now: now)
        case .attemptEnded(let id, let end):
            finish(id, end, now: now)
        case .attemptRevoked(let id):
            revoke(id, now: now)
        case .attemptPostponed(let id, let reason):
            postpone(id, reason: reason, now: now)
        case .attemptLost(let id, let reason):
            lose(id, reason: reason, now: now)
        case .attemptUnsupervised(let id, let reason):
            noteUnsupervised(id, reason: reason)
        }
    }

    /// Starts what may start, and returns all that the turn decided.
    public func endTurn(now: Instant) -> Turn {
        noteTime(now)
        fireTimers(now: now)
        startRuns(now: now)
        startTasks(now: now)
        while !pastToJudge.isEmpty {
            judgePast(now: now)
            startRuns(now: now)
            startTasks(now: now)
        }
        gatherChanges()
        defer { turn = Turn() }
        return turn
    }

    private func noteTime(_ now: Instant) {
        if now < lastNow {
            shortenRetries(now: now)
            // What is left of a hold is as long as it was before the clock was set back.
            if let hold { self.hold = (now + (hold.until - lastNow), hold.reason) }
        }
        lastNow = now
    }

    private func fireTimers(now: Instant) {
        while let timer = dagTimers.first, timer.at <= now {
            _ = dagTimers.pop()
            guard let node = dags[timer.dag] else { continue }
            if node.dueAt == timer.at {
                node.dueAt = nil
                advanceSchedule(node, liveTick: timer.at, now: now)
            }
            if node.expectAt == timer.at { checkExpected(node, now: now) }
            dagsToStart.insert(timer.dag)
        }
        while let timer = runTimers.first, timer.at <= now {
            _ = runTimers.pop()
            if let run = runs[timer.run], run.run.state == .running { checkLimits(run, now: now) }
        }
        while let timer = retryTimers.first, timer.at <= now {
            _ = retryTimers.pop()
            guard
                let run = waiting(timer.run, timer.index, in: .upForRetry)
                    ?? waiting(timer.run, timer.index, in: .deferred),
                run.instances[timer.index].record.nextTryAt == timer.at
            else { continue }
            enqueue(run, timer.index, .delayOver, reason: nil)
        }
    }

    /// The run of a heap's entry, when the entry still holds: the instance is in the state that put it there. A run that
    /// runs again has new instances under its old id.
    func waiting(_ run: Int64, _ index: Int, in state: TaskState) -> RunNode? {
        guard let node = runs[run], node.instances.indices.contains(index),
            node.instances[index].record.state == state
        else { return nil }
        return node
    }

    /// Runs and instances are written once a turn, in their final form, guarded by the state they had before it.
    private func gatherChanges() {
        var inserts: [Change] = []
        var updates: [Change] = []
        for id in dirtyRuns {
            guard let node = dirtyRunNodes[id] else { continue }
            if let stored = node.storedState {
                updates.append(.updateRun(node.run, from: stored))
            } else {
                inserts.append(.insertRun(node.run))
            }
            node.storedState = node.run.state
        }
        for (run, index) in dirtyInstances {
            let instance = run.instances[index]
            if let stored = instance.storedState {
                updates.append(.updateTaskInstance(instance.record, from: stored))
            } else {
                inserts.append(.insertTaskInstance(instance.record))
            }
            run.instances[index].storedState = instance.record.state
            run.instances[index].isDirty = false
        }
        for id in newAttempts {
            if let attempt = attempts[id] { inserts.append(.insertAttempt(attempt)) }
        }
        turn.changes = inserts.isEmpty && updates.isEmpty ? turn.changes : ordered(turn.changes, inserts, updates)
        dirtyRuns.removeAll(keepingCapacity: true)
        dirtyRunNodes.removeAll(keepingCapacity: true)
        dirtyInstances.removeAll(keepingCapacity: true)
        newAttempts.removeAll(keepingCapacity: true)
    }

    /// Rows that others refer to come first: versions and DAGs, then runs, instances and attempts, then the rest.
    private func ordered(_ direct: [Change], _ inserts: [Change], _ updates: [Change]) -> [Change] {
        var first: [Change] = []
        var last: [Change] = []
        for change in direct {
            switch change {
            case .insertVersion, .putDAG: first.append(change)
            default: last.append(change)
            }
        }
        return first + inserts + updates + last
    }

    /// Nodes of runs that changed in this turn, also of those that ended in it.
    var dirtyRunNodes: [Int64: RunNode] = [:]

    func touch(_ node: RunNode) {
        if dirtyRunNodes.updateValue(node, forKey: node.run.id) == nil { dirtyRuns.append(node.run.id) }
    }

    func touch(_ node: RunNode, _ index: Int) {
        guard !node.instances[index].isDirty else { return }
        node.instances[index].isDirty = true
        dirtyInstances.append((node, index))
    }
}

import Glibc
import JSONText
import Spawn
import Synchronization

/// Answers questions about a lake for a program that stays: by a few DuckDB processes that are kept running, and from
/// memory what was answered before and has not changed.
///
/// For any number of threads. What it needs is started with the first question and ends when none has come for a while.
/// An answer is of the lake as it stands when the question comes, or later; see ``QueryRunner`` for what both share.
public final class QueryService: Sendable {
    public struct Limits: Sendable, Hashable {
        /// DuckDB processes at once.
        public var workers: Int
        /// Questions that wait for one of them; more are refused.
        public var waiting: Int
        /// Of each process, and of each question.
        public var engine: DuckDB.Limits
        /// About what answers may take in memory that are kept.
        public var cacheBytes: Int
        /// Microseconds without a question until everything is ended.
        public var idle: Int64

        public init(
            workers: Int = 2, waiting: Int = 64,
            engine: DuckDB.Limits = DuckDB.Limits(
                memory: 512 << 20, threads: 2, time: 30_000_000, temporary: 4 << 30),
            cacheBytes: Int = 32 << 20, idle: Int64 = 60_000_000
        ) {
            self.workers = max(1, workers)
            self.waiting = max(0, waiting)
            self.engine = engine
            self.cacheBytes = max(0, cacheBytes)
            self.idle = idle
        }
    }

    /// Too many questions wait already: ask again later.
    public struct Busy: Error, Sendable, Hashable, CustomStringConvertible {
        /// When it may be worth while.
        public let retryAfterSeconds: Int

        public var description: String { "too many queries wait already; ask again in \(retryAfterSeconds) s" }
    }

    private struct State {
        var jobs: [QueryJob] = []
        /// Those that others may wait for, too.
        var flights: [AnswerCache.Key: QueryJob] = [:]
        /// Threads that take jobs, each with its process once it needs one.
        var threads = 0
        var busy = 0
        /// Those threads, and those that are about to end.
        var alive = 0
        var isStopped = false
        var lastUse = ContinuousClock.now
        /// Processes.
        var answering: [Int32] = []
    }

    private let home: String
    private let lake: LakeRoot
    private let limits: Limits
    private let duckdb: String?
    private let runner: QueryRunner
    private let held: HeldPartitions
    private let cache: AnswerCache
    private let reader: Mutex<CatalogueReader>
    private let sweptAt = Mutex(0)
    private let state = Monitor(State())

    private static let retryAfterSeconds = 1
    private static let maximumLooks = 5

    /// - Parameters:
    ///   - home: where DuckDB is looked for, see ``DuckDB``.
    ///   - duckdb: DuckDB's program; nil for that of `WEIR_DUCKDB`, or one of the usual places.
    public init(home: String, lake: LakeRoot, limits: Limits = Limits(), duckdb: String? = nil) {
        self.home = home
        self.lake = lake
        self.limits = limits
        self.duckdb = duckdb
        runner = QueryRunner(home: home, lake: lake, limits: limits.engine, duckdb: duckdb)
        held = HeldPartitions(lake)
        cache = AnswerCache(bytes: limits.cacheBytes)
        reader = Mutex(CatalogueReader(lake))
    }

    /// The tables of the lake as they are now. Only what has changed is read again.
    public func catalogue() throws -> Catalogue { try changedCatalogue().catalogue }

    /// The answer to a question. Blocks.
    ///
    /// - Throws: ``CatalogueProblem`` for what is wrong with the question, ``Busy`` when too many wait, ``LakeError`` with
    ///   DuckDB's words in one line.
    public func answer(_ question: QueryRunner.Question, _ form: QueryRunner.Form) throws -> QueryAnswer {
        try use()
        // A SELECT that somebody has written is run where it can read its own tables only.
        guard case .table(let query) = question else { return try alone(question, form) }
        do {
            return try answer(query, form)
        } catch is HeldPartitions.Impossible {
            return try alone(question, form)
        }
    }

    private func alone(_ question: QueryRunner.Question, _ form: QueryRunner.Form) throws -> QueryAnswer {
        let job = QueryJob(.alone(question), form)
        _ = try submit(job, joins: false)
        return try job.answer()
    }

    /// Ends everything, and answers nothing any more. Waits for what is being answered.
    public func stop() {
        let left = state.change { state in
            state.isStopped = true
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in left { job.fail(Busy(retryAfterSeconds: Self.retryAfterSeconds)) }
        _ = state.wait { $0.alive == 0 ? true : nil }
        clear()
    }

    // MARK: Questions about tables

    private func answer(_ query: LakeQuery, _ form: QueryRunner.Form) throws -> QueryAnswer {
        // Before any file is touched.
        try query.bounds.check()
        var hasFollowed = false
        var mayRetry = true
        var looks = 0
        while true {
            looks += 1
            let catalogue = try currentCatalogue()
            var table = try catalogue.table(query.table)
            try table.mustBeReadable()
            // An old manifest does not tell its columns, and DuckDB has to be asked.
            if table.lacksColumns { throw HeldPartitions.Impossible() }
            let wanted = table.partitions(from: query.bounds.from, to: query.bounds.to)
            let holds = try held.hold(wanted)
            // Published anew between the two: then the catalogue is a little old. After some looks it is good enough for
            // this answer, but for no other.
            let isCurrent = holds.count == wanted.count && zip(holds, wanted).allSatisfy { $0.holds($1) }
            guard isCurrent || looks >= Self.maximumLooks else { continue }
            let key = AnswerCache.Key(
                question: .table(query), form: form, schema: table.schema, holds: holds.map(\.number))
            if isCurrent, let kept = try cache.answer(key) { return kept }

            let days = Dictionary(holds.map { ($0.partition.day, $0.partition) }, uniquingKeysWith: { $1 })
            table.partitions = table.partitions(outside: query.bounds, or: days)
            if table.lacksColumns { throw HeldPartitions.Impossible() }
            let checked = try query.checked(table)
            let job = QueryJob(.warm(checked, catalogue), form, key: isCurrent ? key : nil, holds: holds)
            // Another thread may be asking the same: its answer will do, unless it is too large to be kept.
            guard let leader = try submit(job, joins: !hasFollowed) else { continue }
            guard leader === job else {
                try leader.follow()
                hasFollowed = true
                continue
            }
            do { return try job.answer() } catch let error as LakeError {
                // Somebody has removed what was held, or it was left alone for too long.
                guard mayRetry, job.lacksFiles else { throw error }
                mayRetry = false
                held.clear()
            }
        }
    }

    private func changedCatalogue() throws -> (catalogue: Catalogue, changes: Int) {
        try reader.withLock { reader in
            let catalogue = try reader.catalogue()
            return (catalogue, reader.changes)
        }
    }

    /// The lake as it is now; what is held of a former state is let go.
    private func currentCatalogue() throws -> Catalogue {
        let (catalogue, changes) = try changedCatalogue()
        let isNew = sweptAt.withLock { swept in
            defer { swept = changes }
            return swept != changes
        }
        if isNew { held.drop() }
        return catalogue
    }

    // MARK: Workers

    /// Notes that somebody asks, so that there is a thread that ends everything later.
    private func use() throws {
        let isFirst = try state.look { state in
            guard !state.isStopped else { throw Busy(retryAfterSeconds: Self.retryAfterSeconds) }
            state.lastUse = .now
            guard state.threads == 0 else { return false }
            state.threads = 1
            state.alive += 1
            return true
        }
        if isFirst { start() }
    }

    private func start() { _ = WorkerThread { self.work() } }

    /// - Parameter joins: whether the same question of another thread will do.
    /// - Returns: the job to wait for, which is another one when the same is being answered already; nil when its answer was
    ///   kept meanwhile.
    private func submit(_ job: QueryJob, joins: Bool) throws -> QueryJob? {
        let (leader, starts) = try state.change { state -> (QueryJob?, Bool) in
            if joins, let key = job.key {
                if let leader = state.flights[key] { return (leader, false) }
                if cache.has(key) { return (nil, false) }
            }
            guard !state.isStopped, state.jobs.count < limits.waiting + limits.workers - state.busy else {
                throw Busy(retryAfterSeconds: Self.retryAfterSeconds)
            }
            state.jobs.append(job)
            if let key = job.key, state.flights[key] == nil { state.flights[key] = job }
            guard state.threads - state.busy < state.jobs.count, state.threads < limits.workers else {
                return (job, false)
            }
            state.threads += 1
            state.alive += 1
            return (job, true)
        }
        if starts { start() }
        return leader
    }

    /// A thread of its own for each process: the kernel ends the process with the thread that has started it.
    private func work() {
        var worker: DuckDBWorker?
        while let job = next() {
            do {
                let answer = try serve(job, &worker)
                if let key = job.key { cache.keep(answer, key) }
                landed(job)
                job.finish(answer)
            } catch {
                landed(job)
                job.fail(error)
            }
        }
        worker = nil
        state.change { $0.alive -= 1 }
    }

    private func landed(_ job: QueryJob) {
        state.change { state in
            state.busy -= 1
            if let key = job.key, state.flights[key] === job { state.flights[key] = nil }
        }
    }

    /// The next job; nil when the thread is to end.
    private func next() -> QueryJob? {
        while true {
            let job: QueryJob?? = state.wait(limits.idle) { state in
                if !state.jobs.isEmpty {
                    state.busy += 1
                    return .some(state.jobs.removeFirst())
                }
                guard state.isStopped else { return nil }
                state.threads -= 1
                return .some(nil)
            }
            if let job { return job }
            // Nothing for a while. The last one stays as long as others find their answers in memory.
            let isLast = state.look { state -> Bool? in
                guard state.jobs.isEmpty else { return nil }
                let isLast = state.threads == 1
                if isLast, ContinuousClock.now - state.lastUse < .microseconds(limits.idle) { return nil }
                state.threads -= 1
                return isLast
            }
            guard let isLast else { continue }
            if isLast { clear() }
            return nil
        }
    }

    private func clear() {
        cache.clear()
        held.clear()
    }

    private func serve(_ job: QueryJob, _ worker: inout DuckDBWorker?) throws -> QueryAnswer {
        // Whoever asked has waited longer than an answer may take.
        if let time = limits.engine.time, ContinuousClock.now - job.given > .microseconds(time) {
            throw Busy(retryAfterSeconds: Self.retryAfterSeconds)
        }
        switch job.work {
        case .alone(let question): return try runner.answer(question, job.form)
        case .warm(let query, let catalogue):
            do throws(DuckDBWorker.Failure) {
                do throws(DuckDBWorker.Failure) {
                    return try ask(query, job.form, &worker)
                } catch {
                    // The process may have been killed, or may have died of an earlier question.
                    guard case .broken = error else { throw error }
                    return try ask(query, job.form, &worker)
                }
            } catch {
                switch error {
                case .refused(let words): throw QueryWords.short(words, catalogue)
                case .broken(let words): throw words
                case .tooLarge: throw DuckDB.tooLarge
                case .late: throw DuckDB.late(limits.engine.time ?? 0)
                }
            }
        }
    }

    private func ask(
        _ query: CheckedQuery, _ form: QueryRunner.Form, _ worker: inout DuckDBWorker?
    ) throws(DuckDBWorker.Failure) -> QueryAnswer {
        if worker?.isSound != true || worker?.isExpired == true {
            // The former process first, which frees its memory.
            worker = nil
            do {
                worker = try DuckDBWorker(
                    home: home, files: held.folder, limits: limits.engine, duckdb: duckdb, remote: lake.remote)
            } catch { throw .refused(LakeError("\(error)")) }
        }
        guard let pid = worker?.pid, let file = worker?.answerFile else {
            throw .refused(LakeError("DuckDB does not start"))
        }
        state.look { $0.answering.append(pid) }
        defer { state.look { $0.answering.removeAll { $0 == pid } } }
        let script = AnswerScript(query, form, file: file)
        let rows = try worker?.ask(script.statements, microseconds: limits.engine.time) ?? []
        do { return try script.answer(rows) } catch { throw .broken(LakeError("\(error)")) }
    }

    /// The processes that answer something now.
    var answering: [Int32] { state.look { $0.answering } }
}

extension LakeTable {
    /// Its partitions, of which those within bounds are replaced, or gone when they are not among the days.
    fileprivate func partitions(outside bounds: QueryBounds, or days: [String: TablePartition]) -> [TablePartition] {
        let wanted = Set(partitions(from: bounds.from, to: bounds.to).map(\.day))
        return partitions.compactMap { wanted.contains($0.day) ? days[$0.day] : $0 }
    }
}

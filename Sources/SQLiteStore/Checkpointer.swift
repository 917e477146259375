import CSQLite
import Glibc
import SQLite
import Store
import Synchronization

/// Copies what was committed from the write-ahead log into the database, on a thread and a connection of its own, so that
/// the writer never waits for it. See docs/decisions/0007-checkpoints.md.
final class Checkpointer: CommitListener, Sendable {
    /// So many pages of log are worth a checkpoint (4 MiB, as SQLite's own default).
    static let interval = 1_000
    /// From so many pages on (32 MiB) the log is made to begin anew, which waits for readers, but only so long.
    private static let restartPages = 8_000
    private static let restartMilliseconds: Int32 = 20
    /// From so many pages on (256 MiB) somebody should look for the reader that holds the log.
    private static let notedPages = 65_536
    /// What stays of the log's file once it begins anew.
    static let keptBytes = 16 << 20

    private struct State {
        var thread: pthread_t?
        var isStopped = false
        /// Log pages at which the next checkpoint is due.
        var next = Checkpointer.interval
        var isDue = false
    }

    private let path: String
    private let note: @Sendable (String) -> Void
    private let state = Mutex(State())
    private let bell = Bell()
    private let done = Atomic<Int>(0)

    init(path: String, note: @escaping @Sendable (String) -> Void) {
        self.path = path
        self.note = note
    }

    /// How many checkpoints were made; tests wait for it.
    var count: Int { done.load(ordering: .acquiring) }

    /// Called by the writer, within its commit: never waits.
    func committed(pages: Int) {
        let isDue = state.withLock { state in
            // The log has begun anew.
            if pages < Self.interval { state.next = Self.interval }
            guard pages >= state.next, !state.isDue, !state.isStopped else { return false }
            state.isDue = true
            if state.thread == nil { state.thread = start() }
            return true
        }
        if isDue { bell.ring() }
    }

    /// Ends the thread after what it is doing. Nothing is checkpointed any more.
    func stop() {
        let thread = state.withLock { state in
            state.isStopped = true
            defer { state.thread = nil }
            return state.thread
        }
        guard let thread else { return }
        bell.ring()
        pthread_join(thread, nil)
    }

    private func start() -> pthread_t? {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let failure = pthread_create(
            &thread, nil,
            { argument in
                // The argument was retained for this thread, and for it alone.
                guard let argument else { return nil }
                Unmanaged<Checkpointer>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        if failure == 0 { return thread }
        box.release()
        return nil
    }

    private func run() {
        var connection: SQLiteConnection?
        var isNoted = false
        while true {
            bell.wait()
            if state.withLock({ $0.isStopped }) { return }
            var left = 0
            do throws(StoreError) {
                if connection == nil { connection = try connect() }
                if let connection { left = try checkpoint(connection) }
            } catch {
                // The next commit asks again; the writer itself meets what is wrong and says so.
                connection = nil
            }
            state.withLock {
                $0.next = left + Self.interval
                $0.isDue = false
            }
            if left >= Self.notedPages, !isNoted {
                note(
                    "\(path)-wal has grown to \(left / 256) MiB, because a program reads \(path) without an end; "
                        + "`fuser \(path)` names those that have it open")
            }
            isNoted = left >= Self.notedPages
            done.add(1, ordering: .releasing)
        }
    }

    private func connect() throws(StoreError) -> SQLiteConnection {
        let connection = try SQLiteConnection(
            path: path, flags: SQLITE_OPEN_READWRITE, busyTimeoutMilliseconds: Self.restartMilliseconds)
        try connection.run("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = \(Self.keptBytes)")
        return connection
    }

    /// - Returns: pages of the log. Once all of them are in the database, the next commit begins it anew.
    private func checkpoint(_ connection: SQLiteConnection) throws(StoreError) -> Int {
        var (pages, moved) = try pragma("PASSIVE", connection)
        // All is copied, but readers still look into the log, which therefore goes on: wait for them, for a moment.
        if pages >= Self.restartPages, moved == pages { (pages, moved) = try pragma("RESTART", connection) }
        return pages
    }

    private func pragma(_ mode: String, _ connection: SQLiteConnection) throws(StoreError) -> (pages: Int, moved: Int) {
        let rows = try connection.rows("PRAGMA wal_checkpoint(\(mode))") { (Int($0.integer(1)), Int($0.integer(2))) }
        return rows.first ?? (0, 0)
    }
}

/// A POSIX semaphore (sem_overview(7)).
private final class Bell: Sendable {
    /// The semaphore is made for use by many threads; only its address matters, and that never changes.
    nonisolated(unsafe) private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func ring() { sem_post(semaphore) }

    func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
}

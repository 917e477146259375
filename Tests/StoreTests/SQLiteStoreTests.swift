import CSQLite
import Glibc
import SQLite
import SchedulerCore
import Store
import Synchronization
import Testing

@testable import SQLiteStore

/// What only a store on a disk can meet: other processes, other versions, damage, a full disk.
@Suite struct SQLiteStoreTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.path + "/weir.db" }

    init() throws { folder = try TemporaryDirectory() }

    @Test func whatWasCommittedIsThereAfterwards() throws {
        do {
            let store = try SQLiteStore(path: path)
            try store.commit([.insertVersion(Sample.version()), .putDAG(Sample.dag()), .insertRun(Sample.run(1))])
            #expect(try store.connection.integer("PRAGMA synchronous") == 2, "FULL: it survives a power loss")
        }
        let store = try SQLiteStore(path: path)
        #expect(try store.snapshot().runs == [Sample.run(1)])
        #expect(!folder.names.contains { $0.contains(".before-") }, "nothing was migrated")
    }

    // MARK: Fencing

    @Test func aStoreThatWasTakenOverWritesNothing() throws {
        let first = try SQLiteStore(path: path)
        try first.commit([.insertVersion(Sample.version())])
        let second = try SQLiteStore(path: path)
        #expect(second.epoch == first.epoch + 1)
        #expect(first.refusal([.putDAG(Sample.dag())]) == .fenced)
        #expect(first.refusal([]) == .fenced, "also when there is nothing to write")
        #expect(try second.snapshot().dags.isEmpty)
        #expect(second.refusal([.putDAG(Sample.dag())]) == nil)
        let third = try SQLiteStore(path: path)
        #expect(first.refusal([]) == .fenced && second.refusal([]) == .fenced)
        #expect(third.refusal([]) == nil)
    }

    @Test func manyThatOpenAtOnceGetEpochsOfTheirOwn() async throws {
        // Again and again: who makes a new file a write-ahead log meets another that does the same only sometimes.
        for round in 1...10 {
            let path = folder.path + "/weir-\(round).db"
            let epochs = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<8 { group.addTask { try SQLiteStore(path: path).epoch } }
                return try await group.reduce(into: [Int64]()) { $0.append($1) }
            }
            #expect(epochs.sorted() == Array(1...8), "and one of them made the tables")
        }
    }

    // MARK: Files that are not what they should be

    @Test func noDatabase() throws {
        #expect(failure { () throws(StoreError) in try SQLiteReader(path: path) }?.code == .missing)
        #expect(folder.names.isEmpty, "a reader makes none")
        let nowhere = folder.path + "/none/weir.db"
        #expect(failure { () throws(StoreError) in try SQLiteStore(path: nowhere) }?.code == .io)
    }

    @Test func anEmptyFileHasNoTablesYet() throws {
        let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
        close(descriptor)
        #expect(failure { () throws(StoreError) in try SQLiteReader(path: path) }?.code == .missing)
        let store = try SQLiteStore(path: path)
        #expect(try store.snapshot() == Snapshot())
    }

    @Test func aFileThatIsNoDatabase() throws {
        let text = [UInt8](repeating: UInt8(ascii: "x"), count: 8192)
        let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
        #expect(write(descriptor, text, text.count) == text.count)
        close(descriptor)
        let errors = [
            failure { () throws(StoreError) in try SQLiteStore(path: path) },
            failure { () throws(StoreError) in try SQLiteReader(path: path) },
        ]
        for error in errors {
            #expect(error?.code == .corrupt)
            #expect(
                error?.message.contains(path) ?? false && error?.message.contains("put a backup in its place") ?? false)
        }
    }

    @Test func aPageThatIsDamaged() throws {
        do {
            let store = try SQLiteStore(path: path)
            try store.commit([.insertVersion(Sample.version()), .putDAG(Sample.dag())])
            let runs = (Int64(1)...500).map { Change.insertRun(Sample.run($0)) }
            try store.commit(runs)
        }
        let size = try #require(fileSize(path))
        let descriptor = open(path, O_WRONLY)
        // The first page stays, so that it still looks like a database.
        let noise = [UInt8](repeating: 0xA5, count: size - 4096)
        #expect(pwrite(descriptor, noise, noise.count, 4096) == noise.count)
        close(descriptor)
        let reader = try SQLiteReader(path: path)
        #expect(failure { () throws(StoreError) in try reader.runs(RunQuery()) }?.code == .corrupt)
    }

    @Test func aNewerFormatIsRefused() throws {
        do {
            let store = try SQLiteStore(path: path)
            try store.connection.run("PRAGMA user_version = 99")
        }
        let errors = [
            failure { () throws(StoreError) in try SQLiteStore(path: path) },
            failure { () throws(StoreError) in try SQLiteReader(path: path) },
        ]
        for error in errors {
            #expect(error?.code == .tooNew)
            #expect(error?.message.contains("format 99, made by a newer Weir") ?? false)
        }
    }

    @Test func aWordOfANewerWeir() throws {
        let store = try SQLiteStore(path: path)
        try store.commit([.insertVersion(Sample.version()), .putDAG(Sample.dag()), .insertRun(Sample.run(1))])
        try store.connection.run("PRAGMA ignore_check_constraints = ON; UPDATE run SET state = 'dreaming'")
        let reader = try SQLiteReader(path: path)
        let error = failure { () throws(StoreError) in try reader.runs(RunQuery()) }
        #expect(error?.code == .corrupt && error?.message.contains("'dreaming'") ?? false)
        // The query that failed half way holds no snapshot: another one sees what is written now.
        try store.connection.run("UPDATE run SET state = 'queued'")
        #expect(try reader.run(dag: "daily", runID: Sample.run(1).runID) == Sample.run(1))
    }

    // MARK: Troubles that pass

    @Test func anotherProcessHoldsTheDatabase() throws {
        let store = try SQLiteStore(path: path, busyTimeoutMilliseconds: 1)
        let other = try SQLiteConnection(path: path, flags: SQLITE_OPEN_READWRITE)
        try other.run("BEGIN IMMEDIATE")
        let error = failure { () throws(StoreError) in try store.commit([.insertVersion(Sample.version())]) }
        #expect(error?.code == .busy)
        #expect(error?.message.contains("another process holds the database") ?? false)
        #expect(try store.snapshot() == Snapshot(), "reading goes on")
        try other.run("COMMIT")
        try store.commit([.insertVersion(Sample.version())])
    }

    @Test func aFullDisk() throws {
        let store = try SQLiteStore(path: path)
        try store.commit([.insertVersion(Sample.version()), .putDAG(Sample.dag())])
        let pages = try #require(try store.connection.integer("PRAGMA page_count"))
        _ = try store.connection.integer("PRAGMA max_page_count = \(pages)")
        var big = Sample.version(2)
        big.text = String(repeating: "x", count: 100_000)
        let error = failure { () throws(StoreError) in
            try store.commit([.insertRun(Sample.run(1)), .insertVersion(big)])
        }
        #expect(error?.code == .io)
        #expect(error?.message.contains("the disk is full") ?? false)
        #expect(try store.snapshot().runs.isEmpty, "nothing of it stays")
        _ = try store.connection.integer("PRAGMA max_page_count = 1000000")
        try store.commit([.insertRun(Sample.run(1)), .insertVersion(big)])
        #expect(try store.snapshot().runs.count == 1)
    }

    // MARK: Readers

    @Test func aReaderBesideAWriter() throws {
        let store = try SQLiteStore(path: path)
        let reader = try SQLiteReader(path: path)
        #expect(try reader.dags().isEmpty)
        try store.commit([.insertVersion(Sample.version()), .putDAG(Sample.dag())])
        #expect(try reader.dags().map(\.record) == [Sample.dag()])
        // While the writer is within a transaction.
        try store.connection.run("BEGIN IMMEDIATE; UPDATE dag SET paused = 1")
        #expect(try reader.dags().map(\.record) == [Sample.dag()])
        try store.connection.run("COMMIT")
        #expect(try reader.dags().map(\.record.paused) == [true])
    }

    @Test func aReaderCannotWrite() throws {
        _ = try SQLiteStore(path: path)
        let connection = try SQLiteReader(path: path).connection
        let error = failure { () throws(StoreError) in try connection.run("UPDATE meta SET epoch = 7") }
        #expect(error?.code == .io)
    }

    @Test func anAnswerIsOfOneMoment() async throws {
        let store = try SQLiteStore(path: path)
        try store.connection.run("PRAGMA synchronous = OFF")
        try store.commit([.insertVersion(Sample.version()), .putDAG(Sample.dag()), .insertRun(Sample.run(1))])
        let reader = try SQLiteReader(path: path)
        // At every moment exactly one run is queued or running, while another thread moves it to and fro.
        let mover = RunMover(store)
        let moving = Task.detached { try await mover.move() }
        while mover.moves.load(ordering: .relaxed) == 0 { await Task.yield() }
        var wrong = 0
        for _ in 0..<2000 {
            let counts = try reader.counts()
            if counts.queuedRuns + counts.runningRuns != 1 { wrong += 1 }
        }
        mover.isStopped.store(true, ordering: .relaxed)
        try await moving.value
        #expect(wrong == 0, "of 2000 answers, while the run moved \(mover.moves.load(ordering: .relaxed)) times")
    }

    private func fileSize(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }
}

/// Moves run 1 between queued and running until it is stopped.
private final class RunMover: @unchecked Sendable {
    // Used by the mover's task alone from its start to its end.
    private let store: SQLiteStore
    let moves = Atomic(0)
    let isStopped = Atomic(false)

    init(_ store: SQLiteStore) { self.store = store }

    func move() async throws {
        while !isStopped.load(ordering: .relaxed) {
            try store.commit([.updateRun(Sample.run(1, state: .running), from: .queued)])
            try store.commit([.updateRun(Sample.run(1), from: .running)])
            moves.add(2, ordering: .relaxed)
            // Other tests have the other thread: without this who looks on may never come to it.
            await Task.yield()
        }
    }
}

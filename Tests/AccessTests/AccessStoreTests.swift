import Glibc
import SQLite
import SchedulerCore
import Store
import Testing

@testable import Access

/// The database as a file, and others who use it at the same time.
@Suite struct AccessStoreTests {
    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    @Test func itsFilesAreTheOwnersAlone() throws {
        let world = try AccessWorld()
        try world.add("ada")
        for file in ["", "-wal", "-shm"] { #expect(mode(world.path + file) == 0o600, "access.db\(file)") }
        #expect(AccessFile.problem(world.path) == nil)
    }

    @Test func aFileThatOthersMayReadIsRefused() throws {
        let world = try AccessWorld()
        chmod(world.path, 0o640)
        let error = failure { () throws(AccessError) in try AccessStore(path: world.path) }
        #expect(
            error?.message
                == "\(world.path) holds hashes of passwords, and others than its owner may use it (mode 640); "
                + "`chmod 600 \(world.path)`")
        chmod(world.path, 0o600)
        chmod(world.path + "-wal", 0o604)
        #expect(AccessFile.problem(world.path)?.remedy == "`chmod 600 \(world.path)-wal`")
        chmod(world.path + "-wal", 0o600)
        #expect(failure { () throws(AccessError) in try AccessStore(path: world.path) } == nil)
    }

    @Test func oneThatIsMissingIsOnlyMadeWhenToldTo() throws {
        let world = try AccessWorld()
        let path = world.folder + "/other.db"
        let error = failure { () throws(AccessError) in try AccessStore(path: path, creates: false) }
        #expect(error?.code == .notFound)
        #expect(error?.message == "there are no users yet; `weir user add NAME --role admin` makes the first")
        #expect(mode(path) == nil)
        #expect(failure { () throws(AccessError) in try AccessStore(path: "/nowhere/access.db") }?.code == .store)
    }

    @Test func oneOfANewerWeirIsRefused() throws {
        let world = try AccessWorld()
        let newer = Migrations(AccessSchema.migrations.all + [("next", "CREATE TABLE next (a INTEGER) STRICT;")])
        _ = try AccessStore(path: world.path, limits: LockOut.Limits(), migrations: newer)
        let error = failure { () throws(AccessError) in try AccessStore(path: world.path) }
        #expect(error?.message.contains("has format 2, made by a newer Weir") == true)
        #expect(mode(world.path + ".before-2") == 0o600, "the copy has the hashes, too")
    }

    /// The daemon has one connection, a command another.
    @Test func whatAnotherProcessChangesCountsAtOnce() throws {
        let world = try AccessWorld()
        try world.add("ada", .operator)
        try world.add("root", .admin)
        let session = try #require(world.signIn("ada").success).session
        let token = try world.token("ada")
        #expect(world.ask(session).success != nil && world.ask(token: token.text).success?.role == .operator)
        let other = try AccessStore(path: world.path)
        try other.setRole("ada", to: .viewer, by: "os:test", now: world.now)
        #expect(world.ask(session).failure == .sessionEnded)
        #expect(world.ask(token: token.text).success?.role == .viewer)
        try other.revokeToken(token.id, by: "os:test", now: world.now)
        #expect(world.ask(token: token.text).failure == .invalidToken)
    }

    /// A check waits for nobody, not even to note that it was made.
    @Test func aCheckDoesNotWaitForAWriter() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let token = try world.token("ada")
        let other = try SQLiteConnection.writing(world.path)
        try other.run("BEGIN IMMEDIATE")
        let begin = ContinuousClock.now
        #expect(world.ask(token: token.text).success != nil)
        #expect(ContinuousClock.now - begin < .seconds(2), "the busy timeout is five")
        try other.run("ROLLBACK")
        #expect(try world.store.tokens()[0].lastUsedAt == nil)
    }

    @Test func aDatabaseThatCannotBeReadLetsNobodyIn() throws {
        let world = try AccessWorld()
        try world.add("ada")
        let session = try #require(world.signIn("ada").success).session
        try world.store.change { try $0.run("DROP TABLE session; DROP TABLE lock_out") }
        #expect(world.ask(session).failure == .unavailable)
        #expect(world.signIn("ada").failure == .unavailable)
    }

    @Test func manyThreadsAtOnce() async throws {
        let world = try AccessWorld()
        try world.add("ada")
        let token = try world.token("ada").text
        let session = try #require(world.signIn("ada").success).session
        let (store, now) = (world.store, world.now)
        let bad = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<4 {
                group.addTask {
                    var bad = 0
                    let authenticator = Authenticator(store)
                    for round in 0..<200 {
                        if number == 0, round % 20 == 0 {
                            _ = try store.createToken(user: "ada", name: "\(round)", by: "x", now: now)
                        }
                        let later = now + TimeAmount(seconds: Int64(round))
                        let isToken = round % 2 == 0
                        let answer = authenticator.authenticate(
                            authorization: isToken ? "Bearer \(token)" : nil, session: session, csrf: nil,
                            method: "GET", address: "::1", now: later)
                        if answer.success == nil { bad += 1 }
                    }
                    return bad
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(bad == 0)
        #expect(try store.tokens().count == 11)
    }
}

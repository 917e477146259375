import Glibc
import JSONText
import Spawn
import Testing

/// The upkeep of the store by the built programs, beside a daemon that works.
@Suite(.serialized) struct StoreUpkeepTests {
    private static let quick =
        #"{"id": "d", "tasks": [{"id": "t", "kind": "command", "with": {"shell": "echo done"}}]}"#

    private func home(_ dag: String = quick) throws -> WeirHome {
        let home = try WeirHome()
        try home.write("dags/d.json", dag)
        return home
    }

    private func run(_ home: WeirHome, times: Int) throws {
        for _ in 0..<times {
            let done = try home.weir("trigger", "d", "--wait")
            try #require(done.status == 0, "\(done.err)")
        }
    }

    private func attempts(_ home: WeirHome) throws -> [String] { try File.list(home.path + "/state/attempts") }

    private func temporaries(_ home: WeirHome) throws -> [String] {
        try File.list(home.path).filter { $0.contains(".tmp-") }
    }

    @Test func aBackupBesideADaemonIsRestored() throws {
        let home = try home()
        try home.startDaemon()
        try run(home, times: 2)
        let made = try home.weir("db", "backup", "copy.db")
        #expect(made.status == 0, "\(made.err)")
        #expect(try home.weir("db", "check").status == 0)
        try run(home, times: 2)
        home.killDaemon()

        // As docs/operations.md says.
        for end in ["", "-wal", "-shm"] { rename(home.path + "/state/weir.db" + end, home.path + "/old.db" + end) }
        try #require(try home.program(["cp", "copy.db", "state/weir.db"]).status == 0)
        #expect(try home.weir("db", "check").status == 0)
        try home.startDaemon()
        #expect(try home.runs("d").count == 2)
        // The attempts of the time since are nobody's now, and what they left is not taken for new ones.
        try run(home, times: 1)
        #expect(try home.runs("d").count == 3)
        try home.wait(for: "the stray directories to go") { try attempts(home) == ["1", "2", "5"] }
    }

    @Test func aBackupThatIsKilledLeavesNoFile() throws {
        let home = try home()
        try run(home, times: 1)
        let died = try home.program(
            ["env", "WEIR_FAULT=backup.half", WeirHome.products + "/weir", "db", "backup", "copy.db"])
        #expect(died.status == 128 + SIGKILL)
        #expect(!File.exists(home.path + "/copy.db"))
        #expect(try temporaries(home).count == 1)
        #expect(try home.weir("db", "backup", "copy.db").status == 0)
        #expect(try home.weir("db", "check").status == 0)
    }

    @Test func aDaemonPrunesWhenAsked() throws {
        let home = try home()
        try home.startDaemon()
        try run(home, times: 4)
        let refused = try home.weir("db", "migrate")
        #expect(refused.status == 5, "\(refused.err)")
        let pruned = try home.json("db", "prune", "--keep", "1")
        #expect(pruned["runs"]?.integer == 3 && pruned["attempts"]?.integer == 3, "\(pruned.jsonText)")
        #expect(try home.runs("d").count == 1)
        #expect(try attempts(home) == ["4"])
        #expect(try home.weir("db", "check").status == 0)
        try run(home, times: 1)
        #expect(try attempts(home) == ["4", "5"], "no number is given again")
    }

    @Test func aPruneThatIsKilledIsFinishedByTheNextStart() throws {
        let home = try home()
        try run(home, times: 3)
        let died = try home.program(
            ["env", "WEIR_FAULT=prune.committed", WeirHome.products + "/weir", "db", "prune", "--keep", "1"])
        #expect(died.status == 128 + SIGKILL)
        #expect(try home.runs("d").count == 1)
        #expect(try attempts(home) == ["1", "2", "3"])
        try home.startDaemon()
        try home.wait(for: "the stray directories to go") { try attempts(home) == ["3"] }
        #expect(home.read("daemon.log").contains("the last Weir did not stop in good order"))
    }

    @Test func aMigrationThatIsKilledIsMadeAnew() throws {
        let home = try home()
        home.startDaemon(dyingAt: "migrate.before_commit")
        try home.wait(for: "the daemon to die") { home.daemonIsDead }
        home.killDaemon()
        try home.startDaemon()
        try run(home, times: 1)
        #expect(try home.weir("db", "check").status == 0)
    }

    @Test func anUncleanStopIsSaidAndACleanOneIsNot() throws {
        let home = try home()
        let words = "the last Weir did not stop in good order"
        try home.startDaemon()
        home.killDaemon()
        #expect(!home.read("daemon.log").contains(words))
        try home.startDaemon()
        #expect(home.read("daemon.log").contains(words))
        home.stopDaemon()
        try File.removeTree(home.path + "/daemon.log")
        try home.startDaemon()
        #expect(!home.read("daemon.log").contains(words))
    }

    @Test func aDamagedStoreIsRefused() throws {
        let home = try home()
        try run(home, times: 1)
        let database = home.path + "/state/weir.db"
        var bytes = try File.read(database)
        for index in 4096..<bytes.count { bytes[index] = 0xA5 }
        try File.writeAtomically(database, bytes)
        let refused = try home.weir("daemon")
        #expect(refused.status == 1)
        #expect(refused.err.contains("\"Restoring\" in docs/operations.md"), "\(refused.err)")
        let check = try home.weir("db", "check")
        #expect(check.status == 1 && check.out.contains("docs/operations.md"))
    }

    @Test func readingWorksOnAReadOnlyFileSystem() throws {
        let home = try home()
        try run(home, times: 1)
        // In a mount namespace of its own, the home is mounted on itself, read-only.
        let script = """
            mount --bind . . && mount -o remount,ro,bind . && cd "$PWD" && ! touch x 2>/dev/null || exit 77
            weir=\(WeirHome.products)/weir
            $weir runs && $weir dags && $weir tasks d "$($weir runs | sed -n 's/.*\\(manual__[^ ]*\\).*/\\1/p')" && $weir db check
            """
        let read = try home.program(["unshare", "-m", "sh", "-c", script])
        // Without the right to mount (a container), there is nothing to test.
        guard read.status != 77, !read.err.contains("unshare") else { return }
        #expect(read.status == 0, "\(read.err)")
        #expect(read.out.contains("success") && read.out.contains("all is well"), "\(read.out)")
    }

    /// A user who may read the state and not write there; permissions do not count for root, who runs the tests.
    @Test func readingWorksWhereOnlyOthersMayWrite() throws {
        let home = try home()
        try run(home, times: 1)
        let weir = "\(WeirHome.products)/weir"
        // Asked within the shell: setpriv still has root's rights when it starts its own program.
        let script =
            "chmod -R a+rX . && [ ! -e state/weir.db-shm ] || exit 77; setpriv --reuid 65534 --clear-groups sh -c '"
            + "\(weir) version >&2 || exit 77; ! touch state/x 2>/dev/null && "
            + "\(weir) runs && \(weir) db check && \(weir) doctor | grep \" store \"'"
        let read = try home.program(["sh", "-c", script])
        guard read.status != 77 else { return }
        #expect(read.status == 0, "\(read.err)")
        #expect(read.out.contains("success") && read.out.contains("all is well"), "\(read.out)")
        #expect(read.out.contains("ok    store"), "\(read.out)")
    }
}

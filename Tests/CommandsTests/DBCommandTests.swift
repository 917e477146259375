import Glibc
import JSONText
import SQLiteStore
import SchedulerCore
import Spawn
import Store
import Testing

@testable import Commands

/// `weir db`, in this process and without a daemon.
@Suite struct DBCommandTests {
    private let home: CommandHome

    init() throws { home = try CommandHome() }

    private var database: String { home.path + "/state/weir.db" }

    /// A store with so many ended manual runs.
    private func history(_ count: Int64) throws {
        try home.write("dags/hello.json", helloDAG)
        try File.makeDirectory(home.path + "/state")
        let store = try SQLiteStore(path: database)
        let old = Instant(seconds: 1_000_000_000)
        var changes: [Change] = [
            .insertVersion(DAGVersionRecord(id: 1, dagID: "hello", sha256: "x", text: helloDAG, loadedAt: old)),
            .putDAG(DAGRecord(id: "hello", version: 1, file: "hello.json", paused: false, firstSeen: old)),
        ]
        for id in 1...count {
            let at = Instant(seconds: 1_000_000_000 + id)
            let key = TaskInstanceKey(run: id, taskID: "greet")
            changes += [
                .insertRun(
                    Run(
                        id: id, dagID: "hello", runID: "manual__\(id)", type: .manual, state: .success, version: 1,
                        logicalDate: at, interval: DataInterval(start: at, end: at), runAfter: at, createdAt: at,
                        startedAt: at, endedAt: at)),
                .insertTaskInstance(TaskInstance(key: key, state: .success, attempt: id)),
                .insertAttempt(
                    Attempt(
                        id: id, instance: key, tryNumber: 1, state: .success, createdAt: at, startedAt: at, endedAt: at)
                ),
            ]
            try home.write("state/attempts/\(id)/log", "hello \(id)\n")
        }
        try store.commit(changes)
        try store.close()
    }

    @Test func withoutAStoreThereIsNothingToLookAfter() throws {
        for words in [["check"], ["backup", "x"], ["migrate"], ["prune", "--keep", "1"]] {
            let output = run(["db"] + words, environment: ["WEIR_HOME": home.path])
            #expect(output.status == 4, "\(words): \(output.err)")
        }
        #expect(!File.exists(database) && !File.exists(home.path + "/x"))
    }

    @Test func checkSaysHowItIs() throws {
        try history(2)
        let sound = home.weir("db", "check")
        #expect(sound.status == 0 && sound.out == "\(database): all is well\n")
        #expect(try home.json("db", "check").array?.isEmpty == true)
        do {
            let store = try SQLiteStore(path: database)
            // Ended, and then nothing of it was written but the run.
            try store.commit([
                .updateTaskInstance(
                    TaskInstance(key: TaskInstanceKey(run: 1, taskID: "greet"), state: .queued, attempt: 1),
                    from: .success)
            ])
        }
        let broken = home.weir("db", "check")
        #expect(broken.status == 1)
        #expect(
            broken.out.hasPrefix(
                "run hello/manual__1: it has ended, but some of its tasks have not; restart the daemon"))
        #expect(broken.out.split(separator: "\n").count == 1)
        let json = home.weir("db", "check", "--json")
        #expect(json.status == 1)
        #expect(try JSONDocument(parsing: json.out).root.array?.first?["code"]?.string == "inconsistent")
    }

    @Test func backupNeverOverwritesUnasked() throws {
        try history(2)
        let file = home.path + "/copy.db"
        let made = home.weir("db", "backup", file)
        #expect(made.status == 0 && made.out.hasPrefix(file), "\(made.err)")
        #expect(try SQLiteReader(path: file).runs(RunQuery()).count == 2)
        let before = try File.read(file)
        let again = home.weir("db", "backup", file)
        #expect(again.status == 1 && again.err == "weir: \(file) is there already; --force replaces it\n")
        #expect(try File.read(file) == before)
        let forced = home.weir("db", "backup", file, "--force", "--json")
        #expect(forced.status == 0 && forced.out.contains("\"bytes\":"), "\(forced.err)")
        #expect(try File.list(home.path).filter { $0.hasPrefix("copy") } == ["copy.db"])
    }

    @Test func backupNeverReplacesTheStore() throws {
        try history(1)
        for file in [database, database + "-wal", home.path + "/dags/../state/weir.db", home.path + "/state"] {
            #expect(home.weir("db", "backup", file, "--force").status == 1, "\(file)")
        }
        // By another name of the same file.
        #expect(link(database, home.path + "/other.db") == 0)
        #expect(home.weir("db", "backup", home.path + "/other.db", "--force").err.contains("is the store itself"))
        #expect(home.weir("db", "check").status == 0)
        #expect(home.weir("db", "backup", home.path + "/none/x").status == 1)
    }

    @Test func migrateSaysTheFormat() throws {
        try history(1)
        let output = home.weir("db", "migrate")
        #expect(output.status == 0 && output.out.contains("which is this Weir's"), "\(output.err)")
        #expect(try home.json("db", "migrate")["copy"]?.isNull == true)
        let locked = try home.whileLocked { home.weir("db", "migrate") }
        #expect(locked.status == 5 && locked.err.contains("in use by process"))
    }

    @Test func pruneNeedsARule() throws {
        try history(3)
        let none = home.weir("db", "prune")
        #expect(none.status == 2 && none.err.contains("--older-than AGE, --keep N, or \"retention\""))
        #expect(home.weir("db", "prune", "--older-than", "old").err.contains("a length of time such as 90d"))
        #expect(home.weir("db", "prune", "--keep", "-1").status == 2)
        let locked = try home.whileLocked { home.weir("db", "prune", "--keep", "1") }
        #expect(locked.status == 5)
        #expect(try SQLiteReader(path: database).runs(RunQuery()).count == 3)
    }

    @Test func pruneRemovesAndSaysSo() throws {
        try history(5)
        let dry = home.weir("db", "prune", "--keep", "2", "--dry-run")
        #expect(
            dry.out == """
                hello: 3 runs that ended from 2001-09-09T01:46:41Z to 2001-09-09T01:46:43Z
                3 runs would go

                """, "\(dry.err)")
        #expect(try home.json("db", "prune", "--keep", "2", "--dry-run")["dags"]?["hello"]?.integer == 3)
        let done = home.weir("db", "prune", "--keep", "2", "--older-than", "1d")
        #expect(
            done.out
                == "removed: 3 runs, 3 attempts, 0 DAG versions, 0 backfills, 0 audit entries, 0 stray directories\n",
            "\(done.err)")
        #expect(try File.list(home.path + "/state/attempts") == ["4", "5"])
        #expect(try home.json("db", "prune", "--keep", "1")["runs"]?.integer == 1)
        #expect(home.weir("db", "prune", "--keep", "0", "--dry-run").out == "nothing would go\n", "the newest stays")
        #expect(home.weir("db", "check").status == 0)
    }

    @Test func pruneTakesTheRulesOfTheSettings() throws {
        try history(5)
        try home.write("weir.json", #"{"retention": {"runs": "400d", "keep": 3}}"#)
        #expect(try home.json("db", "prune", "--dry-run")["runs"]?.integer == 2)
        let more = home.weir("db", "prune", "--dry-run", "--json", environment: ["WEIR_RETENTION_KEEP": "1"])
        #expect(try JSONDocument(parsing: more.out).root["runs"]?.integer == 4)
        #expect(try home.json("db", "prune", "--keep", "4", "--dry-run")["runs"]?.integer == 1, "what is said counts")
    }

    static let wrongSettings: [(text: String, message: String)] = [
        (#"{"retention": 5}"#, "1:15: retention must be an object"),
        (#"{"retention": {"run": "1d"}}"#, "1:16: unknown setting 'retention.run'; did you mean 'retention.runs'?"),
        (
            #"{"retention": {"runs": 400}}"#,
            "1:24: retention.runs must be a length of time such as \"90d\" or \"1h30m\""
        ),
        (
            #"{"retention": {"logs": "soon"}}"#,
            "1:24: retention.logs must be a length of time such as \"90d\" or \"1h30m\""
        ),
        (#"{"retention": {"keep": -1}}"#, "1:24: retention.keep must be a number from 0 to 1000000000"),
        (#"{"retention": {"keep": "7"}}"#, "1:24: retention.keep must be a number from 0 to 1000000000"),
    ]

    @Test(arguments: wrongSettings.indices)
    func wrongSettingsAreSaid(index: Int) throws {
        let (text, message) = Self.wrongSettings[index]
        try home.write("weir.json", text)
        let output = home.weir("validate")
        #expect(output.status == 3)
        #expect(output.err == "weir: \(home.path)/weir.json:\(message)\n")
    }

    @Test func wrongVariablesAreSaid() {
        for (name, value) in [("RUNS", "soon"), ("KEEP", "all"), ("LOGS", "1")] {
            let output = home.weir("validate", environment: ["WEIR_RETENTION_\(name)": value])
            #expect(output.status == 3)
            #expect(output.err.hasPrefix("weir: WEIR_RETENTION_\(name) is '\(value)'; it must be"))
        }
    }

    @Test func logsSayThatTheyAreGone() throws {
        try history(1)
        #expect(home.weir("logs", "hello", "manual__1", "greet").out.hasSuffix("<==\nhello 1\n"))
        try File.removeTree(home.path + "/state/attempts/1")
        let output = home.weir("logs", "hello", "manual__1", "greet")
        #expect(output.status == 0)
        #expect(output.out.hasSuffix("<==\n(what it printed is gone: removed as \"retention\" says, or by hand)\n"))
    }
}

import Glibc
import JSONText
import Spawn
import Testing

/// A `WEIR_HOME` of a test, and the built program to use it with. Gone, with every process it started, when the test ends.
final class WeirHome {
    struct Output {
        var status: Int32
        var out: String
        var err: String
    }

    let path: String
    private var daemon: Daemon?
    /// Variables besides the usual ones.
    var extraEnvironment: [String: String] = [:]
    private let parallelism: Int?

    /// The folder of the products that this test was built with.
    static let products: String = {
        guard let test = realpath("/proc/self/exe", nil) else { return "" }
        defer { free(test) }
        return File.parent(of: String(cString: test))
    }()

    static let root: String = {
        // .build/<triple>/<configuration> stands in the package's root.
        var folder = products
        while folder != "/", !File.exists(folder + "/Package.swift") { folder = File.parent(of: folder) }
        return folder
    }()

    /// - Parameter parallelism: nil leaves it to weir.json.
    init(parallelism: Int? = 16) throws {
        var template = Array("/tmp/weir-test-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        path = String(cString: made)
        self.parallelism = parallelism
        try File.makeDirectory(path + "/dags")
    }

    deinit {
        daemon?.kill()
        killLeftovers()
        try? File.removeTree(path)
    }

    func write(_ name: String, _ text: String) throws {
        let file = path + "/" + name
        try File.makeDirectory(File.parent(of: file), recursive: true)
        try File.writeAtomically(file, Array(text.utf8))
    }

    /// A program of a few lines of sh, which runs in this home.
    func script(_ name: String, _ lines: String) throws {
        try File.writeAtomically(
            path + "/" + name, Array("#!/bin/sh\ncd '\(path)'\n\(lines)\n".utf8), mode: 0o700)
    }

    func read(_ name: String) -> String {
        (try? File.read(path + "/" + name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    func lines(_ name: String) -> [String] {
        read(name).split(separator: "\n").map(String.init)
    }

    var environment: [String: String] {
        var environment = ["WEIR_HOME": path, "WEIR_SENDMAIL": "outbox"]
        if let parallelism { environment["WEIR_PARALLELISM"] = "\(parallelism)" }
        for name in ["PATH", "HOME", "LANG", "WEIR_DUCKDB"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        return environment.merging(extraEnvironment) { $1 }
    }

    @discardableResult
    func weir(_ arguments: String..., timeout: Int64 = 120) throws -> Output {
        try weir(arguments, timeout: timeout)
    }

    @discardableResult
    func weir(_ arguments: [String], timeout: Int64 = 120) throws -> Output {
        let done = try ChildProcess.run(
            [Self.products + "/weir"] + arguments, environment: environment, directory: path,
            timeoutMicroseconds: timeout * 1_000_000)
        return Output(
            status: done.status == .exited(0) ? 0 : code(done.status), out: done.outputText, err: done.errorText)
    }

    private func code(_ status: Spawn.ExitStatus) -> Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }

    /// The answer of a command with `--json`.
    func json(_ arguments: String...) throws -> JSONNode {
        let output = try weir(arguments + ["--json"])
        return try JSONDocument(parsing: output.out).root
    }

    func runs(_ dag: String) throws -> [JSONNode] { try json("runs", dag).array ?? [] }

    func tasks(_ dag: String, _ run: String) throws -> [JSONNode] { try json("tasks", dag, run).array ?? [] }

    /// A JSON file of this home.
    func document(_ name: String) throws -> JSONNode {
        try JSONDocument(parsing: try File.read(path + "/" + name)).root
    }

    /// Copies a folder with all that is in it.
    func copy(_ folder: String, to name: String) throws {
        let done = try program(["cp", "-r", folder + "/.", path + "/" + name])
        try #require(done.status == 0, "\(done.err)")
    }

    /// Runs a program of the machine in this home.
    func program(_ words: [String]) throws -> Output {
        // The shell looks it up in PATH.
        let done = try ChildProcess.run(
            ["/bin/sh", "-c", "exec \"$@\"", "sh"] + words, environment: environment, directory: path,
            timeoutMicroseconds: 120_000_000)
        return Output(
            status: done.status == .exited(0) ? 0 : code(done.status), out: done.outputText, err: done.errorText)
    }

    /// The rows of a query; `lake('NAME')` is the dataset of that name.
    func query(_ statement: String) throws -> [JSONNode] {
        let macro = """
            CREATE TEMP MACRO lake(name) AS TABLE
            SELECT * FROM read_parquet('\(path)/state/lake/lakestorage/' || name || '/*/*.parquet');
            """
        let done = try program([Self.root + "/.tools/duckdb", "-no-init", "-json", "-c", macro, "-c", statement])
        try #require(done.status == 0, "\(done.err)")
        return try JSONDocument(parsing: done.out).root.array ?? []
    }

    /// Runs one attempt of a built-in kind without a supervisor; how it ended.
    func task(
        attempt: Int64, kind: String, day: String, with parameters: [String: String], fault: String = ""
    ) throws -> Spawn.ExitStatus {
        func text(_ value: String) -> JSONNode { JSONNode(.string(value)) }
        let with = parameters.map { JSONMember(key: $0.key, node: text($0.value)) }
        let fields = [
            "kind": kind, "dag_id": "by_hand", "run_id": "by_hand", "task_id": kind, "home": path, "ds": day,
            "logical_date": "\(day)T00:00:00Z", "data_interval_start": "\(day)T00:00:00Z",
            "data_interval_end": "\(day)T00:00:00Z",
        ].map { JSONMember(key: $0.key, node: text($0.value)) }
        let directory = AttemptDirectory(path: path + "/by-hand/\(attempt)")
        try File.makeDirectory(path + "/by-hand")
        try directory.create()
        let spec = AttemptSpec(
            attempt: attempt, token: "by-hand", argv: ["weir", "task"], cwd: path, env: [:],
            task: JSONNode(
                .object(JSONObject(fields + [JSONMember(key: "with", node: JSONNode(.object(JSONObject(with))))]))))
        try spec.write(to: directory)
        var environment = environment
        environment["WEIR_FAULT"] = fault
        let done = try ChildProcess.run(
            [Self.products + "/weir", "task", directory.path], environment: environment, directory: path)
        try #require(done.status != .exited(1), "\(done.errorText)")
        return done.status
    }

    /// The recognizer's own logs: `WEIR_SAMPLES`, or ../shared/samples beside the project; nil when they are not here.
    static let samples: String? = {
        let given = getenv("WEIR_SAMPLES").map { String(cString: $0) } ?? root + "/../shared/samples"
        return File.status(given)?.kind == .directory ? given : nil
    }()

    // MARK: The daemon

    /// Starts the daemon and waits until it answers.
    func startDaemon(
        _ options: String..., program: String = WeirHome.products + "/weir", variables: [String: String] = [:]
    ) throws {
        let new = start(["daemon"] + options, program: program, variables: variables, log: "daemon.log")
        daemon = new
        try wait(for: "the daemon to answer") {
            try #require(!new.isDead, "the daemon ended: \(read("daemon.log").suffix(2000))")
            return try weir("status", "--json").out.contains("\"pid\": \(new.pid),")
        }
    }

    /// Starts a command beside the test; what it prints goes to a file of this home. Killed with its owner.
    func start(
        _ words: [String], program: String = WeirHome.products + "/weir", variables: [String: String] = [:],
        log: String
    ) -> Daemon {
        let environment = environment.merging(variables) { _, new in new }
        return Daemon(program, words, environment: environment, log: path + "/" + log)
    }

    /// The daemon that was started last.
    var runningDaemon: Daemon? { daemon }

    /// Starts a daemon that dies when it comes to a place in its code; see `Fault`.
    func startDaemon(dyingAt point: String) {
        let environment = environment.merging(["WEIR_FAULT": point]) { _, new in new }
        daemon = Daemon(Self.products + "/weir", ["daemon"], environment: environment, log: path + "/daemon.log")
    }

    /// Whether the daemon has died by itself.
    var daemonIsDead: Bool { daemon?.isDead ?? true }

    /// kill -9, and waits until the process is gone.
    func killDaemon() {
        daemon?.kill()
        daemon = nil
    }

    /// Stops it in good order, and waits until the process is gone.
    func stopDaemon() {
        daemon?.end(SIGTERM)
        daemon = nil
    }

    var daemonPID: Int32? { daemon?.pid }

    /// Waits for a condition, which is the only way in which a test waits.
    func wait(for what: String, seconds: Int = 60, until condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try !condition() {
            try #require(
                ContinuousClock.now < deadline,
                "waited in vain for \(what); the daemon says: \(read("daemon.log").suffix(2000))")
            usleep(5_000)
        }
    }

    /// Supervisors of this home that are alive, by attempt.
    func supervisors() -> [(pid: Int32, attempt: String)] {
        processes { $0.contains("weir-supervise") }.compactMap { pid, command in
            guard let directory = command.last, directory.hasPrefix(path + "/") else { return nil }
            return (pid, String(directory.split(separator: "/").last ?? ""))
        }
    }

    private func processes(_ matches: (String) -> Bool) -> [(Int32, [String])] {
        ((try? File.list("/proc")) ?? []).compactMap { name in
            guard let pid = Int32(name), let bytes = try? File.read("/proc/\(pid)/cmdline") else { return nil }
            let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard let program = words.first, matches(program) else { return nil }
            return (pid, words)
        }
    }

    private func killLeftovers() {
        for (pid, _) in supervisors() { _ = Glibc.kill(pid, SIGTERM) }
    }
}

extension JSONNode {
    /// The value as JSON, to compare two.
    var jsonText: String {
        var writer = JSONWriter()
        writer.node(self)
        return writer.text
    }
}

/// A process that runs beside a test: a daemon, or a command in the foreground. Killed with its owner.
final class Daemon {
    let pid: Int32
    /// As wait(2) gives it, once it has ended.
    private(set) var status: Int32 = 0
    private var isReaped = false

    deinit { kill() }

    init(_ program: String, _ arguments: [String], environment: [String: String], log: String) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Test threads run with most signals blocked; the daemon must not.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var started: pid_t = 0
        let failure = posix_spawn(&started, program, &actions, &attributes, words, variables)
        #expect(failure == 0, "the daemon cannot be started: \(failure)")
        pid = started
    }

    /// Whether it has ended by itself.
    var isDead: Bool {
        guard !isReaped else { return true }
        isReaped = waitpid(pid, &status, WNOHANG) == pid
        return isReaped
    }

    /// The exit status; 128 and more for a signal, as in a shell. To be asked once it is dead.
    var exitStatus: Int32 { status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F }

    func send(_ signal: Int32) { if !isReaped { _ = Glibc.kill(pid, signal) } }

    /// kill -9, and waits until the process is gone.
    func kill() { end(SIGKILL) }

    /// Ends it with a signal; the status of wait(2).
    @discardableResult
    func end(_ signal: Int32) -> Int32 {
        guard !isReaped else { return status }
        isReaped = true
        _ = Glibc.kill(pid, signal)
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status
    }
}

import Glibc
import JSONText
import SchedulerCore
import Spawn

/// The SQL engine: DuckDB's command-line program, one process a call.
public struct DuckDB: Sendable {
    /// The version that Weir is made for.
    public static let version = "1.5.5"

    let program: String
    let home: String
    private let allowed: [String]
    private let files: [String]
    private let temporary: String
    private let limits: Limits?
    private let keepsOrder: Bool
    private let remote: RemoteLake?
    private let extensions: [Extension]
    /// Most bytes of an answer that is not a file.
    static let answerLimit = 64 << 20

    /// What statements may use.
    public struct Limits: Sendable, Hashable {
        /// Bytes of memory; beyond it DuckDB uses its temporary folder.
        public var memory: Int64
        /// Nil: one for each core.
        public var threads: Int?
        /// Microseconds; then it is ended. Nil: it takes as long as it takes.
        public var time: Int64?
        /// Bytes of the temporary folder; nil: as much as there is.
        public var temporary: Int64?

        public init(
            memory: Int64 = 1 << 30, threads: Int? = nil, time: Int64? = nil, temporary: Int64? = nil
        ) {
            self.memory = memory
            self.threads = threads
            self.time = time
            self.temporary = temporary
        }

        /// Those of a query that a person waits for.
        public static let query = Limits(memory: 1 << 30, time: 60_000_000, temporary: 10 << 30)
    }

    /// What DuckDB can do by a file beside its program. It is loaded before the engine is narrowed, and one that opens files by
    /// itself is not narrowed by that: statements of people are not for an engine that has it.
    public enum Extension: String, Sendable {
        case httpfs
        case sqlite = "sqlite_scanner"

        /// The statement that loads it, into the program of this path.
        func loading(into program: String) throws -> String {
            let file = "\(File.parent(of: program))/\(rawValue).duckdb_extension"
            guard File.exists(file) else {
                throw LakeError("\(file) is not there, which DuckDB needs for this: run `make setup`", mayRetry: false)
            }
            return "LOAD \(SQL.text(file));\n"
        }
    }

    /// - Parameters:
    ///   - allowed: folders that statements may read and write; nothing else of the file system, and no network.
    ///   - files: single files that they may read.
    ///   - temporary: a folder for what does not fit into memory.
    ///   - limits: nil for none but DuckDB's own.
    ///   - keepsOrder: whether rows without an ORDER BY come in the order that they were read in. Holding to it takes
    ///     memory and time; ORDER BY is kept either way.
    ///   - program: nil for that of `WEIR_DUCKDB`, or one of the usual places.
    ///   - remote: what it may read in S3, as far as `allowed` and `files` say so.
    public init(
        home: String, allowed: [String], files: [String] = [], temporary: String, limits: Limits? = nil,
        keepsOrder: Bool = true, program given: String? = nil, remote: RemoteLake? = nil,
        extensions: [Extension] = []
    ) throws {
        program = try Self.find(home: home, given: given)
        self.home = home
        self.allowed = allowed
        self.files = files
        self.temporary = temporary
        self.limits = limits
        self.keepsOrder = keepsOrder
        self.remote = remote
        self.extensions = extensions
    }

    /// Where the program stands.
    ///
    /// - Parameter given: what a person has set; nil or empty: nothing.
    public static func find(home: String, given setting: String? = nil) throws -> String {
        if let given = setting ?? getenv("WEIR_DUCKDB").map({ String(cString: $0) }), !given.isEmpty {
            guard access(given, X_OK) == 0 else {
                throw LakeError("WEIR_DUCKDB is '\(given)', which cannot be executed", mayRetry: false)
            }
            return given
        }
        if let found = Tools.find("duckdb", home: home) { return found }
        throw LakeError(
            "DuckDB \(version) is not installed: run `make setup`, or set WEIR_DUCKDB to the program", mayRetry: false)
    }

    /// What makes the program end with its caller, where the system has it: a query that nobody waits for any more could
    /// run for ever. Tasks need none: their supervisors end all that they have started.
    var keeper: [String] {
        let program = "/usr/bin/setpriv"
        return limits != nil && access(program, X_OK) == 0 ? [program, "--pdeathsig", "KILL", "--"] : []
    }

    /// Runs statements; the rows of the last one that gave any. Integers stay exact, times come as text.
    ///
    /// - Parameter variables: readable in the statements as `getvariable('name')`.
    @discardableResult
    public func run(_ statements: String, variables: KeyValuePairs<String, String> = [:]) throws -> [JSONNode] {
        try answers(statements, variables: variables).last ?? []
    }

    /// What narrows an engine to its folders, files and limits, a statement a line.
    ///
    /// - Throws: when there are no credentials for S3.
    func settings() throws -> String {
        var script = """
            SET TimeZone = 'UTC';
            SET preserve_insertion_order = \(keepsOrder);
            SET autoinstall_known_extensions = false;
            SET autoload_known_extensions = false;
            \(try remote?.access(by: program) ?? "")\(try extensions.map { try $0.loading(into: program) }.joined())SET temp_directory = \(SQL.text(temporary));
            SET allowed_directories = \(SQL.list(allowed));
            SET allowed_paths = \(SQL.list(files));
            SET enable_external_access = false;

            """
        if let limits {
            script += "SET memory_limit = '\(limits.memory / 1024)KiB';\n"
            if let threads = limits.threads { script += "SET threads = \(threads);\n" }
            if let most = limits.temporary { script += "SET max_temp_directory_size = '\(most)B';\n" }
        }
        return script + "SET lock_configuration = true;\n"
    }

    /// The whole environment of the program: nothing of Weir's.
    var environment: [String: String] {
        ["HOME": temporary, "PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8"]
    }

    /// What a query is told that took longer than it may, in microseconds.
    static func late(_ time: Int64) -> LakeError {
        LakeError("DuckDB took longer than \(TimeAmount(microseconds: time)) and was ended")
    }

    static var tooLarge: LakeError {
        LakeError("DuckDB: the answer is larger than \(answerLimit >> 20) MiB; as CSV or Parquet it may be")
    }

    /// What the program says of an error, in one line.
    static func words(_ errors: [UInt8]) -> String {
        let words = String(decoding: errors, as: UTF8.self).split(separator: "\n").prefix(6).joined(separator: " | ")
        return words.isEmpty ? "it said nothing" : words
    }

    /// Runs statements; the rows of each that gives any, which may be none.
    func answers(_ statements: String, variables: KeyValuePairs<String, String> = [:]) throws -> [[JSONNode]] {
        try File.makeDirectory(temporary, recursive: true)
        var script = try settings()
        for (name, value) in variables { script += "SET VARIABLE \(name) = \(SQL.text(value));\n" }
        script += statements
        let done: ChildProcess.Result
        do {
            done = try ChildProcess.run(
                keeper + [program, "-no-init", "-bail", "-json", ":memory:"],
                environment: environment, directory: home, input: Array(script.utf8),
                output: .capture(limit: Self.answerLimit), timeoutMicroseconds: limits?.time)
        } catch {
            throw LakeError("DuckDB: \(error)")
        }
        if done.timedOut, let time = limits?.time { throw Self.late(time) }
        guard !done.outputTruncated else { throw Self.tooLarge }
        guard done.status.isSuccess else { throw LakeError("DuckDB: \(done.status): \(Self.words(done.errors))") }
        return try Self.rows(done.output)
    }

    /// The program prints one array for each statement with rows, a row a line.
    static func rows(_ output: [UInt8]) throws -> [[JSONNode]] {
        if output.isEmpty { return [] }
        // One answer, mostly. A value of the type JSON comes as it was written, with its line breaks.
        if let only = (try? JSONDocument(parsing: output))?.root.array { return [only] }
        var answers: [[JSONNode]] = []
        var start = 0
        var lineStart = 0
        for place in output.indices where output[place] == UInt8(ascii: "\n") {
            defer { lineStart = place + 1 }
            // Between two answers.
            if place == start { start = place + 1 }
            // Only a row's end is followed by a comma; a line break inside a value is escaped.
            guard place > lineStart, output[place - 1] == UInt8(ascii: "]"), output[start] == UInt8(ascii: "[") else {
                continue
            }
            guard let array = (try? JSONDocument(parsing: Array(output[start..<place])))?.root.array else {
                let words = String(decoding: output[start..<place].prefix(200), as: UTF8.self)
                throw LakeError("DuckDB: its answer is not JSON: \(words)")
            }
            answers.append(array)
            start = place + 1
        }
        return answers
    }
}

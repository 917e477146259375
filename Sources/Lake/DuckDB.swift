import Glibc
import JSONText
import Spawn

/// The SQL engine: DuckDB's command-line program, one process a call.
public struct DuckDB: Sendable {
    /// The version that Weir is made for.
    public static let version = "1.5.5"

    private let program: String
    private let home: String
    private let allowed: [String]
    private let temporary: String
    private let memory: Int64?
    private let threads: Int?

    /// - Parameters:
    ///   - allowed: folders that statements may read and write; nothing else of the file system, and no network.
    ///   - temporary: a folder for what does not fit into memory.
    ///   - memory: bytes that it may take; what is more goes to `temporary`. Nil: most of the machine's.
    ///   - threads: nil: one for each core.
    public init(
        home: String, allowed: [String], temporary: String, memory: Int64? = nil, threads: Int? = nil
    ) throws {
        program = try Self.find(home: home)
        self.home = home
        self.allowed = allowed
        self.temporary = temporary
        self.memory = memory
        self.threads = threads
    }

    private static func find(home: String) throws -> String {
        if let given = getenv("WEIR_DUCKDB").map({ String(cString: $0) }), !given.isEmpty {
            guard access(given, X_OK) == 0 else {
                throw LakeError("WEIR_DUCKDB is '\(given)', which cannot be executed")
            }
            return given
        }
        var places = [home + "/.tools/duckdb"]
        if let own = realpath("/proc/self/exe", nil) {
            defer { free(own) }
            // Beside the program, or in the folder of the project that it was built in.
            var folder = File.parent(of: String(cString: own))
            places.append(folder + "/duckdb")
            for _ in 0..<4 {
                folder = File.parent(of: folder)
                places.append(folder + "/.tools/duckdb")
            }
        }
        if let found = places.first(where: { access($0, X_OK) == 0 }) { return found }
        throw LakeError("DuckDB \(version) is not installed: run `make setup`, or set WEIR_DUCKDB to the program")
    }

    /// Runs statements; the rows of the last one that gave any. Integers stay exact, times come as text.
    ///
    /// - Parameter variables: readable in the statements as `getvariable('name')`.
    @discardableResult
    public func run(_ statements: String, variables: KeyValuePairs<String, String> = [:]) throws -> [JSONNode] {
        try File.makeDirectory(temporary, recursive: true)
        var script = """
            SET TimeZone = 'UTC';
            SET preserve_insertion_order = true;
            SET autoinstall_known_extensions = false;
            SET autoload_known_extensions = false;
            SET temp_directory = \(SQL.text(temporary));
            SET allowed_directories = \(SQL.list(allowed));
            SET enable_external_access = false;

            """
        if let memory { script += "SET memory_limit = '\(memory / 1024)KiB';\n" }
        if let threads { script += "SET threads = \(threads);\n" }
        script += "SET lock_configuration = true;\n"
        for (name, value) in variables { script += "SET VARIABLE \(name) = \(SQL.text(value));\n" }
        script += statements
        let done: ChildProcess.Result
        do {
            done = try ChildProcess.run(
                [program, "-no-init", "-bail", "-json", ":memory:"],
                environment: ["HOME": temporary, "PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8"],
                directory: home, input: Array(script.utf8))
        } catch {
            throw LakeError("DuckDB: \(error)")
        }
        guard done.status.isSuccess else {
            let words = done.errorText.split(separator: "\n").prefix(6).joined(separator: " | ")
            throw LakeError("DuckDB: \(done.status): \(words.isEmpty ? "it said nothing" : words)")
        }
        return try rows(done.outputText)
    }

    /// The program prints one array for each statement with rows, a row a line; the last array is the answer.
    private func rows(_ text: String) throws -> [JSONNode] {
        var last: [JSONNode] = []
        var lines: [Substring] = []
        for line in text.split(separator: "\n") {
            lines.append(line)
            // Only a row's end is followed by a comma; a line break inside a value is escaped.
            guard line.hasSuffix("]"), let first = lines.first, first.hasPrefix("[") else { continue }
            guard let array = (try? JSONDocument(parsing: lines.joined(separator: "\n")))?.root.array else {
                throw LakeError("DuckDB: its answer is not JSON: \(lines.joined().prefix(200))")
            }
            last = array
            lines = []
        }
        return last
    }
}

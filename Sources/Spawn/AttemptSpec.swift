import Glibc
import JSONText

/// A file of an attempt's directory that does not hold what it must.
public struct AttemptFileError: Error, Sendable, Hashable, CustomStringConvertible {
    public var path: String
    public var message: String
    public var description: String { "\(path): \(message)" }
}

/// What one attempt runs, and within which limits: the file `spec.json`.
public struct AttemptSpec: Sendable {
    public var attempt: Int64
    /// `weir-` and random letters; stands in the task's environment as WEIR_ATTEMPT_TOKEN and marks its processes.
    public var token: String
    /// The program, looked up in the environment's PATH when it has no slash, and its arguments.
    public var argv: [String]
    public var cwd: String
    /// The whole environment of the task; nothing is inherited.
    public var env: [String: String]
    /// Microseconds of CLOCK_BOOTTIME from the start to the kill; nil: no limit.
    public var timeoutMicroseconds: Int64?
    /// Microseconds between SIGTERM and SIGKILL.
    public var graceMicroseconds: Int64
    /// Bytes of log that are kept; past them the middle is freed.
    public var logCapBytes: Int64
    public var limits: ResourceLimits
    /// A cgroup v2 directory to create for the task and to remove after it; nil: none. See `CgroupRoot`.
    public var cgroup: String?
    /// Names of the secrets that `argv`, `env` or `task` refer to; their values come on the supervisor's standard input.
    public var secrets: [String]
    /// What a built-in task kind reads; the supervisor ignores it.
    public var task: JSONNode?

    public init(
        attempt: Int64, token: String, argv: [String], cwd: String, env: [String: String],
        timeoutMicroseconds: Int64? = nil, graceMicroseconds: Int64 = 10_000_000, logCapBytes: Int64 = 64 << 20,
        limits: ResourceLimits = ResourceLimits(), cgroup: String? = nil, secrets: [String] = [],
        task: JSONNode? = nil
    ) {
        self.secrets = secrets
        self.attempt = attempt
        self.token = token
        self.argv = argv
        self.cwd = cwd
        self.env = env
        self.timeoutMicroseconds = timeoutMicroseconds
        self.graceMicroseconds = graceMicroseconds
        self.logCapBytes = logCapBytes
        self.limits = limits
        self.cgroup = cgroup
        self.task = task
    }

    /// A token that no other attempt has.
    public static func randomToken() -> String {
        let hex = String(UInt64.random(in: 0 ... .max), radix: 16)
        return "weir-" + String(repeating: "0", count: 16 - hex.count) + hex
    }

    /// Puts `spec.json` into the attempt's directory, readable by the owner only. Nobody reads it before that is done.
    public func write(to directory: AttemptDirectory) throws(SystemError) {
        let file = try FileDescriptor.open(directory.spec, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(json, path: directory.spec)
    }

    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("attempt", attempt)
            $0.member("token", token)
            $0.member("argv", argv)
            $0.member("cwd", cwd)
            $0.key("env")
            $0.object { for (name, value) in env.sorted(by: { $0.key < $1.key }) { $0.member(name, value) } }
            $0.member("timeout_us", timeoutMicroseconds)
            $0.member("grace_us", graceMicroseconds)
            $0.member("log_cap_bytes", logCapBytes)
            $0.member("memory_bytes", limits.memoryBytes)
            $0.member("cpu_seconds", limits.cpuSeconds)
            $0.member("open_files", limits.openFiles)
            $0.member("soft_open_files", limits.softOpenFiles)
            $0.member("umask", limits.umask.map { Int64($0) })
            $0.member("cgroup", cgroup)
            if !secrets.isEmpty { $0.member("secrets", secrets) }
            $0.member("task", task ?? JSONNode(.null))
        }
        return writer.bytes + [0x0A]
    }

    /// Reads an attempt's `spec.json`.
    public static func read(from directory: AttemptDirectory) throws(AttemptFileError) -> AttemptSpec {
        let path = directory.spec
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try File.read(path) } catch {
            throw AttemptFileError(path: path, message: "cannot be read: \(error.message)")
        }
        return try AttemptSpec(FileReader(path: path, parsing: bytes))
    }

    init(_ reader: FileReader) throws(AttemptFileError) {
        attempt = try reader.integer("attempt")
        token = try reader.string("token")
        cwd = try reader.string("cwd")
        timeoutMicroseconds = try reader.optional("timeout_us", reader.integer)
        graceMicroseconds = try reader.integer("grace_us")
        logCapBytes = try reader.integer("log_cap_bytes")
        limits = ResourceLimits(
            memoryBytes: try reader.optional("memory_bytes", reader.integer),
            cpuSeconds: try reader.optional("cpu_seconds", reader.integer),
            openFiles: try reader.optional("open_files", reader.integer),
            softOpenFiles: try reader.optional("soft_open_files", reader.integer),
            umask: try reader.optional("umask", reader.integer).map { Int32(truncatingIfNeeded: $0 & 0o777) })
        cgroup = try reader.optional("cgroup", reader.string)
        task = try reader.optional("task") { reader.root[$0] }
        let secrets = (reader.root["secrets"]?.array ?? []).compactMap(\.string)
        self.secrets = secrets
        // A reference to a secret stands between NULs.
        func isGood(_ text: String) -> Bool { !secrets.isEmpty || !text.utf8.contains(0) }
        argv = []
        for node in reader.root["argv"]?.array ?? [] {
            guard let text = node.string, isGood(text) else {
                throw reader.error("'argv' must be a list of strings without NUL")
            }
            argv.append(text)
        }
        if argv.isEmpty { throw reader.error("'argv' must name a program") }
        env = [:]
        for member in reader.root["env"]?.object?.members ?? [] {
            guard let value = member.node.string, isGood(value), !member.key.utf8.contains(0),
                !member.key.utf8.contains(UInt8(ascii: "="))
            else { throw reader.error("'env' must be an object of strings; '\(member.key)' is not") }
            env[member.key] = value
        }
    }
}

/// Typed access to the members of a JSON file that Weir itself wrote.
struct FileReader {
    let path: String
    let root: JSONNode

    init(path: String, parsing bytes: [UInt8]) throws(AttemptFileError) {
        self.path = path
        do throws(JSONSyntaxError) { root = try JSONDocument(parsing: bytes).root } catch {
            let place = "line \(error.position.line), column \(error.position.column)"
            throw AttemptFileError(path: path, message: "is not JSON: \(place) \(error.message)")
        }
        if root.object == nil { throw error("must be an object, not \(root.typeName)") }
    }

    func error(_ message: String) -> AttemptFileError { AttemptFileError(path: path, message: message) }

    func integer(_ key: String) throws(AttemptFileError) -> Int64 {
        guard let value = root[key]?.integer else { throw error("'\(key)' must be an integer") }
        return value
    }

    func string(_ key: String) throws(AttemptFileError) -> String {
        guard let value = root[key]?.string else { throw error("'\(key)' must be a string") }
        return value
    }

    /// Nil for a member that is absent or null.
    func optional<Value>(
        _ key: String, _ read: (String) throws(AttemptFileError) -> Value?
    ) throws(AttemptFileError) -> Value? {
        guard let node = root[key], !node.isNull else { return nil }
        return try read(key)
    }
}

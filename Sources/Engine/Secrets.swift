import Glibc
import SchedulerCore
import Spawn

/// Where the secrets stand that DAGs may name. They are read when an attempt is made, at the last moment.
public struct Secrets: Sendable {
    public enum Source: Sendable, Hashable {
        /// An absolute path.
        case file(String)
        /// A variable of Weir's own environment.
        case variable(String)
    }

    /// Why a secret cannot be used: one line for a person, with what to do.
    public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
        public var description: String
    }

    /// Most bytes of one.
    public static let limit = 64 << 10

    public var sources: [String: Source]
    private let environment: @Sendable (String) -> String?

    public init(_ sources: [String: Source] = [:], environment: @escaping @Sendable (String) -> String? = { _ in nil })
    {
        self.sources = sources
        self.environment = environment
    }

    /// The value, without the newline at its end.
    public func value(_ name: String) throws(Problem) -> String {
        let value: String
        switch sources[name] {
        case nil:
            let near = nearestName(to: name, among: sources.keys.sorted()).map { "; did you mean '\($0)'?" }
            throw Problem(description: "weir.json has no secret '\(name)'" + (near ?? "; add it to its \"secrets\""))
        case .variable(let variable):
            guard let text = environment(variable) else {
                throw Problem(description: "the secret '\(name)' is to come from \(variable), which is not set")
            }
            value = text
        case .file(let path): value = try Self.read(path, name)
        }
        var text = Substring(value)
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        func refuse(_ reason: String) -> Problem { Problem(description: "the secret '\(name)' \(reason)") }
        guard !text.isEmpty else { throw refuse("is empty") }
        guard text.utf8.count <= Self.limit else { throw refuse("is longer than \(Self.limit) bytes") }
        guard !text.utf8.contains(0) else { throw refuse("holds a NUL, which no environment can take") }
        return String(text)
    }

    private static func read(_ path: String, _ name: String) throws(Problem) -> String {
        func refuse(_ reason: String) -> Problem { Problem(description: "the secret '\(name)' \(reason)") }
        var status = stat()
        let bytes: [UInt8]
        do throws(SystemError) {
            // What is looked at is what is read. A pipe would keep its reader waiting.
            let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            guard fstat(file.raw, &status) == 0 else { throw SystemError("fstat", path: path) }
            let isSafe = status.st_uid == geteuid() && status.st_mode & 0o077 == 0
            let isFile = status.st_mode & S_IFMT == S_IFREG
            bytes = isSafe && isFile ? try file.readAll(limit: limit + 2, path: path) : []
        } catch {
            if error.code == EFBIG { throw refuse("is longer than \(limit) bytes") }
            throw refuse("cannot be read: \(error)")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw refuse("is to stand in \(path), which is no file") }
        if status.st_uid != geteuid() {
            let (owner, user) = (Self.user(status.st_uid), Self.user(geteuid()))
            throw refuse("stands in \(path), which belongs to \(owner): `chown \(user) \(path)`")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw refuse("stands in \(path), which others than its owner can use: `chmod 600 \(path)`")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refuse("in \(path) is no UTF-8 text") }
        return text
    }

    private static func user(_ id: uid_t) -> String {
        getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "uid \(id)"
    }
}

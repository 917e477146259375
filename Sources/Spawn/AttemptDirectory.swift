import Glibc

/// The directory of one attempt: the whole contract between the engine and what runs the attempt.
public struct AttemptDirectory: Sendable, Hashable {
    /// Should be absolute: the task's working directory is another one.
    public let path: String

    public init(path: String) { self.path = path }

    /// What to run; complete before the supervisor is started. See `AttemptSpec`.
    public var spec: String { path + "/spec.json" }
    /// Who runs it, or the word `revoked`; written once, and locked by the supervisor as long as it lives. See `AttemptClaim`.
    public var claim: String { path + "/claim" }
    /// What the task wrote to its standard output and error. See `AttemptLog`.
    public var log: String { path + "/log" }
    /// What the task hands on: JSON lines, at most `outputLimit` bytes.
    public var output: String { path + "/output" }
    /// How it ended; appears whole. See `AttemptResult`.
    public var result: String { path + "/result.json" }
    /// A marker: the attempt may not start or publish anything any more.
    public var revoked: String { path + "/revoked" }

    /// Most bytes that a task may write to `output`.
    public static let outputLimit = 1 << 20
    /// The text of a `claim` that no supervisor holds: none will ever run this attempt.
    static let revokedClaim = "revoked\n"

    /// Makes the directory (0700), and those above it, where missing.
    public func create() throws(SystemError) {
        try File.makeDirectory(File.parent(of: path))
        try File.makeDirectory(path, mode: 0o700)
    }

    /// Creates the `revoked` marker; to be done before the attempt is killed or cancelled.
    public func revoke() throws(SystemError) { _ = try File.create(revoked, []) }

    public var isRevoked: Bool { File.exists(revoked) }

    /// Removes what is not needed once the attempt's end is stored: everything but the log.
    public func removeAllButLog() throws(SystemError) {
        for name in try File.list(path) where name != "log" {
            if unlink(path + "/" + name) != 0 { try File.removeTree(path + "/" + name) }
        }
    }
}

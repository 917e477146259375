/// Which files start a run.
public struct FileCondition: Sendable, Hashable {
    /// A folder; a relative one counts from WEIR_HOME.
    public var folder: String
    /// Names that count, with `*` and `?` (fnmatch(3)), part by part where it names folders below.
    public var pattern: String
    /// A file that was not changed for so long is complete.
    public var settle: TimeAmount
    /// How often the folder is looked at besides, where the kernel does not tell what arrives (network file systems).
    public var every: TimeAmount
    /// How many are worth a run; nil: one is.
    public var batch: FileBatch?
}

/// How many files that have arrived make a run: whichever of the three is reached first.
public struct FileBatch: Sendable, Hashable {
    public var files: Int?
    /// Of all of them together.
    public var bytes: Int64?
    /// Since the oldest of them arrived.
    public var age: TimeAmount

    /// Whether what has arrived is worth a run by now.
    public func isReached(by arrival: FileArrival, now: Instant) -> Bool {
        arrival.files >= files ?? .max || arrival.bytes >= bytes ?? .max || now - arrival.oldest >= age
    }
}

/// Complete files in the folder of a DAG that files start, as somebody has seen them: those that were changed after `since`.
public struct FileArrival: Sendable, Hashable {
    public var since: Instant
    /// When the newest of them was changed.
    public var upTo: Instant
    public var files: Int
    public var bytes: Int64
    /// When the oldest of them was changed.
    public var oldest: Instant

    public init(since: Instant, upTo: Instant, files: Int, bytes: Int64, oldest: Instant) {
        self.since = since
        self.upTo = upTo
        self.files = files
        self.bytes = bytes
        self.oldest = oldest
    }
}

/// How far a DAG that files start has come with them.
public struct FileProgress: Sendable, Hashable {
    /// Files that were changed up to here have started a run.
    public var started: Instant
    /// A run has succeeded with those up to here.
    public var done: Instant

    public init(started: Instant, done: Instant) {
        self.started = started
        self.done = done
    }
}

import CPosix

/// What a task may use. Nil: no limit of its own.
public struct ResourceLimits: Sendable, Hashable {
    /// Bytes. In a cgroup with a memory controller the whole tree is held to it, and killed past it; otherwise the data of
    /// each process by itself (RLIMIT_DATA of setrlimit(2)), whose allocations then fail.
    public var memoryBytes: Int64?
    /// Seconds of processor time of each process (RLIMIT_CPU): SIGXCPU at the limit, SIGKILL five seconds later.
    public var cpuSeconds: Int64?
    /// Open files of each process (RLIMIT_NOFILE).
    public var openFiles: Int64?
    /// The soft limit of open files where `openFiles` is nil: with which the daemon began, which has raised its own.
    public var softOpenFiles: Int64?
    /// Permissions that new files do not get; 022 when nil.
    public var umask: Int32?

    public init(
        memoryBytes: Int64? = nil, cpuSeconds: Int64? = nil, openFiles: Int64? = nil,
        softOpenFiles: Int64? = nil, umask: Int32? = nil
    ) {
        self.memoryBytes = memoryBytes
        self.cpuSeconds = cpuSeconds
        self.openFiles = openFiles
        self.softOpenFiles = softOpenFiles
        self.umask = umask
    }

    /// - Parameter inCgroup: whether the kernel holds the tree to the memory limit already.
    func c(inCgroup: Bool) -> weir_limits {
        weir_limits(
            memory: inCgroup ? -1 : memoryBytes ?? -1, cpu_seconds: cpuSeconds ?? -1, open_files: openFiles ?? -1,
            soft_open_files: softOpenFiles ?? -1, umask: umask ?? -1)
    }
}

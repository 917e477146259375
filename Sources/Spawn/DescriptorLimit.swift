import Glibc
import Synchronization

/// How many files this process may have open at once (RLIMIT_NOFILE of getrlimit(2)).
///
/// The usual soft limit of 1024 is for programs that use select(2). A daemon raises it, and gives what it starts the old
/// one back, since such a program may be among them (systemd.exec(5), LimitNOFILE=).
public enum DescriptorLimit {
    /// Enough for every connection and attempt; more would only make programs slow that close all that could be open.
    private static let enough: rlim_t = 65_536

    private static let began = Mutex<Int64?>(nil)

    /// The soft limit before it was raised; nil when it never was.
    public static var inherited: Int64? { began.withLock { $0 } }

    /// How many a daemon that starts with this process's limits may have open; nil when that cannot be told.
    public static var ofDaemon: Int64? {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return nil }
        return Int64(clamping: max(limits.rlim_cur, min(limits.rlim_max, enough)))
    }

    /// Raises the soft limit as far as the hard limit lets it.
    public static func raise() {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return }
        let (before, wanted) = (limits.rlim_cur, min(limits.rlim_max, enough))
        guard before < wanted else { return }
        limits.rlim_cur = wanted
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return }
        began.withLock { $0 = $0 ?? Int64(clamping: before) }
    }
}

import Glibc

/// The processes of one attempt, as their supervisor sees them. The supervisor is the sub-reaper of all of them: whoever
/// loses his parent becomes its child, so "no children left" proves that every descendant is gone, setsid or not.
struct TaskTree {
    private let main: Int32
    private let cgroup: Cgroup?
    private var hasChildren = true
    /// How the program itself ended; nil while it runs.
    private(set) var mainStatus: ExitStatus?
    /// User and system time of everything reaped so far, microseconds.
    private(set) var cpuMicroseconds: Int64 = 0
    /// The largest resident size of a single process, bytes. Linux counts the memory that a child shares with its parent
    /// before exec, here the supervisor's few megabytes, which is all the error.
    private var largestProcess: Int64 = 0

    init(main: Int32, cgroup: Cgroup?) {
        self.main = main
        self.cgroup = cgroup
    }

    var isEmpty: Bool { !hasChildren && !(cgroup?.isPopulated ?? false) }

    var peakMemoryBytes: Int64 { cgroup?.peakMemory ?? largestProcess }

    /// Collects every child that has ended.
    mutating func reap() {
        while true {
            var status: Int32 = 0
            var usage = rusage()
            // __WALL: also children that were cloned without SIGCHLD.
            let pid = wait4(-1, &status, WNOHANG | 0x4000_0000, &usage)
            if pid < 0, errno == EINTR { continue }
            guard pid > 0 else {
                hasChildren = pid == 0
                return
            }
            if pid == main { mainStatus = ExitStatus(waitStatus: status) }
            for time in [usage.ru_utime, usage.ru_stime] {
                cpuMicroseconds += Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_usec)
            }
            largestProcess = max(largestProcess, Int64(usage.ru_maxrss) * 1024)
        }
    }

    /// Asks every process to end. One that is stopped is woken, or it could not.
    func terminate() {
        for process in processes {
            process.send(SIGTERM)
            process.send(SIGCONT)
        }
    }

    /// Kills every process. What they fork meanwhile is found by the next pass, or by the next call.
    func kill() {
        cgroup?.kill()
        var seen: Set<ProcessStatus.Key> = []
        for _ in 0..<16 {
            let new = processes.filter { seen.insert($0.key).inserted }
            if new.isEmpty { return }
            for process in new { process.send(SIGKILL) }
        }
    }

    private var processes: [ProcessStatus] {
        ProcessStatus.descendants(of: getpid()) + (cgroup?.processes ?? [])
    }
}

import Glibc

/// What is left of an attempt whose supervisor is gone.
///
/// A process belongs to it when it is in the attempt's cgroup, carries the attempt's token in its environment, is in the
/// supervisor's session, or has the attempt's log as its output. A process without a cgroup that has shed all of the
/// other three cannot be found by anybody.
struct Leftovers {
    private let token: [UInt8]
    private let cgroup: Cgroup?
    private let supervisor: ProcessIdentity?
    private let log: File.Status?

    /// - Parameters:
    ///   - supervisor: of this start of the machine; nil when its claim is not readable.
    ///   - log: the attempt's log file.
    init(spec: AttemptSpec, supervisor: ProcessIdentity?, log: File.Status?) {
        token = Array("WEIR_ATTEMPT_TOKEN=\(spec.token)".utf8)
        cgroup = spec.cgroup.map(Cgroup.init)
        self.supervisor = supervisor
        self.log = log
    }

    /// Kills until nothing is left.
    ///
    /// - Parameter deadline: microseconds of `BootClock`.
    /// - Returns: how many processes were found; nil when some were still there at the deadline.
    func killAll(until deadline: Int64) -> Int? {
        var found: Set<ProcessStatus.Key> = []
        while true {
            let alive = ProcessStatus.all().filter(belongs)
            if alive.isEmpty, !(cgroup?.isPopulated ?? false) { break }
            if let cgroup {
                found.formUnion(cgroup.processes.map(\.key))
                cgroup.kill()
            }
            for process in alive {
                found.insert(process.key)
                process.send(SIGKILL)
            }
            if BootClock.now() > deadline { return nil }
            usleep(10_000)
        }
        cgroup?.remove()
        return found.count
    }

    private func belongs(_ process: ProcessStatus) -> Bool {
        guard process.pid != getpid(), !process.isDead else { return false }
        if let supervisor {
            // All of the attempt's processes are younger than their supervisor.
            guard process.startTime >= supervisor.startTime else { return false }
            if process.pid == supervisor.pid { return process.startTime == supervisor.startTime }
            if process.session == supervisor.pid, !sessionIsAnothers(supervisor) { return true }
        }
        return carriesToken(process) || writesLog(process)
    }

    /// A session's number can be used again once the session is empty; its new leader then is another process.
    private func sessionIsAnothers(_ supervisor: ProcessIdentity) -> Bool {
        guard let leader = ProcessStatus.read(pid: supervisor.pid) else { return false }
        return leader.startTime != supervisor.startTime
    }

    private func carriesToken(_ process: ProcessStatus) -> Bool {
        guard let environment = try? File.read("/proc/\(process.pid)/environ", limit: 16 << 20) else { return false }
        return environment.split(separator: 0).contains { $0.elementsEqual(token) }
    }

    private func writesLog(_ process: ProcessStatus) -> Bool {
        guard let log else { return false }
        return [1, 2].contains { descriptor in
            guard let file = File.status("/proc/\(process.pid)/fd/\(descriptor)") else { return false }
            return file.inode == log.inode && file.device == log.device
        }
    }
}

import Glibc

/// One group of processes that the kernel keeps together: a directory of cgroup v2 (cgroups(7)).
struct Cgroup {
    let path: String

    /// Makes the group.
    ///
    /// - Returns: nil when it cannot be made, or the path is no cgroup; the task then runs without one.
    static func create(_ path: String) -> Cgroup? {
        guard (try? File.makeDirectory(path)) != nil else { return nil }
        guard File.exists(path + "/cgroup.events") else {
            rmdir(path)
            return nil
        }
        return Cgroup(path: path)
    }

    /// Whether a process lives in it or below it. A group that does not exist has none.
    var isPopulated: Bool {
        guard let bytes = try? File.read(path + "/cgroup.events", limit: 4096) else { return File.exists(path) }
        return !String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains("populated 0")
    }

    /// The processes in it and in the groups that the task made below it.
    var processes: [ProcessStatus] {
        let bytes = (try? File.read(path + "/cgroup.procs")) ?? []
        let here = String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Int32($0) }
        return here.compactMap { ProcessStatus.read(pid: $0) } + subgroups.flatMap(\.processes)
    }

    /// Kills all of it at once (`cgroup.kill`, Linux 5.14), else one by one.
    func kill() {
        if let file = try? FileDescriptor.open(path + "/cgroup.kill", O_WRONLY),
            (try? file.writeAll([UInt8(ascii: "1")])) != nil
        {
            return
        }
        for process in processes { process.send(SIGKILL) }
    }

    /// Bytes; nil where the memory controller is not on.
    var peakMemory: Int64? {
        guard let bytes = try? File.read(path + "/memory.peak", limit: 4096) else { return nil }
        return Int64(String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self))
    }

    /// Holds the whole group to so many bytes of memory, swap included where that is accounted for.
    ///
    /// - Returns: false where the memory controller is not on.
    func limitMemory(to bytes: Int64) -> Bool {
        guard File.exists(path + "/memory.max") else { return false }
        let isSet = write("memory.max", "\(bytes)")
        // One process that is too large takes the task with it, not half of it.
        _ = write("memory.oom.group", "1")
        if File.exists(path + "/memory.swap.max") { _ = write("memory.swap.max", "0") }
        return isSet
    }

    /// Whether the kernel has killed something in it for want of memory.
    var ranOutOfMemory: Bool {
        guard let bytes = try? File.read(path + "/memory.events", limit: 4096) else { return false }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains {
            $0.hasPrefix("oom_kill ") && $0 != "oom_kill 0"
        }
    }

    private func write(_ name: String, _ text: String) -> Bool {
        guard let file = try? FileDescriptor.open(path + "/" + name, O_WRONLY) else { return false }
        return (try? file.writeAll(Array(text.utf8))) != nil
    }

    /// Removes the empty group. The kernel may need a moment after the last process; a group that stays does no harm.
    func remove() {
        for _ in 0..<20 {
            if rmdir(path) == 0 || errno != EBUSY { return }
            // Groups below it are rare, and a look at each of the kernel's files is dear: the first rmdir(2) tells.
            for group in subgroups { group.remove() }
            if rmdir(path) == 0 || isPopulated { return }
            usleep(5000)
        }
    }

    private var subgroups: [Cgroup] {
        let names = (try? File.list(path)) ?? []
        return names.map { path + "/" + $0 }.filter { File.status($0, followLinks: false)?.kind == .directory }
            .map(Cgroup.init)
    }
}

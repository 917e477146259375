import CPosix
import Glibc

/// The fields of /proc/PID/stat that matter here (proc(5)).
struct ProcessStatus: Sendable, Hashable {
    var pid: Int32
    /// One letter; Z and X are dead.
    var state: UInt8
    var parent: Int32
    var session: Int32
    var threads: Int
    var startTime: UInt64

    /// A process whose first thread has ended while others go on is shown as a zombie, too, but it lives.
    var isDead: Bool { state == UInt8(ascii: "X") || (state == UInt8(ascii: "Z") && threads <= 1) }

    /// What tells this process from every other.
    struct Key: Hashable {
        var pid: Int32
        var startTime: UInt64
    }

    var key: Key { Key(pid: pid, startTime: startTime) }

    static func read(pid: Int32) -> ProcessStatus? {
        guard let bytes = try? File.read("/proc/\(pid)/stat", limit: 4096) else { return nil }
        return ProcessStatus(pid: pid, stat: bytes)
    }

    /// The program's name is in parentheses and may hold anything, so fields are counted from the last `)`.
    init?(pid: Int32, stat bytes: [UInt8]) {
        guard let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(close + 1)...].split { $0 == 0x20 || $0 == 0x0A }
        func number<N: FixedWidthInteger>(_ field: Int) -> N? {
            // Field 3, the state, is the first after the name.
            fields.count > field - 3 ? N(String(decoding: fields[field - 3], as: UTF8.self)) : nil
        }
        guard let state = fields.first?.first, let parent: Int32 = number(4), let session: Int32 = number(6),
            let threads: Int = number(20), let startTime: UInt64 = number(22)
        else { return nil }
        self.pid = pid
        self.state = state
        self.parent = parent
        self.session = session
        self.threads = threads
        self.startTime = startTime
    }

    /// Sends a signal to exactly this process: its pid may belong to another one by now, so the start time is compared
    /// once the process is held by a pidfd.
    ///
    /// - Returns: false when it is gone or may not be signalled.
    @discardableResult
    func send(_ signal: Int32) -> Bool {
        let raw = weir_pidfd_open(pid)
        guard raw >= 0 else { return false }
        let pidfd = FileDescriptor(owning: raw)
        guard ProcessStatus.read(pid: pid)?.startTime == startTime else { return false }
        return weir_pidfd_send_signal(pidfd.raw, signal) == 0
    }

    /// Every process that /proc shows.
    static func all() -> [ProcessStatus] {
        guard let names = try? File.list("/proc") else { return [] }
        return names.compactMap { Int32($0) }.compactMap { read(pid: $0) }
    }

    /// The children of a process, their children, and so on.
    static func descendants(of pid: Int32) -> [ProcessStatus] {
        let children = Dictionary(grouping: all(), by: \.parent)
        var found = children[pid] ?? []
        var next = 0
        while next < found.count {
            found += children[found[next].pid] ?? []
            next += 1
        }
        return found
    }
}

import Glibc
import JSONText
import Synchronization

/// One process, told apart from every other that ever had or will have its pid.
public struct ProcessIdentity: Sendable, Hashable {
    public var pid: Int32
    /// Clock ticks between the start of the machine and that of the process: field 22 of /proc/PID/stat, proc(5).
    public var startTime: UInt64
    /// /proc/sys/kernel/random/boot_id: another one after each start of the machine.
    public var bootID: String

    public init(pid: Int32, startTime: UInt64, bootID: String) {
        self.pid = pid
        self.startTime = startTime
        self.bootID = bootID
    }

    /// The process that has this pid now; nil when there is none.
    public static func read(pid: Int32) -> ProcessIdentity? {
        guard let status = ProcessStatus.read(pid: pid) else { return nil }
        return ProcessIdentity(pid: pid, startTime: status.startTime, bootID: currentBootID())
    }

    /// The calling process.
    public static func current() -> ProcessIdentity? { read(pid: getpid()) }

    /// The id of this start of the machine; empty where /proc does not tell.
    public static func currentBootID() -> String {
        bootID.withLock { known in
            if let known { return known }
            guard let bytes = try? File.read("/proc/sys/kernel/random/boot_id", limit: 4096) else { return "" }
            let id = String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
            known = id
            return id
        }
    }

    /// It stays the same as long as any process lives.
    private static let bootID = Mutex<String?>(nil)

    /// The text of a `claim` file.
    var json: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("pid", pid)
            $0.member("start_time", startTime)
            $0.member("boot_id", bootID)
        }
        return writer.bytes + [0x0A]
    }

    /// Reads the text of a `claim` file, or of any other object with these members; nil when it is none.
    public init?(json bytes: [UInt8]) {
        guard let root = try? JSONDocument(parsing: bytes).root,
            let pid = root["pid"]?.integer.flatMap({ Int32(exactly: $0) }), pid > 0,
            let startTime = root["start_time"]?.integer.flatMap({ UInt64(exactly: $0) }),
            let bootID = root["boot_id"]?.string
        else { return nil }
        self.init(pid: pid, startTime: startTime, bootID: bootID)
    }
}

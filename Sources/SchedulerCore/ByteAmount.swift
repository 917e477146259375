import JSONText

/// A number of bytes, written as `512MB`, `2GiB` or `64KB`. KB, MB, GB and TB are powers of 1000, KiB, MiB, GiB and TiB of
/// 1024 (IEC 80000-13).
public enum ByteAmount {
    private static let units: [(name: String, bytes: Int64)] = [
        ("B", 1), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// Nil for any other text, and for what does not fit in 64 bits.
    public static func parse(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), let unit = units.first(where: { $0.name == text.dropFirst(digits.count) })
        else {
            return nil
        }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// `1.7 MB`, for people: powers of 1000, as file managers count.
    public static func words(_ count: Int64) -> String {
        guard count >= 1000 else { return "\(count) B" }
        var value = Double(count)
        var unit = 0
        let units = ["B", "KB", "MB", "GB", "TB", "PB"]
        while value >= 999.95, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}

/// What a task may use; nil for no limit of its own. How it is enforced is the executor's business.
public struct TaskLimits: Sendable, Hashable {
    /// Bytes.
    public var memory: Int64?
    public var cpuTime: TimeAmount?
    public var openFiles: Int?

    public init(memory: Int64? = nil, cpuTime: TimeAmount? = nil, openFiles: Int? = nil) {
        self.memory = memory
        self.cpuTime = cpuTime
        self.openFiles = openFiles
    }

    static let keys = ["memory", "cpu_time", "open_files"]

    /// Each limit that is not set here is taken from another set.
    func filled(from other: TaskLimits?) -> TaskLimits {
        TaskLimits(
            memory: memory ?? other?.memory, cpuTime: cpuTime ?? other?.cpuTime,
            openFiles: openFiles ?? other?.openFiles)
    }
}

extension ObjectReader {
    /// `limits`: an object of memory, cpu_time and open_files.
    func limits(_ key: String) -> TaskLimits? {
        guard let node = self[key],
            let reader = ObjectReader(node, path: path(key), what: "\"\(key)\"", problems: problems)
        else { return nil }
        reader.refuseUnknownKeys(TaskLimits.keys, of: "\"\(key)\"")
        return TaskLimits(
            memory: reader.bytes("memory", atLeast: "1MiB"),
            cpuTime: reader.duration("cpu_time", positive: true) ?? nil,
            openFiles: reader.integer("open_files", 16...1_048_576))
    }

    /// An amount of bytes of at least so many.
    func bytes(_ key: String, atLeast least: String) -> Int64? {
        guard let node = self[key] else { return nil }
        guard let text = node.string, let amount = ByteAmount.parse(text) else {
            error(.badValue, key, "\"\(key)\" must be a number of bytes such as \"512MB\" or \"2GiB\"")
            return nil
        }
        guard amount >= ByteAmount.parse(least) ?? 0 else {
            error(.outOfRange, key, "\"\(key)\" must be at least \(least), not \(text)")
            return nil
        }
        return amount
    }

    /// `umask`: three or four octal digits, as the shell writes it.
    func umask(_ key: String) -> Int? {
        guard let text = string(key) else { return nil }
        // Int(_:radix:) would also take a sign.
        let isPlain = (3...4).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x37).contains($0) }
        guard isPlain, let mask = Int(text, radix: 8), (0...0o777).contains(mask) else {
            error(.badValue, key, "\"\(text)\" is no umask; write three octal digits such as \"022\" or \"077\"")
            return nil
        }
        return mask
    }
}

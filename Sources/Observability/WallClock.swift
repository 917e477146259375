import Glibc

/// The one place that reads the wall clock. Everything else is told the time.
public enum WallClock {
    /// Microseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME).
    public static func now() -> Int64 { read(CLOCK_REALTIME) + offset }

    /// Microseconds by which this clock differs from the machine's: 0, unless a test sets the clock of this process alone by
    /// a file that `WEIR_CLOCK_OFFSET` names, which is read at each look.
    public static var offset: Int64 {
        guard let offsetFile else { return 0 }
        let file = open(offsetFile, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 32)
        let count = Glibc.read(file, &text, text.count)
        return Int64(String(decoding: text.prefix(max(0, count)).prefix { $0 > 0x20 }, as: UTF8.self)) ?? 0
    }

    private static let offsetFile = getenv("WEIR_CLOCK_OFFSET").map { String(cString: $0) }

    /// Microseconds of a clock that only goes forward (CLOCK_MONOTONIC), for durations.
    public static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}

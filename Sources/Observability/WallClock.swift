import Glibc

/// The one place that reads the wall clock. Everything else is told the time.
public enum WallClock {
    /// Microseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME).
    public static func now() -> Int64 { read(CLOCK_REALTIME) }

    /// Microseconds of a clock that only goes forward (CLOCK_MONOTONIC), for durations.
    public static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}

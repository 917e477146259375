import Glibc

/// CLOCK_BOOTTIME: microseconds that nobody can set, and that go on while the machine sleeps.
enum BootClock {
    static func now() -> Int64 { microseconds(CLOCK_BOOTTIME) }

    /// The wall clock, for the two stamps in a result. The supervisor is a program of its own and cannot use Weir's.
    static func wallTime() -> Int64 { microseconds(CLOCK_REALTIME) }

    /// A time that lies `delay` after now; a delay that is too long for the clock means never.
    static func after(_ delay: Int64) -> Int64 {
        let (sum, overflow) = now().addingReportingOverflow(max(0, delay))
        return overflow ? .max : sum
    }

    private static func microseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

import Glibc

/// One measured number of the output.
struct Figure {
    /// Lower case with underscores, the unit in it.
    var name: String
    var value: Double

    /// The value with three digits after the point, which JSON reads in any locale.
    var text: String {
        let thousandths = Int((value * 1000).rounded())
        let fraction = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.utf8.count) + fraction
    }
}

/// Nanoseconds of a clock that is never set.
func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Nanoseconds of each call, ascending. A call's time includes one look at the clock, about 20 ns.
func sortedTimes(_ count: Int, of work: (Int) -> Void) -> [UInt64] {
    var times: [UInt64] = []
    times.reserveCapacity(count)
    for number in 0..<count {
        let start = nanoseconds()
        work(number)
        times.append(nanoseconds() - start)
    }
    return times.sorted()
}

extension [UInt64] {
    /// Of ascending values: the one below which such a part of them lies.
    func quantile(_ part: Double) -> Double { Double(self[Swift.min(count - 1, Int(Double(count) * part))]) }
}

/// A million steps of a generator, each of which needs the one before: work that neither memory nor a compiler speeds up.
/// Figures divided by this one can be compared between machines.
func yardstick() -> (nanosecondsPerStep: Double, sum: UInt64) {
    let steps = 1_000_000
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var best = UInt64.max
    // The best of several: whatever disturbs only adds.
    for _ in 0..<9 {
        let start = nanoseconds()
        for _ in 0..<steps {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
        }
        best = min(best, nanoseconds() - start)
    }
    return (Double(best) / Double(steps), state)
}

/// The generator's step and what a look at the clock costs, which is part of each measured call.
func yardstickFigures() -> [Figure] {
    let step = yardstick()
    keep(step.sum)
    return [
        Figure(name: "integer_step_ns", value: step.nanosecondsPerStep),
        Figure(name: "clock_read_ns_median", value: sortedTimes(100_000) { _ in }.quantile(0.5)),
    ]
}

/// Makes the compiler believe that a result is wanted, so that it computes it.
@inline(never) func keep(_ value: UInt64) {
    if value == 0x0123_4567_89AB_CDEF { print(value) }
}

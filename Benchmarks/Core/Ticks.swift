import Glibc
import SchedulerCore

/// What the search for a tick costs, in Zurich at random instants of the years 1990 to 2039.
func tickFigures() -> [Figure] {
    guard let zone = Zone.system("Europe/Zurich", read: fileBytes) else {
        return stop("there is no zone Europe/Zurich in /usr/share/zoneinfo")
    }
    func timetable(_ text: String) -> Timetable {
        do { return Timetable(cron: try CronExpression(text), zone: zone) } catch { return stop(error.message) }
    }
    let times = randomInstants(200_000)
    func next(_ timetable: Timetable) -> [UInt64] {
        sortedTimes(times.count) {
            keep(UInt64(bitPattern: timetable.next(after: times[$0]).microseconds))
        }
    }
    let daily = timetable("30 2 * * *")
    _ = next(daily)
    let nextDaily = next(daily)
    let previousDaily = sortedTimes(times.count) {
        keep(UInt64(bitPattern: daily.previous(before: times[$0]).microseconds))
    }
    let step = yardstick()
    keep(step.sum)
    return [
        Figure(name: "next_tick_ns_median", value: nextDaily.quantile(0.5)),
        Figure(name: "next_tick_p99_ns", value: nextDaily.quantile(0.99)),
        Figure(name: "next_tick_median_integer_steps", value: nextDaily.quantile(0.5) / step.nanosecondsPerStep),
        Figure(name: "previous_tick_ns_median", value: previousDaily.quantile(0.5)),
        Figure(name: "next_tick_quarter_hour_ns_median", value: next(timetable("*/15 * * * *")).quantile(0.5)),
        Figure(name: "next_tick_leap_day_ns_median", value: next(timetable("0 0 29 2 *")).quantile(0.5)),
    ]
}

private func randomInstants(_ count: Int) -> [Instant] {
    // 1990-01-01 and 2040-01-01.
    let (first, last) = (UInt64(631_152_000), UInt64(2_208_988_800))
    var state: UInt64 = 88_172_645_463_325_252
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Instant(seconds: Int64(first + state % (last - first)))
    }
}

private func fileBytes(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes[..<count])
}

/// Ends the program with a reason: without its input there is nothing to measure.
func stop<T>(_ reason: String) -> T {
    let line = "core-bench: \(reason)\n"
    _ = write(STDERR_FILENO, line, line.utf8.count)
    exit(1)
}

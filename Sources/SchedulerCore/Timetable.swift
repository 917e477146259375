/// The ticks of a schedule in a time zone. The data interval of tick *n* is `[tick n, tick n+1)`, so intervals are
/// contiguous and never empty.
///
/// Ticks of the years 0 to 9999; past these ends there is only `Instant.distantFuture` or `.distantPast`.
public struct Timetable: Sendable {
    /// The schedule as written in the DAG file, a preset without `@`: `daily`, `30 2 * * *`, `every 15m`.
    public let name: String
    public let zone: Zone
    private let rule: any TickRule

    /// The schedules that have a name. `weekly` begins on Sunday, as in Airflow.
    public static let presets = ["hourly", "daily", "weekly", "monthly", "quarterly", "yearly"]

    private static let first = start(ofYear: 0)
    private static let last = start(ofYear: 10_000) - least

    /// - Parameter preset: one of `presets`, also with `@` before it; nil comes back for any other text.
    public init?(preset: String, zone: Zone) {
        let name = preset.hasPrefix("@") ? String(preset.dropFirst()) : preset
        switch name {
        case "hourly": rule = HourlyTicks()
        case "daily": rule = DateTicks(dates: .daily)
        case "weekly": rule = DateTicks(dates: .weekly)
        case "monthly": rule = DateTicks(dates: .months(1))
        case "quarterly": rule = DateTicks(dates: .months(3))
        case "yearly": rule = DateTicks(dates: .months(12))
        default: return nil
        }
        self.name = name
        self.zone = zone
    }

    /// A schedule by a cron expression.
    public init(cron: CronExpression, zone: Zone) {
        rule = cron.hour.isStar ? WildcardCronTicks(cron: cron) : FixedCronTicks(cron: cron)
        name = cron.text
        self.zone = zone
    }

    /// A schedule by elapsed time: ticks at `start` and every whole multiple of `every` after and before it, whatever the
    /// clocks of the zone do; the zone only serves to show times.
    ///
    /// - Parameter every: more than zero; with any other there is no tick at all.
    public init(every: TimeAmount, from start: Instant, zone: Zone) {
        rule = ElapsedTicks(every: every, start: start)
        name = "every \(every)"
        self.zone = zone
    }

    /// The schedule in words, for `weir validate`: `every day at 00:00 Europe/Zurich`.
    public var meaning: String { rule.meaning(in: zone) }

    // MARK: Ticks

    /// The first tick strictly after an instant.
    public func next(after instant: Instant) -> Instant {
        guard instant < Self.last else { return .distantFuture }
        let tick = rule.next(after: max(instant, Self.first - Self.least), in: zone)
        return tick > Self.last ? .distantFuture : tick
    }

    /// The last tick strictly before an instant.
    public func previous(before instant: Instant) -> Instant {
        guard instant > Self.first else { return .distantPast }
        let tick = rule.previous(before: min(instant, Self.last + Self.least), in: zone)
        return tick < Self.first ? .distantPast : tick
    }

    public func isTick(_ instant: Instant) -> Bool { alignPrevious(instant) == instant }

    /// The instant itself when it is a tick, else the next tick.
    public func alignNext(_ instant: Instant) -> Instant { next(after: instant - Self.least) }

    /// The instant itself when it is a tick, else the tick before it.
    public func alignPrevious(_ instant: Instant) -> Instant { previous(before: instant + Self.least) }

    // MARK: Intervals

    /// The interval that starts at a tick. For another instant: from there to the next tick.
    public func interval(startingAt tick: Instant) -> DataInterval {
        DataInterval(start: tick, end: next(after: tick))
    }

    /// The interval in which an instant lies.
    public func interval(containing instant: Instant) -> DataInterval {
        interval(startingAt: alignPrevious(instant))
    }

    /// The interval that a local date means: the first that starts on it; where none does, the one in which it begins.
    public func interval(of date: CivilDate) -> DataInterval {
        let midnight = zone.startOfDay(date)
        let around = interval(containing: midnight)
        return around.start < midnight && around.end <= zone.endOfDay(date) ? interval(startingAt: around.end) : around
    }

    /// The last interval whose end is not after `now`.
    public func lastCompleteInterval(before now: Instant) -> DataInterval {
        let end = alignPrevious(now)
        return DataInterval(start: previous(before: end), end: end)
    }

    private static let least = TimeAmount(microseconds: 1)

    private static func start(ofYear year: Int) -> Instant {
        Instant(seconds: CivilDateTime(CivilDate.firstOfMonth(year: year, month: 1)).secondsAsUTC)
    }
}

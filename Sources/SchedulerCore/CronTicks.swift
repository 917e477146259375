/// Ticks of a cron expression whose hour field begins with `*`: every real minute at which clocks show a match. What a gap
/// swallows does not happen, what an overlap repeats happens twice.
struct WildcardCronTicks: TickRule {
    let cron: CronExpression

    func meaning(in zone: Zone) -> String { "\(cron.meaning) \(zone.name)" }

    func next(after instant: Instant, in zone: Zone) -> Instant {
        var time = instant.wholeSeconds
        while true {
            let period = zone.period(at: time)
            guard let local = cron.reading(after: time + Int64(period.offset)) else { return .distantFuture }
            let tick = local - Int64(period.offset)
            if tick < period.end { return Instant(seconds: tick) }
            // The first second of the next period may itself be one.
            time = period.end - 1
            let following = zone.period(at: period.end)
            guard let first = cron.reading(after: time + Int64(following.offset)) else { return .distantFuture }
            let candidate = first - Int64(following.offset)
            if candidate < following.end { return Instant(seconds: candidate) }
            time = following.end - 1
        }
    }

    func previous(before instant: Instant, in zone: Zone) -> Instant {
        var time = (instant - TimeAmount(microseconds: 1)).wholeSeconds
        while true {
            let period = zone.period(at: time)
            guard let local = cron.reading(notAfter: time + Int64(period.offset)) else { return .distantPast }
            let tick = local - Int64(period.offset)
            if tick >= period.start { return Instant(seconds: tick) }
            time = period.start - 1
        }
    }
}

/// Ticks of any other cron expression: each matching local date and time exactly once. One that does not exist happens at
/// the first instant after the gap, one that occurs twice at its first occurrence; equal instants are one tick.
struct FixedCronTicks: TickRule {
    let cron: CronExpression

    func meaning(in zone: Zone) -> String { "\(cron.meaning) \(zone.name)" }

    func next(after instant: Instant, in zone: Zone) -> Instant {
        guard let local = cron.reading(after: reached(instant.wholeSeconds, zone)) else { return .distantFuture }
        return zone.firstInstant(of: CivilDateTime(secondsAsUTC: local))
    }

    func previous(before instant: Instant, in zone: Zone) -> Instant {
        let time = (instant - TimeAmount(microseconds: 1)).wholeSeconds
        guard let local = cron.reading(notAfter: reached(time, zone)) else { return .distantPast }
        return zone.firstInstant(of: CivilDateTime(secondsAsUTC: local))
    }

    /// The latest reading that clocks in the zone have shown, or jumped over, by a time; every reading up to it has had its
    /// first instant. It is the current reading, unless clocks were set back a while ago.
    private func reached(_ time: Int64, _ zone: Zone) -> Int64 {
        var period = zone.period(at: time)
        var latest = time + Int64(period.offset)
        while period.start > time - ZoneRules.largestOffset {
            let end = period.start
            period = zone.period(at: end - 1)
            latest = max(latest, end - 1 + Int64(period.offset))
        }
        return latest
    }
}

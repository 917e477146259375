/// How a kind of schedule finds its ticks. `Timetable` builds everything else on these.
protocol TickRule: Sendable {
    /// The first tick strictly after an instant of the years 0 to 9999.
    func next(after instant: Instant, in zone: Zone) -> Instant
    /// The last tick strictly before an instant of the years 0 to 9999.
    func previous(before instant: Instant, in zone: Zone) -> Instant
    /// The ticks in words, with the zone.
    func meaning(in zone: Zone) -> String
}

/// Every real instant at which clocks show a full hour: an hour that the clocks skip has none, one that they repeat two.
struct HourlyTicks: TickRule {
    func meaning(in zone: Zone) -> String { "every hour at minute 0 \(zone.name)" }

    func next(after instant: Instant, in zone: Zone) -> Instant {
        var time = instant.wholeSeconds + 1
        while true {
            let period = zone.period(at: time)
            let past = (time + Int64(period.offset)).floorDivided(by: 3600).remainder
            let tick = past == 0 ? time : time + 3600 - past
            if tick < period.end { return Instant(seconds: tick) }
            time = period.end
        }
    }

    func previous(before instant: Instant, in zone: Zone) -> Instant {
        // The last whole second before the instant.
        var time = (instant - TimeAmount(microseconds: 1)).wholeSeconds
        while true {
            let period = zone.period(at: time)
            let tick = time - (time + Int64(period.offset)).floorDivided(by: 3600).remainder
            if tick >= period.start { return Instant(seconds: tick) }
            time = period.start - 1
        }
    }
}

/// Midnight of certain local dates, each exactly once: where midnight does not exist at the first instant after the gap,
/// where it occurs twice at its first occurrence. Dates that fall on one instant are one tick.
struct DateTicks: TickRule {
    enum Dates: Sendable {
        case daily
        /// Sundays.
        case weekly
        /// The first day of every so many months, counted from January; a divisor of 12.
        case months(Int)
    }

    var dates: Dates

    func meaning(in zone: Zone) -> String { "\(words) \(zone.name)" }

    private var words: String {
        switch dates {
        case .daily: "every day at 00:00"
        case .weekly: "every Sunday at 00:00"
        case .months(1): "on day 1 of every month at 00:00"
        case .months(3): "on day 1 of January, April, July and October at 00:00"
        case .months: "on 1 January at 00:00"
        }
    }

    // A tick's instant never decreases with its date (see Zone.firstInstant). The tick of the date that clocks show has
    // come; that of the following date may have come too, when they were set back over midnight.

    func next(after instant: Instant, in zone: Zone) -> Instant {
        var date = latest(notAfter: zone.date(at: instant))
        while true {
            let tick = zone.startOfDay(date)
            if tick > instant { return tick }
            date = following(date)
        }
    }

    func previous(before instant: Instant, in zone: Zone) -> Instant {
        var date = latest(notAfter: zone.date(at: instant).adding(days: 1))
        while true {
            let tick = zone.startOfDay(date)
            if tick < instant { return tick }
            date = latest(notAfter: date.adding(days: -1))
        }
    }

    private func latest(notAfter date: CivilDate) -> CivilDate {
        switch dates {
        case .daily: date
        case .weekly: date.adding(days: -date.weekday)
        case .months(let step): .firstOfMonth(year: date.year, month: date.month - (date.month - 1) % step)
        }
    }

    private func following(_ date: CivilDate) -> CivilDate {
        switch dates {
        case .daily: date.adding(days: 1)
        case .weekly: date.adding(days: 7)
        case .months(let step): .firstOfMonth(year: date.year, month: date.month + step)
        }
    }
}

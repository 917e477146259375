/// Ticks at `start` plus every whole multiple of a length of time, also before `start`. Elapsed time, so no calendar, no
/// zone and no summer time have a part in it; a tick need not be a whole second.
struct ElapsedTicks: TickRule {
    let every: TimeAmount
    let start: Instant

    func meaning(in zone: Zone) -> String { "every \(every), counted from \(zone.text(of: start)) \(zone.name)" }

    func next(after instant: Instant, in zone: Zone) -> Instant {
        guard every > .zero else { return .distantFuture }
        return instant + TimeAmount(microseconds: every.microseconds - sinceTick(instant))
    }

    func previous(before instant: Instant, in zone: Zone) -> Instant {
        guard every > .zero else { return .distantPast }
        let since = sinceTick(instant)
        return instant - (since == 0 ? every : TimeAmount(microseconds: since))
    }

    /// Microseconds from the last tick that is not after an instant, less than `every`. The two are taken modulo `every`
    /// apart, since their difference may not fit.
    private func sinceTick(_ instant: Instant) -> Int64 {
        let here = instant.microseconds.floorDivided(by: every.microseconds).remainder
        let phase = start.microseconds.floorDivided(by: every.microseconds).remainder
        return here >= phase ? here - phase : every.microseconds - (phase - here)
    }
}

/// A time zone: when which offset from UTC holds. Built from a compiled time zone file, which the caller reads.
public struct Zone: Sendable, Hashable {
    /// What a reading of the clocks in a zone stands for.
    public enum Reading: Sendable, Hashable {
        case unique(Instant)
        /// Clocks skip this reading; the instant at which they jump over it.
        case gap(firstInstantAfter: Instant)
        /// Clocks show this reading twice.
        case ambiguous(first: Instant, second: Instant)
    }

    /// The IANA name, such as `Europe/Zurich`.
    public let name: String
    private let rules: ZoneRules

    public static let utc = Zone(name: "UTC", rules: .fixed(offset: 0, abbreviation: "UTC"))

    private init(name: String, rules: ZoneRules) {
        self.name = name
        self.rules = rules
    }

    /// - Parameter tzif: the bytes of a compiled zone (RFC 8536, version 1, 2 or later, without leap seconds).
    /// - Returns: Nil when the bytes are not one.
    public init?(name: String, tzif: [UInt8]) {
        guard let rules = TZifReader.read(tzif) else { return nil }
        self.init(name: name, rules: rules)
    }

    // MARK: From instants to readings

    /// Seconds east of UTC at an instant, and the abbreviation that goes with them.
    public func offset(at instant: Instant) -> (seconds: Int, abbreviation: String) {
        let period = period(at: instant.wholeSeconds)
        return (period.offset, period.abbreviation)
    }

    /// What clocks in the zone show at an instant.
    public func civil(at instant: Instant) -> CivilDateTime {
        let (seconds, microsecond) = instant.microseconds.floorDivided(by: 1_000_000)
        return CivilDateTime(
            secondsAsUTC: seconds + Int64(period(at: seconds).offset), microsecond: Int(microsecond))
    }

    /// The local date at an instant; its description is `ds`.
    public func date(at instant: Instant) -> CivilDate { civil(at: instant).date }

    /// The time with its offset, RFC 3339: `2022-05-02T02:00:00+02:00`.
    public func text(of instant: Instant) -> String {
        let offset = offset(at: instant).seconds
        let minutes = offset.magnitude / 60
        let sign = offset < 0 ? "-" : "+"
        return "\(civil(at: instant))\(sign)\(padded(Int(minutes / 60), 2)):\(padded(Int(minutes % 60), 2))"
    }

    // MARK: From readings to instants

    /// The instants at which clocks in the zone show a reading.
    public func instants(of reading: CivilDateTime) -> Reading {
        let local = reading.secondsAsUTC
        var first: Int64?
        var last: Int64?
        var gap: Int64?
        var period = period(at: local - ZoneRules.largestOffset)
        while true {
            let candidate = local - Int64(period.offset)
            if candidate >= period.start, candidate < period.end {
                if first == nil { first = candidate }
                last = candidate
            }
            guard period.end <= local + ZoneRules.largestOffset else { break }
            let following = self.period(at: period.end)
            if period.end + Int64(period.offset) <= local, local < period.end + Int64(following.offset) {
                gap = period.end
            }
            period = following
        }
        func instant(_ seconds: Int64) -> Instant {
            Instant(microseconds: seconds * 1_000_000 + Int64(reading.microsecond))
        }
        guard let first, let last else {
            return .gap(firstInstantAfter: Instant(seconds: gap ?? local))
        }
        return first == last ? .unique(instant(first)) : .ambiguous(first: instant(first), second: instant(last))
    }

    /// The first instant at which clocks show a reading, or the end of the gap that swallows it.
    ///
    /// In other words the first instant at which clocks have reached the reading; so it never decreases with the reading.
    public func firstInstant(of reading: CivilDateTime) -> Instant {
        switch instants(of: reading) {
        case .unique(let instant), .gap(let instant), .ambiguous(let instant, _): instant
        }
    }

    /// The first instant of a local date; where midnight does not exist, the first after the gap.
    public func startOfDay(_ date: CivilDate) -> Instant { firstInstant(of: CivilDateTime(date)) }

    /// The last microsecond of a local date: what a date without a time means as an inclusive end.
    public func endOfDay(_ date: CivilDate) -> Instant {
        startOfDay(date.adding(days: 1)) - TimeAmount(microseconds: 1)
    }

    /// The span of one offset around a time, in seconds since 1970.
    func period(at seconds: Int64) -> ZoneRules.Period { rules.period(at: seconds) }
}

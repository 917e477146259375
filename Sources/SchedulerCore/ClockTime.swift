/// A reading of a clock without a date: `08:30`.
public struct ClockTime: Sendable, Hashable, CustomStringConvertible {
    public let hour: Int
    public let minute: Int

    /// - Parameter text: `HH:MM`, from `00:00` to `23:59`; nil comes back for any other.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
        let digits = [0, 1, 3, 4].map { Int(bytes[$0]) - 48 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard hour < 24, minute < 60 else { return nil }
    }

    /// When clocks in a zone first show it on a date; at the end of the gap where clocks skip it.
    public func instant(on date: CivilDate, in zone: Zone) -> Instant {
        zone.firstInstant(of: CivilDateTime(date: date, hour: hour, minute: minute) ?? CivilDateTime(date))
    }

    public var description: String { "\(padded(hour, 2)):\(padded(minute, 2))" }
}

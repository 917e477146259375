import Foundation
import Testing

@testable import SchedulerCore

/// Every zone of the system's tzdata, from 1970 to 2100, against Foundation, whose data (in its ICU library) and code are
/// its own.
struct ZoneFoundationTests {
    private static let span: Range<Int64> = 0..<4_133_980_800
    /// The tables on the two sides hold the same release only until one of them is updated.
    private static let sameData: Bool = {
        let header = SystemZones.text("/usr/share/zoneinfo/tzdata.zi")?.prefix(while: { $0 != "\n" })
        return header.map { $0.hasSuffix(" " + TimeZone.timeZoneDataVersion) } ?? false
    }()

    /// Since release 2024b the names of System V are links in tzdata, and so they are in Foundation: EET shows Athens, WET
    /// Lisbon. Debian compiles them with the rules of their own that they had before (its changelog of 2024b: "Revert
    /// System V names deprecation"). Here the two differ, before these times only; the other such names do not at all.
    private static let differentUntil: [String: Int64] = [
        // 1980-09-28T01:00:00Z, when Athens gave up days of its own for summer time.
        "EET": 338_950_800,
        // 1996-03-31T01:00:00Z, the end of Lisbon's years on Central European Time.
        "WET": 828_234_000,
    ]

    @Test func offsetsAreThoseOfFoundation() throws {
        var random = Steps(seed: 1970)
        var transitions = 0
        var reported = 0
        var compared = 0
        var different: [String] = []
        let names = Set(SystemZones.names).union(TimeZone.knownTimeZoneIdentifiers).sorted()
        for name in names {
            let zone = try #require(SystemZones.zone(name), "\(name) is no zone of the system")
            let other = try #require(TimeZone(identifier: name), "Foundation lacks \(name)")
            let ours = changes(zone)
            let theirs = changes(other)
            transitions += ours.count
            reported += theirs.count
            var times = (ours + theirs).flatMap { [$0 - 1, $0, $0 + 1] }
            times += (0..<200).map { _ in Int64.random(in: Self.span, using: &random) }
            let first = Self.differentUntil[name] ?? Self.span.lowerBound
            times = Set(times).filter { $0 >= first }.sorted()
            compared += times.count
            let wrong = times.first { offset(zone, $0) != offset(other, $0) }
            if let wrong { different.append("\(name) at \(Instant(seconds: wrong))") }
            // Times of change are compared too: no change of theirs is ours by an equal offset alone.
            if wrong == nil, theirs.filter({ $0 > first }) != ours.filter({ $0 > first }) {
                different.append("\(name): other times of change")
            }
        }
        print(
            "zones against Foundation: \(names.count) zones, \(transitions) changes of ours, \(reported) of Foundation's,",
            "\(compared) instants; same release: \(Self.sameData)")
        #expect(names.count >= 590)
        #expect(transitions >= 50_000)
        #expect(reported >= 50_000)
        #expect(compared >= 250_000)
        if Self.sameData {
            #expect(different == [])
        } else {
            // A new release changes a few zones.
            #expect(different.count <= 20, "\(different)")
        }
    }

    /// What a reading near a change stands for, against the instants at which Foundation's offsets show that reading.
    @Test func readingsAroundChangesAreThoseOfFoundation() throws {
        var compared = 0
        var gaps = 0
        var overlaps = 0
        var wrong: [String] = []
        for name in SystemZones.names where Self.sameData || SystemZones.usual.contains(name) {
            let zone = try #require(SystemZones.zone(name))
            let other = try #require(TimeZone(identifier: name))
            let first = Self.differentUntil[name] ?? 0
            for change in changes(zone) where change > first {
                let before = offset(other, change - 1)
                let after = offset(other, change)
                let edges = [before - 1, before, (before + after) / 2, after - 1, after].map { change + Int64($0) }
                for local in Set(edges) {
                    let candidates = Set([before, after, offset(other, local - 90_000), offset(other, local + 90_000)])
                    let shown = candidates.map { local - Int64($0) }
                        .filter { $0 + Int64(offset(other, $0)) == local }.sorted().map(Instant.init(seconds:))
                    let expected: Zone.Reading
                    switch shown.count {
                    case 0:
                        gaps += 1
                        expected = .gap(firstInstantAfter: Instant(seconds: change))
                    case 1: expected = .unique(shown[0])
                    default:
                        overlaps += 1
                        expected = .ambiguous(first: shown[0], second: shown[shown.count - 1])
                    }
                    compared += 1
                    let reading = CivilDateTime(secondsAsUTC: local)
                    if zone.instants(of: reading) != expected { wrong.append("\(reading) in \(name)") }
                    // And back again.
                    if shown.contains(where: { zone.civil(at: $0) != reading }) { wrong.append("\(shown) in \(name)") }
                }
            }
        }
        print("readings against Foundation: \(compared), \(gaps) in gaps, \(overlaps) in overlaps")
        #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(5))")
        #expect(compared >= (Self.sameData ? 250_000 : 1000))
        #expect(gaps > 0 && overlaps > 0)
    }

    /// Year to second of what clocks show, by Foundation's calendar.
    @Test func datesAreThoseOfFoundation() throws {
        var random = Steps(seed: 2100)
        var wrong: [String] = []
        for name in SystemZones.usual {
            let zone = try #require(SystemZones.zone(name))
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = try #require(TimeZone(identifier: name))
            for _ in 0..<200 {
                let time = Int64.random(in: Self.span, using: &random)
                let date = Date(timeIntervalSince1970: Double(time))
                let parts = calendar.dateComponents(
                    [.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
                let ours = zone.civil(at: Instant(seconds: time))
                let numbers = [
                    ours.date.year, ours.date.month, ours.date.day, ours.hour, ours.minute, ours.second,
                    ours.date.weekday + 1,
                ]
                let theirs = [
                    parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second, parts.weekday,
                ]
                if numbers != theirs.compactMap(\.self) { wrong.append("\(ours) in \(name)") }
            }
        }
        #expect(wrong == [])
    }

    private func offset(_ zone: Zone, _ time: Int64) -> Int { zone.offset(at: Instant(seconds: time)).seconds }

    private func offset(_ zone: TimeZone, _ time: Int64) -> Int {
        zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time)))
    }

    /// The times at which our offset changes.
    private func changes(_ zone: Zone) -> [Int64] {
        var found: [Int64] = []
        var period = zone.period(at: Self.span.lowerBound)
        while period.end < Self.span.upperBound {
            let following = zone.period(at: period.end)
            if following.offset != period.offset { found.append(period.end) }
            period = following
        }
        return found
    }

    /// The times of change that Foundation reports; those that leave the offset as it is are passed over.
    private func changes(_ zone: TimeZone) -> [Int64] {
        var found: [Int64] = []
        var date = Date(timeIntervalSince1970: Double(Self.span.lowerBound))
        while let next = zone.nextDaylightSavingTimeTransition(after: date) {
            let time = Int64(next.timeIntervalSince1970)
            guard next > date, time < Self.span.upperBound else { break }
            if offset(zone, time - 1) != offset(zone, time) { found.append(time) }
            date = next
        }
        return found
    }
}

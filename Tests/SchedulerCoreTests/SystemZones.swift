import Glibc
import SchedulerCore

/// Zones of the machine, for tests.
enum SystemZones {
    static func bytes(_ name: String) -> [UInt8]? {
        let descriptor = open("/usr/share/zoneinfo/" + name, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += buffer[..<count]
        }
    }

    static func zone(_ name: String) -> Zone? { bytes(name).flatMap { Zone(name: name, tzif: $0) } }
}

/// A compiled zone, written by hand.
struct TZifFile {
    var version: UInt8 = UInt8(ascii: "2")
    var changes: [(time: Int64, type: UInt8)] = []
    var types: [(offset: Int32, isSummer: UInt8, name: UInt8)] = [(0, 0, 0)]
    var names = "UTC\0"
    var leapSeconds = 0
    var footer: String?

    var bytes: [UInt8] {
        guard version != 0 else { return block(timeSize: 4) }
        var all = TZifFile(version: version).block(timeSize: 4) + block(timeSize: 8)
        if let footer { all += Array("\n\(footer)\n".utf8) }
        return all
    }

    private func block(timeSize: Int) -> [UInt8] {
        var out = Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
        for count in [0, 0, leapSeconds, changes.count, types.count, names.utf8.count] {
            out += bigEndian(Int64(count), 4)
        }
        for change in changes { out += bigEndian(change.time, timeSize) }
        for change in changes { out.append(change.type) }
        for type in types { out += bigEndian(Int64(type.offset), 4) + [type.isSummer, type.name] }
        return out + Array(names.utf8) + [UInt8](repeating: 0, count: leapSeconds * (timeSize + 4))
    }

    private func bigEndian(_ value: Int64, _ size: Int) -> [UInt8] {
        (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * Int64($0))) }
    }
}

func instant(_ text: String) throws -> Instant {
    guard let instant = Instant(rfc3339: text) else { throw BadInput(text: text) }
    return instant
}

struct BadInput: Error {
    var text: String
}

/// Reads a compiled time zone, RFC 8536. Whatever is not exactly that gives nil; nothing in the bytes is trusted.
enum TZifReader {
    private struct Header {
        var version: UInt8
        var utIndicators: Int
        var standardIndicators: Int
        var leapSeconds: Int
        var changes: Int
        var types: Int
        var characters: Int

        static let size = 44

        init?(_ bytes: ArraySlice<UInt8>) {
            guard bytes.count >= Self.size, bytes.starts(with: Array("TZif".utf8)) else { return nil }
            let base = bytes.startIndex
            version = bytes[base + 4]
            let counts = (0..<6).map { TZifReader.integer(bytes, at: base + 20 + 4 * $0, UInt32.self) }
            utIndicators = Int(counts[0])
            standardIndicators = Int(counts[1])
            leapSeconds = Int(counts[2])
            changes = Int(counts[3])
            types = Int(counts[4])
            characters = Int(counts[5])
        }

        /// Bytes of the data that follows, with times of 4 or 8 bytes.
        func dataSize(timeSize: Int) -> Int {
            changes * (timeSize + 1) + types * 6 + characters + leapSeconds * (timeSize + 4) + standardIndicators
                + utIndicators
        }
    }

    static func read(_ bytes: [UInt8]) -> ZoneRules? {
        guard let first = Header(bytes[...]) else { return nil }
        let firstEnd = Header.size + first.dataSize(timeSize: 4)
        guard firstEnd <= bytes.count else { return nil }
        if first.version == 0 {
            return rules(first, bytes[Header.size..<firstEnd], timeSize: 4, footer: nil)
        }
        // From version 2 on the first block only serves old readers; a second one with wide times and a footer follows.
        guard first.version >= UInt8(ascii: "2"), let second = Header(bytes[firstEnd...]) else { return nil }
        let start = firstEnd + Header.size
        let end = start + second.dataSize(timeSize: 8)
        guard end < bytes.count, bytes[end] == 0x0A, let newLine = bytes[(end + 1)...].firstIndex(of: 0x0A) else {
            return nil
        }
        let footer = String(decoding: bytes[(end + 1)..<newLine], as: UTF8.self)
        return rules(second, bytes[start..<end], timeSize: 8, footer: footer)
    }

    private static func rules(
        _ header: Header, _ data: ArraySlice<UInt8>, timeSize: Int, footer: String?
    ) -> ZoneRules? {
        // Zones that count leap seconds do not fit POSIX time.
        guard header.leapSeconds == 0, header.types > 0, header.characters > 0 else { return nil }
        let timesStart = data.startIndex
        let indexesStart = timesStart + header.changes * timeSize
        let typesStart = indexesStart + header.changes
        let namesStart = typesStart + header.types * 6
        let names = data[namesStart..<(namesStart + header.characters)]

        var types: [ZoneRules.LocalType] = []
        for position in stride(from: typesStart, to: namesStart, by: 6) {
            let offset = Int(integer(data, at: position, Int32.self))
            let nameStart = namesStart + Int(data[position + 5])
            guard offset.magnitude < ZoneRules.largestOffset, data[position + 4] <= 1, nameStart < names.endIndex,
                let nameEnd = names[nameStart...].firstIndex(of: 0)
            else { return nil }
            types.append(
                .init(offset: offset, abbreviation: String(decoding: data[nameStart..<nameEnd], as: UTF8.self)))
        }

        var changes: [Int64] = []
        var typeAfter: [ZoneRules.LocalType] = []
        for number in 0..<header.changes {
            let position = timesStart + number * timeSize
            let time =
                timeSize == 4
                ? Int64(integer(data, at: position, Int32.self)) : integer(data, at: position, Int64.self)
            let type = Int(data[indexesStart + number])
            guard time.magnitude <= 1 << 60, time > changes.last ?? .min, type < types.count else { return nil }
            changes.append(time)
            typeAfter.append(types[type])
        }

        var rule: YearlyRule?
        if let footer, !footer.isEmpty {
            rule = YearlyRule(footer)
            guard rule != nil else { return nil }
        }
        return ZoneRules(changes: changes, typeAfter: typeAfter, typeBefore: types[0], rule: rule)
    }

    /// A big-endian integer; the caller has checked the bounds.
    private static func integer<T: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, at start: Int, _: T.Type) -> T {
        var value: T = 0
        for byte in bytes[start..<(start + T.bitWidth / 8)] { value = value << 8 | T(truncatingIfNeeded: byte) }
        return value
    }
}

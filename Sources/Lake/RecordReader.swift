import Glibc
import JSONText
import Spawn

/// Reads the files of a source, record by record, and sorts them by the day of their events.
struct RecordReader {
    private let lake: LakeRoot
    private let schema: RecordSchema
    private let scanner: RecordScanner?
    private let eventTime: RawLoader.EventTime
    /// The day of records that tell no time, neither in themselves nor in their file's name.
    private let fallback: String
    let names = NameTable()
    private var days: [RawLoader.Day] = []
    private var places: [String: Int] = [:]
    private var lastStamp = Stamp()

    /// The time of an event as it stands in a record, and what it says: many records in a row have the same.
    private struct Stamp {
        var text: [UInt8] = []
        /// The place in `days`, and the time in UTC, as a number of `names`.
        var day = 0
        var utc: Int32 = -1
    }

    init(lake: LakeRoot, schema: RecordSchema, eventTime: @escaping RawLoader.EventTime, fallback: String) {
        self.lake = lake
        self.schema = schema
        scanner = RecordScanner(schema)
        self.eventTime = eventTime
        self.fallback = fallback
    }

    /// What was read, by day.
    mutating func takeDays() -> [String: RawLoader.Day] {
        let found = places.mapValues { days[$0] }
        places = [:]
        days = []
        lastStamp = Stamp()
        return found
    }

    /// Takes what is in a file; false when the file has to be looked at again by the next load.
    mutating func take(_ file: LandingFile, _ content: LandingContent) throws -> Bool {
        func aside(_ reason: String, _ detail: String) -> RawLoader.Aside {
            var hash = SHA256()
            hash.update("\(file.path) \(file.version)")
            return RawLoader.Aside(
                source: RecordSource(file.name, names), digest: hash.finish(), rejection: Rejection(reason, detail),
                content: [])
        }
        switch content {
        case .unsettled: return false
        case .unreadable(let why):
            try setAside(aside("unreadable", why))
            return false
        case .refused(let reason, let detail): try setAside(aside(reason, detail))
        case .bytes(let bytes): try take(bytes, of: file)
        }
        return true
    }

    private mutating func take(_ bytes: UnsafeBufferPointer<UInt8>, of file: LandingFile) throws {
        let source = names.number(file.sourceID)
        guard file.isLines else { return try take(bytes, RecordSource(file.name, names), source) }
        let name = names.number(file.name)
        var number: Int32 = 0
        for line in bytes.allLines {
            number += 1
            if line.isBlank { continue }
            try take(line, RecordSource(file: name, line: number), source)
        }
    }

    private mutating func take(_ bytes: UnsafeBufferPointer<UInt8>, _ source: RecordSource, _ sourceID: Int32) throws {
        let digest = SHA256.Digest(of: UnsafeRawBufferPointer(bytes))
        if let facts = scanner?.scan(bytes) {
            let text = UnsafeBufferPointer(rebasing: bytes[facts.eventTime])
            if text.elementsEqual(lastStamp.text) || note(text) {
                let key = RecordKey(source: sourceID, time: lastStamp.utc, number: facts.key)
                return try append(bytes, source, digest, key, Int32(clamping: facts.rank), [], day: lastStamp.day)
            }
        }
        do throws(Rejection) {
            let facts = try RecordValidator.check(Array(bytes), schema)
            guard let time = eventTime(facts.eventTime) else {
                throw Rejection(
                    "bad_timestamp", "\(schema.eventTime) is '\(facts.eventTime)', which is no date and time")
            }
            let key = RecordKey(source: sourceID, time: names.number(time.utc), number: facts.key)
            let rank = Int32(clamping: facts.rank)
            do {
                try append(bytes, source, digest, key, rank, facts.extra, day: day(time.day))
            } catch {
                // A full disk is no fault of the record: the load fails as a whole, and nothing is counted.
                throw Rejection(Self.unwritable, "\(error)")
            }
        } catch {
            if error.reason == Self.unwritable { throw LakeError(error.detail) }
            try setAside(
                RawLoader.Aside(source: source, digest: digest, rejection: error, content: Array(bytes)))
        }
    }

    private static let unwritable = "unwritable"

    /// Remembers the time of an event; false for a text that is no time.
    private mutating func note(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let time = eventTime(String(decoding: text, as: UTF8.self)), let place = try? day(time.day) else {
            return false
        }
        lastStamp = Stamp(text: Array(text), day: place, utc: names.number(time.utc))
        return true
    }

    /// The place of a day in `days`.
    private mutating func day(_ name: String) throws -> Int {
        if let place = places[name] { return place }
        days.append(.init(incoming: try IncomingFile("\(lake.staging)/incoming/\(name)")))
        places[name] = days.count - 1
        return days.count - 1
    }

    /// Adds one line: the record as it came, without its line breaks, and what is known of it.
    private mutating func append(
        _ bytes: UnsafeBufferPointer<UInt8>, _ source: RecordSource, _ digest: SHA256.Digest, _ key: RecordKey,
        _ rank: Int32, _ extra: [JSONMember], day: Int
    ) throws {
        let line = try days[day].incoming.append { buffer in
            buffer.append(text: #"{"source":""#)
            source.append(to: &buffer, names)
            buffer.append(text: #"","source_id":""#)
            names.append(key.source, to: &buffer)
            buffer.append(text: #"","sha256":""#)
            digest.append(to: &buffer)
            buffer.append(text: #"","event_time":""#)
            names.append(key.time, to: &buffer)
            buffer.append(UInt8(ascii: "\""))
            if !extra.isEmpty {
                var writer = JSONWriter()
                writer.node(JSONNode(.object(JSONObject(extra))))
                buffer.append(text: #","extra":"#)
                buffer.append(contentsOf: writer.bytes)
            }
            buffer.append(text: #","doc":"#)
            if bytes.contains(0x0A) || bytes.contains(0x0D) {
                buffer.append(contentsOf: bytes.lazy.filter { $0 != 0x0A && $0 != 0x0D })
            } else {
                buffer.append(contentsOf: bytes)
            }
            buffer.append(text: "}\n")
        }
        days[day].records.append(.init(source: source, digest: digest, key: key, rank: rank, line: line))
    }

    private mutating func setAside(_ aside: RawLoader.Aside) throws {
        let place = try day(ownDay(aside) ?? fallback)
        days[place].asides.append(aside)
    }

    /// The day that a record tells although it is set aside: by itself, or by its file's name.
    private func ownDay(_ aside: RawLoader.Aside) -> String? {
        if let day = aside.rejection.eventTime.flatMap({ eventTime($0)?.day }) { return day }
        return schema.fileDate?.date(in: aside.source.text(names)).flatMap { eventTime($0 + "T00:00:00Z")?.day }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Nothing but space and control characters.
    fileprivate var isBlank: Bool { !contains { $0 > 0x20 } }

    /// The lines, the empty ones too, because they are counted.
    fileprivate var allLines: some Sequence<UnsafeBufferPointer<UInt8>> {
        sequence(state: 0) { (start: inout Int) -> UnsafeBufferPointer<UInt8>? in
            guard start < count, let base = baseAddress else { return nil }
            let found = memchr(base + start, 0x0A, count - start)
            let end = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(base) } ?? count
            defer { start = end + 1 }
            return UnsafeBufferPointer(rebasing: self[start..<end])
        }
    }
}

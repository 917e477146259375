import Glibc
import JSONText
import Spawn

/// The index as a file: lines of JSON, which a person can read and any program.
///
/// An object is an entry by itself: `{"source", "sha256", "outcome", "key", "rank"}`, or with `reason` in the place of the last two.
/// A file of many records has one object without a `sha256`, `{"file", "source_id", "time"}`, and below it an array for each
/// record, `[line, sha256, number, rank]`, with the outcome at its end when that is not `loaded`.
extension RawIndex {
    /// Reads an index; an empty one where there is no file.
    init(reading path: String, names: NameTable = NameTable()) throws {
        guard File.exists(path) else {
            self.init(names: names)
            return
        }
        try self.init(parsing: try File.read(path, limit: 1 << 32), path, names: names)
    }

    /// - Parameter path: of messages.
    init(parsing bytes: [UInt8], _ path: String, names: NameTable) throws {
        self.init(names: names)
        reserveFinding(bytes.count / Self.usualLine)
        var reader = LineReader(names: names)
        try bytes.withUnsafeBufferPointer { bytes in
            for line in bytes.lines {
                if let entry = reader.entry(line) {
                    append(entry)
                } else if let root = (try? JSONDocument(parsing: Array(line)))?.root, root.object != nil {
                    if reader.begins(root) { continue }
                    guard let entry = Self.entry(root, names) else { throw damaged(path) }
                    append(entry)
                } else {
                    throw damaged(path)
                }
            }
        }
    }

    private static let usualLine = 90

    private func damaged(_ path: String) -> LakeError {
        LakeError("\(path): a line is damaged; restore the partition")
    }

    private static func entry(_ root: JSONNode, _ names: NameTable) -> Entry? {
        guard let source = root["source"]?.string,
            let digest = root["sha256"]?.string.flatMap({ SHA256.Digest(hexadecimal: $0.utf8) }),
            let outcome = root["outcome"]?.string.flatMap(Outcome.init)
        else { return nil }
        let place = RecordSource(source, names)
        guard outcome != .quarantined else {
            let reason = names.number(root["reason"]?.string ?? "")
            return Entry(source: place, digest: digest, outcome: outcome, key: nil, reason: reason)
        }
        guard let key = root["key"]?.string.flatMap({ RecordKey($0, names) }),
            let rank = root["rank"]?.integer.flatMap(Int32.init(exactly:))
        else { return nil }
        return Entry(source: place, digest: digest, outcome: outcome, key: key, rank: rank)
    }

    // MARK: Writing

    var lines: [UInt8] {
        var bytes: [UInt8] = []
        var group: Group?
        for entry in entries { append(entry, to: &bytes, &group) }
        return bytes
    }

    /// Writes the lines to a new file, in pieces.
    func write(to path: String) throws {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.pieceSize + 4096)
        var group: Group?
        for entry in entries {
            append(entry, to: &bytes, &group)
            guard bytes.count >= Self.pieceSize else { continue }
            try file.writeAll(bytes, path: path)
            bytes.removeAll(keepingCapacity: true)
        }
        try file.writeAll(bytes, path: path)
    }

    private static let pieceSize = 1 << 18

    /// What the records of a file have in common.
    fileprivate struct Group: Equatable {
        var file: Int32
        var source: Int32
        var time: Int32
    }

    private func append(_ entry: Entry, to bytes: inout [UInt8], _ group: inout Group?) {
        guard let key = entry.key, entry.source.line > 0 else { return append(entry, to: &bytes) }
        let own = Group(file: entry.source.file, source: key.source, time: key.time)
        if group != own {
            group = own
            bytes.append(text: #"{"file":""#)
            names.append(own.file, to: &bytes)
            bytes.append(text: #"","source_id":""#)
            names.append(own.source, to: &bytes)
            bytes.append(text: #"","time":""#)
            names.append(own.time, to: &bytes)
            bytes.append(text: "\"}\n")
        }
        bytes.append(UInt8(ascii: "["))
        bytes.append(decimal: Int64(entry.source.line))
        bytes.append(text: ",\"")
        entry.digest.append(to: &bytes)
        bytes.append(text: "\",")
        bytes.append(decimal: key.number)
        bytes.append(UInt8(ascii: ","))
        bytes.append(decimal: Int64(entry.rank))
        if entry.outcome != .loaded {
            bytes.append(text: ",\"")
            append(entry.outcome, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(text: "]\n")
    }

    private func append(_ outcome: Outcome, to bytes: inout [UInt8]) {
        switch outcome {
        case .loaded: bytes.append(text: "loaded")
        case .duplicate: bytes.append(text: "duplicate")
        case .superseded: bytes.append(text: "superseded")
        case .quarantined: bytes.append(text: "quarantined")
        }
    }

    private func append(_ entry: Entry, to bytes: inout [UInt8]) {
        bytes.append(text: #"{"source":""#)
        entry.source.append(to: &bytes, names)
        bytes.append(text: #"","sha256":""#)
        entry.digest.append(to: &bytes)
        bytes.append(text: #"","outcome":""#)
        append(entry.outcome, to: &bytes)
        if let key = entry.key {
            bytes.append(text: #"","key":""#)
            key.append(to: &bytes, names)
            bytes.append(text: #"","rank":"#)
            bytes.append(decimal: Int64(entry.rank))
        } else {
            bytes.append(text: #"","reason":""#)
            names.append(entry.reason, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(text: "}\n")
    }
}

/// Reads the arrays, without a tree.
private struct LineReader {
    let names: NameTable
    private var group: RawIndex.Group?

    init(names: NameTable) { self.names = names }

    /// Whether an object is the beginning of a file with many records.
    mutating func begins(_ root: JSONNode) -> Bool {
        guard root["sha256"] == nil, let file = root["file"]?.string, let source = root["source_id"]?.string,
            let time = root["time"]?.string
        else { return false }
        group = .init(file: names.number(file), source: names.number(source), time: names.number(time))
        return true
    }

    func entry(_ line: UnsafeBufferPointer<UInt8>) -> RawIndex.Entry? {
        var cursor = Cursor(bytes: line)
        guard cursor.skip("["), let group, let place = cursor.number(), (1..<1_000_000_000).contains(place),
            cursor.skip(",\""), let digest = cursor.digest(), cursor.skip("\","), let number = cursor.number(),
            cursor.skip(","), let rank = cursor.number().flatMap(Int32.init(exactly:))
        else { return nil }
        var outcome = RawIndex.Outcome.loaded
        if cursor.skip(",\"duplicate\"") {
            outcome = .duplicate
        } else if cursor.skip(",\"superseded\"") {
            outcome = .superseded
        }
        guard cursor.skip("]"), cursor.isAtEnd else { return nil }
        return RawIndex.Entry(
            source: RecordSource(file: group.file, line: Int32(place)), digest: digest, outcome: outcome,
            key: RecordKey(source: group.source, time: group.time, number: number), rank: rank)
    }

    private struct Cursor {
        let bytes: UnsafeBufferPointer<UInt8>
        private var index = 0

        init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

        var isAtEnd: Bool { index == bytes.count }

        mutating func skip(_ word: StaticString) -> Bool {
            let count = word.utf8CodeUnitCount
            guard index + count <= bytes.count, let start = bytes.baseAddress,
                memcmp(start + index, word.utf8Start, count) == 0
            else { return false }
            index += count
            return true
        }

        mutating func digest() -> SHA256.Digest? {
            guard index + 64 <= bytes.count else { return nil }
            defer { index += 64 }
            return SHA256.Digest(hexadecimal: bytes[index..<(index + 64)])
        }

        mutating func number() -> Int64? {
            let first = index
            let isNegative = skip("-")
            let start = index
            var value: Int64 = 0
            while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) {
                value = value &* 10 &+ Int64(bytes[index] - UInt8(ascii: "0"))
                index += 1
            }
            // More digits may be too large a number.
            if index - start > 18 { return Int64(String(decoding: bytes[first..<index], as: UTF8.self)) }
            return index > start ? (isNegative ? -value : value) : nil
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The lines that are not empty.
    var lines: some Sequence<UnsafeBufferPointer<UInt8>> {
        sequence(state: 0) { (start: inout Int) -> UnsafeBufferPointer<UInt8>? in
            while start < count, let base = baseAddress {
                let found = memchr(base + start, 0x0A, count - start)
                let end = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(base) } ?? count
                let line = UnsafeBufferPointer(rebasing: self[start..<end])
                start = end + 1
                if !line.isEmpty { return line }
            }
            return nil
        }
    }
}

import Glibc
import JSONText
import Spawn

/// The index as a file: one object a line, which a person can read and any program.
extension RawIndex {
    /// Reads an index; an empty one where there is no file.
    init(reading path: String, names: NameTable = NameTable()) throws {
        self.init(names: names)
        guard File.exists(path) else { return }
        let bytes = try File.read(path, limit: 1 << 32)
        reserve(bytes.count / Self.usualLine)
        var reader = LineReader(names: names)
        try bytes.withUnsafeBufferPointer { bytes in
            for line in bytes.lines {
                guard let entry = reader.entry(line) ?? Self.entry(line, names) else {
                    throw LakeError("\(path): a line is damaged; restore the partition")
                }
                append(entry)
            }
        }
    }

    private static let usualLine = 200

    /// A line of whatever form.
    private static func entry(_ line: UnsafeBufferPointer<UInt8>, _ names: NameTable) -> Entry? {
        guard let root = (try? JSONDocument(parsing: Array(line)))?.root, let source = root["source"]?.string,
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
        for entry in entries { append(entry, to: &bytes) }
        return bytes
    }

    /// Writes the lines to a new file, in pieces.
    func write(to path: String) throws {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.pieceSize + 4096)
        for entry in entries {
            append(entry, to: &bytes)
            guard bytes.count >= Self.pieceSize else { continue }
            try file.writeAll(bytes, path: path)
            bytes.removeAll(keepingCapacity: true)
        }
        try file.writeAll(bytes, path: path)
    }

    private static let pieceSize = 1 << 18

    private func append(_ entry: Entry, to bytes: inout [UInt8]) {
        bytes.append(text: #"{"source":""#)
        entry.source.append(to: &bytes, names)
        bytes.append(text: #"","sha256":""#)
        entry.digest.append(to: &bytes)
        bytes.append(text: #"","outcome":""#)
        switch entry.outcome {
        case .loaded: bytes.append(text: "loaded")
        case .duplicate: bytes.append(text: "duplicate")
        case .superseded: bytes.append(text: "superseded")
        case .quarantined: bytes.append(text: "quarantined")
        }
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

/// Reads lines of valid records as they are written here, without a tree, and remembers the texts of the last one, because the next
/// one mostly has the same. Nil for every other line.
private struct LineReader {
    let names: NameTable
    private var file = Known()
    private var source = Known()
    private var time = Known()

    init(names: NameTable) { self.names = names }

    private struct Known {
        var bytes: [UInt8] = []
        var number: Int32 = -1
    }

    mutating func entry(_ line: UnsafeBufferPointer<UInt8>) -> RawIndex.Entry? {
        var cursor = Cursor(bytes: line)
        guard cursor.skip(#"{"source":""#), let place = cursor.text(), cursor.skip(#","sha256":""#),
            let hexadecimal = cursor.text(), let digest = SHA256.Digest(hexadecimal: hexadecimal),
            cursor.skip(#","outcome":""#), let word = cursor.text(), cursor.skip(#","key":""#), let key = cursor.text(),
            cursor.skip(#","rank":"#), let rank = cursor.number().flatMap(Int32.init(exactly:)), cursor.skip("}"),
            cursor.isAtEnd, let outcome = Self.outcome(word),
            let mark = key.lastIndex(of: UInt8(ascii: "|")), let number = Self.number(key[(mark + 1)...]),
            let first = key[..<mark].lastIndex(of: UInt8(ascii: "|"))
        else { return nil }
        return RawIndex.Entry(
            source: recordSource(place), digest: digest, outcome: outcome,
            key: RecordKey(
                source: Self.number(of: key[..<first], &source, names),
                time: Self.number(of: key[(first + 1)..<mark], &time, names), number: number),
            rank: rank)
    }

    private static func outcome(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> RawIndex.Outcome? {
        switch word.count {
        case 6: .loaded
        case 9: .duplicate
        case 10: .superseded
        default: nil
        }
    }

    private mutating func recordSource(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> RecordSource {
        if let mark = text.lastIndex(of: UInt8(ascii: "#")), let line = Self.number(text[(mark + 1)...]), line > 0,
            line < 1_000_000_000, text[mark + 1] != UInt8(ascii: "0")
        {
            return RecordSource(file: Self.number(of: text[..<mark], &file, names), line: Int32(line))
        }
        return RecordSource(file: Self.number(of: text[...], &file, names), line: 0)
    }

    private static func number(
        of text: Slice<UnsafeBufferPointer<UInt8>>, _ known: inout Known, _ names: NameTable
    ) -> Int32 {
        if known.number < 0 || !text.elementsEqual(known.bytes) {
            known = Known(bytes: Array(text), number: names.number(String(decoding: text, as: UTF8.self)))
        }
        return known.number
    }

    /// Decimal digits, not more than 18.
    private static func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Int64? {
        guard (1...18).contains(digits.count) else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return value
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

        /// Up to the closing quote; nil for a text with an escape.
        mutating func text() -> Slice<UnsafeBufferPointer<UInt8>>? {
            let start = index
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                guard bytes[index] != UInt8(ascii: "\\") else { return nil }
                index += 1
            }
            guard index < bytes.count else { return nil }
            index += 1
            return bytes[start..<(index - 1)]
        }

        mutating func number() -> Int64? {
            let start = index
            while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
            return LineReader.number(bytes[start..<index])
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

import JSONText

/// Texts that stand many times in one load, such as names of files, by a number each.
final class NameTable {
    private var numbers: [String: Int32] = [:]
    private(set) var texts: [String] = []
    /// The texts as they stand in JSON, without the quotes.
    private var escaped: [[UInt8]] = []

    func number(_ text: String) -> Int32 {
        if let number = numbers[text] { return number }
        let number = Int32(texts.count)
        numbers[text] = number
        texts.append(text)
        var writer = JSONWriter()
        writer.string(text)
        escaped.append(Array(writer.bytes.dropFirst().dropLast()))
        return number
    }

    subscript(number: Int32) -> String { texts[Int(number)] }

    /// Appends a text as it stands in JSON, without the quotes.
    func append(_ number: Int32, to bytes: inout [UInt8]) { bytes.append(contentsOf: escaped[Int(number)]) }

    /// The place of each number in the order of the texts' bytes.
    var order: [Int32] {
        var places = [Int32](repeating: 0, count: texts.count)
        let sorted = texts.indices.sorted { texts[$0].utf8.lexicographicallyPrecedes(texts[$1].utf8) }
        for (place, number) in sorted.enumerated() { places[number] = Int32(place) }
        return places
    }
}

/// Where a record came from: a file, or a line of one.
struct RecordSource: Hashable {
    /// Name of the file below the landing folder.
    var file: Int32
    /// Counted from 1; 0 for the whole file.
    var line: Int32

    init(file: Int32, line: Int32) {
        self.file = file
        self.line = line
    }

    /// - Parameter text: `file`, or `file#line`.
    init(_ text: String, _ names: NameTable) {
        let digits = text.utf8.reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
        let mark = text.utf8.count - digits - 1
        if mark >= 0, (1...9).contains(digits), text.utf8.dropFirst(mark).first == UInt8(ascii: "#"),
            text.utf8.dropFirst(mark + 1).first != UInt8(ascii: "0"), let line = Int32(text.utf8.suffix(digits).text)
        {
            self.init(file: names.number(text.utf8.prefix(mark).text), line: line)
        } else {
            self.init(file: names.number(text), line: 0)
        }
    }

    func text(_ names: NameTable) -> String { line > 0 ? "\(names[file])#\(line)" : names[file] }

    func append(to bytes: inout [UInt8], _ names: NameTable) {
        names.append(file, to: &bytes)
        if line > 0 {
            bytes.append(UInt8(ascii: "#"))
            bytes.append(decimal: Int64(line))
        }
    }
}

/// What names a record: its source, the time of its event and its number.
struct RecordKey: Hashable {
    var source: Int32
    var time: Int32
    var number: Int64

    /// - Parameter text: `source|time|number`; the source may hold a bar.
    init?(_ text: String, _ names: NameTable) {
        guard let last = text.lastIndex(of: "|"), let number = Int64(text[text.index(after: last)...]),
            let first = text[..<last].lastIndex(of: "|")
        else { return nil }
        self.init(
            source: names.number(String(text[..<first])),
            time: names.number(String(text[text.index(after: first)..<last])), number: number)
    }

    init(source: Int32, time: Int32, number: Int64) {
        self.source = source
        self.time = time
        self.number = number
    }

    func append(to bytes: inout [UInt8], _ names: NameTable) {
        names.append(source, to: &bytes)
        bytes.append(UInt8(ascii: "|"))
        names.append(time, to: &bytes)
        bytes.append(UInt8(ascii: "|"))
        bytes.append(decimal: number)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(UInt64(truncatingIfNeeded: source) << 32 ^ UInt64(truncatingIfNeeded: time))
        hasher.combine(number)
    }
}

extension Substring.UTF8View {
    var text: String { String(self) ?? "" }
}

extension [UInt8] {
    /// Appends a number's decimal digits, without a text in between.
    mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var place = 20
            repeat {
                place -= 1
                digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            append(contentsOf: UnsafeBufferPointer(rebasing: digits[place...]))
        }
    }

    /// Appends a text's bytes.
    mutating func append(text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

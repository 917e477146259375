/// A pattern that finds a date in file names: `YYYY`, `MM` and `DD` are digits, everything else stands for itself.
///
/// It tells the day of files that say nothing themselves, such as empty ones.
struct FileDate: Sendable {
    private let pattern: [UInt8]

    /// Nil unless each of the three parts stands in the text exactly once.
    init?(_ pattern: String) {
        self.pattern = Array(pattern.utf8)
        for part in ["YYYY", "MM", "DD"] {
            let marks = pattern.filter { $0 == part.first }
            guard pattern.contains(part), marks.count == part.count else { return nil }
        }
    }

    /// The first text that fits, as `YYYY-MM-DD`, which may be no date of the calendar; nil when there is none.
    func date(in name: String) -> String? {
        let name = Array((name.split(separator: "/").last ?? "").utf8)
        guard name.count >= pattern.count else { return nil }
        for start in 0...(name.count - pattern.count) {
            if let date = date(name[start..<(start + pattern.count)]) { return date }
        }
        return nil
    }

    private func date(_ text: ArraySlice<UInt8>) -> String? {
        var year = 0
        var month = 0
        var day = 0
        for (mark, byte) in zip(pattern, text) {
            let digit = Int(byte) - Int(UInt8(ascii: "0"))
            switch mark {
            case UInt8(ascii: "Y"): year = year * 10 + digit
            case UInt8(ascii: "M"): month = month * 10 + digit
            case UInt8(ascii: "D"): day = day * 10 + digit
            default:
                guard mark == byte else { return nil }
                continue
            }
            guard (0...9).contains(digit) else { return nil }
        }
        func digits(_ value: Int, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: count - text.count) + text
        }
        return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
    }
}

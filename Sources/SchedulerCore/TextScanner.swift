/// Reads fixed forms such as dates from the front of a text, byte by byte. Every step answers nil or false and stays
/// where it is when the text is not of that form.
struct TextScanner {
    private let bytes: [UInt8]
    private(set) var index = 0

    init(_ text: some StringProtocol) { bytes = Array(text.utf8) }
    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }
    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// Steps over the byte when it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    /// A decimal number of at least `least` and at most `most` digits; further digits stay unread.
    mutating func digits(_ least: Int, _ most: Int) -> Int? {
        var value = 0
        var end = index
        while end < bytes.count, end - index < most, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[end]) {
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowToo) = tenfold.addingReportingOverflow(Int(bytes[end] - UInt8(ascii: "0")))
            guard !overflow, !overflowToo else { return nil }
            value = sum
            end += 1
        }
        guard end - index >= least else { return nil }
        index = end
        return value
    }

    /// The bytes up to the first that does not satisfy the condition.
    mutating func run(while condition: (UInt8) -> Bool) -> String {
        let start = index
        while index < bytes.count, condition(bytes[index]) { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }
}

extension FixedWidthInteger {
    /// Division that rounds towards minus infinity; the remainder has the divisor's sign.
    func floorDivided(by divisor: Self) -> (quotient: Self, remainder: Self) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder != 0 && (remainder < 0) != (divisor < 0)
            ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// A number with zeros before it, to a fixed width: `padded(7, 2)` is `07`.
func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number.magnitude)
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

import SchedulerCore

/// What can be asked of a column, by its type in DuckDB.
enum ColumnType: Sendable, Hashable {
    case integer(ClosedRange<Int64>)
    /// Wider than 64 bits, or with a fixed number of places.
    case decimal
    case number
    case text
    case boolean
    case date
    case timestamp
    /// A structure, a list, JSON: only whether it is there.
    case other

    init(_ name: String) {
        switch name {
        case "TINYINT": self = .integer(-128...127)
        case "SMALLINT": self = .integer(-32_768...32_767)
        case "INTEGER": self = .integer(-2_147_483_648...2_147_483_647)
        case "BIGINT": self = .integer(.min...(.max))
        case "UTINYINT": self = .integer(0...255)
        case "USMALLINT": self = .integer(0...65_535)
        case "UINTEGER": self = .integer(0...4_294_967_295)
        case "HUGEINT", "UHUGEINT", "UBIGINT": self = .decimal
        case "DOUBLE", "FLOAT": self = .number
        case "VARCHAR": self = .text
        case "BOOLEAN": self = .boolean
        case "DATE": self = .date
        case "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS": self = .timestamp
        default: self = name.hasPrefix("DECIMAL(") && !name.hasSuffix("]") ? .decimal : .other
        }
    }

    /// The text of a value as DuckDB takes it; nil for one that is not of this type.
    func literal(_ text: String) -> String? {
        switch self {
        case .integer(let range): Int64(text).flatMap { range.contains($0) ? "\($0)" : nil }
        case .decimal: Self.isDecimal(text) ? text : nil
        case .number: Double(text).flatMap { $0.isFinite && !text.lowercased().hasPrefix("0x") ? text : nil }
        case .text: text.utf8.contains(0) ? nil : text
        case .boolean: ["true", "false"].contains(text.lowercased()) ? text.lowercased() : nil
        case .date: CivilDate(text)?.description
        case .timestamp: Self.timestamp(text)
        case .other: nil
        }
    }

    /// What a value must be, in words.
    var meaning: String {
        switch self {
        case .integer(let range) where range == Int64.min...Int64.max: "a whole number"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .decimal: "a number in decimal digits"
        case .number: "a finite number"
        case .text: "a text without zero bytes"
        case .boolean: "true or false"
        case .date: "a date such as 2022-05-02"
        case .timestamp: "a time such as 2022-05-02T10:00:00 (UTC)"
        case .other: "left out: only 'is null' and 'is not null' can be asked of it"
        }
    }

    private static func isDecimal(_ text: String) -> Bool {
        let digits = text.drop { $0 == "-" || $0 == "+" }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        return text.count - digits.count <= 1 && parts.count <= 2 && text.count <= 40
            && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
    }

    /// A time in UTC, without a zone, to the microsecond: what timestamp columns hold.
    private static func timestamp(_ text: String) -> String? {
        // As DuckDB shows it, too: with a space between date and time.
        var text = text
        if text.utf8.count > 10 {
            let place = text.utf8.index(text.utf8.startIndex, offsetBy: 10)
            if text.utf8[place] == UInt8(ascii: " ") {
                text = text[..<place] + "T" + text[text.utf8.index(after: place)...]
            }
        }
        guard let instant = Instant.parse(text, in: .utc)?.instant else { return nil }
        return String("\(instant)".dropLast())
    }
}

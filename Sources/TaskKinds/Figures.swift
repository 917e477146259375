/// Numbers as people read them, without the locale's help.
enum Figures {
    /// A number without a fraction that says nothing: `3`, `0.25`, `1234.5`.
    static func plain(_ value: Double, digits: Int = 6) -> String {
        guard value.isFinite else { return "\(value)" }
        if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        guard abs(value) < 1e12 else { return "\(value)" }
        let scaled = Int64((abs(value) * scale).rounded())
        var fraction = String(scaled % Int64(scale))
        fraction = String(repeating: "0", count: digits - fraction.count) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        let whole = "\(value < 0 ? "-" : "")\(scaled / Int64(scale))"
        // What is too small for the digits is not nothing.
        if scaled == 0 { return "\(value)" }
        return fraction.isEmpty ? whole : "\(whole).\(fraction)"
    }

    /// A share as a percentage with one digit: `74.2 %`.
    static func percent(_ share: Double) -> String {
        guard share.isFinite, abs(share) < 1e6 else { return "\(share)" }
        let tenths = Int64((abs(share) * 1000).rounded())
        return "\(share < 0 && tenths > 0 ? "-" : "")\(tenths / 10).\(tenths % 10) %"
    }

    /// A change with its sign: `+12`, `-3`, `±0`.
    static func signed(_ change: Double) -> String {
        change == 0 ? "±0" : (change > 0 ? "+" : "") + plain(change, digits: 3)
    }

    /// The median; 0 of nothing.
    static func median(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

/// The form that an event's time has to have: RFC 3339 with the date, `T` and whole seconds; up to nine digits of a fraction;
/// `Z`, an offset with or without a colon, or no zone.
enum EventStamp {
    /// The text with a colon in its offset; nil for a text of another form. A date alone is no time of an event.
    static func normalized(_ text: String) -> String? {
        var bytes = Array(text.utf8)
        guard bytes.count >= 19, matches(bytes[..<19], "dddd-dd-ddTdd:dd:dd") else { return nil }
        var place = 19
        if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
            let digits = bytes[(place + 1)...].prefix { isDigit($0) }.count
            guard (1...9).contains(digits) else { return nil }
            place += 1 + digits
        }
        let zone = bytes[place...]
        if zone.isEmpty || zone.elementsEqual("Z".utf8) { return text }
        if matches(zone, "sdd:dd") { return text }
        guard matches(zone, "sdddd") else { return nil }
        bytes.insert(UInt8(ascii: ":"), at: place + 3)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// - Parameter form: `d` is a digit, `s` a sign, everything else itself.
    private static func matches(_ bytes: ArraySlice<UInt8>, _ form: String) -> Bool {
        guard bytes.count == form.utf8.count else { return false }
        return zip(bytes, form.utf8).allSatisfy { byte, sign in
            switch sign {
            case UInt8(ascii: "d"): isDigit(byte)
            case UInt8(ascii: "s"): byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            default: byte == sign
            }
        }
    }
}

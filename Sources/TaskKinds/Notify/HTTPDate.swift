import Observability
import SchedulerCore

/// `Retry-After` (RFC 9110, 10.2.3): a number of seconds, or a date.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// - Returns: seconds from now, more than 0; nil for a text that says nothing of the kind.
    static func seconds(in text: String, now: Int64 = WallClock.now()) -> Int? {
        if let seconds = Int(text) { return seconds > 0 ? seconds : nil }
        // Sun, 06 Nov 1994 08:49:37 GMT
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])),
            let day = Int(words[1]), let year = Int(words[3]),
            let date = CivilDate("\(year)-\(two(month + 1))-\(two(day))"),
            let at = Instant(rfc3339: "\(date)T\(words[4])Z")
        else { return nil }
        let seconds = Int((at.microseconds - now + 999_999) / 1_000_000)
        return seconds > 0 ? seconds : nil
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

import Glibc
import JSONText
import Synchronization

/// The program's own log, to standard error: lines of text on a terminal, JSON lines otherwise.
public enum Log {
    public enum Level: String, Sendable, CaseIterable {
        case debug, info, warning, error
    }

    private static let isTerminal = isatty(2) == 1
    private static let forPeople = Mutex(false)

    /// Lines of text also where standard error is no terminal: for a command that a person runs.
    public static func useText() { forPeople.withLock { $0 = true } }

    private static let threshold = Mutex(Level.info)

    /// Messages below this level are dropped; `info` until told otherwise.
    public static func setLevel(_ level: Level) { threshold.withLock { $0 = level } }

    public static func debug(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.debug, message, fields)
    }
    public static func info(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.info, message, fields)
    }
    public static func warning(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.warning, message, fields)
    }
    public static func error(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
        write(.error, message, fields)
    }

    private static func write(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, String>) {
        let lowest = threshold.withLock { $0 }
        guard rank(level) >= rank(lowest) else { return }
        let line =
            isTerminal || forPeople.withLock({ $0 }) ? text(level, message, fields) : json(level, message, fields)
        // One write a line: lines of several threads do not mix.
        let bytes = Array((line + "\n").utf8)
        _ = Glibc.write(2, bytes, bytes.count)
    }

    private static func rank(_ level: Level) -> Int { Level.allCases.firstIndex(of: level) ?? 0 }

    private static func text(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, String>) -> String {
        let details = fields.map { " \($0.key)=\($0.value)" }.joined()
        return "\(stamp()) \(level.rawValue): \(message)\(details)"
    }

    private static func json(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, String>) -> String {
        var writer = JSONWriter()
        writer.object {
            $0.member("time", stamp())
            $0.member("level", level.rawValue)
            $0.member("message", message)
            for (key, value) in fields { $0.member(key, value) }
        }
        return writer.text
    }

    /// The time of day in RFC 3339, UTC, with milliseconds.
    private static func stamp() -> String {
        let now = WallClock.now()
        var seconds = time_t(now / 1_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let milliseconds = String(1_000 + now / 1_000 % 1_000).dropFirst()
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            + ".\(milliseconds)Z"
    }
}

import Glibc
import Synchronization

/// Where a command writes: standard output and standard error, or a test's buffers.
final class Terminal: Sendable {
    static let standard = Terminal(capturing: false)

    struct Captured: Sendable {
        var out = ""
        var err = ""
    }

    private let captured: Mutex<Captured>?
    /// Columns of the screen; nil when the output is no terminal.
    let width: Int?
    /// Whether escape sequences may be written to standard error.
    let drawsProgress: Bool
    let usesColour: Bool
    /// Whether somebody is there to answer a question.
    let canAsk: Bool
    /// A test's answers to the questions to come.
    private let answers: Mutex<[String]>

    /// - Parameter answers: what a test answers to questions; nil: nobody is there to answer.
    init(capturing: Bool, width: Int? = nil, answers: [String]? = nil) {
        captured = capturing ? Mutex(Captured()) : nil
        self.answers = Mutex(answers ?? [])
        canAsk = capturing ? answers != nil : isatty(0) == 1 && isatty(2) == 1
        if capturing {
            self.width = width
            drawsProgress = false
            usesColour = false
        } else {
            let isTerminal = isatty(1) == 1
            self.width = isTerminal ? Self.columns(1) : nil
            let isDumb = getenv("TERM").map { String(cString: $0) } == "dumb"
            drawsProgress = isatty(2) == 1 && !isDumb
            // https://no-color.org: set and not empty.
            usesColour = isTerminal && !isDumb && getenv("NO_COLOR").map { $0.pointee == 0 } ?? true
        }
    }

    /// Columns of the screen that progress is drawn on, as they are now.
    var progressColumns: Int { captured == nil ? Self.columns(2) : width ?? 80 }

    private static func columns(_ descriptor: Int32) -> Int {
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return 80
    }

    /// What a test answers to the next question; nil when a person is to be asked.
    func cannedAnswer() -> String? {
        captured == nil ? nil : answers.withLock { $0.isEmpty ? "" : $0.removeFirst() }
    }

    var output: Captured { captured?.withLock { $0 } ?? Captured() }

    /// A text as it is, to standard output.
    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
        if captured != nil {
            captured?.withLock { $0.out += String(decoding: bytes, as: UTF8.self) }
        } else if outputFailure == nil, !Self.writeAll(1, bytes) {
            let code = errno
            failure.withLock { $0 = code }
        }
    }

    private let failure = Mutex<Int32?>(nil)

    /// Why standard output takes no more: EPIPE when its reader has left. What a command does goes on all the same.
    var outputFailure: Int32? { failure.withLock { $0 } }

    func print(_ line: String) { write(line.hasSuffix("\n") ? line : line + "\n") }

    /// A line to standard error.
    func error(_ line: String) { writeError(line + "\n") }

    /// A text as it is, to standard error.
    func writeError(_ text: String) {
        if captured != nil {
            captured?.withLock { $0.err += text }
        } else {
            _ = Self.writeAll(2, Array(text.utf8))
        }
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// Words in colour, on a terminal that wants it.
    func coloured(_ text: String, _ colour: Colour) -> String {
        usesColour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    enum Colour: Int { case red = 31, green = 32, yellow = 33, blue = 34 }
}

import SchedulerCore
import Store

/// How far a backfill is: a bar on a terminal, otherwise a line for each tenth.
struct ProgressBar {
    let terminal: Terminal
    /// Monotonic microseconds.
    let startedAt: Int64
    /// Runs that had ended when it was first shown: they tell nothing of how fast it goes now.
    private var endedAtFirst: Int?
    private var lastTenth = -1
    private var lastLine = ""
    /// Columns that it took, and how wide the screen was then.
    private var drawn = (columns: 0, screen: 0)

    private static let cells = 30
    /// A shorter bar tells nothing.
    private static let fewestCells = 5

    init(terminal: Terminal, startedAt: Int64) {
        self.terminal = terminal
        self.startedAt = startedAt
    }

    mutating func show(_ progress: BackfillProgress, now: Int64) {
        let total = max(progress.total, 1)
        let ended = progress.ended
        let begun = endedAtFirst ?? ended
        endedAtFirst = begun
        let text = words(progress, done: ended - begun, elapsed: now - startedAt)
        if terminal.drawsProgress {
            draw(
                Self.line(text, ended: ended, total: total, screen: terminal.progressColumns), terminal.progressColumns)
        } else if ended * 10 / total > lastTenth {
            lastTenth = ended * 10 / total
            terminal.error(text)
        }
    }

    /// The bar and its words, in one line of a screen: the bar gives way, then the words.
    ///
    /// - Parameter screen: columns. The last stays free: a cursor behind it would be in the next line.
    static func line(_ words: String, ended: Int, total: Int, screen: Int) -> String {
        let room = max(screen - 1, 0)
        let cells = min(Self.cells, room - words.count - 1)
        guard cells >= fewestCells else {
            return words.count <= room ? words : room > 0 ? words.prefix(room - 1) + "…" : ""
        }
        let full = ended * cells / total
        return String(repeating: "█", count: full) + String(repeating: "░", count: cells - full) + " " + words
    }

    private mutating func draw(_ line: String, _ screen: Int) {
        guard line != lastLine || screen != drawn.screen else { return }
        // A screen that became narrower has broken what stands there into lines. Nothing is to be wrapped (DECAWM) on one
        // whose new size is not known yet.
        let above = screen < drawn.screen && screen > 0 ? max(drawn.columns - 1, 0) / screen : 0
        terminal.writeError((above > 0 ? "\u{1B}[\(above)A" : "") + "\r\u{1B}[J\u{1B}[?7l" + line + "\u{1B}[?7h")
        lastLine = line
        drawn = (line.count, screen)
    }

    /// Leaves the bar where it is and goes to the next line, where it is drawn again if it goes on.
    mutating func finish() {
        if terminal.drawsProgress { terminal.writeError("\n") }
        lastLine = ""
        drawn = (0, 0)
    }

    /// - Parameter done: runs that have ended since it is watched.
    private func words(_ progress: BackfillProgress, done: Int, elapsed: Int64) -> String {
        var parts = ["\(progress.ended)/\(progress.total) runs"]
        if let failed = progress.runs[.failed] { parts.append("\(failed) failed") }
        if let running = progress.runs[.running] { parts.append("\(running) running") }
        if progress.backfill.paused { return (parts + ["paused"]).joined(separator: ", ") }
        if done > 0, elapsed > 0 { parts.append(Text.rate(Double(done) / (Double(elapsed) / 1_000_000))) }
        if let left = progress.timeLeft, left.seconds >= 1 {
            parts.append("\(Text.estimate(left)) left")
        }
        return parts.joined(separator: ", ")
    }
}

/// Numbers and times for people.
enum Text {
    /// A state with its reason; once, where the reason begins with the state.
    static func outcome(_ state: String, _ reason: String?) -> String {
        reason.map { $0.hasPrefix(state) ? $0 : "\(state): \($0)" } ?? state
    }

    /// "850ms", "4.2s", "3m12s", "2h05m".
    static func duration(_ amount: TimeAmount) -> String {
        let seconds = amount.seconds
        if seconds < 1 { return "\(Int(seconds * 1000))ms" }
        if seconds < 59.95 { return number(seconds) + "s" }
        let whole = Int(seconds.rounded())
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        if whole < 3600 { return "\(whole / 60)m\(two(whole % 60))s" }
        return "\(whole / 3600)h\(two(whole / 60 % 60))m"
    }

    /// A duration that nobody knows to a tenth of a second.
    static func estimate(_ amount: TimeAmount) -> String {
        amount.seconds < 59.5 ? "\(Int(amount.seconds.rounded()))s" : duration(amount)
    }

    /// Per second, or what slow work does in a minute or an hour.
    static func rate(_ perSecond: Double) -> String {
        if perSecond >= 1 { return number(perSecond) + "/s" }
        return perSecond * 60 >= 1 ? number(perSecond * 60) + "/min" : number(perSecond * 3600) + "/h"
    }

    /// With one digit after the point.
    static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

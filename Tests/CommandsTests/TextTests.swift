import SchedulerCore
import Store
import Testing

@testable import Commands

/// Tables, progress and times, as people see them.
@Suite struct TextTests {
    private func table(_ rows: [[String]], width: Int? = nil) -> [String] {
        var table = Table("NAME", "STATE", "REASON")
        table.rows = rows
        return table.text(Terminal(capturing: true, width: width)).split(separator: "\n").map(String.init)
    }

    @Test func columnsAreAsWideAsTheirWidestCell() {
        let lines = table([["a", "success", "x"], ["longer", "failed", ""]])
        #expect(lines == ["NAME    STATE    REASON", "a       success  x", "longer  failed   "])
    }

    @Test func theWidestColumnIsCutOnANarrowScreen() {
        let reason = String(repeating: "word ", count: 20)
        let lines = table([["a", "failed", reason]], width: 40)
        #expect(lines.allSatisfy { $0.count <= 40 })
        #expect(lines[1].hasPrefix("a     failed  word word"))
        #expect(lines[1].hasSuffix("…"))
        // Without a screen nothing is cut.
        #expect(table([["a", "failed", reason]])[1].hasSuffix(reason))
    }

    @Test func aScreenThatIsTooNarrowForAnythingStillShowsThreeLetters() {
        let lines = table([["a long name", "upstream_failed", "why not"]], width: 5)
        #expect(lines[1] == "a …  up…  wh…")
    }

    @Test func theBarNeverFillsItsLine() {
        let words = "3/1095 runs, 2 failed, 16 running, 123.4/s, 12m03s left"
        for screen in 1...120 {
            let line = ProgressBar.line(words, ended: 3, total: 1095, screen: screen)
            #expect(line.count < screen, "\(screen): \(line)")
            #expect(line.hasSuffix(words) || screen <= words.count, "\(screen): \(line)")
        }
        #expect(ProgressBar.line("1/2 runs", ended: 1, total: 2, screen: 20) == "█████░░░░░ 1/2 runs")
        #expect(ProgressBar.line("1/2 runs", ended: 1, total: 2, screen: 14) == "1/2 runs")
        #expect(ProgressBar.line("1/2 runs", ended: 1, total: 2, screen: 7) == "1/2 r…")
        let full = String(repeating: "█", count: 15) + String(repeating: "░", count: 15)
        #expect(ProgressBar.line("1/2 runs", ended: 1, total: 2, screen: 200) == full + " 1/2 runs")
    }

    @Test func lettersAreCountedNotBytes() {
        let lines = table([["café", "é̂tat", "x"], ["👩‍👩‍👧‍👦", "b", "y"]])
        #expect(lines[1] == "café  é̂tat   x")
        #expect(lines[2] == "👩‍👩‍👧‍👦     b      y")
    }

    @Test func aCellIsOneLineAndMovesNoCursor() {
        let lines = table([["two\nlines", "a\u{1B}[31mb", "c\u{9B}d"]])
        #expect(lines.count == 2)
        #expect(lines[1] == "two lines  a [31mb  c d")
    }

    @Test(arguments: [
        (0, "0ms"), (850_000, "850ms"), (999_999, "999ms"), (1_000_000, "1.0s"), (4_230_000, "4.2s"),
        (59_940_000, "59.9s"), (59_970_000, "1m00s"), (60_000_000, "1m00s"), (192_000_000, "3m12s"),
        (7_500_000_000, "2h05m"), (360_000_000_000, "100h00m"),
    ])
    func durations(microseconds: Int64, text: String) {
        #expect(Text.duration(TimeAmount(microseconds: microseconds)) == text)
    }

    // MARK: Progress

    private func progress(
        _ runs: [RunState: Int], mean: Int64? = nil, paused: Bool = false
    ) -> BackfillProgress {
        let backfill = Backfill(
            id: 1, dagID: "d", from: Instant(seconds: 0), to: Instant(seconds: 0), reprocess: .none, maxActive: 1,
            reverse: false, paused: paused, createdAt: Instant(seconds: 0))
        return BackfillProgress(
            backfill: backfill, runs: runs, dispositions: [:], meanDuration: mean.map { TimeAmount(seconds: $0) })
    }

    @Test func withoutATerminalEachTenthIsALine() {
        let terminal = Terminal(capturing: true)
        var bar = ProgressBar(terminal: terminal, startedAt: 0)
        for done in 0...40 {
            let now = progress([.success: done, .running: 1, .queued: 40 - done], mean: done > 0 ? 1 : nil)
            bar.show(now, now: Int64(done) * 1_000_000)
        }
        bar.finish()
        let lines = terminal.output.err.split(separator: "\n").map(String.init)
        #expect(lines.first == "0/41 runs, 1 running")
        #expect(lines.count == 10)
        #expect(lines[5] == "21/41 runs, 1 running, 1.0/s, 20s left")
        #expect(!terminal.output.err.contains("\u{1B}"))
        #expect(terminal.output.out.isEmpty)
    }

    @Test func whatHadEndedBeforeItIsWatchedDoesNotCountForTheSpeed() {
        let terminal = Terminal(capturing: true)
        var bar = ProgressBar(terminal: terminal, startedAt: 0)
        bar.show(progress([.success: 9, .failed: 1, .queued: 10], mean: 90), now: 1_000_000)
        #expect(terminal.output.err == "10/20 runs, 1 failed, 15m00s left\n")
        bar.show(progress([.success: 11, .failed: 1, .queued: 8], mean: 90), now: 4_000_000)
        #expect(terminal.output.err.hasSuffix("\n12/20 runs, 1 failed, 30.0/min, 12m00s left\n"))
        bar.show(progress([.success: 13, .failed: 1, .queued: 6], mean: 90, paused: true), now: 9_000_000)
        #expect(terminal.output.err.hasSuffix("\n14/20 runs, 1 failed, paused\n"))
    }

    @Test func aBackfillWithoutRunsDividesByNothing() {
        let terminal = Terminal(capturing: true)
        var bar = ProgressBar(terminal: terminal, startedAt: 0)
        bar.show(progress([:]), now: 0)
        bar.show(progress([.success: 1_000_000, .queued: 1_000_000_000]), now: .max)
        #expect(terminal.output.err.hasPrefix("0/0 runs\n"))
    }
}

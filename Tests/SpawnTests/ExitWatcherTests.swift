import CPosix
import Glibc
import Synchronization
import Testing

@testable import Spawn

/// Collects tokens from another thread.
final class Mailbox: Sendable {
    private let state = Mutex<[Int64]>([])
    var tokens: [Int64] { state.withLock { $0.sorted() } }
    func put(_ token: Int64) { state.withLock { $0.append(token) } }
}

@Suite struct ExitWatcherTests {
    @Test func everyEndIsToldOnceAndReaped() throws {
        let ended = Mailbox()
        let watcher = try ExitWatcher { ended.put($0) }
        var pids: [Int32] = []
        for token in 0..<100 {
            let pid = try Program(
                argv: ["sleep", token % 2 == 0 ? "0" : "0.2"], environment: ["PATH": Program.defaultPath],
                directory: nil
            ).spawn(WEIR_GROUP_OWN, stdio: (0, 1, 2))
            pids.append(pid)
            try watcher.watch(pid: pid, pidfd: weir_pidfd_open(pid), token: Int64(token))
        }
        try wait(for: "all ends") { ended.tokens.count >= 100 }
        #expect(ended.tokens == Array(0..<100))
        #expect(watcher.count == 0)
        for pid in pids { #expect(ProcessStatus.read(pid: pid) == nil) }
        watcher.stop()
    }

    @Test func aStoppedWatcherTakesNothing() throws {
        let watcher = try ExitWatcher { _ in }
        watcher.stop()
        let pidfd = weir_pidfd_open(getpid())
        #expect(throws: SystemError.self) { try watcher.watch(pid: getpid(), pidfd: pidfd, token: 1) }
        #expect(throws: SystemError.self) { try watcher.watch(pid: getpid(), pidfd: -1, token: 1) }
    }
}

import Engine
import Spawn

/// Tells the service manager at half of its interval that the daemon lives, and only when the engine's loop has just turned:
/// one that hangs is not covered up, so that the manager restarts the daemon.
final class Watchdog: Sendable {
    private let ended: Latch

    /// Nil when the manager wants no sign of life.
    init?(_ notifier: ServiceNotifier, _ engine: any EngineService) throws(SystemError) {
        guard let interval = notifier.watchdogMicroseconds else { return nil }
        let ended = try Latch()
        self.ended = ended
        _ = WorkerThread {
            repeat {
                // The answer comes from the loop; while it hangs, this thread waits for it and says nothing.
                guard case .status(let status) = try? engine.perform(.status, actor: "watchdog") else { return }
                notifier.alive(status.summary)
            } while !ended.wait(interval / 2)
        }
    }

    /// Does not wait for the thread: it may hang with the loop.
    func stop() { ended.open() }
}

extension EngineStatus {
    /// What a line of `systemctl status` says.
    var summary: String {
        let work = "\(runningAttempts) of \(parallelism) tasks running, \(queuedTasks) queued"
        if let stoppedBecause { return "the queue stands still: \(stoppedBecause.prefix(200))" }
        return isDraining ? "draining; \(work)" : work
    }
}

import API
import Engine
import JSONText
import Observability
import SchedulerCore
import Store

/// `weir status`: whether a daemon runs, and what it does.
enum StatusCommand {
    static let spec = CommandSpec(
        name: "status", summary: "say whether a daemon runs here, and how much it has to do",
        options: [CommandSpec.json],
        examples: [("weir status", "exit 0 when a daemon answers, 5 when none does")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .none)
        let client = ControlClient(socket: session.home.socket)
        let reply: EngineReply
        do throws(CommandError) {
            reply = try client.perform(.status, actor: Session.actor)
        } catch {
            if arguments.has("--json") { session.terminal.print("{\"running\": false}") }
            guard error.code == .stopping else { throw CommandFailure(error) }
            throw session.noDaemon
        }
        guard case .status(let status) = reply else {
            throw CommandFailure(.failed, "the daemon gave another answer than its status")
        }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            let lost = try undelivered(session)
            StatusJSON.write(status, to: &writer) {
                $0.member("undelivered_notifications", lost.count { $0.instance.state != .upForRetry })
                $0.member("retried_notifications", lost.count { $0.instance.state == .upForRetry })
            }
            session.terminal.print(writer.text)
            return status.role == .daemon ? .done : .unavailable
        }
        let who = status.role == .daemon ? "daemon \(status.version)" : "no daemon; a command works in the foreground"
        session.terminal.print("\(who), process \(status.pid), since \(status.startedAt)")
        session.terminal.print(
            "runs: \(status.activeRuns) running, \(status.queuedRuns) queued; tasks: \(status.runningAttempts) of "
                + "\(status.parallelism) running, \(status.queuedTasks) queued")
        if let reason = status.stoppedBecause { session.terminal.print("the queue stands still: \(reason)") }
        for backlog in status.arrivals where backlog.files > 0 || backlog.problem != nil {
            session.terminal.print(words(backlog))
        }
        if let line = words(try undelivered(session)) { session.terminal.print(line) }
        if status.isDraining { session.terminal.print("draining: no task starts; it exits when none runs any more") }
        return status.role == .daemon ? .done : .unavailable
    }

    /// `files for stream: 12 waiting (3.4 MB), the oldest for 2m`.
    private static func words(_ backlog: FileBacklog) -> String {
        let start = "files for \(backlog.dag): "
        if let problem = backlog.problem { return start + "cannot be looked for: \(problem)" }
        let lag = Text.duration(backlog.lag)
        return start + "\(backlog.files) waiting (\(ByteAmount.words(backlog.bytes))), the oldest for \(lag)"
    }

    private static let lookBack = TimeAmount(seconds: 7 * 86_400)

    /// No more than so many are counted.
    private static let limit = 1000

    /// What should have been told and was not, in the last week; the newest first.
    private static func undelivered(_ session: Session) throws -> [UndeliveredNotification] {
        let since = Instant(microseconds: WallClock.now()) - lookBack
        return try session.reader()?.undelivered(since: since, limit: limit) ?? []
    }

    private static func words(_ found: [UndeliveredNotification]) -> String? {
        guard let last = found.first else { return nil }
        let waiting = found.count { $0.instance.state == .upForRetry }
        let lost = found.count - waiting
        var words: [String] = []
        if lost > 0 { words.append("\(lost)\(found.count == limit ? " or more" : "") not delivered in the last week") }
        if waiting > 0 { words.append("\(waiting) being tried again") }
        return "notifications: \(words.joined(separator: ", ")); the last: \(last.run.dagID) \(last.run.runID) "
            + "\(last.instance.key.name)" + (last.instance.reason.map { ": \($0)" } ?? "")
    }
}

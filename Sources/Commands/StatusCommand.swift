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
        let session = try Session(arguments, surroundings, readsSettings: false)
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
            StatusJSON.write(status, to: &writer)
            session.terminal.print(writer.text)
            return status.role == .daemon ? .done : .unavailable
        }
        let who = status.role == .daemon ? "daemon \(status.version)" : "no daemon; a command works in the foreground"
        session.terminal.print("\(who), process \(status.pid), since \(status.startedAt)")
        session.terminal.print(
            "runs: \(status.activeRuns) running, \(status.queuedRuns) queued; tasks: \(status.runningAttempts) of "
                + "\(status.parallelism) running, \(status.queuedTasks) queued")
        if let reason = status.stoppedBecause { session.terminal.print("the queue stands still: \(reason)") }
        if let line = try undelivered(session) { session.terminal.print(line) }
        if status.isDraining { session.terminal.print("draining: no task starts; it exits when none runs any more") }
        return status.role == .daemon ? .done : .unavailable
    }

    private static let lookBack = TimeAmount(seconds: 7 * 86_400)

    /// Who should have been told something and was not, in the last week; nil when all were.
    private static func undelivered(_ session: Session) throws -> String? {
        let since = Instant(microseconds: WallClock.now()) - lookBack
        let limit = 1000
        guard let found = try session.reader()?.undelivered(since: since, limit: limit), let last = found.first else {
            return nil
        }
        let waiting = found.count { $0.instance.state == .upForRetry }
        let lost = found.count - waiting
        var words: [String] = []
        if lost > 0 { words.append("\(lost)\(found.count == limit ? " or more" : "") not delivered in the last week") }
        if waiting > 0 { words.append("\(waiting) being tried again") }
        return "notifications: \(words.joined(separator: ", ")); the last: \(last.run.dagID) \(last.run.runID) "
            + "\(last.instance.key.name)" + (last.instance.reason.map { ": \($0)" } ?? "")
    }
}

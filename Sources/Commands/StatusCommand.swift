import API
import Engine
import JSONText
import SchedulerCore

/// `weir status`: whether a daemon runs, and what it does.
enum StatusCommand {
    static let spec = CommandSpec(
        name: "status", summary: "say whether a daemon runs here, and how much it has to do",
        options: [CommandSpec.json],
        examples: [("weir status", "exit 0 when a daemon answers, 5 when none does")]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        let client = ControlClient(socket: session.home.socket)
        let reply: EngineReply
        do throws(CommandError) {
            reply = try client.perform(.status, actor: Session.actor)
        } catch {
            if arguments.has("--json") { session.terminal.print("{\"running\": false}") }
            throw CommandFailure(.unavailable, "no daemon answers in \(session.home.path); `weir daemon` starts one")
        }
        guard case .status(let status) = reply else {
            throw CommandFailure(.failed, "the daemon gave another answer than its status")
        }
        if arguments.has("--json") {
            var writer = JSONWriter(indented: true)
            StatusJSON.write(status, to: &writer)
            session.terminal.print(writer.text)
            return .done
        }
        session.terminal.print("daemon \(status.version), process \(status.pid), since \(status.startedAt.seconds)")
        session.terminal.print(
            "runs: \(status.activeRuns) running, \(status.queuedRuns) queued; tasks: \(status.runningAttempts) of "
                + "\(status.parallelism) running, \(status.queuedTasks) queued")
        if let reason = status.stoppedBecause { session.terminal.print("the queue stands still: \(reason)") }
        return .done
    }
}

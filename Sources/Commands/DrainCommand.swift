import API
import Engine
import Glibc
import SchedulerCore
import Spawn

/// `weir drain`: the daemon starts nothing any more and exits when nothing runs.
enum DrainCommand {
    static let spec = CommandSpec(
        name: "drain", summary: "let the daemon finish what runs, start nothing, and exit",
        options: [.flag("--wait", "wait until it has exited")],
        examples: [
            ("weir drain --wait", "what is queued meanwhile stays queued, for the next daemon")
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .none)
        guard try ask(session, waiting: arguments.has("--wait")) else { throw session.noDaemon }
        return .done
    }

    /// Drains the daemon that runs and waits for its end; false when none runs.
    static func drainRunning(_ session: Session) throws(CommandFailure) -> Bool {
        try ask(session, waiting: true)
    }

    private static func ask(_ session: Session, waiting: Bool) throws(CommandFailure) -> Bool {
        let client = ControlClient(socket: session.home.socket)
        // Held before it is asked: it may end right after that.
        let process = StateHolder.read(session.home).flatMap { HeldProcess($0.identity) }
        do throws(CommandError) { _ = try client.perform(.drain, actor: Session.actor) } catch {
            if error.code == .stopping { return false }
            throw CommandFailure(error)
        }
        session.terminal.error("weir: the daemon drains" + (waiting ? "; waiting for its end" : ""))
        guard waiting, let process else { return true }
        while !process.waitForEnd(60_000_000) {}
        return true
    }
}

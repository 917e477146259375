import API
import Engine
import SchedulerCore

/// `weir reload`: the daemon reads its settings and the DAG folder again.
enum ReloadCommand {
    static let spec = CommandSpec(
        name: "reload", summary: "make the daemon read weir.json and the DAG folder again",
        examples: [
            ("weir reload", "parallelism counts at once; with a broken weir.json the old settings stay, and it exits 3")
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings, settings: .none)
        do throws(CommandError) {
            _ = try ControlClient(socket: session.home.socket).perform(.reload, actor: Session.actor)
            return .done
        } catch {
            if error.code == .stopping { throw session.noDaemon }
            throw error.code == .invalid ? CommandFailure(.invalid, error.message) : CommandFailure(error)
        }
    }
}

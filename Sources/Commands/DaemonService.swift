import Engine
import Glibc
import Observability
import SchedulerCore
import Synchronization

/// The engine of a daemon, as its control socket and its signals reach it: with what concerns the daemon as a whole.
final class DaemonService: EngineService {
    private let engine: Engine
    private let session: Session
    private let notifier: ServiceNotifier
    /// The daemon's own, which stay above what weir.json says.
    private let arguments: Arguments
    /// The settings as they are; held during a reload, of which there is one at a time.
    private let settings: Mutex<Settings>

    init(_ engine: Engine, _ session: Session, _ arguments: Arguments, _ notifier: ServiceNotifier) {
        self.engine = engine
        self.session = session
        self.notifier = notifier
        self.arguments = arguments
        settings = Mutex(session.settings)
    }

    func perform(_ command: EngineCommand, actor: String, key: RequestKey?) throws(CommandError) -> EngineReply {
        switch command {
        case .reload:
            return try settings.withLock { (settings) throws(CommandError) in try reload(&settings, actor) }
        case .drain:
            let reply = try engine.perform(.drain, actor: actor)
            Log.info("draining: no task starts any more; the daemon ends with the last that runs")
            notifier.status(summary)
            return reply
        case .handOver:
            throw CommandError(.conflict, "a daemon does not hand over; `weir daemon --take-over` replaces it")
        default: return try engine.perform(command, actor: actor, key: key)
        }
    }

    /// What the daemon does at the moment, in one line.
    var summary: String {
        guard case .status(let status) = try? engine.perform(.status, actor: "daemon") else { return "stopping" }
        return status.summary
    }

    /// The settings and the DAG folder. Settings that are broken stay as they were; the folder is read all the same.
    private func reload(_ current: inout Settings, _ actor: String) throws(CommandError) -> EngineReply {
        Log.info("reading weir.json and the DAG folder again")
        notifier.reloading()
        defer { notifier.ready(summary) }
        var problem: CommandError?
        do throws(CommandFailure) {
            let environment = session.surroundings.environment
            let new = try Settings(session.home, environment, arguments)
            for (setting, before) in zip(Setting.all, zip(current.texts, new.texts)) where before.0 != before.1 {
                Log.info("setting changed", ["name": setting.name, "from": before.0, "to": before.1])
            }
            Log.setLevel(new.logLevel)
            engine.apply(actor: actor) { new.apply(to: &$0, environment) }
            current = new
        } catch {
            Log.error("the settings stay as they were", ["error": error.message])
            problem = CommandError(.invalid, "\(error.message); the settings stay as they were")
        }
        _ = try engine.perform(.reload, actor: actor)
        if let problem { throw problem }
        return .done
    }
}

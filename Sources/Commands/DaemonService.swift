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
    /// `--parallelism`, which stays above what weir.json says.
    private let fixedParallelism: Int?
    /// One reload at a time.
    private let reloading = Mutex(())

    init(_ engine: Engine, _ session: Session, _ notifier: ServiceNotifier, fixedParallelism: Int?) {
        self.engine = engine
        self.session = session
        self.notifier = notifier
        self.fixedParallelism = fixedParallelism
    }

    func perform(_ command: EngineCommand, actor: String) throws(CommandError) -> EngineReply {
        switch command {
        case .reload:
            return try reloading.withLock { _ throws(CommandError) in try reload(actor) }
        case .drain:
            let reply = try engine.perform(.drain, actor: actor)
            Log.info("draining: no task starts any more; the daemon ends with the last that runs")
            notifier.status(summary)
            return reply
        case .handOver:
            throw CommandError(.conflict, "a daemon does not hand over; `weir daemon --take-over` replaces it")
        default: return try engine.perform(command, actor: actor)
        }
    }

    /// What the daemon does at the moment, in one line.
    var summary: String {
        guard case .status(let status) = try? engine.perform(.status, actor: "daemon") else { return "stopping" }
        return status.summary
    }

    /// The settings and the DAG folder. Settings that are broken stay as they were; the folder is read all the same.
    private func reload(_ actor: String) throws(CommandError) -> EngineReply {
        Log.info("reading weir.json and the DAG folder again")
        notifier.reloading()
        defer { notifier.ready(summary) }
        var problem: CommandError?
        do throws(CommandFailure) {
            let settings = try Settings(session.home, environment: session.surroundings.environment)
            engine.setParallelism(fixedParallelism ?? settings.parallelism, actor: actor)
        } catch {
            Log.error("the settings stay as they were", ["error": error.message])
            problem = CommandError(.invalid, "\(error.message); the settings stay as they were")
        }
        _ = try engine.perform(.reload, actor: actor)
        if let problem { throw problem }
        return .done
    }
}

import API
import Engine
import Glibc
import HTTPServer
import Observability
import SchedulerCore

/// `weir daemon`: the scheduler, until it is told to stop.
enum DaemonCommand {
    static let spec = CommandSpec(
        name: "daemon", summary: "run the scheduler in this process",
        options: [.value("--parallelism", "N", "attempts at once over all DAGs")],
        examples: [
            ("weir daemon", "SIGTERM or Ctrl-C stops it in under a second; running tasks go on and are taken over")
        ]
    ) { arguments, surroundings in
        var session = try Session(arguments, surroundings)
        if let parallelism = try arguments.integer("--parallelism", in: 1...4096) {
            session.parallelism = parallelism
        }
        // Blocked before any thread starts, so that none of them takes the signals away from the one that waits.
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        let lock = try acquire(session)
        defer { withExtendedLifetime(lock) {} }
        let engine = try EngineAccess.engine(session, runsSchedules: true) {
            // Only matters when the engine ended by itself; during a stop nobody waits any more.
            kill(getpid(), SIGUSR1)
        }
        let server: HTTPServer
        do throws(HTTPError) {
            server = try HTTPServer(
                unixSocket: session.home.socket, router: APIRoutes.router(engine, actor: Session.actor))
        } catch {
            engine.stop()
            throw CommandFailure(.failed, error.message)
        }
        Log.info("daemon started", ["home": session.home.path, "version": Program.version, "pid": "\(getpid())"])

        while true {
            var received: Int32 = 0
            guard sigwait(&signals, &received) == 0 else { continue }
            if received == SIGHUP {
                Log.info("reading the DAG folder again")
                _ = try? engine.perform(.reload, actor: Session.actor)
                continue
            }
            server.stop()
            engine.stop()
            if let failure = engine.failure {
                Log.error("daemon stopped", ["error": failure.message])
                return .failed
            }
            Log.info("daemon stopped; running tasks go on under their supervisors")
            return .done
        }
    }

    private static func acquire(_ session: Session) throws(CommandFailure) -> StateLock {
        do throws(EngineError) { return try StateLock.acquire(session.home) } catch { throw CommandFailure(error) }
    }
}

import API
import Engine
import Glibc
import HTTPServer
import Observability
import SQLiteStore
import SchedulerCore
import Spawn

/// `weir daemon`: the scheduler, until it is told to stop.
enum DaemonCommand {
    static let spec = CommandSpec(
        name: "daemon", summary: "run the scheduler in this process",
        options: Setting.options + [
            .flag("--take-over", "end the Weir that runs here, also one that hangs, and go on in its place"),
            .flag("--drain", "start no task, wait for those that run, and exit; asks a daemon that runs to do so"),
        ],
        examples: [
            ("weir daemon", "SIGTERM or Ctrl-C stops it in under a second; running tasks go on and are taken over"),
            ("weir daemon --take-over", "replace a daemon that hangs; its tasks go on"),
            ("kill -HUP PID", "read weir.json and the DAG folder again, as `weir reload` does"),
            ("kill -USR2 PID", "drain it, as `weir drain` does"),
        ]
    ) { arguments, surroundings in
        let session = try Session(arguments, surroundings)
        Log.setLevel(session.settings.logLevel)
        if arguments.has("--drain"), !arguments.has("--take-over"), try DrainCommand.drainRunning(session) {
            return .done
        }
        DescriptorLimit.raise()
        let signals = Signals()
        let notifier = ServiceNotifier(environment: surroundings.environment)
        let claim = StateClaim(home: session.home, takesOver: arguments.has("--take-over")) {
            () throws(CommandFailure) in
            if signals.endArrives(within: 10_000) {
                throw CommandFailure(.interrupted, "stopped before it had started")
            }
        }
        let lock = try claim.take()
        defer { withExtendedLifetime(lock) {} }
        let feed = EventFeed(
            readers: SQLiteReaders(path: session.home.database), epoch: Instant(microseconds: WallClock.now()))
        let engine = try EngineAccess.engine(
            session, runsSchedules: true, isDraining: arguments.has("--drain"), onCommit: { feed.publish($0) },
            // Only matters when the engine ended by itself; during a stop nobody waits any more.
            onEnd: { kill(getpid(), Signals.engineEnded) })
        let service = DaemonService(engine, session, arguments, notifier)
        let servers: DaemonServers
        do throws(HTTPError) {
            servers = try DaemonServers(service, session, feed)
        } catch {
            engine.stop()
            throw CommandFailure(.failed, error.message)
        }
        Log.info("daemon started", ["home": session.home.path, "version": Program.version, "pid": "\(getpid())"])
        if let address = servers.address { Log.info("listening", ["address": "http://\(address)"]) }
        notifier.ready(service.summary)
        let watchdog = try Watchdog(notifier, service)

        while !engine.hasEnded {
            switch signals.next() {
            // On threads of their own: whatever they wait for, a signal to stop is heard.
            case SIGHUP: _ = WorkerThread { _ = try? service.perform(.reload, actor: Session.actor) }
            case SIGUSR2: _ = WorkerThread { _ = try? service.perform(.drain, actor: Session.actor) }
            case Signals.engineEnded: break  // Or somebody else's, which means nothing.
            default: return try stop(engine, servers, notifier, watchdog)
            }
        }
        if engine.failure == nil { Log.info("drained: nothing runs any more") }
        return try stop(engine, servers, notifier, watchdog)
    }

    /// A stop has to be over within a second, whatever hangs: what is cut short is found again by the next start.
    private static let stopMicroseconds: Int64 = 800_000

    private static func stop(
        _ engine: Engine, _ servers: DaemonServers, _ notifier: ServiceNotifier, _ watchdog: Watchdog?
    ) throws(SystemError) -> ExitCode {
        notifier.stopping()
        watchdog?.stop()
        let done = try Latch()
        _ = WorkerThread {
            servers.stop()
            engine.stop()
            done.open()
        }
        let isInTime = done.wait(stopMicroseconds)
        var status = ExitCode.done
        if let failure = engine.failure {
            Log.error("daemon stopped", ["error": failure.message])
            status = .failed
        } else if isInTime {
            Log.info("daemon stopped; running tasks go on under their supervisors")
        } else {
            Log.warning("daemon stopped, although not everything of it ended in time; running tasks go on")
        }
        // At once: threads that hang must not be waited for, nor see this process being taken apart.
        if !isInTime { _exit(status.rawValue) }
        return status
    }
}

/// The signals that steer a daemon. They are blocked, and taken one after the other by the thread that asks.
struct Signals {
    /// The engine ended by itself.
    static let engineEnded = SIGUSR1

    /// To be made before any thread starts, so that none of them takes the signals away from the one that waits.
    init() {
        var all = Self.all
        pthread_sigmask(SIG_BLOCK, &all, nil)
    }

    private static var all: sigset_t { Self.set([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2]) }

    private static func set(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }

    /// Blocks until one arrives.
    func next() -> Int32 {
        var (all, received) = (Self.all, Int32(0))
        while sigwait(&all, &received) != 0 {}
        return received
    }

    /// Whether one arrives that asks for the end, within so many microseconds.
    func endArrives(within microseconds: Int) -> Bool {
        var (ends, limit) = (Self.set([SIGTERM, SIGINT]), timespec(tv_sec: 0, tv_nsec: microseconds * 1000))
        return sigtimedwait(&ends, nil, &limit) > 0
    }
}

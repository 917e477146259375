import API
import Engine
import Glibc
import Observability
import SQLiteStore
import SchedulerCore
import Spawn
import Store

/// The engine that a command changes things through: the daemon's, or one of its own when no daemon runs.
final class EngineAccess {
    let service: any EngineService
    /// Runs in this process, because no daemon does.
    private let embedded: Engine?
    private let lock: StateLock?

    var isEmbedded: Bool { embedded != nil }

    init(_ session: Session) throws(CommandFailure) {
        let client = ControlClient(socket: session.home.socket)
        if client.isAnswered {
            service = client
            embedded = nil
            lock = nil
            return
        }
        let lock: StateLock
        do throws(EngineError) { lock = try StateLock.acquire(session.home) } catch { throw CommandFailure(error) }
        self.lock = lock
        // What the command follows it tells itself.
        Log.setLevel(.error)
        Log.useText()
        let engine = try Self.engine(session, runsSchedules: false)
        embedded = engine
        service = engine
        session.terminal.error("weir: no daemon runs in \(session.home.path); working in the foreground")
    }

    /// Makes and starts an engine. The caller holds the state lock.
    static func engine(
        _ session: Session, runsSchedules: Bool, onEnd: @escaping @Sendable () -> Void = {}
    ) throws(CommandFailure) -> Engine {
        let store: SQLiteStore
        do throws(StoreError) { store = try SQLiteStore(path: session.home.database, hooks: hooks) } catch {
            throw CommandFailure(error)
        }
        let database = session.home.database
        do throws(EngineError) {
            let engine = try Engine(
                configuration: try configuration(session, runsSchedules: runsSchedules), onEnd: onEnd)
            try engine.start(store: store) { () throws(StoreError) in try SQLiteReader(path: database) }
            return engine
        } catch {
            throw CommandFailure(error)
        }
    }

    /// What the store tells goes into the log, and its places for tests are those of `WEIR_FAULT`.
    static let hooks = StoreHooks(note: { Log.warning($0) }, point: { Fault.point($0) })

    private static func configuration(
        _ session: Session, runsSchedules: Bool
    ) throws(EngineError) -> EngineConfiguration {
        let programs = try session.surroundings.programs()
        var environment = [
            "PATH": session.surroundings.environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC",
        ]
        // What a task may see of the daemon's environment; nothing else of it does.
        for name in ["HOME", "LANG", "TZ", "WEIR_DUCKDB", "WEIR_SENDMAIL", "WEIR_LAKE"] {
            if let value = session.surroundings.environment(name) { environment[name] = value }
        }
        return EngineConfiguration(
            home: session.home, weirProgram: programs.weir, supervisorProgram: programs.supervisor,
            kinds: Session.kinds,
            parallelism: session.parallelism, runsSchedules: runsSchedules, version: Program.version,
            retention: session.retention, environment: environment)
    }

    /// What this asks is the user's at the terminal; the daemon records its own name for its socket.
    func perform(_ command: EngineCommand) throws(CommandFailure) -> EngineReply {
        do throws(CommandError) {
            return try service.perform(command, actor: Session.actor)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Why an embedded engine ended by itself.
    var failure: EngineError? { embedded?.failure }

    /// Ends an embedded engine. Tasks that still run go on under their supervisors.
    func close() { embedded?.stop() }
}

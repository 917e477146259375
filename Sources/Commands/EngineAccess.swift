import API
import Engine
import Glibc
import Observability
import SQLiteStore
import SchedulerCore
import Spawn
import Store

/// The engine that a command changes things through: the daemon's; or when no daemon runs that of another command which
/// works in the foreground; or one of its own. It changes while the command follows its work: see `tend`.
final class EngineAccess {
    private enum Mode {
        case daemon
        /// The process that works in the foreground.
        case guest(of: Int)
        case own(EmbeddedEngine)
    }

    private var session: Session
    private let client: ControlClient
    private var mode = Mode.daemon
    private var lookedAt: Int64 = 0
    private var isMissing = false

    /// How long an engine is waited for that is just starting or ending.
    private static let patience: Int64 = 3_000_000
    /// How often one that follows a daemon looks whether it is still there.
    private static let absenceMicroseconds: Int64 = 1_000_000
    /// How often a guest looks whether its host is still there.
    private static let lookMicroseconds: Int64 = 200_000

    /// - Parameter startsNothing: the command only changes what is stored, or only asks: no task is started for it where no
    ///   daemon runs, and there is nothing to say of that.
    init(_ session: Session, startsNothing: Bool = false) throws(CommandFailure) {
        self.session = session
        self.session.startsNothing = startsNothing
        client = ControlClient(socket: session.home.socket)
        let deadline = WallClock.monotonic() + Self.patience
        while try !find(announcing: "no daemon runs in \(session.home.path)") {
            guard WallClock.monotonic() < deadline else {
                throw CommandFailure(StateLock.refusal(session.home, StateHolder.read(session.home)))
            }
            usleep(20_000)
        }
    }

    /// No daemon does the work: the command has to stay until it is done.
    var isEmbedded: Bool { if case .daemon = mode { false } else { true } }

    /// What a person who leaves should know about the work that goes on.
    var farewell: String {
        switch mode {
        case .daemon: "not following any more; the daemon goes on"
        case .guest(let pid): "not following any more; process \(pid) goes on with it for as long as it runs"
        case .own: "stopped. Running tasks go on; the next daemon or command takes them over"
        }
    }

    /// Hands a command to the engine. One that ends before it took the command is replaced by the next one.
    ///
    /// What this asks is the user's at the terminal; the daemon records its own name for its socket.
    func perform(_ command: EngineCommand) throws(CommandFailure) -> EngineReply {
        let deadline = WallClock.monotonic() + Self.patience
        while true {
            do throws(CommandError) {
                if case .own(let engine) = mode { return try engine.perform(command, actor: Session.actor) }
                return try client.perform(command, actor: Session.actor)
            } catch {
                guard error.code == .stopping, WallClock.monotonic() < deadline else { throw CommandFailure(error) }
            }
            if case .own(let engine) = mode, !engine.hasHandedOver, let failure = engine.failure {
                throw CommandFailure(failure)
            }
            usleep(20_000)
            _ = try find(announcing: "the engine that was asked has ended")
        }
    }

    /// To be called again and again while following: notices that a daemon took over, and takes over itself when the
    /// command that did the work has ended.
    func tend() throws(CommandFailure) {
        switch mode {
        case .daemon: noticeAbsence()
        case .own(let engine):
            if engine.hasHandedOver {
                mode = .daemon
                session.terminal.error("weir: a daemon has started and goes on with it; following it")
            } else if let failure = engine.failure {
                throw CommandFailure(failure)
            }
        case .guest(let pid):
            let now = WallClock.monotonic()
            guard now - lookedAt >= Self.lookMicroseconds else { return }
            lookedAt = now
            guard try find(announcing: "process \(pid) has ended") else { return }
            if case .daemon = mode {
                session.terminal.error("weir: a daemon has started and goes on with it; following it")
            }
        }
    }

    /// Tells the person who waits that nobody starts anything any more, or that somebody does again.
    private func noticeAbsence() {
        let now = WallClock.monotonic()
        guard now - lookedAt >= Self.absenceMicroseconds else { return }
        lookedAt = now
        let isThere = (try? answer()) != nil
        guard isThere == isMissing else { return }
        isMissing = !isThere
        session.terminal.error(
            isThere
                ? "weir: a daemon answers again"
                : "weir: the daemon does not answer any more; running tasks go on, the rest waits for the next one (Ctrl-C "
                    + "leaves)")
    }

    /// Ends an embedded engine. Tasks that still run go on under their supervisors.
    func close() { if case .own(let engine) = mode { engine.close() } }

    /// Finds the engine that is responsible now, or becomes it.
    ///
    /// - Parameter reason: why this command works itself, when it comes to that.
    /// - Returns: false when somebody holds the state and does not answer yet, or any more.
    private func find(announcing reason: String) throws(CommandFailure) -> Bool {
        if let status = try answer() {
            if status.role == .daemon {
                mode = .daemon
            } else {
                if case .guest(status.pid) = mode { return true }
                mode = .guest(of: status.pid)
                announce("\(reason); process \(status.pid) works in the foreground, and on this too")
            }
            return true
        }
        let lock: StateLock?
        do throws(EngineError) { lock = try StateLock.attempt(session.home, as: .embedded) } catch {
            throw CommandFailure(error)
        }
        guard let lock else { return false }
        if let failure = session.brokenSettings { throw failure }
        mode = .own(try EmbeddedEngine(session, lock))
        announce("\(reason); working in the foreground")
        return true
    }

    private func announce(_ line: String) {
        if !session.startsNothing { session.terminal.error("weir: " + line) }
    }

    /// The status of whoever listens on the socket; nil when nobody does.
    private func answer() throws(CommandFailure) -> EngineStatus? {
        do throws(CommandError) {
            guard case .status(let status) = try client.perform(.status, actor: Session.actor) else { return nil }
            return status
        } catch {
            if error.code == .stopping { return nil }
            throw CommandFailure(error)
        }
    }

    // MARK: Making an engine

    /// Makes and starts an engine. The caller holds the state lock.
    static func engine(
        _ session: Session, runsSchedules: Bool, isDraining: Bool = false,
        onCommit: @escaping @Sendable ([Change]) -> Void = { _ in }, onEnd: @escaping @Sendable () -> Void = {}
    ) throws(CommandFailure) -> Engine {
        let store: SQLiteStore
        do throws(StoreError) { store = try SQLiteStore(path: session.home.database, hooks: hooks) } catch {
            throw CommandFailure(error)
        }
        let database = session.home.database
        do throws(EngineError) {
            var configuration = try configuration(session, runsSchedules: runsSchedules)
            configuration.isDraining = isDraining
            let engine = try Engine(configuration: configuration, onCommit: onCommit, onEnd: onEnd)
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
        var configuration = EngineConfiguration(
            home: session.home, weirProgram: programs.weir, supervisorProgram: programs.supervisor,
            kinds: Session.kinds, runsSchedules: runsSchedules, version: Program.version)
        session.settings.apply(to: &configuration, session.surroundings.environment)
        if session.startsNothing { configuration.parallelism = 0 }
        return configuration
    }
}

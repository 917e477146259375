import API
import Engine
import HTTPServer
import Observability
import SchedulerCore
import Spawn
import Synchronization

/// The engine of a command that works in the foreground because no daemon runs. It serves the control socket like a
/// daemon, so that other commands work beside it, and leaves the state to a daemon that asks for it.
final class EmbeddedEngine: EngineService {
    private enum State { case working, handingOver, handedOver }

    private let engine: Engine
    private let lock: StateLock
    private let server = Mutex<HTTPServer?>(nil)
    private let state = Mutex(State.working)

    /// - Parameter lock: held, and from here on this engine's.
    init(_ session: Session, _ lock: StateLock) throws(CommandFailure) {
        self.lock = lock
        // What the command follows it tells itself.
        Log.setLevel(.error)
        Log.useText()
        engine = try EngineAccess.engine(session, runsSchedules: false)
        do throws(HTTPError) {
            let new = try HTTPServer(
                unixSocket: session.home.socket, router: APIService(engine: self, gate: .owner).router())
            server.withLock { $0 = new }
        } catch {
            // The work can be done without; only others cannot join in.
            Log.warning("other commands cannot reach this one", ["error": error.message])
        }
    }

    func perform(_ command: EngineCommand, actor: String, key: RequestKey?) throws(CommandError) -> EngineReply {
        switch command {
        case .handOver:
            handOver()
            return .done
        case .drain:
            throw CommandError(.conflict, "no daemon runs: a command works in the foreground, and ends with its work")
        default: return try engine.perform(command, actor: actor, key: key)
        }
    }

    /// Whether a daemon has, or will have in a moment, what this engine had.
    var hasHandedOver: Bool { state.withLock { $0 != .working } }

    /// Why the engine ended by itself.
    var failure: EngineError? { engine.failure }

    /// On a thread of its own: the request that asks for it is to be answered, and whatever the main thread does, a daemon
    /// is not to wait for it.
    private func handOver() {
        let isFirst = state.withLock { state in
            defer { if state == .working { state = .handingOver } }
            return state == .working
        }
        guard isFirst else { return }
        _ = WorkerThread { [self] in
            close()
            state.withLock { $0 = .handedOver }
        }
    }

    /// Ends the engine, then gives the lock back. Tasks that still run go on under their supervisors.
    func close() {
        server.withLock { server in
            defer { server = nil }
            return server
        }?.stop()
        engine.stop()
        lock.release()
    }
}

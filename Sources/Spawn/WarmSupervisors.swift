import CPosix
import Glibc
import Synchronization

/// Starts supervisors by a process that is warm, see `SupervisorServer`. It is started with the first of them; where that
/// fails each supervisor is a program of its own, as by `SupervisorLauncher`.
public final class WarmSupervisors: Sendable {
    private struct Server {
        var socket: Int32
        var pid: Int32
    }

    private struct State {
        var server: Server?
        /// How often in a row it has ended before it gave an answer.
        var failures = 0
    }

    private let state = Mutex(State())

    /// Then each supervisor is a program of its own.
    private static let mostFailures = 3

    /// Microseconds in which there is an answer.
    private let patience: Int64

    public convenience init() { self.init(patience: 10_000_000) }

    init(patience: Int64) { self.patience = patience }

    /// The warm process, when there is one.
    var pid: Int32? { state.withLock { $0.server?.pid } }

    deinit { stop() }

    /// As `SupervisorLauncher.start`, but for that the supervisor is no child of this process.
    public func start(
        program: String, directory: AttemptDirectory, secrets: AttemptSecrets = AttemptSecrets([:])
    ) throws(StartError) -> SupervisorLauncher.Launched {
        let input = try SupervisorLauncher.input(secrets)
        let log = try SupervisorLauncher.log(directory)
        let descriptors = (input.raw, log.raw)
        let made = try state.withLock { (state) throws(StartError) -> SupervisorLauncher.Launched? in
            // The one that there is may have been killed meanwhile.
            for _ in 0..<2 where state.failures < Self.mostFailures {
                guard let server = state.server ?? Self.open(program, directory, patience) else {
                    state.failures += 1
                    return nil
                }
                state.server = server
                if Self.ask(server, directory, descriptors) {
                    do throws(StartError) {
                        let launched = try Self.answer(server)
                        state.failures = 0
                        return launched
                    } catch {
                        if error.code == ECONNRESET || error.code == ETIMEDOUT {
                            state.failures += 1
                            Self.close(&state.server)
                        }
                        throw error
                    }
                }
                Self.close(&state.server)
            }
            return nil
        }
        if let made { return made }
        return try SupervisorLauncher.start(program, directory, input.raw, log.raw)
    }

    /// Ends the warm process; the supervisors that it has made go on.
    public func stop() { state.withLock { Self.close(&$0.server) } }

    private static func open(_ program: String, _ directory: AttemptDirectory, _ patience: Int64) -> Server? {
        var ends: [Int32] = [-1, -1]
        guard weir_socket_pair(&ends) == 0 else { return nil }
        defer { if ends[1] >= 0 { Glibc.close(ends[1]) } }
        let rehearsal = File.parent(of: directory.path) + "/.rehearsal"
        let argv = [program, SupervisorServer.argument, rehearsal, SupervisorServer.room]
        guard weir_receive_within(ends[0], patience) == 0,
            let null = try? SupervisorLauncher.open("/dev/null", O_RDWR),
            let pid = try? SupervisorLauncher.program(argv).spawn(
                WEIR_GROUP_SESSION, stdio: (ends[1], null.raw, null.raw))
        else {
            Glibc.close(ends[0])
            return nil
        }
        var server: Server? = Server(socket: ends[0], pid: pid)
        var hello = SupervisorServer.Answer(pid: -1, error: 0)
        Glibc.close(ends[1])
        ends[1] = -1
        if weir_receive(ends[0], &hello, MemoryLayout<SupervisorServer.Answer>.size, nil, 0) <= 0 { close(&server) }
        return server
    }

    private static func ask(_ server: Server, _ directory: AttemptDirectory, _ descriptors: (Int32, Int32)) -> Bool {
        let request = Array(directory.path.utf8)
        let handed = [descriptors.0, descriptors.1]
        return request.count <= SupervisorServer.longestRequest
            && weir_send(server.socket, request, request.count, handed, 2) == 0
    }

    /// Whatever went wrong, the supervisor may have been made, and run: `AttemptInspector.recover` tells.
    private static func answer(_ server: Server) throws(StartError) -> SupervisorLauncher.Launched {
        var answer = SupervisorServer.Answer(pid: -1, error: 0)
        var pidfd: Int32 = -1
        let count = weir_receive(server.socket, &answer, MemoryLayout<SupervisorServer.Answer>.size, &pidfd, 1)
        if count > 0 { return SupervisorLauncher.Launched(pid: answer.pid, pidfd: pidfd) }
        let failure = count == 0 ? ECONNRESET : errno
        // No descriptor came with it, or none could be taken.
        if failure == EPROTO {
            throw StartError(description: "cannot start a supervisor: out of descriptors", code: EAGAIN)
        }
        throw StartError(
            description: "what starts supervisors was ended", code: failure == EAGAIN ? ETIMEDOUT : failure)
    }

    private static func close(_ server: inout Server?) {
        guard let open = server else { return }
        server = nil
        Glibc.close(open.socket)
        // It ends by itself when it is well.
        kill(open.pid, SIGKILL)
        while waitpid(open.pid, nil, 0) < 0, errno == EINTR {}
    }
}

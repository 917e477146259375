import CPosix
import Glibc

/// Starting supervisors on this machine.
public enum SupervisorLauncher {
    /// A supervisor that was started by this process, as its child.
    public struct Launched: Sendable, Hashable {
        public var pid: Int32
        /// Becomes readable when the supervisor ends. Belongs to the caller; `ExitWatcher.watch` takes it over.
        public var pidfd: Int32
    }

    /// Starts the supervisor of one attempt, in a session of its own: it outlives this process. The attempt's `spec.json`
    /// must be complete.
    ///
    /// After an error the attempt may still have been claimed, and run: `AttemptInspector.recover` tells.
    ///
    /// - Parameters:
    ///   - program: path of `weir-supervise`.
    ///   - secrets: those that the spec names.
    public static func start(
        program: String, directory: AttemptDirectory, secrets: AttemptSecrets = AttemptSecrets([:])
    ) throws(StartError) -> Launched {
        let input = try input(secrets)
        let log = try log(directory)
        return try start(program, directory, input.raw, log.raw)
    }

    static func start(
        _ program: String, _ directory: AttemptDirectory, _ input: Int32, _ log: Int32
    ) throws(StartError) -> Launched {
        let null = try open("/dev/null", O_RDWR)
        let pid = try self.program([program, directory.path]).spawn(WEIR_GROUP_SESSION, stdio: (input, null.raw, log))
        return Launched(pid: pid, pidfd: try pidfd(of: pid))
    }

    /// It needs nothing of this process's environment, which may hold secrets.
    static func program(_ argv: [String]) -> Program {
        Program(argv: argv, environment: ["PATH": Program.defaultPath], directory: nil)
    }

    /// What a supervisor reads.
    static func input(_ secrets: AttemptSecrets) throws(StartError) -> FileDescriptor {
        if secrets.values.isEmpty { return try open("/dev/null", O_RDONLY) }
        do throws(SystemError) { return try secrets.file() } catch {
            throw StartError(description: "cannot hand on secrets: \(error)", code: error.code)
        }
    }

    /// Should the supervisor itself fail, its words are where a person looks first.
    static func log(_ directory: AttemptDirectory) throws(StartError) -> FileDescriptor {
        try open(directory.log, O_WRONLY | O_APPEND | O_CREAT)
    }

    /// Holds the child, which is not reaped yet, so that its pid cannot belong to another process. It may have begun its
    /// task already: without a free descriptor it is not killed, since one will be free when another process ends.
    private static func pidfd(of pid: Int32) throws(StartError) -> Int32 {
        let deadline = BootClock.after(descriptorPatience)
        while true {
            let pidfd = weir_pidfd_open(pid)
            if pidfd >= 0 { return pidfd }
            let failure = SystemError("pidfd_open")
            guard Shortage.isBehind(failure), BootClock.now() < deadline else {
                throw StartError(description: "cannot watch a supervisor: \(failure.message)", code: failure.code)
            }
            usleep(1000)
        }
    }

    /// Microseconds to wait for a free descriptor.
    private static let descriptorPatience: Int64 = 10_000_000

    static func open(_ path: String, _ flags: Int32) throws(StartError) -> FileDescriptor {
        do throws(SystemError) { return try FileDescriptor.open(path, flags) } catch {
            throw StartError(description: "cannot start a supervisor: \(error)", code: error.code)
        }
    }
}

import CPosix
import Glibc

/// A task that its supervisor has just started.
struct RunningTask {
    let pid: Int32
    let cgroup: Cgroup?
    /// The open log; it stays open as long as the supervisor lives.
    let log: Int32

    /// Starts the spec's program: in a process group of its own within the supervisor's session (which is how its
    /// processes are found when the supervisor itself was killed), output straight to the log, input from /dev/null; a
    /// built-in kind, which resolves the references in its parameters itself, gets its secrets there.
    init(
        _ spec: AttemptSpec, _ directory: AttemptDirectory, _ secrets: AttemptSecrets = AttemptSecrets([:])
    ) throws(StartError) {
        var environment = spec.env
        // Marks every process of the attempt, see `AttemptInspector`.
        environment["WEIR_ATTEMPT_TOKEN"] = spec.token
        let program = Program(argv: spec.argv, environment: environment, directory: spec.cwd)
        let path = try program.find()

        let log = try Self.open(directory.log, O_WRONLY | O_APPEND | O_CREAT)
        let input: FileDescriptor
        if spec.task != nil, !secrets.values.isEmpty {
            do throws(SystemError) { input = try secrets.file() } catch {
                throw StartError(description: "cannot hand on secrets: \(error)", code: error.code)
            }
        } else {
            input = try Self.open("/dev/null", O_RDONLY)
        }

        var cgroup = spec.cgroup.flatMap(Cgroup.create)
        var procs: Int32 = -1
        if let group = cgroup {
            procs = Glibc.open(group.path + "/cgroup.procs", O_WRONLY | O_CLOEXEC)
        }
        let isHeld = spec.limits.memoryBytes.map { cgroup?.limitMemory(to: $0) ?? false } ?? false
        var limits = spec.limits.c(inCgroup: isHeld)
        let stdio = (input.raw, log.raw, log.raw)
        let started = program.withC(path: path, stdio: stdio) { weir_start_task($0, &limits, procs) }
        if procs >= 0 { close(procs) }
        if procs < 0 || started.outside_cgroup || started.failed_step != WEIR_STEP_NONE {
            cgroup?.remove()
            cgroup = nil
        }
        if started.failed_step != WEIR_STEP_NONE {
            throw program.explain(started.error, path: path, step: started.failed_step)
        }
        pid = started.pid
        self.cgroup = cgroup
        self.log = log.release()
    }

    private static func open(_ path: String, _ flags: Int32) throws(StartError) -> FileDescriptor {
        do throws(SystemError) { return try FileDescriptor.open(path, flags) } catch {
            throw StartError(description: "cannot open \(error)")
        }
    }
}

import CPosix
import Glibc

/// A supervisor that is warm: a process of a daemon which makes the supervisors of its attempts by fork(2).
///
/// What a start of the program costs it has paid once: its pages are there, its types are known. A supervisor is its own
/// process from the fork on and shares nothing with the others; when the daemon ends, so does this process, and when this
/// one is killed, the daemon makes another. Those that it has made go on either way.
enum SupervisorServer {
    /// Its first argument. The second is the place of its rehearsal, the third makes room for what ps(1) shows of the
    /// supervisors that it makes.
    static let argument = "--serve"
    static let room = String(repeating: " ", count: 512)

    /// A request is the attempt's directory, with what becomes descriptors 0 and 2 of its supervisor. The answer is this, with
    /// the supervisor's pidfd when there is one. The first one comes unasked, and says that it is ready.
    struct Answer {
        var pid: Int32
        /// An error number; 0: none.
        var error: Int32
    }

    static let longestRequest = 4096

    /// Answers the requests that come on descriptor 0 until its other end is closed.
    ///
    /// - Parameter rehearsal: where it may make a directory that goes away again.
    /// - Returns: the exit status.
    static func serve(rehearsal: String) -> Int32 {
        let socket: Int32 = 0
        let signals: FileDescriptor
        do throws(SystemError) { signals = try SupervisorEvents.signals() } catch { return 1 }
        rehearse(rehearsal)
        answer(socket, Answer(pid: 0, error: 0))
        var request = [UInt8](repeating: 0, count: longestRequest)
        while true {
            var watched = [
                pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.raw, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&watched, 2, -1)
            if watched[1].revents != 0 {
                var info = signalfd_siginfo()
                while read(signals.raw, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {
                    if info.ssi_signo != UInt32(SIGCHLD) { return 0 }
                }
                while waitpid(-1, nil, WNOHANG) > 0 {}
            }
            guard watched[0].revents != 0 else { continue }
            var descriptors: [Int32] = [-1, -1]
            let count = weir_receive(socket, &request, request.count, &descriptors, 2)
            if count == 0 { return 0 }
            guard count > 0 else {
                guard errno == EPROTO || errno == EMFILE else { return 1 }
                answer(socket, Answer(pid: -1, error: errno))
                continue
            }
            let path = String(decoding: request.prefix(count), as: UTF8.self)
            let pid = weir_fork()
            if pid == 0 {
                if weir_take_over(descriptors[0], descriptors[1]) != 0 { _exit(1) }
                weir_rename(CommandLine.unsafeArgv, "weir-supervise", path)
                // Nothing waits in a buffer, and what exit(3) looks at would have to be copied first.
                _exit(Supervisor.run(path))
            }
            let failure = errno
            for descriptor in descriptors { close(descriptor) }
            answer(socket, Answer(pid: pid, error: pid < 0 ? failure : 0))
        }
    }

    private static func answer(_ socket: Int32, _ answer: Answer) {
        var answer = answer
        // It is not reaped before this is done, so the pid is its own.
        var pidfd = answer.pid > 0 ? weir_pidfd_open(answer.pid) : -1
        if answer.pid > 0, pidfd < 0 { answer.error = errno }
        _ = weir_send(socket, &answer, MemoryLayout<Answer>.size, &pidfd, pidfd < 0 ? 0 : 1)
        if pidfd >= 0 { close(pidfd) }
    }

    /// Runs an attempt of nothing in this process: what each supervisor would have to do anew is done once. Types are made
    /// when they are used for the first time.
    ///
    /// - Parameter path: a directory to do it in, which goes away again. Where it cannot be made each supervisor takes longer.
    private static func rehearse(_ path: String) {
        let directory = AttemptDirectory(path: path)
        // As many as a task has: a large object is read in another way than a small one.
        var env = ["PATH": Program.defaultPath]
        for number in 1...24 { env["WEIR_\(number)"] = path }
        let spec = AttemptSpec(
            attempt: 1, token: AttemptSpec.randomToken(), argv: ["true"], cwd: "/", env: env, cgroup: path + "/cgroup")
        do throws(SystemError) {
            try File.removeTree(path)
            try directory.create()
            try spec.write(to: directory)
            var events = try SupervisorEvents.open()
            try Supervisor.attempt(directory, &events)
        } catch {}
        try? File.removeTree(path)
    }
}

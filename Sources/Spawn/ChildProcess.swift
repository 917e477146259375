import CPosix
import Glibc

/// Runs a short-lived program and waits for it. Blocks the calling thread.
///
/// What the program leaves behind in its process group is not waited for, even when it holds the output open.
public enum ChildProcess {
    /// Where one of the program's outputs goes.
    public enum Output: Sendable, Hashable {
        /// Into the result; what goes beyond `limit` bytes is read and thrown away.
        case capture(limit: Int)
        /// Straight to an open descriptor, which stays the caller's.
        case descriptor(Int32)
        case discard
    }

    public struct Result: Sendable, Hashable {
        public var status: ExitStatus
        /// What was captured; empty for the other kinds of output.
        public var output: [UInt8]
        public var errors: [UInt8]
        /// Whether more came than the limit let through.
        public var outputTruncated: Bool
        public var errorsTruncated: Bool
        /// Whether the program ran longer than it might and was ended for that.
        public var timedOut: Bool

        public var outputText: String { String(decoding: output, as: UTF8.self) }
        public var errorText: String { String(decoding: errors, as: UTF8.self) }
    }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - argv: the program, looked up in the PATH of `environment` when it has no slash, and its arguments.
    ///   - environment: the whole environment; nothing is inherited.
    ///   - directory: working directory; nil: the caller's.
    ///   - input: what its standard input gives, then end of file.
    ///   - timeoutMicroseconds: after this its process group gets SIGTERM, and SIGKILL two seconds later; nil: no limit.
    public static func run(
        _ argv: [String], environment: [String: String], directory: String? = nil, input: [UInt8] = [],
        output: Output = .capture(limit: 64 << 20), errors: Output = .capture(limit: 1 << 20),
        timeoutMicroseconds: Int64? = nil
    ) throws(StartError) -> Result {
        let program = Program(argv: argv, environment: environment, directory: directory)
        var input = try opened(argv) { () throws(SystemError) in try InputStream(input) }
        var output = try opened(argv) { () throws(SystemError) in try OutputStream(output) }
        var errors = try opened(argv) { () throws(SystemError) in try OutputStream(errors) }
        let pid = try program.spawn(
            WEIR_GROUP_OWN, stdio: (input.childDescriptor, output.childDescriptor, errors.childDescriptor))
        input.closeChildEnd()
        output.closeChildEnd()
        errors.closeChildEnd()
        let child = RunningChild(pid: pid, timeoutMicroseconds: timeoutMicroseconds)
        let (status, timedOut) = child.follow(&input, &output, &errors)
        return Result(
            status: status, output: output.bytes, errors: errors.bytes, outputTruncated: output.truncated,
            errorsTruncated: errors.truncated, timedOut: timedOut)
    }

    static func opened<Value: ~Copyable>(
        _ argv: [String], _ open: () throws(SystemError) -> Value
    ) throws(StartError) -> Value {
        do throws(SystemError) { return try open() } catch {
            throw StartError(description: "cannot start \(argv.first ?? ""): \(error)")
        }
    }
}

/// A child from its start to its end.
private struct RunningChild {
    let pid: Int32
    let timeoutMicroseconds: Int64?
    /// Microseconds between SIGTERM and SIGKILL.
    private static let grace: Int64 = 2_000_000

    /// Feeds and empties the streams until the child has ended, and reaps it.
    func follow(
        _ input: inout InputStream, _ output: inout OutputStream, _ errors: inout OutputStream
    ) -> (ExitStatus, timedOut: Bool) {
        // Without a pidfd (no descriptor left) the end is noticed by looking often.
        let pidfd = weir_pidfd_open(pid)
        defer { if pidfd >= 0 { close(pidfd) } }
        var deadline = timeoutMicroseconds.map(BootClock.after) ?? .max
        var timedOut = false
        while true {
            var watched = [
                pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input.descriptor, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: output.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let left = deadline == .max ? -1 : Int32(clamping: (max(0, deadline - BootClock.now()) + 999) / 1000)
            _ = poll(&watched, nfds_t(watched.count), pidfd < 0 ? 10 : left)
            if watched[1].revents != 0 { input.feed() }
            if watched[2].revents != 0 { output.take() }
            if watched[3].revents != 0 { errors.take() }
            if watched[0].revents != 0 || pidfd < 0, hasEnded { break }
            if BootClock.now() >= deadline {
                // The child is not reaped yet, so the number of its group cannot belong to anybody else.
                kill(-pid, timedOut ? SIGKILL : SIGTERM)
                timedOut = true
                deadline = BootClock.after(Self.grace)
            }
        }
        if timedOut { kill(-pid, SIGKILL) }
        output.takeRest()
        errors.takeRest()
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return (ExitStatus(waitStatus: status), timedOut)
    }

    /// Whether it has ended; it stays unreaped.
    private var hasEnded: Bool {
        var info = siginfo_t()
        return waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo != 0
    }
}

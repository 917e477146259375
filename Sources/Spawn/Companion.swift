import CPosix
import Glibc

/// A program that runs on beside its caller, which sends it lines and reads what it says to them. It ends with this value:
/// its process group is killed.
///
/// When the caller's process is killed the program's input ends; that a program reads.
public struct Companion: ~Copyable {
    /// Why an exchange has no answer. The program is of no use after any of these.
    public enum Failure: Error, Sendable, Hashable {
        /// It has ended, or closed its output.
        case ended(ExitStatus)
        /// The time was up.
        case late
        /// It has said more than the limit.
        case tooMuch
    }

    /// What the program said: to its standard output and to its standard error.
    public struct Reply: Sendable, Hashable {
        public var output: [UInt8]
        public var errors: [UInt8]
    }

    /// The number of its process.
    public let pid: Int32
    private var input: Pipe
    private var output: OutputStream
    private var errors: OutputStream
    /// Once it was reaped; its number may belong to another process then.
    private var end: ExitStatus?

    /// How often, two milliseconds apart, a program that has closed its output is looked at until it is killed.
    private static let looks = 100
    /// Errors beyond this are read and thrown away.
    private static let errorLimit = 1 << 20

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - argv: the program, looked up in the PATH of `environment` when it has no slash, and its arguments.
    ///   - environment: the whole environment; nothing is inherited.
    ///   - directory: working directory; nil: the caller's.
    public init(_ argv: [String], environment: [String: String], directory: String? = nil) throws(StartError) {
        var input = try ChildProcess.opened(argv) { () throws(SystemError) in try Pipe(blockingEnd: .reading) }
        var output = try ChildProcess.opened(argv) { () throws(SystemError) in try OutputStream(.capture(limit: 0)) }
        var errors = try ChildProcess.opened(argv) { () throws(SystemError) in try OutputStream(.capture(limit: 0)) }
        pid = try Program(argv: argv, environment: environment, directory: directory).spawn(
            WEIR_GROUP_OWN, stdio: (input.reading, output.childDescriptor, errors.childDescriptor))
        input.closeReading()
        output.closeChildEnd()
        errors.closeChildEnd()
        self.input = input
        self.output = output
        self.errors = errors
    }

    deinit {
        guard end == nil else { return }
        // Not reaped yet, so the number of its group cannot belong to anybody else.
        kill(-pid, SIGKILL)
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
    }

    /// Sends bytes and reads until the output ends with a line that is the mark.
    ///
    /// - Parameters:
    ///   - mark: without its line break; nobody else may be able to guess it.
    ///   - limit: most bytes of output.
    ///   - microseconds: how long it may take; nil: as long as it takes.
    /// - Returns: what came before the mark, and all that was said to standard error until then.
    public mutating func exchange(
        _ bytes: [UInt8], mark: String, limit: Int, microseconds: Int64?
    ) throws(Failure) -> Reply {
        let deadline = microseconds.map(BootClock.after) ?? .max
        let end = Array((mark + "\n").utf8)
        output.begin(limit: limit + end.count + 1)
        errors.begin(limit: Self.errorLimit)
        var written = 0
        while true {
            var watched = [
                pollfd(fd: written < bytes.count ? input.writing : -1, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: output.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let left = deadline == .max ? -1 : Int32(clamping: (max(0, deadline - BootClock.now()) + 999) / 1000)
            _ = poll(&watched, nfds_t(watched.count), left)
            if watched[0].revents != 0 {
                let count = bytes[written...].withUnsafeBytes {
                    weir_write_nosigpipe(input.writing, $0.baseAddress, $0.count)
                }
                if count >= 0 {
                    written += count
                } else if errno != EAGAIN, errno != EINTR {
                    throw ended()
                }
            }
            if watched[2].revents != 0 { errors.take() }
            if watched[1].revents != 0 {
                output.take()
                if output.truncated { throw .tooMuch }
                if output.bytes.hasSuffix(line: end) {
                    // Whatever was said before the mark stands in the pipe by now.
                    errors.takeRest()
                    return Reply(output: Array(output.bytes.dropLast(end.count)), errors: errors.bytes)
                }
                if output.descriptor < 0 { throw ended() }
            }
            if BootClock.now() >= deadline { throw .late }
        }
    }

    /// How it has ended. One that has only closed its output is killed, after a moment.
    private mutating func ended() -> Failure {
        if let end { return .ended(end) }
        var raw: Int32 = 0
        var looks = 0
        while waitpid(pid, &raw, WNOHANG) == 0 {
            if looks == Self.looks { kill(-pid, SIGKILL) }
            looks += 1
            _ = poll(nil, 0, 2)
        }
        let status = ExitStatus(waitStatus: raw)
        end = status
        return .ended(status)
    }
}

extension [UInt8] {
    /// Whether they end with this line, whole.
    fileprivate func hasSuffix(line: [UInt8]) -> Bool {
        guard count >= line.count, suffix(line.count).elementsEqual(line) else { return false }
        return count == line.count || self[count - line.count - 1] == UInt8(ascii: "\n")
    }
}

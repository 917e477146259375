import Glibc
import JSONText

/// How an attempt ended: the file `result.json`. When it exists, nothing of the attempt runs any more.
public struct AttemptResult: Sendable, Hashable {
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// The program ended by itself; see `exitCode`.
        case exited
        /// A signal that Weir did not send ended the program; see `signal`.
        case signaled
        /// It ran longer than its limit and was killed.
        case timeout
        /// It was killed on request.
        case killed
        /// The program was never started; see `reason`.
        case startFailed = "start_failed"
    }

    public var attempt: Int64
    public var outcome: Outcome
    /// 0 to 255; also there after `timeout` and `killed` when the program answered SIGTERM by exiting.
    public var exitCode: Int32?
    public var signal: Int32?
    /// Microseconds since 1970 UTC, by the wall clock.
    public var startedMicroseconds: Int64
    /// When the last process of the attempt was gone; microseconds since 1970 UTC.
    public var endedMicroseconds: Int64
    /// User and system time of all processes of the attempt, microseconds.
    public var cpuMicroseconds: Int64
    /// The cgroup's peak where the kernel accounts for it, else that of the largest single process; bytes.
    public var peakMemoryBytes: Int64
    /// One line for a person; nil when exit code or signal say it all.
    public var reason: String?
    /// SHA-256 of `output` in hexadecimal; nil when the task wrote none.
    public var outputSHA256: String?

    public init(
        attempt: Int64, outcome: Outcome, exitCode: Int32? = nil, signal: Int32? = nil, startedMicroseconds: Int64,
        endedMicroseconds: Int64, cpuMicroseconds: Int64 = 0, peakMemoryBytes: Int64 = 0, reason: String? = nil,
        outputSHA256: String? = nil
    ) {
        self.attempt = attempt
        self.outcome = outcome
        self.exitCode = exitCode
        self.signal = signal
        self.startedMicroseconds = startedMicroseconds
        self.endedMicroseconds = endedMicroseconds
        self.cpuMicroseconds = cpuMicroseconds
        self.peakMemoryBytes = peakMemoryBytes
        self.reason = reason
        self.outputSHA256 = outputSHA256
    }

    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("attempt", attempt)
            $0.member("outcome", outcome.rawValue)
            $0.member("exit_code", exitCode)
            $0.member("signal", signal)
            $0.member("started_us", startedMicroseconds)
            $0.member("ended_us", endedMicroseconds)
            $0.member("cpu_us", cpuMicroseconds)
            $0.member("peak_memory_bytes", peakMemoryBytes)
            $0.member("reason", reason)
            $0.member("output_sha256", outputSHA256)
        }
        return writer.bytes + [0x0A]
    }

    /// What was found where a result should be.
    public enum Reading: Sendable, Hashable {
        case absent
        /// There is a result, but it cannot be read or makes no sense; the text says why.
        case bad(String)
        /// There may be one, but at this moment the machine lacks what reading takes (descriptors, say): ask again.
        case unreadable(String)
        case good(AttemptResult)
    }

    public static func read(from directory: AttemptDirectory) -> Reading {
        let path = directory.result
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try File.read(path, limit: 1 << 20) } catch {
            if error.code == ENOENT { return .absent }
            if Shortage.isBehind(error) { return .unreadable("\(path): cannot be read now: \(error.message)") }
            return .bad("\(path): cannot be read: \(error.message)")
        }
        do throws(AttemptFileError) {
            return .good(try AttemptResult(FileReader(path: path, parsing: bytes)))
        } catch { return .bad(error.description) }
    }

    init(_ reader: FileReader) throws(AttemptFileError) {
        let outcome = try reader.string("outcome")
        guard let known = Outcome(rawValue: outcome) else { throw reader.error("has the unknown outcome '\(outcome)'") }
        self.outcome = known
        attempt = try reader.integer("attempt")
        exitCode = try reader.optional("exit_code", reader.integer).map(Int32.init(clamping:))
        signal = try reader.optional("signal", reader.integer).map(Int32.init(clamping:))
        startedMicroseconds = try reader.integer("started_us")
        endedMicroseconds = try reader.integer("ended_us")
        cpuMicroseconds = try reader.integer("cpu_us")
        peakMemoryBytes = try reader.integer("peak_memory_bytes")
        reason = try reader.optional("reason", reader.string)
        outputSHA256 = try reader.optional("output_sha256", reader.string)
        if known == .exited, exitCode == nil { throw reader.error("has the outcome 'exited' and no 'exit_code'") }
        if known == .signaled, signal == nil { throw reader.error("has the outcome 'signaled' and no 'signal'") }
    }
}

import CPosix
import Glibc

/// What a child reads from its standard input.
struct InputStream: ~Copyable {
    private var pipe: Pipe
    private let bytes: [UInt8]
    private var written = 0

    init(_ bytes: [UInt8]) throws(SystemError) {
        self.bytes = bytes
        pipe = bytes.isEmpty ? try Pipe(null: .reading) : try Pipe(blockingEnd: .reading)
    }

    var childDescriptor: Int32 { pipe.reading }
    /// The end to write to; -1 when there is nothing to write any more, which poll(2) passes over.
    var descriptor: Int32 { pipe.writing }

    mutating func closeChildEnd() { pipe.closeReading() }

    /// Writes what the pipe takes. A child that does not want the rest is no error.
    mutating func feed() {
        let count = bytes[written...].withUnsafeBytes { weir_write_nosigpipe(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
            written += count
        } else if errno == EAGAIN || errno == EINTR {
            return
        }
        if count < 0 || written == bytes.count { pipe.closeWriting() }
    }
}

/// What a child writes to one of its outputs.
struct OutputStream: ~Copyable {
    private var pipe: Pipe
    /// A descriptor of the caller's; -1: the pipe.
    private let given: Int32
    private var limit: Int
    private(set) var bytes: [UInt8] = []
    private(set) var truncated = false

    init(_ output: ChildProcess.Output) throws(SystemError) {
        switch output {
        case .capture(let limit):
            pipe = try Pipe(blockingEnd: .writing)
            given = -1
            self.limit = max(0, limit)
        case .descriptor(let descriptor):
            pipe = Pipe()
            given = descriptor
            limit = 0
        case .discard:
            pipe = try Pipe(null: .writing)
            given = -1
            limit = 0
        }
    }

    var childDescriptor: Int32 { given >= 0 ? given : pipe.writing }
    /// The end to read from; -1 when nothing more can come, which poll(2) passes over.
    var descriptor: Int32 { pipe.reading }

    mutating func closeChildEnd() { pipe.closeWriting() }

    /// Forgets what was read, and takes so many bytes from now on.
    mutating func begin(limit: Int) {
        self.limit = limit
        bytes = []
        truncated = false
    }

    /// Reads once.
    ///
    /// - Returns: how many bytes came; 0 when there are none now or any more.
    @discardableResult
    mutating func take() -> Int {
        let from = descriptor
        guard from >= 0 else { return 0 }
        var failure: Int32 = 0
        let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, filled in
            let count = read(from, buffer.baseAddress, buffer.count)
            failure = count < 0 ? errno : 0
            filled = max(0, count)
        }
        if failure == EAGAIN || failure == EINTR { return 0 }
        if piece.isEmpty { pipe.closeReading() }
        let room = limit - bytes.count
        bytes += piece.prefix(room)
        if piece.count > room { truncated = true }
        return piece.count
    }

    /// Reads what stands in the pipe when the child has ended. Somebody whom it left behind may go on writing; a pipe
    /// holds a megabyte at most.
    mutating func takeRest() {
        var rest = 1 << 20
        while rest > 0 {
            let count = take()
            if count == 0 { return }
            rest -= count
        }
    }
}

/// A pipe of which one end goes to a child. Both ends are closed with it, or before.
struct Pipe: ~Copyable {
    enum End { case reading, writing }

    /// -1 when it is closed.
    private(set) var reading: Int32
    private(set) var writing: Int32

    /// No pipe: both ends are closed.
    init() {
        reading = -1
        writing = -1
    }

    /// Instead of a pipe /dev/null for the child, which has the end that is named; there is no other.
    init(null end: End) throws(SystemError) {
        let null = try FileDescriptor.open("/dev/null", O_RDWR).release()
        reading = end == .reading ? null : -1
        writing = end == .writing ? null : -1
    }

    /// - Parameter blockingEnd: the child's; the other one never blocks.
    init(blockingEnd: End) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard weir_pipe(&ends) == 0 else { throw SystemError("pipe2") }
        reading = ends[0]
        writing = ends[1]
        _ = fcntl(blockingEnd == .reading ? writing : reading, F_SETFL, O_NONBLOCK)
    }

    deinit {
        if reading >= 0 { close(reading) }
        if writing >= 0 { close(writing) }
    }

    mutating func closeReading() {
        if reading >= 0 { close(reading) }
        reading = -1
    }

    mutating func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }
}

import Glibc

/// An open descriptor that is closed with its owner.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for calls that need it; valid as long as this value lives.
    public let raw: Int32

    /// Takes over a descriptor that is open.
    public init(owning raw: Int32) { self.raw = raw }

    /// Takes over what a call returned; a negative number is the call's failure.
    public init(_ call: String, _ raw: Int32) throws(SystemError) {
        guard raw >= 0 else { throw SystemError(call) }
        self.init(owning: raw)
    }

    deinit { close(raw) }

    /// open(2); O_CLOEXEC is added always. The number is never 0, 1 or 2, even where those are closed, so that nothing
    /// that writes to standard output can hit this file.
    ///
    /// - Parameter mode: permission bits of a file that this call creates.
    public static func open(
        _ path: String, _ flags: Int32, mode: UInt32 = 0o600
    ) throws(SystemError) -> FileDescriptor {
        while true {
            let raw = Glibc.open(path, flags | O_CLOEXEC, mode_t(mode))
            if raw > 2 { return FileDescriptor(owning: raw) }
            if raw >= 0 {
                let low = FileDescriptor(owning: raw)
                let moved = fcntl(low.raw, F_DUPFD_CLOEXEC, 3)
                if moved >= 0 { return FileDescriptor(owning: moved) }
                throw SystemError("fcntl", path: path)
            }
            if errno != EINTR { throw SystemError("open", path: path) }
        }
    }

    /// Gives the number away without closing it.
    public consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// Everything from the current position to the end.
    ///
    /// - Parameter limit: most bytes that are accepted; more throws EFBIG.
    public borrowing func readAll(limit: Int, path: String? = nil) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        try readAll(into: &bytes, limit: limit, path: path)
        return bytes
    }

    /// As `readAll(limit:path:)`, in the place of what is in an array whose room is used again.
    public borrowing func readAll(
        into bytes: inout [UInt8], limit: Int, path: String? = nil
    ) throws(SystemError) {
        bytes.removeAll(keepingCapacity: true)
        // The files of /proc have no size, and others may grow.
        var status = stat()
        let size = fstat(raw, &status) == 0 ? Int(status.st_size) : 0
        var buffer = [UInt8](repeating: 0, count: min(64 << 10, max(size, 4 << 10), max(limit, 0)) + 1)
        while true {
            let count = Glibc.read(raw, &buffer, buffer.count)
            if count == 0 { return }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError("read", path: path)
            }
            bytes.append(contentsOf: buffer[..<count])
            if bytes.count > limit { throw SystemError("read", path: path, code: EFBIG) }
        }
    }

    /// Sets the position to the beginning.
    public borrowing func rewind(path: String? = nil) throws(SystemError) {
        guard lseek(raw, 0, SEEK_SET) == 0 else { throw SystemError("lseek", path: path) }
    }

    /// Writes every byte, also when the system takes them in pieces.
    public borrowing func writeAll(_ bytes: [UInt8], path: String? = nil) throws(SystemError) {
        let fd = raw
        try bytes.withUnsafeBufferPointer { bytes throws(SystemError) in
            try Self.writeAll(UnsafeRawBufferPointer(bytes), to: fd, path: path)
        }
    }

    public borrowing func writeAll(_ bytes: UnsafeRawBufferPointer, path: String? = nil) throws(SystemError) {
        try Self.writeAll(bytes, to: raw, path: path)
    }

    /// Writes every byte to a descriptor that somebody else holds.
    public static func writeAll(
        _ bytes: UnsafeRawBufferPointer, to raw: Int32, path: String?
    ) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(raw, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError("write", path: path)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}

import Glibc

/// The right to run an attempt: its file `claim`, which whoever has it holds locked (flock(2)) until it ends. No child
/// inherits the lock.
///
/// An empty file that nobody holds was never claimed: the text is written before anything is executed.
struct AttemptClaim: ~Copyable {
    private let file: FileDescriptor
    private let path: String

    /// - Returns: nil while somebody else holds it.
    static func take(_ directory: AttemptDirectory) throws(SystemError) -> AttemptClaim? {
        let file = try FileDescriptor.open(directory.claim, O_RDWR | O_CREAT)
        if flock(file.raw, LOCK_EX | LOCK_NB) == 0 { return AttemptClaim(file: file, path: directory.claim) }
        if errno == EWOULDBLOCK { return nil }
        throw SystemError("flock", path: directory.claim)
    }

    /// Writes who has it, or that it is revoked; once.
    ///
    /// - Returns: what stood there before: nothing, when the attempt is the caller's.
    borrowing func write(_ text: [UInt8]) throws(SystemError) -> [UInt8] {
        let former = try file.readAll(limit: 1 << 16, path: path)
        guard former.isEmpty else { return former }
        do throws(SystemError) { try file.writeAll(text, path: path) } catch {
            // Half of it, on a full disk, would say that somebody has run it.
            _ = ftruncate(file.raw, 0)
            throw error
        }
        return []
    }
}

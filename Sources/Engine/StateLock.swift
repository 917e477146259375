import Glibc
import Spawn

/// The lock that makes one engine the owner of a state directory. The kernel drops it with the process, and no child
/// inherits it (O_CLOEXEC).
public final class StateLock: Sendable {
    private let descriptor: FileDescriptor

    private init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Takes the lock of `home`'s state directory, which is made when it is missing, or says who holds it.
    public static func acquire(_ home: Home) throws(EngineError) -> StateLock {
        do throws(SystemError) {
            try File.makeDirectory(home.state, recursive: true)
            let descriptor = try FileDescriptor.open(home.lock, O_RDWR | O_CREAT)
            if flock(descriptor.raw, LOCK_EX | LOCK_NB) == 0 {
                _ = ftruncate(descriptor.raw, 0)
                try descriptor.writeAll(Array("\(getpid())\n".utf8), path: home.lock)
                return StateLock(descriptor)
            }
            guard errno == EWOULDBLOCK else { throw SystemError("flock", path: home.lock) }
        } catch {
            throw EngineError(.io, "\(error)")
        }
        let holder = (try? File.read(home.lock, limit: 32)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let pid = holder.split(separator: "\n").first.map { " by process \($0)" } ?? ""
        throw EngineError(.locked, "\(home.state) is in use\(pid): another Weir runs there; see `weir status`")
    }
}

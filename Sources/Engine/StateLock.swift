import Glibc
import Observability
import Spawn

/// The lock that makes one engine the owner of a state directory. The kernel drops it with the process, and no child
/// inherits it (O_CLOEXEC).
public final class StateLock: Sendable {
    private let descriptor: FileDescriptor

    private init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// How long the lock of a holder that has died may linger: a process that it was just starting has the descriptor
    /// until it executes its program.
    private static let lingerMicroseconds: Int64 = 5_000_000

    /// Takes the lock of `home`'s state directory, which is made when it is missing, or says who holds it.
    public static func acquire(_ home: Home) throws(EngineError) -> StateLock {
        let deadline = WallClock.monotonic() + lingerMicroseconds
        while true {
            do throws(SystemError) {
                if let lock = try attempt(home) { return lock }
            } catch {
                throw EngineError(.io, "\(error)")
            }
            let holder = holder(home)
            let isDead = holder.map { kill($0, 0) != 0 && errno == ESRCH } ?? false
            guard isDead, WallClock.monotonic() < deadline else {
                let pid = holder.map { " by process \($0)" } ?? ""
                throw EngineError(
                    .locked, "\(home.state) is in use\(pid): another Weir runs there; see `weir status`")
            }
            usleep(5_000)
        }
    }

    /// Nil when somebody else has it.
    private static func attempt(_ home: Home) throws(SystemError) -> StateLock? {
        try File.makeDirectory(home.state, recursive: true)
        let descriptor = try FileDescriptor.open(home.lock, O_RDWR | O_CREAT)
        guard flock(descriptor.raw, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw SystemError("flock", path: home.lock) }
            return nil
        }
        _ = ftruncate(descriptor.raw, 0)
        try descriptor.writeAll(Array("\(getpid())\n".utf8), path: home.lock)
        return StateLock(descriptor)
    }

    /// The process that wrote its number into the lock.
    private static func holder(_ home: Home) -> Int32? {
        let text = (try? File.read(home.lock, limit: 32)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return text.split(separator: "\n").first.flatMap { Int32($0) }
    }
}

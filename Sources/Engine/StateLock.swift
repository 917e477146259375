import Glibc
import Observability
import Spawn
import Synchronization

/// The lock that makes one engine the owner of a state directory. The kernel drops it with the process, and no child
/// inherits it (O_CLOEXEC). Its text says who holds it.
public final class StateLock: Sendable {
    private let descriptor: Mutex<FileDescriptor?>

    private init(_ descriptor: consuming FileDescriptor) { self.descriptor = Mutex(descriptor) }

    deinit { release() }

    /// How long the lock of a holder that has died may linger: a process that it was just starting has the descriptor
    /// until it executes its program.
    public static let lingerMicroseconds: Int64 = 5_000_000

    /// Takes the lock of `home`'s state directory, which is made when it is missing, or says who holds it.
    public static func acquire(_ home: Home, as role: EngineRole = .embedded) throws(EngineError) -> StateLock {
        let deadline = WallClock.monotonic() + lingerMicroseconds
        while true {
            if let lock = try attempt(home, as: role) { return lock }
            let holder = StateHolder.read(home)
            // Nobody named: a holder that is just writing its name, or that has gone.
            let isDead = holder.map { HeldProcess($0.identity) == nil } ?? true
            guard isDead, WallClock.monotonic() < deadline else { throw refusal(home, holder) }
            usleep(5_000)
        }
    }

    /// Takes the lock when it is free; nil when somebody has it.
    public static func attempt(_ home: Home, as role: EngineRole) throws(EngineError) -> StateLock? {
        do throws(SystemError) {
            try File.makeDirectory(home.state, recursive: true)
            let descriptor = try FileDescriptor.open(home.lock, O_RDWR | O_CREAT)
            guard flock(descriptor.raw, LOCK_EX | LOCK_NB) == 0 else {
                guard errno == EWOULDBLOCK else { throw SystemError("flock", path: home.lock) }
                return nil
            }
            _ = ftruncate(descriptor.raw, 0)
            if let own = ProcessIdentity.current() {
                try descriptor.writeAll(StateHolder(identity: own, role: role).text, path: home.lock)
            }
            return StateLock(descriptor)
        } catch {
            throw EngineError(.io, "\(error)")
        }
    }

    /// Gives the lock back while the process goes on. Its name is taken out first: whoever reads it must not think that
    /// this process, which lives, is still the holder. Unlocked and not only closed (flock(2)): a process that another
    /// thread is just starting has a copy of the descriptor, and with it the lock, until it executes its program.
    public func release() {
        descriptor.withLock { descriptor in
            guard let held = descriptor.take() else { return }
            _ = ftruncate(held.raw, 0)
            _ = flock(held.raw, LOCK_UN)
        }
    }

    /// Why the lock was not to be had.
    public static func refusal(_ home: Home, _ holder: StateHolder?) -> EngineError {
        let words =
            switch (holder?.role, holder?.identity.pid) {
            case (.daemon, let pid?):
                " by process \(pid), a daemon: `weir status` asks it, `weir daemon --take-over` replaces it"
            case (.embedded, let pid?):
                " by process \(pid), a command that works in the foreground: wait for its end, or end it"
            default: ": another Weir runs there, which does not say its name"
            }
        return EngineError(.locked, "\(home.state) is in use\(words)")
    }
}

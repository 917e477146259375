import CSodium
import Glibc
import Synchronization

/// argon2id, at most two at once: each takes 64 MiB, and a processor for some 100 ms.
final class PasswordHasher: Sendable {
    static let atOnce = 2
    /// So many may wait for their turn; who comes then is sent away.
    static let mayWait = 16

    /// A semaphore is made to be used by many threads; the pointer never changes.
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<sem_t>
    private let inside = Atomic<Int>(0)
    private let mostInside = Atomic<Int>(0)
    private let running = Atomic<Int>(0)

    init() {
        slots = .allocate(capacity: 1)
        sem_init(slots, 0, UInt32(Self.atOnce))
    }

    deinit {
        sem_destroy(slots)
        slots.deallocate()
    }

    /// The most hashings that ever went on at once; for tests.
    var most: Int { mostInside.load(ordering: .acquiring) }

    /// Does something that hashes, when it is its turn; nil when too many wait.
    func inTurn<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value? {
        defer { inside.subtract(1, ordering: .acquiringAndReleasing) }
        guard inside.add(1, ordering: .acquiringAndReleasing).newValue <= Self.atOnce + Self.mayWait else { return nil }
        while sem_wait(slots) != 0 && errno == EINTR {}
        mostInside.max(running.add(1, ordering: .acquiringAndReleasing).newValue, ordering: .acquiringAndReleasing)
        defer {
            running.subtract(1, ordering: .acquiringAndReleasing)
            sem_post(slots)
        }
        return try body()
    }

    /// The hash of a password with a salt of its own, as text.
    static func hash(_ password: String) throws(AccessError) -> String {
        var text = [CChar](repeating: 0, count: WEIR_PASSWORD_HASH_SIZE)
        let isDone = password.withCStringAndCount { weir_password_hash(&text, $0, $1) }
        guard isDone else { throw AccessError(.store, "there is no memory for hashing a password (64 MiB); try again") }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// - Parameter hash: nil for a user who does not exist: it costs the same, and is never right.
    static func isRight(_ password: String, for hash: String?) -> Bool {
        // What nobody can have set is cut: its length must not decide how long this takes.
        let cut = String(decoding: password.utf8.prefix(PasswordRule.mostBytes), as: UTF8.self)
        let isRight = cut.withCStringAndCount { weir_password_verify(hash ?? nobody, $0, $1) }
        return isRight && hash != nil && password.utf8.count <= PasswordRule.mostBytes
    }

    static func isOutdated(_ hash: String) -> Bool { weir_password_is_outdated(hash) }

    /// A hash like any other, of a password that is known to all.
    static let nobody =
        "$argon2id$v=19$m=65536,t=2,p=1$vTWWZmaeGKLeezoXyXoCpQ$LrlVfo5Ko6swjVDVgOwZ3iaW66c7RSTTddyAtwmYaFU"
}

extension String {
    /// Also with a zero within it.
    fileprivate func withCStringAndCount<Value>(_ body: (UnsafePointer<CChar>, Int) -> Value) -> Value {
        let bytes = utf8.map(CChar.init(bitPattern:)) + [0]
        return bytes.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return body("", 0) }
            return body(start, buffer.count - 1)
        }
    }
}

/// What a password must be.
public enum PasswordRule {
    public static let fewestCharacters = 10
    public static let mostBytes = 1024

    /// What is wrong with it, in words without the password; nil when it will do.
    public static func problem(_ password: String, user: String) -> String? {
        if password.utf8.count > mostBytes { return "the password is too long; it may have \(mostBytes) bytes" }
        if password.count < fewestCharacters {
            return "the password is too short; it must have \(fewestCharacters) characters or more"
        }
        if password.lowercased() == user.lowercased() { return "the password is the user's name; take another one" }
        return nil
    }
}

import Glibc
import Synchronization

private let interruptCount = Atomic<Int>(0)
private let interruptLimit = Atomic<Int>(1)

/// Ctrl-C while a command follows something: the first asks it to stop. One too many ends the process at once.
enum Interrupts {
    /// - Parameter asking: whether the first leads to a question, so that the second is an answer to it.
    static func catchThem(asking: Bool = false) {
        // Made before a signal can come: the handler must not be the first to touch them.
        interruptCount.store(0, ordering: .relaxed)
        interruptLimit.store(asking ? 2 : 1, ordering: .relaxed)
        signal(SIGINT) { _ in
            let count = interruptCount.add(1, ordering: .relaxed).newValue
            if count > interruptLimit.load(ordering: .relaxed) { _exit(ExitCode.interrupted.rawValue) }
        }
    }

    static var count: Int { interruptCount.load(ordering: .relaxed) }

    static var happened: Bool { count > 0 }

    /// The person wants to go on.
    static func forget() { interruptCount.store(0, ordering: .relaxed) }
}

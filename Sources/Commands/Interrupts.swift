import Glibc
import Synchronization

private let interruptCount = Atomic<Int>(0)

/// Ctrl-C while a command follows something: the first asks it to stop, a second ends the process at once.
enum Interrupts {
    static func catchThem() {
        // Made before a signal can come: the handler must not be the first to touch it.
        _ = interruptCount.load(ordering: .relaxed)
        signal(SIGINT) { _ in
            if interruptCount.add(1, ordering: .relaxed).newValue > 1 { _exit(ExitCode.interrupted.rawValue) }
        }
    }

    static var happened: Bool { interruptCount.load(ordering: .relaxed) > 0 }
}

import CPosix
import Glibc
import Observability
import Spawn

/// Something that happens once, and that threads can wait for with a limit.
final class Latch: Sendable {
    private let event: FileDescriptor

    init() throws(SystemError) {
        event = try FileDescriptor("eventfd", eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)))
    }

    func open() {
        var one: UInt64 = 1
        _ = write(event.raw, &one, 8)
    }

    /// Blocks until it is open, at most for so many microseconds; whether it is.
    func wait(_ microseconds: Int64) -> Bool {
        let deadline = WallClock.monotonic() + microseconds
        while true {
            let left = max(0, deadline - WallClock.monotonic())
            var wait = pollfd(fd: event.raw, events: Int16(POLLIN), revents: 0)
            if poll(&wait, 1, Int32(min((left + 999) / 1000, 1 << 30))) > 0 { return true }
            if left == 0 { return false }
        }
    }
}

import CPosix
import Glibc
import Observability
import Spawn
import Synchronization

/// The queue into a loop's thread: any thread puts, one thread takes. Waiting ends when something was put, when the
/// wall clock reaches an instant, or when somebody sets the wall clock.
final class Mailbox<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let bell: FileDescriptor
    private let alarm: FileDescriptor

    init() throws(SystemError) {
        bell = try FileDescriptor("eventfd", eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)))
        let flags = Int32(TFD_CLOEXEC | TFD_NONBLOCK)
        alarm = try FileDescriptor("timerfd_create", timerfd_create(CLOCK_REALTIME, flags))
    }

    /// - Returns: false when the mailbox is closed: nobody will ever take the item.
    @discardableResult
    func put(_ item: Item) -> Bool {
        let (isTaken, isFirst) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.items.append(item)
            return (true, state.items.count == 1)
        }
        if isFirst { ring() }
        return isTaken
    }

    /// Takes nothing more, and gives what nobody has taken.
    func close() -> [Item] {
        state.withLock { state in
            defer { state = State(isClosed: true) }
            return state.items
        }
    }

    private func ring() {
        var one: UInt64 = 1
        _ = write(bell.raw, &one, 8)
    }

    /// The oldest items, at most `limit`; empty when there are none.
    func take(limit: Int) -> [Item] {
        state.withLock { state in
            guard state.items.count > limit else {
                defer { state.items.removeAll(keepingCapacity: true) }
                return state.items
            }
            defer { state.items.removeFirst(limit) }
            return Array(state.items.prefix(limit))
        }
    }

    /// Blocks until there may be something to do.
    /// - Parameter microseconds: wall-clock instant to wake at, microseconds since 1970; nil waits for items only.
    func wait(until microseconds: Int64?) {
        if state.withLock({ !$0.items.isEmpty }) { return drain() }
        var setting = itimerspec()
        if let microseconds = microseconds.map({ $0 - WallClock.offset }) {
            setting.it_value.tv_sec = Int(max(0, microseconds) / 1_000_000)
            // A zero value would disarm the timer.
            setting.it_value.tv_nsec = Int(max(0, microseconds) % 1_000_000) * 1000 + 1
        }
        // TFD_TIMER_CANCEL_ON_SET: a step of the wall clock ends the wait, so that nothing is due unseen.
        _ = timerfd_settime(alarm.raw, Int32(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET), &setting, nil)
        var waits = [
            pollfd(fd: bell.raw, events: Int16(POLLIN), revents: 0),
            pollfd(fd: alarm.raw, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&waits, 2, -1)
        drain()
    }

    private func drain() {
        var count: UInt64 = 0
        _ = read(bell.raw, &count, 8)
        _ = read(alarm.raw, &count, 8)
    }
}

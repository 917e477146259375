import CPosix
import Glibc
import Spawn
import Synchronization

/// Tells in which of many folders something has arrived (inotify), so that nobody has to look at them all the time.
final class ArrivalWatcher: Sendable {
    private let inotify: Inotify
    private let ending: FileDescriptor
    private let folders = Mutex<[Int32: String]>([:])
    private let thread = Mutex<WorkerThread?>(nil)

    /// - Parameter onChange: called on the watcher's own thread.
    init(onChange: @escaping @Sendable (_ folder: String) -> Void) throws(SystemError) {
        inotify = try Inotify()
        ending = try FileDescriptor("eventfd", eventfd(0, Int32(EFD_CLOEXEC)))
        thread.withLock { $0 = WorkerThread { [weak self] in self?.run(onChange) } }
    }

    /// Watches a folder too. One that cannot be watched (it is missing, or the system has no more watches) is passed over:
    /// who asks looks at it now and then as well.
    func add(_ folder: String) {
        folders.withLock { folders in
            let watch = inotify.add(folder, UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ATTRIB))
            if watch >= 0 { folders[watch] = folder }
        }
    }

    /// Watches nothing any more.
    func clear() {
        folders.withLock { folders in
            for watch in folders.keys { inotify.remove(watch) }
            folders = [:]
        }
    }

    func stop() {
        var one: UInt64 = 1
        _ = write(ending.raw, &one, 8)
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func run(_ onChange: (String) -> Void) {
        while true {
            var waits = [
                pollfd(fd: inotify.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: ending.raw, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&waits, 2, -1)
            if waits[1].revents != 0 { return }
            let changed = Set(inotify.read().map(\.watch))
            let names = folders.withLock { folders in changed.compactMap { folders[$0] } }
            for name in names { onChange(name) }
        }
    }
}

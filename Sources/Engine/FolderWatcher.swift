import CPosix
import Glibc
import Observability
import Spawn

/// Tells when something in the DAG folder changed (inotify), once things have been quiet for a moment. A folder that is
/// replaced by another one is watched again.
final class FolderWatcher: Sendable {
    private let ending: FileDescriptor
    private let thread: WorkerThread

    /// - Parameter onChange: called on the watcher's own thread.
    init(_ folder: String, onChange: @escaping @Sendable () -> Void) throws(SystemError) {
        let watch = try FolderWatch(folder)
        let ending = try FileDescriptor("eventfd", eventfd(0, Int32(EFD_CLOEXEC)))
        let end = ending.raw
        self.ending = ending
        thread = WorkerThread {
            var watch = watch
            watch.run(until: end, onChange)
        }
    }

    func stop() {
        var one: UInt64 = 1
        _ = write(ending.raw, &one, 8)
        thread.join()
    }
}

/// What the watcher's thread works with.
private struct FolderWatch: Sendable {
    private let folder: String
    private let inotify: Inotify
    /// -1 while the folder is not there.
    private var watch: Int32

    /// Quiet time after the last change: an editor's several writes are one change.
    private static let settle: Int64 = 50_000
    /// A folder that is never quiet is read this often.
    private static let longest: Int64 = 1_000_000
    /// Between looks for a folder that is gone.
    private static let relook: Int64 = 200_000

    init(_ folder: String) throws(SystemError) {
        self.folder = folder
        inotify = try Inotify()
        watch = Self.add(folder, inotify)
        guard watch >= 0 else { throw SystemError("inotify_add_watch", path: folder) }
    }

    /// What ends a watch.
    private static let ends = UInt32(IN_DELETE_SELF | IN_MOVE_SELF)

    private static func add(_ folder: String, _ inotify: Inotify) -> Int32 {
        let changes = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB)
        return inotify.add(folder, changes | ends)
    }

    mutating func run(until end: Int32, _ onChange: () -> Void) {
        /// When the change came that was not told yet.
        var changedAt: Int64?
        while true {
            var waits = [
                pollfd(fd: inotify.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: end, events: Int16(POLLIN), revents: 0),
            ]
            let patience = changedAt != nil ? Self.settle : watch < 0 ? Self.relook : nil
            _ = poll(&waits, 2, patience.map { Int32($0 / 1000) } ?? -1)
            if waits[1].revents != 0 { return }
            let now = WallClock.monotonic()
            let isQuiet = waits[0].revents == 0
            if !isQuiet {
                readEvents()
                changedAt = changedAt ?? now
            }
            if let since = changedAt, isQuiet || now - since >= Self.longest {
                changedAt = nil
                onChange()
            }
            if watch < 0 {
                watch = Self.add(folder, inotify)
                if watch >= 0 { changedAt = changedAt ?? now }
            }
        }
    }

    /// Takes all events; only those that end the watch matter by themselves.
    private mutating func readEvents() {
        for event in inotify.read()
        where event.watch == watch && event.mask & (Self.ends | UInt32(IN_IGNORED)) != 0 {
            inotify.remove(watch)
            watch = -1
        }
    }
}

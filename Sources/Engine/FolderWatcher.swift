import CPosix
import Glibc
import Spawn

/// Tells when something in the DAG folder changed (inotify), once things have been quiet for a moment.
final class FolderWatcher: Sendable {
    private let inotify: FileDescriptor
    private let ending: FileDescriptor
    private let thread: WorkerThread

    /// Quiet time after the last change: an editor's several writes are one change.
    private static let settleMilliseconds: Int32 = 50

    /// - Parameter onChange: called on the watcher's own thread.
    init(_ folder: String, onChange: @escaping @Sendable () -> Void) throws(SystemError) {
        let inotify = try FileDescriptor(
            "inotify_init1", inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)))
        let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB)
        guard inotify_add_watch(inotify.raw, folder, mask) >= 0 else {
            throw SystemError("inotify_add_watch", path: folder)
        }
        let ending = try FileDescriptor("eventfd", eventfd(0, Int32(EFD_CLOEXEC)))
        let (changes, end) = (inotify.raw, ending.raw)
        self.inotify = inotify
        self.ending = ending
        thread = WorkerThread {
            var pending = false
            while true {
                var waits = [
                    pollfd(fd: changes, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: end, events: Int16(POLLIN), revents: 0),
                ]
                let ready = poll(&waits, 2, pending ? Self.settleMilliseconds : -1)
                if waits[1].revents != 0 { return }
                if ready == 0, pending {
                    pending = false
                    onChange()
                } else if waits[0].revents != 0 {
                    var buffer = [UInt8](repeating: 0, count: 4096)
                    while read(changes, &buffer, buffer.count) > 0 {}
                    pending = true
                }
            }
        }
    }

    func stop() {
        var one: UInt64 = 1
        _ = write(ending.raw, &one, 8)
        thread.join()
    }
}

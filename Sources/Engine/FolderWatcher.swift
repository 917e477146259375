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
    private let inotify: Descriptor
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
        let raw = try FileDescriptor("inotify_init1", inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)))
        inotify = Descriptor(raw)
        watch = Self.add(folder, inotify.raw)
        guard watch >= 0 else { throw SystemError("inotify_add_watch", path: folder) }
    }

    private static func add(_ folder: String, _ inotify: Int32) -> Int32 {
        let changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB
        return inotify_add_watch(inotify, folder, UInt32(changes | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR))
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
                watch = Self.add(folder, inotify.raw)
                if watch >= 0 { changedAt = changedAt ?? now }
            }
        }
    }

    /// Takes all events; only those that end the watch matter by themselves.
    private mutating func readEvents() {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(inotify.raw, &buffer, buffer.count)
            guard count > 0 else { return }
            buffer.withUnsafeBytes { bytes in
                // inotify(7): a header of 16 bytes, then `len` bytes of a name.
                var offset = 0
                while offset + 16 <= count {
                    let id = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
                    let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                    let length = bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
                    offset += 16 + Int(length)
                    guard id == watch, mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED) != 0 else { continue }
                    inotify_rm_watch(inotify.raw, watch)
                    watch = -1
                }
            }
        }
    }

    /// A descriptor that copies of the value share.
    private final class Descriptor: Sendable {
        private let descriptor: FileDescriptor

        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

        var raw: Int32 { descriptor.raw }
    }
}

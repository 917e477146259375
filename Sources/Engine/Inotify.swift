import CPosix
import Glibc
import Spawn

/// What the kernel tells of changes in folders (inotify(7)).
final class Inotify: Sendable {
    private let descriptor: FileDescriptor

    struct Event {
        /// What `add` returned.
        var watch: Int32
        var mask: UInt32
    }

    init() throws(SystemError) {
        descriptor = try FileDescriptor("inotify_init1", inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)))
    }

    /// Becomes readable when there are events.
    var raw: Int32 { descriptor.raw }

    /// Watches a folder; the same folder again has the same number. -1 where that cannot be.
    func add(_ folder: String, _ changes: UInt32) -> Int32 {
        inotify_add_watch(raw, folder, changes | UInt32(IN_ONLYDIR))
    }

    func remove(_ watch: Int32) { inotify_rm_watch(raw, watch) }

    /// Takes all events that there are.
    func read() -> [Event] {
        var events: [Event] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(raw, &buffer, buffer.count)
            guard count > 0 else { return events }
            buffer.withUnsafeBytes { bytes in
                // A header of 16 bytes, then `len` bytes of a name.
                var offset = 0
                while offset + 16 <= count {
                    let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
                    let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
                    let length = bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
                    offset += 16 + Int(length)
                    events.append(Event(watch: watch, mask: mask))
                }
            }
        }
    }
}

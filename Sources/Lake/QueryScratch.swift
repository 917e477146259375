import Glibc
import Spawn

/// A folder of one query in TMPDIR or /tmp: for what does not fit into memory, and for an answer that is a file. Gone with
/// its owner; what a killed query leaves there the next query removes.
struct QueryScratch: ~Copyable {
    let path: String
    /// The folder itself, locked (flock(2)) for as long as its owner lives.
    private let lock: FileDescriptor

    private static let prefix = "weir-query-"
    /// An owner locks its folder a moment after it has made it; so long nobody else takes it for left behind.
    private static let graceMicroseconds: Int64 = 60_000_000

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", path: parent) }
        let made = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        lock = try Self.locked(made)
        path = made
        if let now = File.changeTime(path) { Self.sweep(parent, now: now) }
    }

    deinit { try? File.removeTree(path) }

    private static func locked(_ path: String) throws(SystemError) -> FileDescriptor {
        let folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        // Where a file system has no locks, nobody else takes one either, and nothing is removed.
        _ = flock(folder.raw, LOCK_EX | LOCK_NB)
        return folder
    }

    /// Removes the folders of this user whose owners have died: a lock that nobody holds tells.
    ///
    /// - Parameter now: microseconds since 1970 UTC, by the clock of the file system.
    static func sweep(_ parent: String, now: Int64) {
        for name in (try? File.list(parent)) ?? [] where name.hasPrefix(prefix) {
            let path = "\(parent)/\(name)"
            guard let changed = File.changeTime(path), now - changed > graceMicroseconds,
                let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            else { continue }
            var status = stat()
            guard fstat(folder.raw, &status) == 0, status.st_uid == geteuid(),
                flock(folder.raw, LOCK_EX | LOCK_NB) == 0
            else { continue }
            try? File.removeTree(path)
        }
    }
}

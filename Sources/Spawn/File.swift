import Glibc

/// Whole-file operations. Every descriptor is opened with O_CLOEXEC, so that no child inherits one.
public enum File {
    /// What stands at a path.
    public enum Kind: Sendable, Hashable { case file, directory, link, other }

    public struct Status: Sendable, Hashable {
        public var kind: Kind
        /// Bytes.
        public var size: Int64
        /// Time of the last change of the content, microseconds since 1970 UTC.
        public var modified: Int64
        public var device: UInt64
        public var inode: UInt64

        init(_ raw: stat) {
            kind =
                switch raw.st_mode & S_IFMT {
                case S_IFREG: .file
                case S_IFDIR: .directory
                case S_IFLNK: .link
                default: .other
                }
            size = Int64(raw.st_size)
            modified = Int64(raw.st_mtim.tv_sec) * 1_000_000 + Int64(raw.st_mtim.tv_nsec) / 1000
            device = UInt64(raw.st_dev)
            inode = UInt64(raw.st_ino)
        }
    }

    /// The content of a file.
    ///
    /// - Parameter limit: most bytes that are accepted; a larger file throws EFBIG, so that no file can fill the memory.
    public static func read(
        _ path: String, limit: Int = 64 << 20, followLinks: Bool = true
    ) throws(SystemError) -> [UInt8] {
        let descriptor = try FileDescriptor.open(path, O_RDONLY | (followLinks ? 0 : O_NOFOLLOW))
        return try descriptor.readAll(limit: limit, path: path)
    }

    /// Puts a file in place whole: readers see the old content or the new one.
    ///
    /// - Parameters:
    ///   - mode: permission bits of the new file.
    ///   - sync: also makes file and directory survive a power loss, which takes milliseconds.
    public static func writeAtomically(
        _ path: String, _ bytes: [UInt8], mode: UInt32 = 0o600, sync: Bool = false
    ) throws(SystemError) {
        let temporary = "\(path).tmp-\(getpid())-\(temporaryNumber())"
        do throws(SystemError) {
            let descriptor = try FileDescriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            try descriptor.writeAll(bytes, path: temporary)
            if sync, fsync(descriptor.raw) != 0 { throw SystemError("fsync", path: temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let failure = SystemError("rename", path: path)
            unlink(temporary)
            throw failure
        }
        if sync { try syncDirectory(parent(of: path)) }
    }

    /// Copies a file, also to another file system, and makes the copy durable. What stands at its place is written over.
    public static func copy(_ path: String, to copy: String) throws(SystemError) {
        let source = try FileDescriptor.open(path, O_RDONLY)
        let target = try FileDescriptor.open(copy, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o666)
        while true {
            let count = sendfile(target.raw, source.raw, nil, 1 << 30)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("sendfile", path: copy) }
            if count == 0 { break }
        }
        guard fsync(target.raw) == 0 else { throw SystemError("fsync", path: copy) }
    }

    /// Makes the names in a directory survive a power loss.
    public static func syncDirectory(_ path: String) throws(SystemError) {
        let descriptor = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        if fsync(descriptor.raw) != 0 { throw SystemError("fsync", path: path) }
    }

    /// Creates a file that must not exist yet (O_CREAT|O_EXCL).
    ///
    /// - Returns: false when something stands there already. When the content cannot be written the file is removed again.
    public static func create(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o600) throws(SystemError) -> Bool {
        let raw = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
        guard raw >= 0 else {
            if errno == EEXIST { return false }
            throw SystemError("open", path: path)
        }
        do throws(SystemError) {
            try FileDescriptor(owning: raw).writeAll(bytes, path: path)
            return true
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Makes a directory and those above it that are missing. A directory that is there already is no error.
    public static func makeDirectory(
        _ path: String, mode: UInt32 = 0o755, recursive: Bool = true
    ) throws(SystemError) {
        if mkdir(path, mode_t(mode)) == 0 { return }
        switch errno {
        case EEXIST where status(path)?.kind == .directory: return
        case ENOENT where recursive && parent(of: path) != path:
            try makeDirectory(parent(of: path), mode: mode)
            try makeDirectory(path, mode: mode, recursive: false)
        default: throw SystemError("mkdir", path: path)
        }
    }

    /// Removes a file, a link, or a directory with all that is in it. Links are not followed; nothing there is no error.
    public static func removeTree(_ path: String) throws(SystemError) {
        guard let kind = status(path, followLinks: false)?.kind else { return }
        guard kind == .directory else {
            if unlink(path) != 0, errno != ENOENT { throw SystemError("unlink", path: path) }
            return
        }
        for name in try list(path) { try removeTree(path + "/" + name) }
        if rmdir(path) != 0, errno != ENOENT { throw SystemError("rmdir", path: path) }
    }

    /// The names in a directory, sorted by their bytes, without `.` and `..`.
    public static func list(_ path: String) throws(SystemError) -> [String] {
        guard let stream = opendir(path) else { throw SystemError("opendir", path: path) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        if errno != 0 { throw SystemError("readdir", path: path) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Time of the last change of the content, the name or the mode of a file (not of what a link names): no copy can carry
    /// it along, so it also tells when a file arrived. Microseconds since 1970 UTC.
    public static func changeTime(_ path: String) -> Int64? {
        var raw = stat()
        guard lstat(path, &raw) == 0 else { return nil }
        return Int64(raw.st_ctim.tv_sec) * 1_000_000 + Int64(raw.st_ctim.tv_nsec) / 1000
    }

    /// Whether anything stands at a path; a link counts by what it points to.
    public static func exists(_ path: String) -> Bool { status(path) != nil }

    /// What stands at a path; nil when nothing does or it cannot be looked at.
    public static func status(_ path: String, followLinks: Bool = true) -> Status? {
        var raw = stat()
        let outcome = followLinks ? stat(path, &raw) : lstat(path, &raw)
        return outcome == 0 ? Status(raw) : nil
    }

    /// Bytes that this user may still write on the file system of a path; nil when it cannot be told.
    public static func freeBytes(_ path: String) -> Int64? {
        var raw = statvfs()
        guard statvfs(path, &raw) == 0 else { return nil }
        return Int64(clamping: UInt64(raw.f_bavail) &* UInt64(raw.f_frsize))
    }

    /// The directory part of a path: `a/b` gives `a`, `b` gives `.`, `/b` gives `/`.
    public static func parent(of path: String) -> String {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }

    /// Tells temporary names of one process apart; the pid tells processes apart.
    private static func temporaryNumber() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec) + UInt64.random(in: 0..<1_000_000_000)
    }
}

import Glibc

/// AF_UNIX stream sockets. A path that is longer than the 107 bytes of sun_path is reached through /proc/self/fd.
enum UnixSocket {
    /// What tells a socket file from another one of the same name.
    struct FileID: Sendable, Hashable {
        private var device: UInt64
        private var inode: UInt64

        /// Nil when nothing is there.
        init?(_ path: String) {
            var status = stat()
            guard lstat(path, &status) == 0 else { return nil }
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }

    static func listen(_ path: String) throws(HTTPError) -> Int32 {
        let socket = try open()
        // bind(2) gives the file the mode of the socket: nobody else may connect, not even for an instant. The umask
        // would do the same, but it is the whole process's: what other threads create meanwhile would get it too.
        guard fchmod(socket, 0o600) == 0, withAddress(path, { bind(socket, $0, $1) }) == 0,
            Glibc.listen(socket, 128) == 0
        else {
            let words = String(cString: strerror(errno))
            close(socket)
            throw HTTPError(.failed, "\(path): cannot listen: \(words)")
        }
        return socket
    }

    static func connect(_ path: String) throws(HTTPError) -> Int32 {
        let socket = try open()
        guard withAddress(path, { Glibc.connect(socket, $0, $1) }) == 0 else {
            let code = errno
            close(socket)
            let kind: HTTPError.Code = code == ECONNREFUSED || code == ENOENT ? .refused : .failed
            throw HTTPError(kind, "\(path): \(String(cString: strerror(code)))")
        }
        return socket
    }

    /// Removes a socket file that nobody answers on. Refuses to touch one that is answered, or any other file.
    static func removeStale(_ path: String) throws(HTTPError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw HTTPError(.failed, "\(path) is in the way: it is no socket; move it elsewhere")
        }
        do throws(HTTPError) {
            close(try connect(path))
        } catch  where error.code == .refused {
            unlink(path)
            return
        }
        throw HTTPError(.failed, "\(path): another server answers there")
    }

    private static func open() throws(HTTPError) -> Int32 {
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw HTTPError(.failed, "socket: \(String(cString: strerror(errno)))") }
        return socket
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        var name = path
        var folder: Int32 = -1
        if path.utf8.count >= capacity, let slash = path.lastIndex(of: "/") {
            folder = Glibc.open(String(path[..<slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if folder < 0 { return -1 }
            name = "/proc/self/fd/\(folder)" + path[slash...]
        }
        defer { if folder >= 0 { close(folder) } }
        guard name.utf8.count < capacity else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

import Glibc
import Store

extension SQLiteConnection {
    /// A whole copy of the database, in place only once it is complete and on the disk; replaces an older one. It can be read by
    /// those who can read the database.
    package func backUp(to copy: String) throws(StoreError) {
        let unfinished = copy + ".unfinished"
        // What a crash left: VACUUM INTO refuses a file that has content.
        unlink(unfinished)
        try Self.makeEmpty(unfinished, like: path)
        try execute("VACUUM INTO ?", .text(unfinished))
        // VACUUM INTO does not sync its file (https://www.sqlite.org/lang_vacuum.html).
        guard Self.sync(unfinished), rename(unfinished, copy) == 0, Self.sync(Self.folder(of: copy)) else {
            let words = String(cString: strerror(errno))
            unlink(unfinished)
            throw StoreError(.io, "\(copy): the backup cannot be written: \(words); make room or mend the permissions")
        }
    }

    private static func makeEmpty(_ copy: String, like path: String) throws(StoreError) {
        var status = stat()
        let mode = stat(path, &status) == 0 ? status.st_mode & 0o777 : 0o600
        let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(.io, "\(copy): the backup cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        fchmod(descriptor, mode)
    }

    private static func sync(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

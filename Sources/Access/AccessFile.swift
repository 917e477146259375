import Glibc
import Store

/// The file of the database, which only its owner may read.
public enum AccessFile {
    /// Makes it when it is missing; refuses one that others may read or write.
    static func prepare(_ path: String, creates: Bool) throws(AccessError) {
        if creates {
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 || errno == EEXIST else {
                throw AccessError(.store, "\(path) cannot be made: \(String(cString: strerror(errno)))")
            }
            if descriptor >= 0 {
                // A umask takes bits away; these are needed. SQLite gives the log's files the same mode.
                fchmod(descriptor, 0o600)
                close(descriptor)
            }
        } else if access(path, F_OK) != 0, errno == ENOENT {
            throw AccessError(.notFound, "there are no users yet; `weir user add NAME --role admin` makes the first")
        }
        if let problem = problem(path) { throw AccessError(.store, "\(problem.message); \(problem.remedy)") }
    }

    /// What is wrong with the file's owner or mode, and how to mend it; nil when nothing is, or when it is not there.
    public static func problem(_ path: String) -> (message: String, remedy: String)? {
        for file in [path, path + "-wal", path + "-shm"] {
            var status = stat()
            guard lstat(file, &status) == 0 else { continue }
            guard status.st_mode & S_IFMT == S_IFREG else {
                return ("\(file) is no file", "move it away; Weir makes a new one")
            }
            if status.st_mode & 0o077 != 0 {
                let mode = String(status.st_mode & 0o777, radix: 8)
                return (
                    "\(file) holds hashes of passwords, and others than its owner may use it (mode \(mode))",
                    "`chmod 600 \(file)`"
                )
            }
        }
        return nil
    }
}

import Glibc

/// The file that a task writes its outputs to.
enum AttemptOutput {
    /// SHA-256 of the file in hexadecimal; nil when there is none. Larger than the limit throws EFBIG.
    ///
    /// The task may have put anything there, so nothing but a regular file is opened, and no link is followed.
    static func digest(_ path: String) throws(SystemError) -> String? {
        let file: FileDescriptor
        do throws(SystemError) { file = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
        var status = stat()
        guard fstat(file.raw, &status) == 0 else { throw SystemError("fstat", path: path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError("open", path: path, code: EINVAL) }
        let bytes = try file.readAll(limit: AttemptDirectory.outputLimit, path: path)
        return bytes.withUnsafeBytes { SHA256.hex($0) }
    }
}

import Glibc
import Spawn

/// A file that many append lines to.
enum LineFile {
    /// Appends a text by one write at the end of the file, so that lines of several writers never mix, and makes it survive
    /// a power loss. Makes the file, and its folder, when they are not there.
    static func append(_ line: String, to path: String) throws(SystemError) {
        try File.makeDirectory(File.parent(of: path), recursive: true)
        // O_NONBLOCK: a pipe that nobody reads is refused at once.
        let file = try FileDescriptor.open(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, mode: 0o644)
        guard let status = File.status(path), status.kind == .file else {
            throw SystemError("open", path: path, code: EINVAL)
        }
        var bytes = Array(line.utf8)
        if bytes.last != 0x0A { bytes.append(0x0A) }
        // What a full disk has cut stays a line of its own.
        var last: UInt8 = 0x0A
        if status.size > 0, pread(file.raw, &last, 1, off_t(status.size - 1)) == 1, last != 0x0A {
            bytes.insert(0x0A, at: 0)
        }
        let written = write(file.raw, bytes, bytes.count)
        guard written == bytes.count else {
            throw SystemError("write", path: path, code: written < 0 ? errno : ENOSPC)
        }
        if fsync(file.raw) != 0 { throw SystemError("fsync", path: path) }
    }
}
